//! Sign-ins at a real provider.

use super::browser::{Browser, query};
use super::provider::{CALLBACK, Provider, Wanted};
use super::{Side, away, key_settings, refusal, settings, wish};
use std::time::Duration;
use url::Url;
use vestibule::domain::clock::Clock;
use vestibule::domain::sso::{Answer, AssertionFault, IdentityProvider};

fn values<'a>(answer: &'a vestibule::domain::sso::Assertion, name: &str) -> Vec<&'a str> {
    let values = answer
        .attributes
        .get(name)
        .unwrap_or_else(|| panic!("no {name}"));
    values.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn a_sign_in_brings_who_it_is_and_what_the_userinfo_endpoint_adds() {
    let provider = Provider::start(Wanted::default());
    let side = Side::new(&settings(&provider.issuer()), 0);
    assert_eq!(side.oidc.issuer(), provider.issuer());
    let away = side.begin().await;
    let url: Url = away.url.parse().unwrap();
    let sent = |name| query(&url, name).unwrap_or_default();
    assert_eq!(sent("response_type"), "code");
    assert_eq!(sent("code_challenge_method"), "S256");
    assert_eq!(sent("scope"), "openid profile email groups");
    assert_eq!(sent("nonce"), away.begun.request_id);
    assert_eq!(sent("redirect_uri"), CALLBACK);
    assert!(!away.url.contains(&away.begun.verifier));
    assert!(query(&url, "prompt").is_none() && query(&url, "max_age").is_none());
    let other = side.begin().await.begun;
    assert_ne!(other.request_id, away.begun.request_id);
    assert_ne!(other.verifier, away.begun.verifier);

    let answer = Browser::new().sign_in(&away.url, "lena").await;
    let found = side.finish(&answer, &away.begun).await.unwrap();
    assert_eq!(found.subject, "lena");
    assert_eq!(found.id, away.begun.request_id);
    assert!(found.session_index.is_some());
    assert!(found.good_until > side.clock.now().plus(Duration::from_mins(59)));
    assert_eq!(values(&found, "email"), ["lena@example.com"]);
    assert_eq!(values(&found, "groups"), ["analysts", "ops"]);
    assert_eq!(values(&found, "email_verified"), ["true"]);

    // A code is good once.
    let (fault, words) = refusal(side.finish(&answer, &away.begun).await);
    assert_eq!(fault, AssertionFault::CodeRefused);
    assert!(words.contains("invalid_grant"), "{words}");
}

#[tokio::test]
async fn every_way_to_prove_who_we_are_is_taken_with_every_way_to_sign() {
    for algorithm in ["RS256", "PS256", "ES256"] {
        let provider = Provider::start(Wanted {
            algorithm,
            ..Wanted::default()
        });
        let mut public = settings(&provider.issuer());
        public.client_id = "public".to_owned();
        public.client_secret = None;
        let ways = [
            settings(&provider.issuer()),
            key_settings(&provider, "rsa"),
            key_settings(&provider, "ec"),
            public,
        ];
        for way in ways {
            // A key's assertion has times in it, which have to be right by the provider's clock, not by ours.
            for seconds in [0, 120, -120] {
                let mut way = way.clone();
                way.clock_skew = Duration::from_mins(4);
                let side = Side::new(&way, seconds);
                let away = side.begin().await;
                let answer = Browser::new().sign_in(&away.url, "max").await;
                let found = side.finish(&answer, &away.begun).await.unwrap();
                assert_eq!(found.subject, "max", "{algorithm} {}", way.client_id);
                assert!(values(&found, "groups").is_empty());
            }
        }
    }
}

#[tokio::test]
async fn a_client_the_provider_does_not_know_is_refused_in_its_words_and_without_ours() {
    let provider = Provider::start(Wanted::default());
    let mut wrong = settings(&provider.issuer());
    wrong.client_secret = Some("p1anted-and-wrong".into());
    let side = Side::new(&wrong, 0);
    let away = side.begin().await;
    let answer = Browser::new().sign_in(&away.url, "lena").await;
    let (fault, words) = refusal(side.finish(&answer, &away.begun).await);
    assert_eq!(fault, AssertionFault::CodeRefused);
    assert!(words.contains("401 invalid_client"), "{words}");
    assert!(!format!("{side:?}", side = side.oidc).contains("p1anted"));
}

#[tokio::test]
async fn another_verifier_or_another_browsers_nonce_is_refused() {
    let provider = Provider::start(Wanted::default());
    let side = Side::new(&settings(&provider.issuer()), 0);
    let (mine, other) = (side.begin().await, side.begin().await);
    let browser = Browser::new();
    let answer = browser.sign_in(&mine.url, "lena").await;
    let (fault, _) = refusal(side.finish(&answer, &other.begun).await);
    assert_eq!(fault, AssertionFault::CodeRefused);

    let answer = browser.sign_in(&mine.url, "lena").await;
    let mut mixed = mine.begun.clone();
    mixed.request_id = other.begun.request_id;
    let (fault, _) = refusal(side.finish(&answer, &mixed).await);
    assert_eq!(fault, AssertionFault::UnknownRequest);
}

