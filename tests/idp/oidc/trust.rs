//! What else of a hostile or broken provider is not believed: its documents, its answers, its certificate.

use super::evil::Evil;
use super::forged::Stage;
use super::sign::Key;
use super::{Side, answer, away, refusal, settings, wish};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::{Clock, SystemClock};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{AssertionFault, IdentityProvider};
use vestibule::idp::oidc::OidcProvider;
use vestibule::settings::SsoProvider;

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    let evil = Evil::start();
    for issuer in [
        json!("https://honest.example"),
        json!(format!("{}//", evil.base)),
        Value::Null,
    ] {
        evil.describe(|document| document["issuer"] = issuer);
        let side = Side::new(&settings(&evil.base), 0);
        let (fault, words) = refusal(side.oidc.begin(&wish(false)).await);
        assert_eq!(fault, AssertionFault::WrongIssuer);
        assert!(words.contains(&evil.base), "{words}");
    }
    // A host alone may be written with or without a slash: the provider's spelling is the one that counts.
    evil.describe(|document| document["issuer"] = json!(format!("{}/", evil.base)));
    let side = Side::new(&settings(&evil.base), 0);
    assert_eq!(side.oidc.issuer(), evil.base);
    side.begin().await;
    assert_eq!(side.oidc.issuer(), format!("{}/", evil.base));
}

#[tokio::test]
async fn endpoints_that_are_not_as_safe_as_the_issuer_are_refused() {
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "end_session_endpoint",
    ] {
        for url in ["http://elsewhere.example/x", "ftp://127.0.0.1/x"] {
            let evil = Evil::start();
            evil.describe(|document| document[name] = json!(url));
            let side = Side::new(&settings(&evil.base), 0);
            let words = away(side.oidc.begin(&wish(false)).await);
            assert!(words.contains("not https"), "{words}");
        }
    }
}

