//! The two timeouts, with the clock turned: when a session ends, and what its client sees.

use crate::microstrategy::{Held, ask, call, expect_error, log_in, status};
use crate::support::{PASSWORD, Redis, TestApp, on_redis};
use reqwest::Method;
use std::time::Duration;

/// Every promise here holds with either store.
async fn on_each_store(check: impl AsyncFn(TestApp)) {
    check(TestApp::spawn()).await;
    let redis = Redis::start();
    check(TestApp::with(|settings| on_redis(settings, &redis))).await;
}

/// Refused no earlier than 1 s and no later than 2 s after the advertised timeout (contract decision 17).
async fn ends_in_time(app: &TestApp, held: &Held) {
    app.advance(Duration::from_secs(601));
    assert_eq!(status(app, held).await, 200, "ended early");
    app.advance(Duration::from_secs(602));
    let reply = call(&held.client(app), Method::GET, "sessions").await;
    expect_error(&reply, 401, "ERR009");
    assert_eq!(reply.json()["iServerCode"], -2_147_468_901);
}

#[tokio::test]
async fn an_idle_session_is_refused_between_one_and_two_seconds_after_its_timeout() {
    on_each_store(async |app| {
        let held = log_in(&app, "bob", PASSWORD).await;
        ends_in_time(&app, &held).await;
    })
    .await;
}

#[tokio::test]
async fn a_use_right_after_another_counts_too() {
    // A store may spare itself the write of a use that follows closely on another.
    on_each_store(async |app| {
        for pause in [1, 100, 249, 250, 600, 999] {
            let held = log_in(&app, "bob", PASSWORD).await;
            assert_eq!(status(&app, &held).await, 200);
            app.advance(Duration::from_millis(pause));
            assert_eq!(status(&app, &held).await, 200);
            ends_in_time(&app, &held).await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_call_keeps_both_sessions_alive() {
    on_each_store(async |app| {
        let held = log_in(&app, "bob", PASSWORD).await;
        let client = held.client(&app);
        // Past both timeouts, 600 s and 30 min, several times over.
        for round in 0..20 {
            app.advance(Duration::from_secs(599));
            let (method, below, wanted) = [
                (Method::PUT, "sessions", 204),
                (Method::GET, "sessions", 200),
                (Method::GET, "sessions/userInfo", 200),
                (Method::GET, "projects", 200),
            ][round % 4]
                .clone();
            assert_eq!(call(&client, method, below).await.status, wanted);
        }
    })
    .await;
}

#[tokio::test]
async fn after_the_http_session_nobody_remembers_why_and_the_answer_is_the_same() {
    let app = TestApp::spawn();
    let held = log_in(&app, "bob", PASSWORD).await;
    let client = held.client(&app);
    app.advance(Duration::from_secs(603));
    let first = call(&client, Method::PUT, "sessions").await;
    expect_error(&first, 401, "ERR009");
    app.advance(Duration::from_mins(31));
    let second = call(&client, Method::POST, "auth/logout").await;
    expect_error(&second, 401, "ERR009");
    assert_eq!(first.json()["message"], second.json()["message"]);
    // A new login beside the dead one works, whichever of the two ran out.
    let body = serde_json::json!({ "username": "bob", "password": PASSWORD });
    let new = Held::of(
        &app,
        &crate::microstrategy::log_in_with(&client, &body).await,
    );
    assert_eq!(status(&app, &new).await, 200);
}

#[tokio::test]
async fn a_busy_session_ends_at_the_absolute_timeout_all_the_same() {
    let app =
        TestApp::with(|settings| settings.sessions.absolute_timeout = Duration::from_secs(1_000));
    let held = log_in(&app, "bob", PASSWORD).await;
    app.advance(Duration::from_secs(500));
    assert_eq!(status(&app, &held).await, 200);
    app.advance(Duration::from_secs(501));
    let reply = call(&held.client(&app), Method::GET, "sessions").await;
    expect_error(&reply, 401, "ERR009");
}

#[tokio::test]
async fn near_its_absolute_end_a_session_advertises_what_is_left_and_keeps_to_it() {
    on_each_store(async |app| {
        // A day: the absolute timeout as it comes.
        let day = Duration::from_hours(24);
        let held = log_in(&app, "bob", PASSWORD).await;
        let client = held.client(&app);
        let mut left = day;
        while left > Duration::from_secs(500) {
            let step = Duration::from_secs(590);
            app.advance(step);
            left -= step;
            assert_eq!(call(&client, Method::PUT, "sessions").await.status, 204);
        }
        app.advance(Duration::from_millis(300));
        let body = call(&client, Method::GET, "sessions").await.json();
        let told = body["timeout"].as_u64().unwrap();
        assert!(told < 500, "{told}");
        app.advance(Duration::from_secs(told + 1));
        assert_eq!(status(&app, &held).await, 200, "ended early");
        app.advance(Duration::from_secs(1));
        assert_eq!(status(&app, &held).await, 401, "ended late");
    })
    .await;
}

#[tokio::test]
async fn a_delegated_session_advertises_no_more_than_the_one_it_shares_has_left() {
    let app =
        TestApp::with(|settings| settings.sessions.absolute_timeout = Duration::from_secs(1_000));
    let held = log_in(&app, "bob", PASSWORD).await;
    app.advance(Duration::from_secs(590));
    let lent = call(&held.client(&app), Method::POST, "auth/identityToken").await;
    let token = lent.header("x-mstr-identitytoken").unwrap().to_owned();
    app.plant(&token);
    let body = serde_json::json!({ "loginMode": -1, "identityToken": token });
    let request = ask(&app.anon(), Method::POST, "auth/delegate").json(&body);
    let delegated = Held::of(&app, &app.anon().send(request).await);
    let shown = call(&delegated.client(&app), Method::GET, "sessions").await;
    assert_eq!(shown.json()["timeout"], 409);
}
