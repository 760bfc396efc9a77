//! `auth/apiTokens` and login mode 4096: one token a user, and what it opened ends with it.

use crate::microstrategy::{Held, ask, call, expect_error, log_in, log_in_with, status};
use crate::support::{
    ADMIN_PASSWORD, ALICE_PASSWORD, Client, PASSWORD, Redis, Reply, TestApp, on_redis,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn create(app: &TestApp, client: &Client, body: &Value) -> String {
    let reply = client
        .send(ask(client, Method::POST, "auth/apiTokens").json(body))
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let token = reply.json()["apiToken"].as_str().unwrap().to_owned();
    app.plant(&token);
    token
}

async fn use_it(app: &TestApp, token: &str) -> Reply {
    let body = json!({ "loginMode": 4096, "applicationType": 76, "username": token });
    log_in_with(&app.anon(), &body).await
}

#[tokio::test]
async fn a_token_signs_its_user_in_until_it_is_replaced_or_deleted() {
    let redis = Redis::start();
    for app in [
        TestApp::spawn(),
        TestApp::with(|settings| on_redis(settings, &redis)),
    ] {
        let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
        let client = alice.client(&app);
        expect_error(
            &call(&client, Method::GET, "auth/apiTokens").await,
            404,
            "ERR004",
        );
        let first = create(&app, &client, &json!({})).await;
        let one = Held::of(&app, &use_it(&app, &first).await);
        let info = call(&one.client(&app), Method::GET, "sessions/userInfo").await;
        assert_eq!(info.json()["username"], "alice");
        let shown = call(&client, Method::GET, "auth/apiTokens").await;
        assert_eq!(shown.json()["createTime"], "2026-03-01T12:00:00Z");
        assert!(!shown.text().contains(&first));

        app.tick();
        let second = create(&app, &client, &json!({ "lifeTimeInMinutes": 5 })).await;
        expect_error(&use_it(&app, &first).await, 401, "ERR003");
        assert_eq!(
            status(&app, &one).await,
            401,
            "what the old one opened is over"
        );
        app.tick();
        let two = Held::of(&app, &use_it(&app, &second).await);
        app.tick();
        assert_eq!(
            call(&client, Method::DELETE, "auth/apiTokens").await.status,
            204
        );
        assert_eq!(status(&app, &two).await, 401);
        expect_error(&use_it(&app, &second).await, 401, "ERR003");
        expect_error(
            &call(&client, Method::DELETE, "auth/apiTokens").await,
            404,
            "ERR004",
        );
        assert_eq!(
            status(&app, &alice).await,
            200,
            "a session of the password stays"
        );
    }
}

#[tokio::test]
async fn a_token_ends_in_time_and_with_its_user() {
    let app = TestApp::spawn();
    let bob = log_in(&app, "bob", PASSWORD).await.client(&app);
    let short = create(&app, &bob, &json!({ "lifeTimeInMinutes": "5" })).await;
    app.advance(Duration::from_secs(301));
    expect_error(&use_it(&app, &short).await, 401, "ERR003");
    let token = create(&app, &bob, &json!({})).await;
    for bad in [json!(0), json!(-1), json!(10_000_000), json!("soon")] {
        let body = json!({ "lifeTimeInMinutes": bad });
        let reply = bob
            .send(ask(&bob, Method::POST, "auth/apiTokens").json(&body))
            .await;
        expect_error(&reply, 400, "ERR006");
    }
    let (administration, by) = app.administration();
    administration.disable_user("bob", &by).await.unwrap();
    expect_error(&use_it(&app, &token).await, 401, "ERR003");
    administration.delete_user("bob", &by).await.unwrap();
    expect_error(&use_it(&app, &token).await, 401, "ERR003");
}

#[tokio::test]
async fn only_an_administrator_makes_tokens_for_others() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await.client(&app);
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await.client(&app);
    let id = |user: &vestibule::domain::directory::User| format!("{:032X}", user.id.0.as_u128());
    let bob = json!({ "userId": id(&app.user("bob").await) });
    let own = json!({ "userId": id(&app.user("alice").await) });
    let reply = alice
        .send(ask(&alice, Method::POST, "auth/apiTokens").json(&bob))
        .await;
    expect_error(&reply, 403, "ERR0014");
    create(&app, &alice, &own).await;
    let token = create(&app, &admin, &bob).await;
    let held = Held::of(&app, &use_it(&app, &token).await);
    let info = call(&held.client(&app), Method::GET, "sessions/userInfo").await;
    assert_eq!(info.json()["username"], "bob");
    let nobody = json!({ "userId": "00000000000000000000000000000000" });
    let reply = admin
        .send(ask(&admin, Method::POST, "auth/apiTokens").json(&nobody))
        .await;
    expect_error(&reply, 400, "ERR006");
}

