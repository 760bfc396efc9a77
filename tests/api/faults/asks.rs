//! Who asks, and everything they ask for. A further dialect needs one line.

use crate::parity::dialects::{Dialect, V1, V2};
use crate::support::{Client, PASSWORD, Reply, SECRET_KEY, TestApp};
use futures_util::future::{BoxFuture, join_all};
use reqwest::RequestBuilder;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What was asked, what came back and after how long.
pub type Asked = (String, Reply, Duration);

/// How a dialect asks for everything at once.
type Ask = for<'a> fn(&'a People<'a>) -> BoxFuture<'a, Vec<Asked>>;

/// Each dialect.
pub const DIALECTS: [Ask; 2] = [
    |people| Box::pin(ask::<V1>(people)),
    |people| Box::pin(ask::<V2>(people)),
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
    /// Whether the leaver was let go: a full server still ends sessions.
    pub has_left: AtomicBool,
}

impl<'a> People<'a> {
    /// Signs them in and some out again.
    pub async fn meet(app: &'a TestApp) -> Self {
        let good = app.alice().await;
        let leaver = app.bob().await;
        let ended = app.alice().await;
        assert_eq!(ended.log_out().await.status, 204);
        let revoked = app.signed_in("carol", PASSWORD).await;
        let admin = app.admin().await;
        let form = [("username", r#"["carol"]"#)];
        let reply = admin.post("/user/session/invalidate", &form).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        Self {
            token: app.token("alice").await,
            app,
            has_left: AtomicBool::new(false),
            good,
            leaver,
            ended,
            revoked,
        }
    }
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
    let asks = asks.into_iter().map(|(what, client, request)| async move {
        let began = Instant::now();
        let reply = client.send(request).await;
        let took = began.elapsed();
        if what == "log out" && reply.status < 300 {
            people.has_left.store(true, Ordering::Relaxed);
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
