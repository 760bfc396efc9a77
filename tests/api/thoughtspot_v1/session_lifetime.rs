//! How long sessions live: case 34, decided by the server's clock and by nothing the client sends.

use crate::support::{PASSWORD, TestApp};
use std::time::Duration;

const IDLE: Duration = Duration::from_mins(30);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn case_34_an_idle_session_ends_after_thirty_minutes_and_any_use_puts_that_off() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    for _ in 0..3 {
        app.advance(IDLE);
        assert_eq!(alice.is_active().await, 204, "the last millisecond counts");
    }
    app.advance(IDLE + Duration::from_millis(1));
    let reply = alice.info().await;
    reply.expect_error(401, 10097, "ended");
    assert_eq!(alice.is_active().await, 401, "and stays ended");
}

#[tokio::test]
async fn case_34_a_busy_session_ends_after_a_day_all_the_same() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    for _ in 0..48 {
        app.advance(IDLE);
        assert_eq!(alice.is_active().await, 204);
    }
    app.tick();
    assert_eq!(alice.is_active().await, 401);
}

#[tokio::test]
async fn case_34_a_remembered_session_has_both_timeouts_of_its_own() {
    let app = TestApp::spawn();
    let form = [
        ("username", "bob"),
        ("password", PASSWORD),
        ("rememberme", "true"),
    ];
    let mut bob = app.anon();
    let reply = bob.post("/session/login", &form).await;
    bob.keep(&reply);
    app.advance(13 * DAY);
    assert_eq!(bob.is_active().await, 204, "thirteen days without a sign");
    app.advance(DAY);
    assert_eq!(
        bob.is_active().await,
        204,
        "use does not extend the fourteen days"
    );
    app.tick();
    assert_eq!(bob.is_active().await, 401);
}

#[tokio::test]
async fn session_info_tells_when_the_session_ends() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let opened = crate::support::START;
    app.advance(Duration::from_mins(10));
    let info = alice.info().await.json();
    let ends = &info["vestibule"];
    assert_eq!(ends["idle_expires_at_ms"], opened + 40 * 60 * 1000);
    assert_eq!(ends["absolute_expires_at_ms"], opened + 24 * 3600 * 1000);
    assert_eq!(info["expirationTime"], opened / 1000 + 24 * 3600);
    app.advance(Duration::from_hours(23) + Duration::from_mins(50));
    // Nothing was used meanwhile, so the idle timeout has ended it before the absolute one.
    assert_eq!(alice.is_active().await, 401);
}

#[tokio::test]
async fn timeouts_come_from_the_settings() {
    let app = TestApp::with(|settings| {
        settings.sessions.idle_timeout = Duration::from_mins(1);
        settings.sessions.absolute_timeout = Duration::from_secs(90);
        settings.sessions.remember_for = Duration::from_secs(200);
    });
    let alice = app.alice().await;
    app.advance(Duration::from_mins(1));
    assert_eq!(alice.is_active().await, 204);
    app.advance(Duration::from_secs(31));
    assert_eq!(alice.is_active().await, 401);
    let form = [
        ("username", "bob"),
        ("password", PASSWORD),
        ("rememberme", "true"),
    ];
    let reply = app.anon().post("/session/login", &form).await;
    assert!(reply.cookies()[0].has("Max-Age=200"));
}

#[tokio::test]
async fn case_34_a_session_of_a_token_lives_by_the_same_timeouts_and_outlives_its_token() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let mut client = app.anon();
    let reply = client.redeem(&[("auth_token", &token)]).await;
    client.keep(&reply);
    app.tick();
    app.token("bob").await;
    app.advance(Duration::from_mins(20));
    assert_eq!(app.anon().with_bearer(&token).is_active().await, 401);
    assert_eq!(client.is_active().await, 204);
    app.advance(IDLE + Duration::from_millis(1));
    assert_eq!(client.is_active().await, 401);
}
