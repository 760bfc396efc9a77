//! Signing in at a real `OpenID Connect` provider over the server's own HTTP: the way there, back and out.

mod bond;
mod browsers;
mod dialog;
mod door;
mod hosts;
mod mix_up;
mod orgs;
mod people;
mod proof;
mod scripted;
mod sections;
mod ways;

#[path = "../../common/oidc_browser.rs"]
mod browser;
#[path = "../../idp/oidc/evil.rs"]
#[expect(dead_code, reason = "the tests of the engine use the rest")]
mod evil;
#[path = "../../common/oidc.rs"]
#[expect(dead_code, reason = "the tests of the engine use the rest")]
mod provider;

#[path = "../../idp/oidc/sign.rs"]
#[expect(dead_code, reason = "the tests of the engine use the rest")]
mod sign;

use crate::sso_section::section;
use crate::support::{Client, Reply, START, TestApp};
use browser::{Browser, query};
use provider::{CLIENT_SECRET, Provider, Wanted};
use std::time::Duration;
use url::Url;
use vestibule::domain::clock::{Clock, SystemClock};
use vestibule::settings::{Settings, SsoProvider};

/// Where embedding pages live.
const HOST: &str = "https://app.example.com";
/// What the SDK marks its target with.
const MARKED: &str =
    "https://app.example.com/page?a=1&b=%2F#/x?tsSSOMarker=5e16222e-ef02-43e9-9fbd-24226bf3ce5b";

/// `[sso.company]` with the client `by-secret`.
fn company(issuer: &str) -> SsoProvider {
    section(
        "company",
        &[
            ("label", "Company account"),
            ("issuer", issuer),
            ("client_id", "by-secret"),
            ("client_secret", CLIENT_SECRET),
            ("scopes", "profile,email,groups"),
            ("timeout", "10s"),
            ("group_attribute", "groups"),
            ("create_users", "true"),
        ],
    )
}

/// A server and the provider it trusts.
struct Stage {
    app: TestApp,
    provider: Provider,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut provider = Provider::at_rest(Wanted::default());
        let issuer = provider.issuer();
        let app = TestApp::with(|settings| {
            settings.sso = vec![company(&issuer)];
            settings.redirects.allow = vec![HOST.to_owned()];
            settings.embed.origins = vec![HOST.to_owned()];
            change(settings);
        });
        app.plant(CLIENT_SECRET);
        // The provider's clock is the system's.
        let now = SystemClock::start().now().millis();
        app.advance(Duration::from_millis(now - START));
        provider.serve(&[&format!("http://{}", app.address)]);
        Self { app, provider }
    }

    /// Begins; the reply and the client with the cookie it set.
    async fn begin(&self, target: &str) -> (Reply, Client) {
        let path = format!("!/callosum/v1/oidc/login?targetURLPath={}", encoded(target));
        self.follow(&self.app.anon(), &path).await
    }

    /// A GET, and the client with what cookie came back.
    async fn follow(&self, client: &Client, path: &str) -> (Reply, Client) {
        let reply = client.get(path).await;
        let cookies: Vec<String> = reply
            .cookies()
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        let client = client.with_cookie(&cookies.join("; "));
        (reply, client)
    }

    /// Signs in at the provider; the path and query the browser comes back to.
    async fn at_provider(&self, reply: &Reply, person: &str) -> String {
        assert_eq!(reply.status, 302, "{}", reply.text());
        let back = came_back(reply.header("location").unwrap(), person).await;
        assert!(back.starts_with("!/callosum/v1/oidc/callback"), "{back}");
        back
    }

    /// The whole way; the last reply.
    async fn sign_in(&self, target: &str, person: &str) -> Reply {
        let (reply, client) = self.begin(target).await;
        let back = self.at_provider(&reply, person).await;
        client.get(&back).await
    }

    /// The whole way; a client with the session.
    async fn signed_in(&self, person: &str) -> Client {
        let reply = self.sign_in(HOST, person).await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        let mut client = self.app.anon();
        client.keep(&reply);
        client
    }
}

/// Signs in where that leads; the path and query the browser comes back to.
async fn came_back(url: &str, person: &str) -> String {
    let (back, _) = Browser::new().visit(url, person).await;
    format!("!{}?{}", back.path(), back.query().unwrap())
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The parameter of the address a reply leads to.
fn parameter(reply: &Reply, name: &str) -> Option<String> {
    let url: Url = reply.header("location").unwrap().parse().unwrap();
    query(&url, name)
}