#[tokio::test]
async fn case_58_nonsense_redirects_floods_and_silence_are_an_outage() {
    let path = "/.well-known/openid-configuration";
    let evil = Evil::start();
    let target = format!("{}/real", evil.base);
    let flood = vec![b' '; 1024 * 1024 + 1];
    let cases: [(u16, Vec<u8>, &str); 6] = [
        (200, b"<html>".to_vec(), "expected JSON"),
        (200, flood, "more than"),
        (302, target.into_bytes(), "redirects are not followed"),
        (404, Vec::new(), "404"),
        (503, Vec::new(), "503"),
        (429, Vec::new(), "429"),
    ];
    for (status, body, words) in cases {
        evil.answer_bytes(path, status, body);
        let side = Side::new(&settings(&evil.base), 0);
        let said = away(side.oidc.begin(&wish(false)).await);
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(evil.times("/real"), 0);
    // A listener that takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(&format!("http://{}", silent.local_addr().unwrap()));
    settings.timeout = Duration::from_millis(300);
    let side = Side::new(&settings, 0);
    let wish = wish(false);
    let (one, other) = tokio::join!(side.oidc.begin(&wish), side.oidc.begin(&wish));
    assert!(away(one).contains("no answer in time"));
    assert!(away(other).contains("no answer in time"));
    silent.set_nonblocking(true).unwrap();
    let connections = std::iter::from_fn(|| silent.accept().ok()).count();
    assert_eq!(connections, 1, "one asks, the others hear what it heard");
}

#[tokio::test]
async fn a_refusal_of_the_token_endpoint_is_told_without_anything_of_ours() {
    let stage = Stage::new();
    let cases = [
        (
            400,
            json!({"error": "invalid_grant", "error_description": "no p1anted-code here\u{1b}[2J"}),
        ),
        (
            401,
            json!({"error": "invalid_client", "error_description": super::CLIENT_SECRET}),
        ),
        (400, json!("p1anted")),
        (200, json!({"access_token": "p1anted-access-token"})),
    ];
    for (status, body) in cases {
        let begun = stage.side.begin().await.begun;
        stage.evil.answer("/token", status, &body);
        let result = stage
            .side
            .finish(&answer("p1anted-code", None), &begun)
            .await;
        let (fault, words) = refusal(result);
        assert!(!words.contains('\u{1b}'), "{words}");
        let expected = match status {
            200 => AssertionFault::Malformed,
            _ => AssertionFault::CodeRefused,
        };
        assert_eq!(fault, expected);
    }
    for status in [500, 503, 302] {
        let begun = stage.side.begin().await.begun;
        stage
            .evil
            .answer_bytes("/token", status, b"https://evil.example/".to_vec());
        away(
            stage
                .side
                .finish(&answer("p1anted-code", None), &begun)
                .await,
        );
    }
}

#[tokio::test]
async fn what_is_no_word_of_the_token_endpoints_is_an_outage() {
    let stage = Stage::new();
    let answered = async |status: u16, body: &str| {
        let begun = stage.side.begin().await.begun;
        let body = body.as_bytes().to_vec();
        stage.evil.answer_bytes("/token", status, body);
        let answer = answer("p1anted-code", None);
        stage.side.finish(&answer, &begun).await
    };
    for (status, body) in [
        (200, "<html>p1anted maintenance</html>"),
        (200, ""),
        (400, "<html>"),
        (404, "<html>"),
        (404, r#"{"message": "no route"}"#),
        (408, "<html>"),
    ] {
        let words = away(answered(status, body).await);
        assert!(words.contains(&status.to_string()), "{words}");
    }
    for status in [400, 404, 408] {
        let said = answered(status, r#"{"error": "invalid_grant"}"#).await;
        assert_eq!(refusal(said).0, AssertionFault::CodeRefused);
    }
}

#[tokio::test]
async fn a_new_key_is_no_forgery_while_the_provider_cannot_say_what_keys_it_has() {
    let stage = Stage::new();
    stage
        .sign_in(|claims| stage.key.token(&claims))
        .await
        .unwrap();
    let new = Key::new("new");
    stage.evil.answer("/jwks", 503, &json!({}));
    let asked = stage.evil.times("/jwks");
    for _ in 0..3 {
        away(stage.sign_in(|claims| new.token(&claims)).await);
    }
    assert_eq!(stage.evil.times("/jwks"), asked + 1, "once in a while");
    // Keys that are known go on to count.
    stage
        .sign_in(|claims| stage.key.token(&claims))
        .await
        .unwrap();
    stage.evil.keys(&[new.public()]);
    stage.side.clock.advance(Duration::from_secs(11));
    stage.sign_in(|claims| new.token(&claims)).await.unwrap();
    // It can say it now: whatever else comes is a forgery.
    let stranger = Key::new("stranger");
    let said = stage.sign_in(|claims| stranger.token(&claims)).await;
    assert_eq!(refusal(said).0, AssertionFault::BadSignature);
}

#[tokio::test]
async fn userinfo_is_believed_about_the_same_person_alone() {
    let stage = Stage::new();
    stage.evil.describe(|document| {
        document["userinfo_endpoint"] =
            json!(format!("{}/userinfo", document["issuer"].as_str().unwrap()));
    });
    // Nothing is missing: it is not asked.
    stage
        .sign_in(|claims| stage.key.token(&claims))
        .await
        .unwrap();
    assert_eq!(stage.evil.times("/userinfo"), 0);
    let without_groups = |mut claims: Value| {
        claims.as_object_mut().unwrap().remove("groups");
        stage.key.token(&claims)
    };
    let said = json!({"sub": "lena", "groups": ["b"], "email": "other@example.com"});
    stage.evil.answer("/userinfo", 200, &said);
    let found = stage.sign_in(without_groups).await.unwrap();
    assert_eq!(found.attributes["groups"], ["b"]);
    assert_eq!(found.attributes["email"], ["lena@example.com"]);
    for other in [
        json!({"sub": "max", "groups": ["b"]}),
        json!({"groups": ["b"]}),
    ] {
        stage.evil.answer("/userinfo", 200, &other);
        let (fault, words) = refusal(stage.sign_in(without_groups).await);
        assert_eq!(fault, AssertionFault::Malformed);
        assert!(words.contains("somebody else"), "{words}");
    }
    // Groups that could not be read are not "no groups".
    stage.evil.answer("/userinfo", 401, &json!({}));
    assert!(away(stage.sign_in(without_groups).await).contains("userinfo"));
    let elsewhere = json!({"sub": "lena", "_claim_names": {"groups": "src1"}});
    stage.evil.answer("/userinfo", 200, &elsewhere);
    let (_, words) = refusal(stage.sign_in(without_groups).await);
    assert!(words.contains("distributed"), "{words}");
}

#[tokio::test]
async fn a_provider_that_no_sign_in_gets_past_is_not_called_ready() {
    let defects: [(&str, Value, &str); 4] = [
        ("token_endpoint", Value::Null, "no token_endpoint"),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic"]),
            "client_secret_basic, not client_secret_post",
        ),
        (
            "id_token_signing_alg_values_supported",
            json!(["HS256"]),
            "by no method",
        ),
        ("jwks_uri", json!("none"), "no usable signing key"),
    ];
    for (name, value, words) in defects {
        let stage = Stage::new();
        let probe = async || stage.side.oidc.probe(stage.side.clock.now()).await;
        // The clock of these tests is another than the provider's.
        let before = probe().await.unwrap().lines().join("\n");
        assert!(before.contains("defect: clock differs by"), "{before}");
        assert!(before.contains("clock_skew allows 60 s"), "{before}");
        assert!(!before.contains(words), "{before}");
        stage.side.begin().await;
        match name {
            "jwks_uri" => stage.evil.keys(&[]),
            _ => stage.evil.describe(|document| {
                document[name] = value;
                if document[name].is_null() {
                    document.as_object_mut().unwrap().remove(name);
                }
            }),
        }
        let found = probe().await.unwrap();
        assert!(!found.is_fit());
        let lines = found.lines().join("\n");
        assert!(
            lines.contains("defect: ") && lines.contains(words),
            "{lines}"
        );
        // Who signs in meanwhile is none the worse for the question.
        let said = stage.sign_in(|claims| stage.key.token(&claims)).await;
        said.unwrap();
    }
}

#[tokio::test]
async fn whether_an_address_is_verified_is_asked_where_it_is_to_be_the_name() {
    let mut stage = Stage::new();
    stage.evil.describe(|document| {
        document["userinfo_endpoint"] =
            json!(format!("{}/userinfo", document["issuer"].as_str().unwrap()));
    });
    let mut by_mail = settings(&stage.evil.base);
    by_mail.username_attribute = Some("email".to_owned());
    stage.side = Side::at(&by_mail, stage.side.clock.now());
    for (address, said) in [
        ("lena@example.com", Some("true")),
        ("other@example.com", None),
    ] {
        let body = json!({"sub": "lena", "email": address, "email_verified": true});
        stage.evil.answer("/userinfo", 200, &body);
        let found = stage.sign_in(|claims| stage.key.token(&claims)).await;
        let attributes = found.unwrap().attributes;
        assert_eq!(attributes["email"], ["lena@example.com"]);
        let verified = attributes.get("email_verified").and_then(|all| all.first());
        assert_eq!(verified.map(String::as_str), said);
    }
    // Where that need not be said, nobody is asked.
    by_mail.trust_email = true;
    stage.side = Side::at(&by_mail, stage.side.clock.now());
    let asked = stage.evil.times("/userinfo");
    stage
        .sign_in(|claims| stage.key.token(&claims))
        .await
        .unwrap();
    assert_eq!(stage.evil.times("/userinfo"), asked);
}

#[tokio::test]
async fn a_certificate_counts_by_the_authority_in_the_settings() {
    let evil = Evil::over_tls();
    let side = Side::new(&settings(&evil.base), 0);
    let words = away(side.oidc.begin(&wish(false)).await);
    assert!(words.contains("UnknownIssuer"), "{words}");
    let folder = tempfile::tempdir().unwrap();
    let mut trusting = settings(&evil.base);
    trusting.ca_file = Some(folder.path().join("ca.pem"));
    std::fs::write(folder.path().join("ca.pem"), &evil.authority).unwrap();
    Side::new(&trusting, 0).begin().await;
}

fn complaint(change: impl FnOnce(&mut SsoProvider)) -> String {
    let mut settings = settings("https://idp.example/realm");
    change(&mut settings);
    let random = Arc::new(SystemRandom::open().unwrap());
    let clock = Arc::new(SystemClock::start());
    let error = OidcProvider::open(&settings, clock, random).unwrap_err();
    let words = format!("{error:#} {error:?}");
    assert!(!words.contains("p1anted"), "{words}");
    words
}

#[tokio::test]
async fn settings_that_cannot_work_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.pem");
    std::fs::write(&file, "p1anted").unwrap();
    let url = |url: &str| Some(url.parse().unwrap());
    let told = [
        (complaint(|s| s.issuer = None), "issuer is missing"),
        (
            complaint(|s| s.issuer = url("http://idp.example")),
            "https:// is required",
        ),
        (
            complaint(|s| s.issuer = url("https://idp.example/?a=1")),
            "without query",
        ),
        (
            complaint(|s| s.issuer = url("https://u:x@idp.example/")),
            "without user",
        ),
        (complaint(|s| s.client_id.clear()), "client_id is missing"),
        (
            complaint(|s| s.client_key_file = Some(file.clone())),
            "not both",
        ),
        (
            complaint(|s| {
                s.client_secret = None;
                s.client_key_file = Some(file.clone());
            }),
            "expected a private key in PEM",
        ),
        (
            complaint(|s| s.ca_file = Some(file.clone())),
            "expected a certificate",
        ),
        (
            complaint(|s| s.ca_file = Some(folder.path().join("none"))),
            "none",
        ),
    ];
    for (words, expected) in told {
        assert!(words.contains(expected), "{words}");
    }
}