#[tokio::test]
async fn nothing_else_is_an_api_token() {
    let app = TestApp::spawn();
    for bad in [
        "bogus",
        crate::support::SECRET_KEY,
        "alice",
        &"x".repeat(300),
    ] {
        expect_error(&use_it(&app, bad).await, 401, "ERR003");
    }
    assert!(
        app.trail
            .words()
            .iter()
            .all(|word| word == "login_refused unknown_token")
    );
    // And it is nobody's secret key.
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await.client(&app);
    let token = create(&app, &alice, &json!({})).await;
    let form = [("secret_key", token.as_str()), ("username", "bob")];
    assert_eq!(
        app.anon().post("/session/auth/token", &form).await.status,
        401
    );
}

#[tokio::test]
async fn case_36_whatever_ends_everything_of_a_user_ends_the_api_token_too() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();
    let bob = app.user("bob").await.id;
    for event in ["password", "revoked", "disabled", "everybody"] {
        let client = log_in(&app, "bob", PASSWORD).await.client(&app);
        let token = create(&app, &client, &json!({})).await;
        let held = Held::of(&app, &use_it(&app, &token).await);
        app.tick();
        match event {
            "password" => {
                let same = PASSWORD.into();
                drop(
                    administration
                        .set_password("bob", &same, &by)
                        .await
                        .unwrap(),
                );
            }
            "revoked" => administration.end_sessions_of(bob, &by).await.unwrap(),
            "disabled" => {
                administration.disable_user("bob", &by).await.unwrap();
                administration.enable_user("bob", &by).await.unwrap();
            }
            _ => administration.end_all_sessions(&by).await.unwrap(),
        }
        app.tick();
        assert_eq!(status(&app, &held).await, 401, "{event}");
        expect_error(&use_it(&app, &token).await, 401, "ERR003");
    }
}

#[tokio::test]
async fn an_api_token_makes_no_other_so_that_its_lifetime_means_something() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await.client(&app);
    let token = create(&app, &alice, &json!({ "lifeTimeInMinutes": 5 })).await;
    let held = Held::of(&app, &use_it(&app, &token).await);
    let reply = call(&held.client(&app), Method::POST, "auth/apiTokens").await;
    expect_error(&reply, 403, "ERR0014");
    assert!(use_it(&app, &token).await.status == 204, "and stays");
}

#[tokio::test]
async fn thing_9_a_dead_session_is_told_so_whatever_body_comes_with_it() {
    let redis = Redis::start();
    let app = TestApp::with(|settings| on_redis(settings, &redis));
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await.client(&app);
    assert_eq!(call(&admin, Method::POST, "auth/logout").await.status, 204);
    for (method, route) in [
        (Method::POST, "auth/apiTokens"),
        (Method::PATCH, "v2/iserver/settings"),
        (Method::PUT, "mstrServices/library/auth"),
    ] {
        let bad = ask(&admin, method, route)
            .header("content-type", "application/json")
            .body("{");
        expect_error(&admin.send(bad).await, 401, "ERR009");
    }
}
