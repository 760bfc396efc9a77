//! ID tokens that must not be believed, from a provider that hands out anything.

use super::evil::Evil;
use super::sign::{Key, by_hmac, encode, p256, signed_part};
use super::{Side, answer, refusal, settings};
use serde_json::{Value, json};
use vestibule::domain::clock::Timestamp;
use vestibule::domain::sso::{Assertion, AssertionFault, ProviderError};

/// When these tests begin.
const NOW: u64 = 1_772_366_400;

/// A hostile provider with one key, and our side.
pub struct Stage {
    pub evil: Evil,
    pub key: Key,
    pub side: Side,
}

impl Stage {
    pub fn new() -> Self {
        let (evil, key) = (Evil::start(), Key::new("good"));
        evil.keys(&[key.public()]);
        let side = Side::at(&settings(&evil.base), Timestamp::from_millis(NOW * 1000));
        Self { evil, key, side }
    }

    /// What an honest provider would say.
    pub fn claims(&self, nonce: &str) -> Value {
        json!({
            "iss": self.evil.base, "sub": "lena", "aud": "by-secret", "nonce": nonce,
            "iat": NOW, "exp": NOW + 600, "preferred_username": "lena", "name": "Lena",
            "email": "lena@example.com", "groups": ["a"],
        })
    }

    /// A sign-in in which the provider hands out what `forge` makes of honest claims.
    pub async fn sign_in(
        &self,
        forge: impl FnOnce(Value) -> String,
    ) -> Result<Assertion, ProviderError> {
        let away = self.side.begin().await;
        let token = forge(self.claims(&away.begun.request_id));
        self.evil.gives(&token);
        let answer = answer("p1anted-code", None);
        self.side.finish(&answer, &away.begun).await
    }

    /// The same with claims changed and then signed well.
    async fn says(&self, change: impl FnOnce(&mut Value)) -> Result<Assertion, ProviderError> {
        self.sign_in(|mut claims| {
            change(&mut claims);
            self.key.token(&claims)
        })
        .await
    }
}

#[tokio::test]
async fn an_honest_token_is_believed_and_brings_its_claims() {
    let stage = Stage::new();
    let found = stage.says(|_| ()).await.unwrap();
    assert_eq!(found.subject, "lena");
    assert_eq!(found.good_until.seconds(), NOW + 660);
    assert_eq!(found.attributes["groups"], ["a"]);
    assert!(!found.attributes.contains_key("nonce"));
    let posted = stage.evil.last_body("/token");
    assert!(posted.contains("code_verifier=") && posted.contains("client_secret=p1anted"));
    let (public, _) = p256(&json!({}));
    stage.evil.keys(&[stage.key.public(), public]);
    let found = stage
        .says(|claims| {
            claims["aud"] = json!(["another", "by-secret"]);
            claims["azp"] = json!("by-secret");
            claims["email_verified"] = json!("true");
            claims["sid"] = json!("s1");
        })
        .await
        .unwrap();
    assert_eq!(found.session_index.as_deref(), Some("s1"));
}

#[tokio::test]
async fn a_token_on_p256_is_believed_by_the_key_that_signed_it_alone() {
    let stage = Stage::new();
    let mut public = Value::Null;
    let result = stage
        .sign_in(|claims| {
            let (key, token) = p256(&claims);
            public = key;
            stage.evil.keys(std::slice::from_ref(&public));
            token
        })
        .await;
    result.unwrap();
    let result = stage.sign_in(|claims| p256(&claims).1).await;
    assert_eq!(refusal(result).0, AssertionFault::BadSignature);
}

#[tokio::test]
async fn tokens_without_a_signature_or_with_a_symmetric_one_are_refused() {
    let stage = Stage::new();
    for alg in ["none", "None", "NONE"] {
        for signature in ["", "AAAA"] {
            let header = json!({"alg": alg, "kid": "good"});
            let result = stage
                .sign_in(|claims| format!("{}.{signature}", signed_part(&header, &claims)))
                .await;
            assert_eq!(refusal(result).0, AssertionFault::Unsigned);
        }
    }
    let result = stage
        .sign_in(|claims| {
            let token = stage.key.token(&claims);
            let (signed, _) = token.rsplit_once('.').unwrap();
            format!("{signed}.")
        })
        .await;
    assert_eq!(refusal(result).0, AssertionFault::Unsigned);
    let secrets = [
        stage.key.public_der(),
        stage.key.public().to_string().into_bytes(),
        super::CLIENT_SECRET.as_bytes().to_vec(),
        Vec::new(),
    ];
    for secret in secrets {
        let result = stage.sign_in(|claims| by_hmac(&secret, &claims)).await;
        assert_eq!(refusal(result).0, AssertionFault::WeakAlgorithm);
    }
    // Even when the provider itself publishes the secret.
    let oct = json!({"kty": "oct", "kid": "good", "k": encode("p1anted")});
    stage.evil.keys(&[oct, stage.key.public()]);
    let result = stage.sign_in(|claims| by_hmac(b"p1anted", &claims)).await;
    assert_eq!(refusal(result).0, AssertionFault::WeakAlgorithm);
}