#[tokio::test]
async fn an_answer_of_another_provider_or_of_nobody_does_not_reach_the_token_endpoint() {
    let provider = Provider::start(Wanted::default());
    let side = Side::new(&settings(&provider.issuer()), 0);
    let away = side.begin().await;
    let honest = Browser::new().sign_in(&away.url, "lena").await;
    let Answer::Oidc { code, .. } = &honest else {
        unreachable!()
    };
    let code = secrecy::ExposeSecret::expose_secret(code);
    for issuer in [Some("http://127.0.0.1:1"), Some(""), None] {
        let result = side.finish(&super::answer(code, issuer), &away.begun).await;
        assert_eq!(refusal(result).0, AssertionFault::WrongIssuer, "{issuer:?}");
    }
    let now = side.clock.now();
    let elsewhere = format!("{CALLBACK}x");
    let result = side
        .oidc
        .finish(&honest, Some(&away.begun), &elsewhere, now)
        .await;
    assert_eq!(refusal(result).0, AssertionFault::WrongRecipient);
    let result = side.oidc.finish(&honest, None, CALLBACK, now).await;
    assert_eq!(refusal(result).0, AssertionFault::Unsolicited);
    let saml = Answer::Saml(String::new());
    let result = side.finish(&saml, &away.begun).await;
    assert_eq!(refusal(result).0, AssertionFault::Malformed);
    // The code was shown to nobody so far, or it would be spent.
    side.finish(&honest, &away.begun).await.unwrap();
}

#[tokio::test]
async fn a_forced_sign_in_asks_again_and_does_not_believe_a_remembered_one() {
    let provider = Provider::start(Wanted::default());
    let side = Side::new(&settings(&provider.issuer()), 0);
    let browser = Browser::new();
    let first = side.begin().await;
    browser.sign_in(&first.url, "lena").await;
    let remembered = side.begin().await;
    assert!(!browser.visit(&remembered.url, "lena").await.1);
    let forced = side.oidc.begin(&wish(true)).await.unwrap();
    let url: Url = forced.url.parse().unwrap();
    assert_eq!(query(&url, "prompt").as_deref(), Some("login"));
    let answer = browser.sign_in(&forced.url, "lena").await;
    side.finish(&answer, &forced.begun).await.unwrap();

    // Somebody takes the demand out of the URL, so that the provider does not ask.
    side.clock.advance(Duration::from_mins(10));
    let forced = side.oidc.begin(&wish(true)).await.unwrap();
    let url: Url = forced.url.parse().unwrap();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !matches!(name.as_ref(), "prompt" | "max_age"))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut url = url;
    url.query_pairs_mut().clear().extend_pairs(kept);
    let answer = browser.sign_in(url.as_str(), "lena").await;
    let (fault, _) = refusal(side.finish(&answer, &forced.begun).await);
    assert_eq!(fault, AssertionFault::Expired);
}

#[tokio::test]
async fn a_restart_and_new_keys_of_the_provider_need_nothing_of_us() {
    let mut provider = Provider::start(Wanted::default());
    let side = Side::new(&settings(&provider.issuer()), 0);
    let sign_in = async || {
        let away = side.begin().await;
        let answer = Browser::new().sign_in(&away.url, "lena").await;
        side.finish(&answer, &away.begun).await
    };
    sign_in().await.unwrap();
    provider.down();
    provider.up();
    sign_in().await.unwrap();
    provider.rotate_keys();
    sign_in().await.unwrap();
    // The next rotation comes too soon for one more question, and a moment later does not.
    provider.rotate_keys();
    assert_eq!(refusal(sign_in().await).0, AssertionFault::BadSignature);
    side.clock.advance(Duration::from_secs(10));
    sign_in().await.unwrap();
    // Under way while the provider restarts: its codes are gone, and it says so.
    let away = side.begin().await;
    let answer = Browser::new().sign_in(&away.url, "lena").await;
    provider.down();
    assert!(super::away(side.finish(&answer, &away.begun).await).contains("/token"));
    provider.up();
    let (fault, _) = refusal(side.finish(&answer, &away.begun).await);
    assert_eq!(fault, AssertionFault::CodeRefused);
}

#[tokio::test]
async fn a_provider_that_is_down_stops_no_start_and_is_asked_again_when_it_is_back() {
    let mut provider = Provider::start(Wanted::default());
    provider.down();
    let side = Side::new(&settings(&provider.issuer()), 0);
    let words = away(side.oidc.begin(&wish(false)).await);
    assert!(words.contains("openid-configuration"), "{words}");
    assert!(words.contains("refused"), "{words}");
    away(side.oidc.probe(side.clock.now()).await);
    provider.up();
    side.begin().await;
    let found = side.oidc.probe(side.clock.now()).await.unwrap();
    assert!(found.is_fit(), "{found:?}");
    let lines = found.lines().join("\n");
    assert!(lines.contains(&format!("discovery answers: {}", provider.issuer())));
    assert!(lines.contains("2 signing keys: rsa-"), "{lines}");
    assert!(lines.contains("by client_secret_post"), "{lines}");
    assert!(!lines.contains("warning"), "{lines}");
    let fast = Side::new(&settings(&provider.issuer()), 120);
    let found = fast.oidc.probe(fast.clock.now()).await.unwrap();
    assert!(!found.is_fit(), "tokens may differ by a minute");
    let lines = found.lines().join("\n");
    assert!(lines.contains("clock differs by 12"), "{lines}");
    assert!(lines.contains("theirs is behind"), "{lines}");
}
