//! Clocks that differ by two minutes, in both directions.

use super::browser::Browser;
use super::provider::{CALLBACK, Provider, Wanted};
use super::{Side, refusal, settings, system_clock};
use std::time::Duration;
use vestibule::domain::sso::{Assertion, AssertionFault, IdentityProvider, ProviderError};

async fn sign_in(provider: &Provider, seconds: i64, skew: u64) -> Result<Assertion, ProviderError> {
    let mut settings = settings(&provider.issuer());
    settings.clock_skew = Duration::from_secs(skew);
    let side = Side::new(&settings, seconds);
    let away = side.begin().await;
    let answer = Browser::new().sign_in(&away.url, "lena").await;
    // The provider's clock went on meanwhile.
    let now = system_clock(seconds);
    let begun = Some(&away.begun);
    side.oidc.finish(&answer, begun, CALLBACK, now).await
}

#[tokio::test]
async fn two_minutes_are_allowed_by_setting_and_refused_without() {
    let provider = Provider::start(Wanted {
        id_token_seconds: 60,
        ..Wanted::default()
    });
    sign_in(&provider, 0, 0).await.unwrap();
    // Ours is ahead: to us the token has expired a minute ago.
    let result = sign_in(&provider, 120, 30).await;
    assert_eq!(refusal(result).0, AssertionFault::Expired);
    sign_in(&provider, 120, 121).await.unwrap();
    // Ours is behind: to us it will be issued in two minutes.
    let result = sign_in(&provider, -120, 60).await;
    assert_eq!(refusal(result).0, AssertionFault::TooEarly);
    sign_in(&provider, -120, 130).await.unwrap();
}
