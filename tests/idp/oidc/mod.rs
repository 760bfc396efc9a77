//! `OpenID Connect`: the published package `oidc-provider` as the honest provider, a scripted one as the hostile.

mod browser;
mod evil;
mod flow;
mod forged;
mod logout;
#[path = "../../common/oidc.rs"]
#[expect(dead_code, reason = "the tests in a browser use the rest")]
mod provider;
mod sign;
mod times;
mod trust;

use provider::{CALLBACK, CLIENT_SECRET, Provider};
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::{Clock, ManualClock, SystemClock, Timestamp};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{
    Answer, Assertion, AssertionFault, Begun, Departure, IdentityProvider, ProviderError, Wish,
};
use vestibule::idp::oidc::OidcProvider;
use vestibule::settings::{SsoAccounts, SsoProtocol, SsoProvider};

/// How far clocks may differ in these tests.
const SKEW: Duration = Duration::from_mins(1);

/// Settings with the client `by-secret`.
fn settings(issuer: &str) -> SsoProvider {
    SsoProvider {
        name: "company".to_owned(),
        label: "Company".to_owned(),
        protocol: SsoProtocol::Oidc,
        hosts: Vec::new(),
        issuer: Some(issuer.parse().unwrap()),
        client_id: "by-secret".to_owned(),
        client_secret: Some(CLIENT_SECRET.into()),
        client_key_file: None,
        client_key_id: None,
        scopes: ["openid", "profile", "email", "groups"]
            .map(str::to_owned)
            .to_vec(),
        ca_file: None,
        metadata_file: None,
        entity_id: String::new(),
        key_file: None,
        cert_file: None,
        sign_requests: false,
        idp_initiated: false,
        clock_skew: SKEW,
        timeout: Duration::from_secs(10),
        username_attribute: None,
        display_name_attribute: None,
        email_attribute: None,
        trust_email: false,
        group_attribute: Some("groups".to_owned()),
        org_attribute: None,
        group_map: Vec::new(),
        org_map: Vec::new(),
        org: 0,
        create_users: true,
        accounts: SsoAccounts::Own,
        admins: false,
    }
}

/// Settings with a client that has a key of its own: `rsa` or `ec`.
fn key_settings(provider: &Provider, kind: &str) -> SsoProvider {
    let mut settings = settings(&provider.issuer());
    settings.client_id = format!("by-{kind}-key");
    settings.client_secret = None;
    settings.client_key_file = Some(provider.key_file(kind));
    settings.client_key_id = Some("ours".to_owned());
    settings
}

/// Our side, with a clock that is turned by hand.
struct Side {
    oidc: OidcProvider,
    clock: Arc<ManualClock>,
}

impl Side {
    /// With the clock at the system's time, moved so many seconds.
    fn new(settings: &SsoProvider, seconds: i64) -> Self {
        Self::at(settings, system_clock(seconds))
    }

    fn at(settings: &SsoProvider, now: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::at(now));
        let random = Arc::new(SystemRandom::open().unwrap());
        let oidc = OidcProvider::open(settings, Arc::clone(&clock) as Arc<dyn Clock>, random);
        Self {
            oidc: oidc.unwrap(),
            clock,
        }
    }

    async fn begin(&self) -> Departure {
        self.oidc.begin(&wish(false)).await.unwrap()
    }

    async fn finish(&self, answer: &Answer, begun: &Begun) -> Result<Assertion, ProviderError> {
        let now = self.clock.now();
        self.oidc.finish(answer, Some(begun), CALLBACK, now).await
    }
}

/// The system's time, moved so many seconds.
fn system_clock(seconds: i64) -> Timestamp {
    let now = SystemClock::start().now().millis();
    Timestamp::from_millis(now.saturating_add_signed(seconds * 1000))
}

fn wish(is_forced: bool) -> Wish {
    Wish {
        handle: "a-handle-of-ours".to_owned(),
        callback: CALLBACK.to_owned(),
        is_forced,
    }
}

fn answer(code: &str, issuer: Option<&str>) -> Answer {
    Answer::Oidc {
        code: code.to_owned().into(),
        issuer: issuer.map(str::to_owned),
    }
}

/// Why something was refused, and the words about it, in which there must be nothing secret.
fn refusal<T>(result: Result<T, ProviderError>) -> (AssertionFault, String) {
    let Err(error) = result else {
        panic!("it was believed")
    };
    let shown = format!("{error:?} {error:#}");
    assert!(!shown.contains("p1anted"), "{shown}");
    match error {
        ProviderError::Refused { fault, detail } => (fault, detail),
        ProviderError::Unavailable(error) => panic!("unavailable: {error:#}"),
    }
}

/// Why nothing could be said.
fn away<T>(result: Result<T, ProviderError>) -> String {
    match result {
        Err(ProviderError::Unavailable(error)) => {
            let shown = format!("{error:?} {error:#}");
            assert!(!shown.contains("p1anted"), "{shown}");
            format!("{error:#}")
        }
        Err(error) => panic!("refused: {error}"),
        Ok(_) => panic!("it was believed"),
    }
}
