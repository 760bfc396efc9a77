//! Who asks, and everything they ask for. A further dialect needs one line.

use crate::parity::dialects::{Dialect, MicroStrategy, V1, V2};
use crate::support::{
    ADMIN_PASSWORD, ALICE_PASSWORD, Client, PASSWORD, Reply, SECRET_KEY, TestApp,
};
use futures_util::future::{BoxFuture, join_all};
use reqwest::RequestBuilder;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What was asked, what came back and after how long.
pub type Asked = (String, Reply, Duration);

/// How a dialect asks for everything at once.
type Ask = for<'a> fn(&'a People<'a>) -> BoxFuture<'a, Vec<Asked>>;

/// Each dialect.
pub const DIALECTS: [Ask; 3] = [
    |people| Box::pin(ask::<V1>(people)),
    |people| Box::pin(ask::<V2>(people)),
    |people| Box::pin(ask_without_tokens::<MicroStrategy>(people)),
];

/// Users before the fault.
pub struct People<'a> {
    pub app: &'a TestApp,
    /// Signed in.
    pub good: Client,
    /// Signed in, and about to leave.
    pub leaver: Client,
    /// Signed out.
    pub ended: Client,
    /// Signed in before everything of the user was revoked.
    pub revoked: Client,
    /// Somebody's token, good.
    pub token: String,
    /// Those of a dialect with sessions of its own.
    pub apart: Apart,
    /// Whether the leaver was let go: a full server still ends sessions.
    pub has_left: AtomicBool,
}

/// Users of a dialect with sessions of its own.
pub struct Apart {
    /// Signed in.
    pub good: Client,
    /// Signed in, and about to leave.
    pub leaver: Client,
    /// Signed out.
    pub ended: Client,
    /// Signed in before everything of the user was revoked.
    pub revoked: Client,
    /// Whether the leaver was let go.
    pub has_left: AtomicBool,
}

impl Apart {
    /// Signs them in and one out again; everything of Carol's is still to be revoked.
    async fn meet(app: &TestApp) -> Self {
        let ended = signed_in_apart(app, "alice", ALICE_PASSWORD).await;
        let reply = settled(|| ended.send(MicroStrategy::log_out(&ended))).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        Self {
            good: signed_in_apart(app, "alice", ALICE_PASSWORD).await,
            leaver: signed_in_apart(app, "bob", PASSWORD).await,
            revoked: signed_in_apart(app, "carol", PASSWORD).await,
            ended,
            has_left: AtomicBool::new(false),
        }
    }

    /// The status of one of their sessions, once there is an answer.
    pub async fn status(client: &Client) -> u16 {
        let ask = || client.send(MicroStrategy::ask_who(client));
        settled(ask).await.status
    }
}

impl<'a> People<'a> {
    /// Signs them in and some out again.
    pub async fn meet(app: &'a TestApp) -> Self {
        let good = signed_in(app, "alice", ALICE_PASSWORD).await;
        let leaver = signed_in(app, "bob", PASSWORD).await;
        let ended = signed_in(app, "alice", ALICE_PASSWORD).await;
        assert_eq!(settled(|| ended.log_out()).await.status, 204);
        let revoked = signed_in(app, "carol", PASSWORD).await;
        let apart = Apart::meet(app).await;
        let admin = signed_in(app, "tsadmin", ADMIN_PASSWORD).await;
        let form = [("username", r#"["carol"]"#)];
        let reply = settled(|| admin.post("/user/session/invalidate", &form)).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        Self {
            token: token(app, "alice").await,
            apart,
            app,
            has_left: AtomicBool::new(false),
            good,
            leaver,
            ended,
            revoked,
        }
    }
}

/// The first answer that is not "try later": a machine that does much else now and then takes longer than Redis is
/// given. Whatever else it is, it counts.
pub async fn settled<F: Future<Output = Reply>>(ask: impl Fn() -> F) -> Reply {
    let mut reply = ask().await;
    for _ in 0..40 {
        if reply.status != 503 {
            break;
        }
        sleep(Duration::from_millis(50)).await;
        reply = ask().await;
    }
    reply
}

/// The status of a session, once there is an answer.
pub async fn is_active(client: &Client) -> u16 {
    settled(|| client.get("/session/isactive")).await.status
}

/// Somebody's token.
pub async fn token(app: &TestApp, user: &str) -> String {
    let anon = app.anon();
    let form = [("username", user)];
    let reply = settled(|| anon.mint(&form)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text()
}

/// Somebody let in by a password.
pub async fn signed_in(app: &TestApp, user: &str, password: &str) -> Client {
    let mut client = app.anon();
    let reply = settled(|| client.post_login(user, password)).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    client.keep(&reply);
    client
}

/// The same in a dialect with sessions of its own.
async fn signed_in_apart(app: &TestApp, user: &str, password: &str) -> Client {
    let anon = app.anon();
    let ask = || anon.send(MicroStrategy::log_in(&anon, user, password, None));
    let reply = settled(ask).await;
    MicroStrategy::let_in(app, &reply)
}

async fn ask<D: Dialect>(people: &People<'_>) -> Vec<Asked> {
    let anon = people.app.anon();
    let bearer = anon.with_bearer(&people.token);
    let asks: Vec<(&str, &Client, RequestBuilder)> = vec![
        ("who", &people.good, D::ask_who(&people.good)),
        ("who by bearer", &bearer, D::ask_who(&bearer)),
        ("log out", &people.leaver, D::log_out(&people.leaver)),
        ("ended", &people.ended, D::ask_who(&people.ended)),
        (
            "ended by others",
            &people.revoked,
            D::ask_who(&people.revoked),
        ),
        ("log in", &anon, D::log_in(&anon, "bob", PASSWORD, None)),
        ("mint", &anon, D::mint(&anon, SECRET_KEY, "bob", None)),
        ("redeem", &anon, D::redeem(&anon, &people.token)),
    ];
    all::<D>(&people.has_left, asks).await
}

/// In a dialect that has no trusted authentication.
async fn ask_without_tokens<D: Dialect>(people: &People<'_>) -> Vec<Asked> {
    let (app, people) = (people.app, &people.apart);
    let anon = app.anon();
    let asks = vec![
        ("who", &people.good, D::ask_who(&people.good)),
        ("log out", &people.leaver, D::log_out(&people.leaver)),
        ("ended", &people.ended, D::ask_who(&people.ended)),
        (
            "ended by others",
            &people.revoked,
            D::ask_who(&people.revoked),
        ),
        ("log in", &anon, D::log_in(&anon, "bob", PASSWORD, None)),
    ];
    all::<D>(&people.has_left, asks).await
}

async fn all<D: Dialect>(
    has_left: &AtomicBool,
    asks: Vec<(&str, &Client, RequestBuilder)>,
) -> Vec<Asked> {
    let asks = asks.into_iter().map(|(what, client, request)| async move {
        let began = Instant::now();
        let reply = client.send(request).await;
        let took = began.elapsed();
        if what == "log out" && reply.status < 300 {
            has_left.store(true, Ordering::Relaxed);
        }
        let what = format!("{}: {what}", D::NAME);
        assert!(
            reply.status < 300 || D::is_refusal(&reply),
            "{what}: {}",
            reply.text()
        );
        (what, reply, took)
    });
    join_all(asks).await
}
