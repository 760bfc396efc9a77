//! What says the wrong thing: every refusal names its fault.

use super::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::sso::{
    Answer, AssertionFault as Fault, Begun, IdentityProvider, ProviderError,
};

/// What is changed, what is found, and how it is changed.
type Case = (&'static str, Fault, Box<dyn Fn(&mut Says)>);

/// Answers that are signed as they should be and wrong in one thing.
#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn an_answer_that_says_one_wrong_thing_is_refused_for_it() {
    let stage = Stage::set();
    let elsewhere = "https://bi.example/callosum/v1/saml/sso";
    let cases: Vec<Case> = vec![
        (
            "issuer",
            Fault::WrongIssuer,
            Box::new(|s| s.issuer = "https://evil.example".into()),
        ),
        (
            "issuer of the response",
            Fault::WrongIssuer,
            Box::new(|s| {
                s.response_issuer = "<saml:Issuer>https://evil.example</saml:Issuer>".into();
            }),
        ),
        (
            "two issuers of the response",
            Fault::Malformed,
            Box::new(|s| {
                s.response_issuer = s.response_issuer.repeat(2);
            }),
        ),
        (
            "audience",
            Fault::WrongAudience,
            Box::new(|s| {
                s.audiences = "<saml:Audience>urn:other</saml:Audience>".into();
            }),
        ),
        (
            "no audience",
            Fault::WrongAudience,
            Box::new(|s| s.audiences.clear()),
        ),
        (
            "audience that contains ours",
            Fault::WrongAudience,
            Box::new(|s| {
                s.audiences = format!("<saml:Audience>{SP}.evil.example</saml:Audience>");
            }),
        ),
        (
            "second restriction to somebody else",
            Fault::WrongAudience,
            Box::new(|s| {
                s.more_conditions = "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>".into();
            }),
        ),
        (
            "condition nobody understands",
            Fault::Malformed,
            Box::new(|s| {
                s.more_conditions = "<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"odd\"/>".into();
            }),
        ),
        (
            "recipient",
            Fault::WrongRecipient,
            Box::new(move |s| s.recipient = elsewhere.into()),
        ),
        (
            "no recipient",
            Fault::WrongRecipient,
            Box::new(|s| s.recipient.clear()),
        ),
        (
            "destination",
            Fault::WrongRecipient,
            Box::new(move |s| {
                s.destination = format!(" Destination=\"{elsewhere}\"");
            }),
        ),
        (
            "in response to another request",
            Fault::UnknownRequest,
            Box::new(|s| {
                s.in_response_to = " InResponseTo=\"_other\"".into();
            }),
        ),
        (
            "in response to nothing",
            Fault::UnknownRequest,
            Box::new(|s| s.in_response_to.clear()),
        ),
        (
            "confirmed in response to another request",
            Fault::UnknownRequest,
            Box::new(|s| {
                s.confirmed_in_response_to = " InResponseTo=\"_other\"".into();
            }),
        ),
        (
            "confirmed in response to nothing",
            Fault::UnknownRequest,
            Box::new(|s| {
                s.confirmed_in_response_to.clear();
            }),
        ),
        (
            "not before",
            Fault::TooEarly,
            Box::new(|s| s.not_before = "2026-11-22T12:02:01Z".into()),
        ),
        (
            "not on or after",
            Fault::Expired,
            Box::new(|s| {
                s.not_on_or_after = "2026-11-22T11:58:00Z".into();
            }),
        ),
        (
            "confirmed until",
            Fault::Expired,
            Box::new(|s| {
                s.confirmed_until = " NotOnOrAfter=\"2026-11-22T11:58:00Z\"".into();
            }),
        ),
        (
            "confirmed for ever",
            Fault::Malformed,
            Box::new(|s| s.confirmed_until.clear()),
        ),
        (
            "a time without a zone",
            Fault::Malformed,
            Box::new(|s| {
                s.not_before = "2026-11-22T11:00:00".into();
            }),
        ),
        (
            "session at the provider",
            Fault::Expired,
            Box::new(|s| {
                s.session_until = " SessionNotOnOrAfter=\"2026-11-22T11:58:00Z\"".into();
            }),
        ),
        (
            "holder of key",
            Fault::Malformed,
            Box::new(|s| {
                s.method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key".into();
            }),
        ),
        (
            "empty name",
            Fault::NoSubject,
            Box::new(|s| s.name = " \n ".into()),
        ),
        (
            "element in the name",
            Fault::Malformed,
            Box::new(|s| s.name = "admin<x/>lena".into()),
        ),
        (
            "status",
            Fault::NotSuccessful,
            Box::new(|s| {
                s.status = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode>"#.into();
            }),
        ),
        (
            "unsigned",
            Fault::Unsigned,
            Box::new(|s| s.signature = None),
        ),
        (
            "only the response is signed",
            Fault::Unsigned,
            Box::new(|s| {
                s.signature = None;
                s.response_signature = Some(Signature::default());
            }),
        ),
    ];
    for (name, expected, change) in cases {
        let mut says = Says::default();
        change(&mut says);
        let xml = stage.answer(&says);
        assert_eq!(stage.fault(&xml).await, expected, "{name}");
    }
}

