//! `OpenID Connect` through the real binary: outages and restarts on either side, and what the operator is told.

use crate::oidc_provider::{CLIENT_SECRET, Provider, Wanted};
use crate::support::{ADMIN, Home, PASSWORD, Server};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use std::net::TcpListener;

/// A server of ours that comes back under its address, and a provider that may be away.
struct World {
    home: Home,
    provider: Provider,
    base: String,
    line: String,
}

impl World {
    fn new() -> Self {
        let provider = Provider::at_rest(Wanted {
            automatic: Some("lena"),
            ..Wanted::default()
        });
        let home = Home::new();
        let secret = home.write("oidc-secret", CLIENT_SECRET);
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        let line = format!(
            "--set server.http={address} --set server.https=off --set sso.company.create_users=true \
             --set sso.company.issuer={} --set sso.company.client_id=by-secret \
             --set sso.company.client_secret_file={secret}",
            provider.issuer()
        );
        Self {
            home,
            provider,
            base: format!("http://{address}"),
            line,
        }
    }

    fn start(&self) -> Server {
        self.home.server().planted().with(&self.line).start()
    }

    /// A browser in which nobody is signed in.
    fn browser(&self) -> Browser {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .no_proxy()
            // A connection kept from before a crash would fail for nobody's fault.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let base = self.base.clone();
        Browser { client, base }
    }
}

struct Browser {
    client: Client,
    base: String,
}

impl Browser {
    async fn get(&self, url: &str) -> Response {
        self.client.get(url).send().await.unwrap()
    }

    /// Begins a sign-in: where the browser is sent.
    async fn leave(&self) -> Response {
        let wanted = "%2Fcallosum%2Fv1%2Fsession%2Finfo";
        let url = format!(
            "{}/callosum/v1/oidc/login?targetURLPath={wanted}",
            self.base
        );
        self.get(&url).await
    }

    /// Goes on from there until it is sent nowhere any more.
    async fn walk(&self, mut reply: Response) -> Response {
        for _ in 0..10 {
            let Some(next) = reply.headers().get("location") else {
                return reply;
            };
            let next = reply.url().join(next.to_str().unwrap()).unwrap();
            reply = self.get(next.as_str()).await;
        }
        panic!("sent around in circles")
    }

    /// Who is signed in, by the page that was asked for.
    async fn who(&self, left: Response) -> String {
        let reply = self.walk(left).await;
        assert_eq!(reply.status(), 200, "{reply:?}");
        let info: serde_json::Value = reply.json().await.unwrap();
        info["userName"].as_str().unwrap().to_owned()
    }

    async fn is_active(&self) -> bool {
        let url = format!("{}/callosum/v1/session/isactive", self.base);
        self.get(&url).await.status() == 204
    }
}

#[tokio::test]
async fn sign_ins_live_through_outages_and_restarts_of_either_side() {
    let mut world = World::new();
    let server = world.start();
    // The provider is away: a page says so, others sign in as ever.
    let browser = world.browser();
    let reply = browser.leave().await;
    assert_eq!(reply.status(), 503);
    assert!(reply.headers().contains_key("retry-after"));
    assert!(reply.text().await.unwrap().contains("Sign in another way"));
    server.visitor().sign_in(ADMIN, PASSWORD).await;
    // It is back: nothing is to be done here.
    world.provider.serve(&[&world.base]);
    assert_eq!(browser.who(browser.leave().await).await, "lena");
    // We die while somebody is there, and are back before they are.
    let other = world.browser();
    let left = other.leave().await;
    assert_eq!(left.status(), 302);
    server.crash();
    let server = world.start();
    assert!(browser.is_active().await, "a session outlives a crash");
    assert_eq!(other.who(left).await, "lena");
    // New keys there, in the middle of things.
    world.provider.rotate_keys();
    let third = world.browser();
    assert_eq!(third.who(third.leave().await).await, "lena");
    // An answer is good once, and in the browser that asked.
    let left = third.leave().await;
    let thief = world.browser();
    let reply = thief.walk(left).await;
    assert_eq!(reply.status(), 400, "{reply:?}");
    assert!(!thief.is_active().await);
    let log = server.log();
    for planted in ["p1anted", "code=", "code_verifier", "id_token"] {
        assert!(!log.contains(planted), "{planted} is in the log");
    }
}

#[tokio::test]
async fn the_operator_is_told_what_the_provider_is_like() {
    let mut world = World::new();
    world.provider.serve(&[&world.base]);
    let line = format!("sso test company {}", world.line);
    let told = world.home.run(&line).good();
    for words in ["ready", "2 signing keys: rsa-", "by client_secret_post"] {
        assert!(told.contains(words), "{told}");
    }
    assert!(told.contains("clocks agree") || told.contains("clock differs by"));
    world.provider.down();
    let ran = world.home.run(&line);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("not ready"), "{ran:?}");
    assert!(ran.out.contains("Connection refused"), "{ran:?}");
    assert!(!format!("{ran:?}").contains("p1anted"));
}
