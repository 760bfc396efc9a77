//! A provider that says what the test wants: whose sessions its sign-outs end, and what becomes of them in trouble.

use super::evil::Evil;
use super::sign::Key;
use super::{encoded, parameter, section};
use crate::support::{Client, Redis, TestApp, on_redis};
use serde_json::{Value, json};
use vestibule::settings::{Settings, SsoAccounts, SsoProvider};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

struct Scripted {
    app: TestApp,
    evil: Evil,
    key: Key,
}

fn one(name: &str, issuer: &str) -> SsoProvider {
    let values = [
        ("issuer", issuer),
        ("client_id", "us"),
        ("create_users", "true"),
    ];
    section(name, &values)
}

impl Scripted {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let (evil, key) = (Evil::start(), Key::new("good"));
        evil.keys(&[key.public()]);
        let app = TestApp::with(|settings| {
            settings.sso = vec![one("company", &evil.base)];
            change(settings);
        });
        Self { app, evil, key }
    }

    /// The issuer of whichever it is, until it runs.
    fn with(change: impl FnOnce(&mut Settings, &SsoProvider)) -> Self {
        Self::new(|settings| {
            let company = settings.sso[0].clone();
            change(settings, &company);
        })
    }

    /// Signs in at that section as what those claims say.
    async fn sign_in(&self, provider: &str, mut claims: Value) -> Client {
        let path = format!("!/callosum/v1/oidc/login?provider={provider}");
        let reply = self.app.anon().get(&path).await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        let flow = &reply.cookies()[0];
        let client = self
            .app
            .anon()
            .with_cookie(&format!("{}={}", flow.name, flow.value));
        let now = self.app.services.login.now().seconds();
        claims["nonce"] = json!(parameter(&reply, "nonce"));
        claims["iss"] = json!(self.evil.base);
        claims["aud"] = json!("us");
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 600);
        self.evil.gives(&self.key.token(&claims));
        let state = parameter(&reply, "state").unwrap();
        let back = format!(
            "!/callosum/v1/oidc/callback?code=x&state={}",
            encoded(&state)
        );
        let reply = client.get(&back).await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        let mut client = self.app.anon();
        client.keep(&reply);
        assert_eq!(client.is_active().await, 204);
        client
    }

    /// A notice that somebody has signed out there.
    fn notice(&self, id: &str, mut claims: Value) -> String {
        let now = self.app.services.login.now().seconds();
        claims["iss"] = json!(self.evil.base);
        claims["aud"] = json!("us");
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 120);
        claims["jti"] = json!(id);
        claims["events"] = json!({EVENT: {}});
        self.key.token(&claims)
    }

    async fn tell(&self, token: &str) -> u16 {
        let form = [("logout_token", token)];
        let path = "!/callosum/v1/oidc/backchannel-logout";
        self.app.anon().post(path, &form).await.status
    }

    async fn is_over(&self, client: &Client) -> bool {
        match client.is_active().await {
            204 => false,
            401 => true,
            other => panic!("{other}"),
        }
    }
}

fn who(subject: &str, session: Option<&str>, name: &str) -> Value {
    let mut claims = json!({"sub": subject, "preferred_username": name});
    if let Some(session) = session {
        claims["sid"] = json!(session);
    }
    claims
}

#[tokio::test]
async fn a_sign_out_ends_that_session_or_without_its_name_all_of_that_persons() {
    let stage = Scripted::new(|_| {});
    let first = stage
        .sign_in("company", who("u1", Some("s1"), "lena"))
        .await;
    let second = stage
        .sign_in("company", who("u1", Some("s2"), "lena"))
        .await;
    let nameless = stage.sign_in("company", who("u1", None, "lena")).await;
    let max = stage.sign_in("company", who("u2", Some("s3"), "max")).await;

    // A session that the provider never named ends with any of that person's.
    let one = stage.notice("1", json!({"sub": "u1", "sid": "s1"}));
    assert_eq!(stage.tell(&one).await, 200);
    assert!(stage.is_over(&first).await && stage.is_over(&nameless).await);
    assert!(!stage.is_over(&second).await && !stage.is_over(&max).await);
    // The name of the session alone is enough, where it has one; somebody else's says nothing.
    let wrong = stage.notice("2", json!({"sub": "u1", "sid": "s3"}));
    assert_eq!(stage.tell(&wrong).await, 200);
    assert!(!stage.is_over(&second).await && !stage.is_over(&max).await);
    let all = stage.notice("3", json!({"sub": "u1"}));
    assert_eq!(stage.tell(&all).await, 200);
    assert!(stage.is_over(&second).await && !stage.is_over(&max).await);
    let by_session = stage.notice("4", json!({"sid": "s3"}));
    assert_eq!(stage.tell(&by_session).await, 200);
    assert!(stage.is_over(&max).await);
    // Each notice counts once.
    assert_eq!(stage.tell(&by_session).await, 400);
}

#[tokio::test]
async fn a_subject_that_has_come_to_mean_somebody_else_still_signs_out_who_it_was() {
    let stage = Scripted::new(|_| {});
    let before = stage
        .sign_in("company", who("u1", Some("s1"), "lena"))
        .await;
    let after = stage
        .sign_in("company", who("u1", Some("s2"), "lena2"))
        .await;
    let old = stage.notice("1", json!({"sub": "u1", "sid": "s1"}));
    assert_eq!(stage.tell(&old).await, 200);
    assert!(stage.is_over(&before).await && !stage.is_over(&after).await);
    let new = stage.notice("2", json!({"sub": "u1"}));
    assert_eq!(stage.tell(&new).await, 200);
    assert!(stage.is_over(&after).await);
}

#[tokio::test]
async fn two_sections_of_one_provider_both_hear_of_a_sign_out() {
    let stage = Scripted::with(|settings, company| {
        let mut other = company.clone();
        other.name = "other".to_owned();
        settings.sso[0].accounts = SsoAccounts::Type;
        other.accounts = SsoAccounts::Type;
        settings.sso.push(other);
    });
    let one = stage
        .sign_in("company", who("u1", Some("s1"), "lena"))
        .await;
    let two = stage.sign_in("other", who("u1", Some("s1"), "lena")).await;
    let max = stage.sign_in("other", who("u2", Some("s2"), "max")).await;
    let token = stage.notice("1", json!({"sub": "u1", "sid": "s1"}));
    assert_eq!(stage.tell(&token).await, 200);
    assert!(stage.is_over(&one).await && stage.is_over(&two).await);
    assert!(!stage.is_over(&max).await);
}

#[tokio::test]
async fn with_the_store_away_a_sign_out_is_503_keeps_the_cookie_and_may_be_said_again() {
    let mut redis = Redis::start();
    let stage = Scripted::new(|settings| on_redis(settings, &redis));
    let lena = stage
        .sign_in("company", who("u1", Some("s1"), "lena"))
        .await;
    let token = stage.notice("1", json!({"sub": "u1"}));
    redis.kill();
    assert_eq!(stage.tell(&token).await, 503);
    for path in ["!/callosum/v1/oidc/logout", "!/callosum/v1/saml/logout"] {
        let reply = lena.post(path, &[]).await;
        assert_eq!(reply.status, 503, "{path}: {}", reply.text());
        assert!(reply.header("retry-after").is_some(), "{path}");
        assert!(reply.cookies().is_empty(), "{path}");
        assert_eq!(reply.header("location"), None, "{path}");
    }
    redis.resume();
    // It was not marked as heard.
    let mut last = 503;
    for _ in 0..100 {
        last = stage.tell(&token).await;
        if last != 503 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(last, 200);
    assert_eq!(stage.tell(&token).await, 400);
}