#[tokio::test]
async fn foreign_keys_and_changed_tokens_are_refused() {
    let stage = Stage::new();
    let foreign = Key::new("good");
    let result = stage.sign_in(|claims| foreign.token(&claims)).await;
    assert_eq!(refusal(result).0, AssertionFault::BadSignature);
    let unknown = Key::new("unknown");
    let result = stage.sign_in(|claims| unknown.token(&claims)).await;
    let (fault, words) = refusal(result);
    assert_eq!(fault, AssertionFault::BadSignature);
    assert!(words.contains("unknown"), "{words}");
    // A key that comes with the token is nobody's word.
    let result = stage
        .sign_in(|claims| {
            let header = json!({"alg": "RS256", "jwk": foreign.public(), "jku": "https://evil"});
            foreign.token_under(&header, &claims)
        })
        .await;
    assert_eq!(refusal(result).0, AssertionFault::BadSignature);
    let result = stage
        .sign_in(|claims| {
            let token = stage.key.token(&claims);
            let (_, signature) = token.rsplit_once('.').unwrap();
            let mut claims = claims;
            claims["sub"] = json!("tsadmin");
            let header = json!({"alg": "RS256", "kid": "good"});
            format!("{}.{signature}", signed_part(&header, &claims))
        })
        .await;
    assert_eq!(refusal(result).0, AssertionFault::BadSignature);
    // Signed well, under a method it was not signed by.
    for (alg, fault) in [
        ("PS256", AssertionFault::BadSignature),
        ("ES256", AssertionFault::BadSignature),
        ("RS1", AssertionFault::WeakAlgorithm),
        ("HS256", AssertionFault::WeakAlgorithm),
        ("ES256K", AssertionFault::WeakAlgorithm),
    ] {
        let header = json!({"alg": alg, "kid": "good"});
        let result = stage
            .sign_in(|claims| stage.key.token_under(&header, &claims))
            .await;
        assert_eq!(refusal(result).0, fault, "{alg}");
    }
}

#[tokio::test]
async fn unknown_keys_are_asked_for_once_in_a_while_only() {
    let stage = Stage::new();
    let unknown = Key::new("unknown");
    for _ in 0..5 {
        let result = stage.sign_in(|claims| unknown.token(&claims)).await;
        assert_eq!(refusal(result).0, AssertionFault::BadSignature);
    }
    assert_eq!(stage.evil.times("/jwks"), 2);
    assert_eq!(stage.evil.times("/.well-known/openid-configuration"), 1);
    stage.side.clock.advance(std::time::Duration::from_hours(1));
    stage.side.begin().await;
    assert_eq!(stage.evil.times("/.well-known/openid-configuration"), 2);
}

#[tokio::test]
async fn tokens_of_others_for_others_and_of_other_times_are_refused() {
    type Change = fn(&mut Value);
    let cases: [(Change, AssertionFault); 19] = [
        (
            |c| c["iss"] = json!("https://evil.example"),
            AssertionFault::WrongIssuer,
        ),
        (
            |c| c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap())),
            AssertionFault::WrongIssuer,
        ),
        (
            |c| c["aud"] = json!("another"),
            AssertionFault::WrongAudience,
        ),
        (|c| c["aud"] = json!([]), AssertionFault::WrongAudience),
        (
            |c| c["aud"] = json!(["another", "by-secret"]),
            AssertionFault::WrongAudience,
        ),
        (
            |c| c["azp"] = json!("another"),
            AssertionFault::WrongAudience,
        ),
        (|c| c["azp"] = json!(7), AssertionFault::Malformed),
        (
            |c| c["nonce"] = json!("another"),
            AssertionFault::UnknownRequest,
        ),
        (
            |c| drop(c.as_object_mut().unwrap().remove("nonce")),
            AssertionFault::UnknownRequest,
        ),
        (|c| c["exp"] = json!(NOW - 60), AssertionFault::Expired),
        (|c| c["iat"] = json!(NOW + 61), AssertionFault::TooEarly),
        (|c| c["nbf"] = json!(NOW + 61), AssertionFault::TooEarly),
        (|c| c["sub"] = json!(""), AssertionFault::NoSubject),
        (
            |c| drop(c.as_object_mut().unwrap().remove("sub")),
            AssertionFault::Malformed,
        ),
        (
            |c| drop(c.as_object_mut().unwrap().remove("exp")),
            AssertionFault::Malformed,
        ),
        (
            |c| drop(c.as_object_mut().unwrap().remove("iat")),
            AssertionFault::Malformed,
        ),
        (
            |c| drop(c.as_object_mut().unwrap().remove("iss")),
            AssertionFault::Malformed,
        ),
        (|c| c["exp"] = json!("tomorrow"), AssertionFault::Malformed),
        (
            |c| c["sub"] = json!("x".repeat(300_000)),
            AssertionFault::TooLarge,
        ),
    ];
    let stage = Stage::new();
    for (number, (change, fault)) in cases.into_iter().enumerate() {
        let result = stage.says(change).await;
        assert_eq!(refusal(result).0, fault, "case {number}");
    }
    // At the edge of what clocks may differ.
    for (name, at) in [("exp", NOW - 59), ("iat", NOW + 60), ("nbf", NOW + 60)] {
        stage.says(|claims| claims[name] = json!(at)).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_id_token_is_refused() {
    let stage = Stage::new();
    for token in ["", "a", "a.b", "a.b.c", "..", "e30.e30.AAAA"] {
        let result = stage.sign_in(|_| token.to_owned()).await;
        assert_eq!(refusal(result).0, AssertionFault::Malformed, "{token}");
    }
    for header in [
        json!({"alg": "RS256", "kid": "good", "crit": ["exp"]}),
        json!({"alg": "RS256", "kid": "good", "typ": "logout+jwt"}),
        json!({"alg": "RS256", "kid": "good", "typ": "at+jwt"}),
        json!({"alg": "RS256", "kid": "good", "cty": "JWT"}),
        json!({"alg": ["RS256"]}),
    ] {
        let result = stage
            .sign_in(|claims| stage.key.token_under(&header, &claims))
            .await;
        assert_eq!(refusal(result).0, AssertionFault::Malformed, "{header}");
    }
}
