//! Signing out: here and at the provider, and by the provider's own word.

use super::browser::{Browser, query};
use super::forged::Stage;
use super::provider::{AFTER_LOGOUT, CALLBACK, Provider, Wanted};
use super::sign::{Key, signed_part};
use super::{Side, away, refusal, settings};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;
use url::Url;
use vestibule::domain::clock::{Clock, Timestamp};
use vestibule::domain::sso::{
    AssertionFault, IdentityProvider, LoggedOutThere, LogoutNotice, LogoutWord, NameForm,
    ProviderError, ProviderLink,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn link(subject: &str) -> ProviderLink {
    ProviderLink {
        provider: "company".to_owned(),
        subject: subject.to_owned(),
        form: NameForm::default(),
        session_index: None,
        is_proven: false,
    }
}

/// Takes one request, says 200, and gives back the field `logout_token` of its form.
fn hear(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut bytes = Vec::new();
    let token = loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_lowercase();
        let length = length.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if body.len() >= length {
            break body.strip_prefix("logout_token=").unwrap().to_owned();
        }
    };
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).unwrap();
    token
}

async fn read(side: &Side, token: &str) -> Result<LoggedOutThere, ProviderError> {
    let notice = LogoutNotice::OidcToken(token.to_owned());
    let now = side.clock.now();
    match side.oidc.read_logout(&notice, "http://here", now).await? {
        LogoutWord::Request(who) => Ok(who),
        LogoutWord::Answer { .. } => panic!("an answer"),
    }
}

#[tokio::test]
async fn a_sign_out_at_a_real_provider_ends_there_comes_back_and_is_told_to_us() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let provider = Provider::start(Wanted {
        backchannel: format!("http://{}/told", listener.local_addr().unwrap()),
        ..Wanted::default()
    });
    let side = Side::new(&settings(&provider.issuer()), 0);
    let browser = Browser::new();
    let begun = side.begin().await;
    let answer = browser.sign_in(&begun.url, "lena").await;
    let found = side.finish(&answer, &begun.begun).await.unwrap();

    let heard = std::thread::spawn(move || hear(&listener));
    let url = side
        .oidc
        .begin_logout(&link("lena"), "a-handle", AFTER_LOGOUT)
        .await
        .unwrap()
        .unwrap();
    let asked: Url = url.parse().unwrap();
    assert_eq!(query(&asked, "logout_hint").as_deref(), Some("lena"));
    assert_eq!(query(&asked, "client_id").as_deref(), Some("by-secret"));
    assert_eq!(query(&asked, "id_token_hint"), None);
    let (back, _) = browser.visit(&url, "lena").await;
    assert!(back.as_str().starts_with(AFTER_LOGOUT), "{back}");
    assert_eq!(query(&back, "state").as_deref(), Some("a-handle"));
    let token = heard.join().unwrap();
    let who = read(&side, &token).await.unwrap();
    assert_eq!(who.session_index, found.session_index);
    assert_eq!(who.subject.as_deref(), Some("lena"));
    assert!(!who.id.is_empty() && who.good_until > side.clock.now());
    assert_eq!(who.reply_url, None);
    // Signed out there, one is asked again.
    let begun = side.begin().await;
    assert!(browser.visit(&begun.url, "lena").await.1);
    // It is no ID token, and is good for a while only.
    side.clock.advance(Duration::from_hours(1));
    assert_eq!(
        refusal(read(&side, &token).await).0,
        AssertionFault::Expired
    );
}

#[tokio::test]
async fn a_provider_without_a_place_to_sign_out_is_left_alone() {
    let stage = Stage::new();
    let lena = link("lena");
    let place = stage.side.oidc.begin_logout(&lena, "h", AFTER_LOGOUT);
    assert_eq!(place.await.unwrap(), None);
    assert_eq!(stage.side.oidc.metadata(CALLBACK, AFTER_LOGOUT), None);
}

fn honest(stage: &Stage, now: Timestamp) -> Value {
    let now = now.seconds();
    json!({
        "iss": stage.evil.base, "aud": "by-secret", "iat": now, "exp": now + 120, "jti": "j1",
        "sub": "lena", "sid": "s1", "events": {EVENT: {}},
    })
}

#[tokio::test]
async fn logout_tokens_are_believed_with_all_that_belongs_to_one() {
    let stage = Stage::new();
    let now = stage.side.clock.now();
    let claims = honest(&stage, now);
    let who = read(&stage.side, &stage.key.token(&claims)).await.unwrap();
    assert_eq!(who.id, "j1");
    assert_eq!(who.good_until, now.plus(Duration::from_mins(3)));
    for kind in ["logout+jwt", "application/LOGOUT+JWT", "JWT"] {
        let header = json!({"alg": "RS256", "kid": "good", "typ": kind});
        let token = stage.key.token_under(&header, &claims);
        read(&stage.side, &token).await.unwrap();
    }
    let drop_one = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        stage.key.token(&claims)
    };
    for name in ["sub", "sid", "exp"] {
        read(&stage.side, &drop_one(name)).await.unwrap();
    }
    for (name, fault) in [
        ("iss", AssertionFault::WrongIssuer),
        ("aud", AssertionFault::WrongAudience),
        ("iat", AssertionFault::Malformed),
        ("jti", AssertionFault::Malformed),
        ("events", AssertionFault::Malformed),
    ] {
        let result = read(&stage.side, &drop_one(name)).await;
        assert_eq!(refusal(result).0, fault, "{name}");
    }
}

