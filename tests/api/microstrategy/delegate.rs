//! `auth/identityToken` and `auth/delegate`: one token, one session, one fate.

use crate::microstrategy::{Held, ask, call, expect_error, log_in, status};
use crate::support::{ALICE_PASSWORD, Redis, Reply, TestApp, on_redis};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

async fn identity_token(app: &TestApp, held: &Held) -> String {
    let reply = call(&held.client(app), Method::POST, "auth/identityToken").await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let token = reply.header("x-mstr-identitytoken").unwrap().to_owned();
    app.plant(&token);
    token
}

async fn delegate(app: &TestApp, token: &str) -> Reply {
    let client = app.anon();
    // mstrio-py writes the mode as a text.
    let body = json!({ "loginMode": "-1", "identityToken": token });
    client
        .send(ask(&client, Method::POST, "auth/delegate").json(&body))
        .await
}

async fn look(app: &TestApp, token: &str) -> Reply {
    let client = app.anon().with("X-MSTR-IdentityToken", token);
    call(&client, Method::GET, "auth/identityToken").await
}

#[tokio::test]
async fn a_token_opens_one_session_and_looking_does_not_use_it_up() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let token = identity_token(&app, &alice).await;
    let id = format!("{:032X}", app.user("alice").await.id.0.as_u128());
    for _ in 0..3 {
        let reply = look(&app, &token).await;
        assert_eq!((reply.status, reply.json()), (200, json!({ "userId": id })));
    }
    let delegated = Held::of(&app, &delegate(&app, &token).await);
    assert_ne!(
        (&delegated.token, &delegated.cookie),
        (&alice.token, &alice.cookie)
    );
    let info = call(&delegated.client(&app), Method::GET, "sessions").await;
    assert_eq!(
        (&info.json()["username"], &info.json()["timeout"]),
        (&json!("alice"), &json!(600))
    );
    expect_error(&delegate(&app, &token).await, 401, "ERR003");
    assert_eq!(
        app.trail.words(),
        ["login", "login", "login_refused spent_token"]
    );
}

#[tokio::test]
async fn case_31_of_many_delegations_at_once_one_gets_through() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let token = identity_token(&app, &alice).await;
    let all = futures_util::future::join_all((0..20).map(|_| delegate(&app, &token))).await;
    assert_eq!(all.iter().filter(|reply| reply.status == 204).count(), 1);
    for reply in all.iter().filter(|reply| reply.status == 204) {
        Held::of(&app, reply);
    }
}

#[tokio::test]
async fn a_token_lives_a_minute_and_not_longer_than_its_session() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let old = identity_token(&app, &alice).await;
    app.advance(Duration::from_secs(61));
    expect_error(&look(&app, &old).await, 401, "ERR003");
    expect_error(&delegate(&app, &old).await, 401, "ERR003");
    let orphan = identity_token(&app, &alice).await;
    assert_eq!(
        call(&alice.client(&app), Method::POST, "auth/logout")
            .await
            .status,
        204
    );
    expect_error(&look(&app, &orphan).await, 401, "ERR003");
    expect_error(&delegate(&app, &orphan).await, 401, "ERR003");
    let again = log_in(&app, "alice", ALICE_PASSWORD).await;
    let revoked = identity_token(&app, &again).await;
    let (administration, by) = app.administration();
    app.tick();
    administration.disable_user("alice", &by).await.unwrap();
    expect_error(&delegate(&app, &revoked).await, 401, "ERR003");
}

#[tokio::test]
async fn a_delegated_session_shares_the_fate_of_the_other() {
    let redis = Redis::start();
    for app in [
        TestApp::spawn(),
        TestApp::with(|settings| on_redis(settings, &redis)),
    ] {
        // Whichever is signed out of, both are over; of a delegated one's delegate as well.
        for which in 0..3 {
            let first = log_in(&app, "alice", ALICE_PASSWORD).await;
            let second = Held::of(
                &app,
                &delegate(&app, &identity_token(&app, &first).await).await,
            );
            let third = Held::of(
                &app,
                &delegate(&app, &identity_token(&app, &second).await).await,
            );
            let all = [first, second, third];
            let reply = call(&all[which].client(&app), Method::POST, "auth/logout").await;
            assert_eq!(reply.status, 204);
            let first_and_own = [status(&app, &all[0]).await, status(&app, &all[which]).await];
            assert_eq!(first_and_own, [401, 401]);
            assert_eq!(status(&app, &all[1]).await, 401);
            assert_eq!(status(&app, &all[2]).await, 401);
        }
    }
}

#[tokio::test]
async fn both_have_one_idle_clock() {
    let app = TestApp::spawn();
    let first = log_in(&app, "alice", ALICE_PASSWORD).await;
    let second = Held::of(
        &app,
        &delegate(&app, &identity_token(&app, &first).await).await,
    );
    for _ in 0..4 {
        app.advance(Duration::from_secs(500));
        assert_eq!(status(&app, &second).await, 200);
    }
    app.advance(Duration::from_secs(500));
    assert_eq!(
        status(&app, &first).await,
        200,
        "the other one's use kept it alive"
    );
    for _ in 0..4 {
        app.advance(Duration::from_secs(500));
        assert_eq!(status(&app, &first).await, 200);
    }
    assert_eq!(status(&app, &second).await, 200);
    app.advance(Duration::from_secs(603));
    assert_eq!(
        (status(&app, &second).await, status(&app, &first).await),
        (401, 401)
    );
}

#[tokio::test]
async fn nothing_else_is_an_identity_token_and_it_is_nothing_else() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let trusted = app.token("alice").await;
    for other in [trusted.as_str(), "not-a-token", alice.token.as_str()] {
        expect_error(&delegate(&app, other).await, 401, "ERR003");
        expect_error(&look(&app, other).await, 401, "ERR003");
    }
    let token = identity_token(&app, &alice).await;
    assert_eq!(app.anon().with_bearer(&token).is_active().await, 401);
    assert_eq!(
        app.anon().redeem(&[("auth_token", &token)]).await.status,
        401
    );
    expect_error(
        &call(&app.anon(), Method::GET, "auth/identityToken").await,
        401,
        "ERR003",
    );
    expect_error(&delegate(&app, "").await, 400, "ERR006");
}

#[tokio::test]
async fn a_delegate_makes_no_lasting_token() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let token = identity_token(&app, &alice).await;
    let other = Held::of(&app, &delegate(&app, &token).await);
    for method in [Method::POST, Method::DELETE] {
        let reply = call(&other.client(&app), method, "auth/apiTokens").await;
        expect_error(&reply, 403, "ERR0014");
    }
}

#[tokio::test]
async fn case_35_a_delegate_does_not_push_out_the_session_it_shares() {
    let app = TestApp::with(|settings| settings.sessions.max_per_user = 1);
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let token = identity_token(&app, &alice).await;
    app.tick();
    let other = Held::of(&app, &delegate(&app, &token).await);
    assert_eq!(status(&app, &other).await, 200);
    assert_eq!(status(&app, &alice).await, 200);
}
