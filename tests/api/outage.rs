//! The session store goes away and comes back: R3.

use crate::pace;
use crate::support::{Client, Redis, Reply, TestApp, on_redis};
use insta::assert_snapshot;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use vestibule::settings::Settings;

/// Every endpoint that needs the store, asked at once by somebody signed in.
async fn ask_all(alice: &Client, token: &str) -> Vec<(&'static str, Reply)> {
    let fields = [("auth_token", token)];
    let bearer = alice.with_bearer(token);
    vec![
        ("isactive", alice.get("/session/isactive").await),
        ("info", alice.info().await),
        ("orgs", alice.get("/session/orgs").await),
        ("switch", alice.switch_org(0).await),
        ("preauth", alice.get("!/prism/preauth/info").await),
        ("logout", alice.log_out().await),
        (
            "login",
            alice.post_login("bob", crate::support::PASSWORD).await,
        ),
        ("mint", alice.mint(&[("username", "bob")]).await),
        ("redeem", alice.redeem(&fields).await),
        ("redeem by get", alice.redeem_by_get(&fields).await),
        ("bearer", bearer.info().await),
        ("bearer logout", bearer.log_out().await),
    ]
}

#[tokio::test]
async fn case_59_with_redis_killed_everything_is_503_at_once_and_no_cookie_is_touched() {
    let mut redis = Redis::start();
    let app = TestApp::with(|settings| {
        on_redis(settings, &redis);
        settings.sessions.answer_within = Settings::defaults().sessions.answer_within;
    });
    let alice = app.alice().await;
    let token = app.token("alice").await;
    assert_eq!(alice.get("!/health/ready").await.status, 200);
    redis.kill();

    let (replies, took) = pace::timed(ask_all(&alice, &token)).await;
    let each = took / u32::try_from(replies.len()).unwrap();
    assert!(each < Duration::from_millis(250), "{each:?} each");
    for (what, reply) in &replies {
        assert_eq!(reply.status, 503, "{what}: {}", reply.text());
        reply.expect_error(503, 10000, "store is away");
        assert_eq!(reply.header("retry-after"), Some("1"), "{what}");
    }
    assert_snapshot!("503", replies[0].1.transcript());
    let words = app.trail.words();
    assert!(
        words.contains(&"login_refused store_unavailable".to_owned()),
        "{words:?}"
    );

    // What needs no store still answers, and says what is wrong.
    assert_eq!(
        app.anon().is_active().await,
        401,
        "nothing presented is nothing to look up"
    );
    assert_eq!(alice.get("!/health/live").await.status, 200);
    let ready = alice.get("!/health/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["sessions"], "away");
    assert_eq!(ready.json()["directory"], "ok");
    let reply = app.anon().with_cookie("JSESSIONID=dead").info().await;
    assert_eq!(reply.status, 401, "what is not ours needs no look either");

    redis.resume();
    let back = pace::now();
    while app
        .anon()
        .post_login("bob", crate::support::PASSWORD)
        .await
        .status
        != 204
    {
        assert!(
            pace::now().saturating_sub(back) < Duration::from_secs(2),
            "no good answer yet"
        );
        // Waits for a real server to come back: no clock of ours can be turned for that.
        sleep(Duration::from_millis(20)).await;
    }
    // It came back empty: the session is gone, which is an answer, not an error.
    assert_eq!(alice.is_active().await, 401);
}

#[tokio::test]
async fn an_outage_counts_no_failed_attempt_against_anybody() {
    let mut redis = Redis::start();
    let app = TestApp::with(|settings| on_redis(settings, &redis));
    redis.kill();
    for _ in 0..7 {
        let reply = app
            .anon()
            .post_login("alice", crate::support::ALICE_PASSWORD)
            .await;
        assert_eq!(reply.status, 503);
    }
}

#[tokio::test]
async fn two_servers_on_one_redis_under_their_own_prefixes_do_not_meet() {
    let redis = Arc::new(Redis::start());
    let spawn = || TestApp::with(|settings| on_redis(settings, &redis));
    let (one, other) = (spawn(), spawn());
    let (alice, bob) = (one.alice().await, other.bob().await);
    one.tick();
    let admin = one.admin().await;
    one.tick();
    assert_eq!(
        admin.post("/user/session/invalidate", &[]).await.status,
        204
    );
    assert_eq!(alice.is_active().await, 401);
    assert_eq!(bob.is_active().await, 204);
}