#[tokio::test]
async fn forged_logout_tokens_are_refused() {
    type Change = fn(&mut Value);
    let cases: [(Change, AssertionFault); 14] = [
        (
            |c| c["iss"] = json!("https://evil.example"),
            AssertionFault::WrongIssuer,
        ),
        (
            |c| c["aud"] = json!("another"),
            AssertionFault::WrongAudience,
        ),
        (
            |c| c["aud"] = json!(["another"]),
            AssertionFault::WrongAudience,
        ),
        (|c| c["nonce"] = json!("n"), AssertionFault::Malformed),
        (|c| c["nonce"] = Value::Null, AssertionFault::Malformed),
        (|c| c["events"] = json!({}), AssertionFault::Malformed),
        (
            |c| c["events"] = json!({"http://other.example/event": {}}),
            AssertionFault::Malformed,
        ),
        (
            |c| c["events"] = json!({EVENT: "yes"}),
            AssertionFault::Malformed,
        ),
        (|c| c["events"] = json!([EVENT]), AssertionFault::Malformed),
        (
            |c| c["jti"] = json!("j".repeat(256)),
            AssertionFault::Malformed,
        ),
        (|c| c["exp"] = json!("later"), AssertionFault::Malformed),
        (
            |c| c["exp"] = json!(c["iat"].as_u64().unwrap() - 61),
            AssertionFault::Expired,
        ),
        (
            |c| c["iat"] = json!(c["iat"].as_u64().unwrap() + 61),
            AssertionFault::TooEarly,
        ),
        (
            |c| {
                let claims = c.as_object_mut().unwrap();
                claims.remove("sub");
                claims["sid"] = json!("");
            },
            AssertionFault::NoSubject,
        ),
    ];
    let stage = Stage::new();
    let now = stage.side.clock.now();
    for (number, (change, fault)) in cases.into_iter().enumerate() {
        let mut claims = honest(&stage, now);
        change(&mut claims);
        let result = read(&stage.side, &stage.key.token(&claims)).await;
        assert_eq!(refusal(result).0, fault, "case {number}");
    }
    let claims = honest(&stage, now);
    let foreign = Key::new("good");
    let result = read(&stage.side, &foreign.token(&claims)).await;
    assert_eq!(refusal(result).0, AssertionFault::BadSignature);
    let unsigned = format!("{}.", signed_part(&json!({"alg": "none"}), &claims));
    let result = read(&stage.side, &unsigned).await;
    assert_eq!(refusal(result).0, AssertionFault::Unsigned);
    let hmac = super::sign::by_hmac(&stage.key.public_der(), &claims);
    let result = read(&stage.side, &hmac).await;
    assert_eq!(refusal(result).0, AssertionFault::WeakAlgorithm);
    let header = json!({"alg": "RS256", "kid": "good", "typ": "at+jwt"});
    let result = read(&stage.side, &stage.key.token_under(&header, &claims)).await;
    assert_eq!(refusal(result).0, AssertionFault::Malformed);
    // An ID token of the same provider, which every browser has seen.
    let id_token = stage.key.token(&stage.claims("n"));
    let result = read(&stage.side, &id_token).await;
    assert_eq!(refusal(result).0, AssertionFault::Malformed);
    // Of another provider, whom it names: our own is not bothered with it.
    let asked = stage.evil.times("/jwks");
    stage.side.clock.advance(Duration::from_hours(2));
    let mut others = honest(&stage, stage.side.clock.now());
    others["iss"] = json!("https://another.example");
    let result = read(&stage.side, &foreign.token(&others)).await;
    assert_eq!(refusal(result).0, AssertionFault::WrongIssuer);
    assert_eq!(stage.evil.times("/jwks"), asked);
    // What anybody may post must not fill the log.
    let mut long = honest(&stage, stage.side.clock.now());
    long["iss"] = json!("x".repeat(100_000));
    let (_, words) = refusal(read(&stage.side, &foreign.token(&long)).await);
    assert!(words.len() < 500, "{}", words.len());
    let header = json!({"alg": "RS256", "kid": "k".repeat(100_000)});
    let claims = honest(&stage, stage.side.clock.now());
    let (_, words) = refusal(read(&stage.side, &foreign.token_under(&header, &claims)).await);
    assert!(words.len() < 500, "{}", words.len());
    let saml = LogoutNotice::SamlRedirect(String::new());
    let result = stage.side.oidc.read_logout(&saml, "http://here", now).await;
    assert_eq!(refusal(result).0, AssertionFault::Malformed);
}

#[tokio::test]
async fn nobody_is_signed_out_on_the_word_of_a_provider_whose_keys_are_out_of_reach() {
    let stage = Stage::new();
    stage.evil.answer("/jwks", 503, &json!({}));
    let claims = honest(&stage, stage.side.clock.now());
    away(read(&stage.side, &stage.key.token(&claims)).await);
}