#[tokio::test]
async fn the_providers_own_words_for_a_failure_reach_the_log() {
    let stage = Stage::set();
    let says = Says {
        status: r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/><samlp:StatusMessage>gave up</samlp:StatusMessage>"#.into(),
        signature: None,
        ..Says::default()
    };
    match stage.finish(&stage.answer(&says)).await {
        Err(ProviderError::Refused { fault, detail }) => {
            assert_eq!(fault, Fault::NotSuccessful);
            assert!(
                detail.contains("Responder") && detail.contains("gave up"),
                "{detail}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_cut_in_two_by_what_signatures_do_not_cover_is_refused() {
    // Exclusive canonical XML leaves comments out: the signature holds, and a careless reader sees "admin".
    let stage = Stage::set();
    let says = Says {
        name: "admin.evil".into(),
        attributes: attribute("mail", &["admin@example.org.evil.example"]),
        ..Says::default()
    };
    let signed = stage.answer(&says);
    assert_eq!(stage.finish(&signed).await.unwrap().subject, "admin.evil");
    for (from, to) in [
        ("admin.evil", "admin<!---->.evil"),
        ("admin.evil", "admin<!-- x -->.evil"),
        ("admin.evil", "admin<?x y?>.evil"),
        ("admin.evil", "<![CDATA[admin]]>.evil"),
        ("@example.org.evil", "@example.org<!---->.evil"),
    ] {
        let bent = signed.replace(from, to);
        assert_eq!(stage.fault(&bent).await, Fault::Malformed, "{to}");
    }
}

#[tokio::test]
async fn an_answer_nobody_asked_for_is_refused_unless_the_settings_allow_it() {
    let asked = Says::default();
    let unasked = Says {
        in_response_to: String::new(),
        confirmed_in_response_to: String::new(),
        ..Says::default()
    };
    let now = Timestamp::from_millis(NOW);
    for (is_allowed, says, expected) in [
        (false, &unasked, Fault::Unsolicited),
        (false, &asked, Fault::UnknownRequest),
        (true, &asked, Fault::UnknownRequest),
    ] {
        let stage = Stage::with(|_, settings| settings.idp_initiated = is_allowed);
        let answer = Answer::Saml(STANDARD.encode(stage.answer(says)));
        let found = stage.provider.finish(&answer, None, CALLBACK, now).await;
        assert_eq!(fault(found), expected);
    }
    // And one that was asked for at another address of ours.
    let stage = Stage::set();
    let begun = Begun {
        callback: "https://other.example/callosum/v1/saml/SSO".into(),
        ..begun()
    };
    let answer = Answer::Saml(STANDARD.encode(stage.answer(&asked)));
    let found = stage
        .provider
        .finish(&answer, Some(&begun), CALLBACK, now)
        .await;
    assert_eq!(fault(found), Fault::WrongRecipient);
}

#[tokio::test]
async fn an_old_sign_in_does_not_answer_the_question_for_a_fresh_one() {
    // Somebody took ForceAuthn out of the address, and the provider remembered the person of noon.
    let stage = Stage::set();
    for (since, is_good) in [(0, true), (120, true), (121, false)] {
        let id = format!("_forced.since.{}", NOW / 1_000 + since);
        let named = format!(" InResponseTo=\"{id}\"");
        let says = Says {
            in_response_to: named.clone(),
            confirmed_in_response_to: named,
            ..Says::default()
        };
        let begun = Begun {
            request_id: id,
            ..begun()
        };
        let answer = Answer::Saml(STANDARD.encode(stage.answer(&says)));
        let now = Timestamp::from_millis(NOW);
        let found = stage
            .provider
            .finish(&answer, Some(&begun), CALLBACK, now)
            .await;
        if is_good {
            assert_eq!(found.unwrap().subject, "lena");
        } else {
            assert_eq!(fault(found), Fault::Expired);
        }
    }
}

#[tokio::test]
async fn what_is_not_an_answer_at_all_is_refused_without_harm() {
    let stage = Stage::set();
    let good = stage.answer(&Says::default());
    let now = Timestamp::from_millis(NOW);
    let begun = begun();
    let post = |encoded: String| {
        let (provider, begun) = (&stage.provider, &begun);
        async move {
            fault(
                provider
                    .finish(&Answer::Saml(encoded), Some(begun), CALLBACK, now)
                    .await,
            )
        }
    };
    assert_eq!(post(String::new()).await, Fault::Malformed);
    assert_eq!(post("*** not Base64 ***".into()).await, Fault::Malformed);
    assert_eq!(post("A".repeat(10 << 20)).await, Fault::TooLarge);
    let padded = format!("{good}{}", " ".repeat(10 << 20));
    assert_eq!(post(STANDARD.encode(&padded)).await, Fault::TooLarge);
    let padded = format!("{good}{}", " ".repeat(256 << 10));
    assert_eq!(post(STANDARD.encode(&padded)).await, Fault::TooLarge);
    for bytes in [
        b"\xff\xfe<\0a\0/\0>\0".to_vec(),
        b"\xff\xff\xff".to_vec(),
        b"\0\0\0\0".to_vec(),
        good.replace("lena", "le\0na").into_bytes(),
        good.replace("lena", "le&#0;na").into_bytes(),
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{good}").into_bytes(),
        format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{good}").into_bytes(),
        good.replace("samlp:Response", "samlp:Answer").into_bytes(),
        good.replace("SAML:2.0:protocol", "SAML:1.1:protocol")
            .into_bytes(),
        good.replacen("Version=\"2.0\"", "Version=\"1.1\"", 1)
            .into_bytes(),
        format!("{good}{good}").into_bytes(),
        b"{\"not\": \"XML\"}".to_vec(),
        "<a>".repeat(60_000).into_bytes(),
        format!("{}{}", "<a>".repeat(30_000), "</a>".repeat(30_000)).into_bytes(),
    ] {
        let text = String::from_utf8_lossy(&bytes)
            .chars()
            .take(60)
            .collect::<String>();
        assert_eq!(
            post(STANDARD.encode(&bytes)).await,
            Fault::Malformed,
            "{text}"
        );
    }
    for length in (0..good.len()).step_by(97) {
        assert_eq!(
            post(STANDARD.encode(&good[..length])).await,
            Fault::Malformed,
            "{length}"
        );
    }
}

#[tokio::test]
async fn entities_are_never_expanded() {
    let stage = Stage::set();
    let good = stage.answer(&Says::default());
    let laugh = |i| format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10));
    let laughs = (1..10).map(laugh).collect::<Vec<_>>().concat();
    for doctype in [
        format!("<!DOCTYPE r [<!ENTITY l0 \"lol\">{laughs}]>"),
        "<!DOCTYPE r [<!ENTITY l9 SYSTEM \"file:///etc/passwd\">]>".into(),
        "<!DOCTYPE r SYSTEM \"http://127.0.0.1:9/evil.dtd\">".into(),
        "<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/\"> %p;]>".into(),
    ] {
        for head in ["", "<?xml version=\"1.0\"?>"] {
            let bent = format!("{head}{doctype}{}", good.replace(">lena<", ">&l9;<"));
            assert_eq!(stage.fault(&bent).await, Fault::Malformed, "{doctype}");
        }
    }
    // An entity nobody declared.
    let bent = good.replace(">lena<", ">&l9;<");
    assert_eq!(stage.fault(&bent).await, Fault::Malformed);
}
