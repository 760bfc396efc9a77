//! What has to be believed.

use super::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
use vestibule::domain::clock::{Clock, Timestamp};
use vestibule::domain::sso::{Answer, IdentityProvider, Wish};

#[tokio::test]
async fn a_signed_assertion_is_believed_and_read_in_full() {
    let stage = Stage::set();
    let found = stage.finish(&stage.answer(&Says::default())).await.unwrap();
    assert_eq!(found.id, "_assertion");
    assert_eq!(found.subject, "lena");
    assert_eq!(found.session_index.as_deref(), Some("_session"));
    assert_eq!(found.attributes["mail"], ["lena@example.org"]);
    assert_eq!(found.attributes["groups"], ["analysts", "staff"]);
    // Five minutes, and the two that clocks may differ by.
    assert_eq!(found.good_until.millis(), NOW + 7 * 60_000);
}

#[tokio::test]
async fn both_signatures_hold_where_the_provider_makes_both() {
    let stage = Stage::set();
    let says = Says {
        response_signature: Some(Signature::default()),
        ..Says::default()
    };
    let xml = stage.answer(&says);
    assert_eq!(xml.matches("<ds:Signature ").count(), 2);
    assert_eq!(stage.finish(&xml).await.unwrap().subject, "lena");
}

#[tokio::test]
async fn every_allowed_method_is_believed() {
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let stage = Stage::set();
    for (method, digest) in [
        ("rsa-sha384", format!("{more}sha384")),
        (
            "rsa-sha512",
            "http://www.w3.org/2001/04/xmlenc#sha512".into(),
        ),
    ] {
        let says = Says {
            signature: Some(Signature {
                method: format!("{more}{method}"),
                digest,
                ..Signature::default()
            }),
            ..Says::default()
        };
        assert_eq!(
            stage.finish(&stage.answer(&says)).await.unwrap().subject,
            "lena",
            "{method}"
        );
    }
    for (curve, method) in [
        ("P-256", "ecdsa-sha256"),
        ("P-384", "ecdsa-sha384"),
        ("P-521", "ecdsa-sha512"),
    ] {
        let curve = format!("ec_paramgen_curve:{curve}");
        let stage = Stage::keyed(&["-newkey", "ec", "-pkeyopt", &curve], |_, _| {});
        let says = Says {
            signature: Some(Signature {
                method: format!("{more}{method}"),
                ..Signature::default()
            }),
            ..Says::default()
        };
        assert_eq!(
            stage.finish(&stage.answer(&says)).await.unwrap().subject,
            "lena",
            "{method}"
        );
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_skew_and_no_more() {
    let stage = Stage::set();
    let xml = stage.answer(&Says::default());
    // Good from 11:59 until 12:05, with two minutes either way.
    for (minutes, is_good) in [(-3, true), (-4, false), (6, true), (7, false)] {
        let now = NOW.checked_add_signed(minutes * 60_000).unwrap();
        let found = stage.finish_at(&xml, Timestamp::from_millis(now)).await;
        assert_eq!(found.is_ok(), is_good, "{minutes} minutes: {found:?}");
    }
}

#[tokio::test]
async fn white_space_escapes_and_line_breaks_are_no_matter() {
    use base64::Engine;
    let stage = Stage::set();
    let says = Says {
        name: "\n  l&#233;na &amp; &lt;co&gt; ".into(),
        ..Says::default()
    };
    let encoded = base64::engine::general_purpose::STANDARD.encode(stage.answer(&says));
    let broken: Vec<&str> = encoded
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let answer = Answer::Saml(broken.join("\r\n"));
    let found = stage
        .provider
        .finish(
            &answer,
            Some(&begun()),
            CALLBACK,
            Timestamp::from_millis(NOW),
        )
        .await
        .unwrap();
    assert_eq!(found.subject, "léna & <co>");
}

#[tokio::test]
async fn the_same_assertion_twice_has_the_same_id_for_the_caller_to_refuse() {
    let stage = Stage::set();
    let xml = stage.answer(&Says::default());
    let first = stage.finish(&xml).await.unwrap();
    let second = stage.finish(&xml).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(first.good_until, second.good_until);
}

#[tokio::test]
async fn the_provider_may_speak_first_where_the_settings_say_so() {
    use base64::Engine;
    let says = Says {
        in_response_to: String::new(),
        confirmed_in_response_to: String::new(),
        ..Says::default()
    };
    let stage = Stage::with(|_, settings| settings.idp_initiated = true);
    let answer =
        Answer::Saml(base64::engine::general_purpose::STANDARD.encode(stage.answer(&says)));
    let now = Timestamp::from_millis(NOW);
    let found = stage
        .provider
        .finish(&answer, None, CALLBACK, now)
        .await
        .unwrap();
    assert_eq!(found.subject, "lena");
}

#[tokio::test]
async fn a_sign_in_begins_at_the_providers_address_with_a_request_of_its_own() {
    let stage = Stage::with(|folder, settings| {
        with_own_key(folder, settings);
        settings.sign_requests = true;
    });
    let wish = Wish {
        handle: "hand-le_1".into(),
        callback: CALLBACK.into(),
        is_forced: true,
    };
    let first = stage.provider.begin(&wish).await.unwrap();
    let second = stage.provider.begin(&wish).await.unwrap();
    assert_ne!(first.begun.request_id, second.begun.request_id);
    assert!(first.begun.request_id.starts_with('_'));
    let since = format!(".since.{}", NOW / 1_000);
    assert!(first.begun.request_id.ends_with(&since));
    assert_eq!(first.begun.callback, CALLBACK);
    assert!(
        first
            .url
            .starts_with("https://idp.example/sso?tenant=7&SAMLRequest=")
    );
    assert!(first.url.contains("&RelayState=hand-le_1&SigAlg="));

    let xml = crate::saml::logout::unpack(&first.url, "SAMLRequest");
    assert!(xml.contains(&format!("ID=\"{}\"", first.begun.request_id)));
    assert!(xml.contains("ForceAuthn=\"true\""));
    assert!(xml.contains(&format!("AssertionConsumerServiceURL=\"{CALLBACK}\"")));
    assert!(xml.contains(&format!("<saml:Issuer>{SP}</saml:Issuer>")));
    assert!(xml.contains("IssueInstant=\"2026-11-22T12:00:00Z\""));
    // openssl agrees with the signature over the query as it is written.
    let own = stage.settings.cert_file.clone().unwrap();
    crate::saml::logout::check_query(stage.folder.path(), &first.url, &own);
}

#[tokio::test]
async fn a_change_of_keys_is_seen_without_a_restart() {
    let stage = Stage::set();
    let next = Pair::rsa(stage.folder.path(), "next");
    let says = Says::default();
    let old = stage.answer(&says);
    let new = says.around(&sign(stage.folder.path(), &says.assertion(), &next));
    assert!(stage.finish(&new).await.is_err());

    // Both while the provider changes over.
    write_metadata(
        stage.folder.path(),
        &[&stage.idp.base64(), &next.base64()],
        "",
    );
    let mut now = stage.clock.now().plus(Duration::from_secs(2));
    assert!(stage.finish_at(&old, now).await.is_ok());
    assert!(stage.finish_at(&new, now).await.is_ok());

    // The new one alone, afterwards.
    write_metadata(stage.folder.path(), &[&next.base64()], " ID=\"x\"");
    now = now.plus(Duration::from_secs(2));
    assert!(stage.finish_at(&new, now).await.is_ok());
    assert!(stage.finish_at(&old, now).await.is_err());

    // A file that is broken changes nothing, and one that is whole again counts.
    std::fs::write(stage.folder.path().join("idp.xml"), "<half").unwrap();
    now = now.plus(Duration::from_secs(2));
    assert!(stage.finish_at(&new, now).await.is_ok());
    write_metadata(stage.folder.path(), &[&stage.idp.base64()], "");
    now = now.plus(Duration::from_secs(2));
    assert!(stage.finish_at(&old, now).await.is_ok());
    assert!(stage.finish_at(&new, now).await.is_err());
}

#[tokio::test]
async fn an_answer_that_was_kept_is_judged_as_at_the_moment_it_was_issued_for() {
    let stage = Stage::set();
    let xml = stage.answer(&Says::default());
    let late = Timestamp::from_millis(NOW).plus(Duration::from_hours(24 * 365));
    let posted = STANDARD.encode(&xml);
    for kept in [xml.as_str(), posted.as_str()] {
        let again = stage.provider.rehearse(kept, "", late).await.unwrap();
        assert_eq!(again, stage.finish(&xml).await.unwrap());
    }
    assert!(stage.finish_at(&xml, late).await.is_err());
    let forged = xml.replace("lena", "mallory");
    for bad in [forged.as_str(), "%%%", "<x/>", ""] {
        assert!(
            stage.provider.rehearse(bad, "", late).await.is_err(),
            "{bad}"
        );
    }
}
