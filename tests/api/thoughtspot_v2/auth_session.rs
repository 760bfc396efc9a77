//! `auth/session/*`: in by password or Bearer, out, who it is, and a token of one's own.

use crate::support::{ALICE_PASSWORD, Client, PASSWORD, Reply, TestApp};
use crate::thoughtspot_v2::{post, refused};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const USER: &str = "!/api/rest/2.0/auth/session/user";
const TOKEN: &str = "!/api/rest/2.0/auth/session/token";

async fn log_in(client: &Client, body: Value) -> (Reply, Client) {
    let reply = post(client, "auth/session/login", body).await;
    let mut after = client.clone();
    after.keep(&reply);
    (reply, after)
}

async fn own_token(app: &TestApp, client: &Client) -> Value {
    let reply = client.get(TOKEN).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.cookies(), []);
    let body = reply.json();
    app.plant(body["token"].as_str().unwrap());
    body
}

#[tokio::test]
async fn a_login_answers_204_with_the_cookies_of_v1_and_a_logout_takes_them_back() {
    let app = TestApp::spawn();
    let body = json!({ "username": "alice", "password": ALICE_PASSWORD, "remember_me": "true", "org_identifier": app.sales.0 });
    let (reply, alice) = log_in(&app.anon(), body).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    assert!(reply.body.is_empty());
    let names: Vec<String> = reply.cookies().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["JSESSIONID", "clientId"]);
    assert!(reply.cookies()[0].has("Max-Age=1209600"));
    for method in [Method::GET, Method::POST] {
        let user = alice.send(alice.request(method, USER)).await.json();
        assert_eq!(user["name"], "alice");
        assert_eq!(user["email"], "alice@example.com");
        assert_eq!(user["current_org"]["id"], app.sales.0);
    }
    assert_eq!(alice.is_active().await, 204);
    let reply = post(&alice, "auth/session/logout", json!({})).await;
    assert_eq!(reply.status, 204);
    assert!(reply.cookies().iter().all(|cookie| cookie.value.is_empty()));
    assert_eq!(alice.is_active().await, 401);
    refused(&alice, "auth/session/logout", json!({}), 401, "ended").await;
    refused(
        &app.anon(),
        "auth/session/logout",
        json!({}),
        401,
        "sign in",
    )
    .await;
}

#[tokio::test]
async fn a_token_is_traded_for_cookies_and_its_limits_stay() {
    let app = TestApp::spawn();
    let token = app.token("bob").await;
    let bearer = app.anon().with_bearer(&token);
    // Without a body at all, as one public sample sends it.
    let reply = bearer
        .send(bearer.request(Method::POST, "!/api/rest/2.0/auth/session/login"))
        .await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    let mut cookie = app.anon();
    cookie.keep(&reply);
    assert_eq!(cookie.get(USER).await.json()["name"], "bob");
    let dead = app.anon().with_bearer("no-token");
    refused(&dead, "auth/session/login", json!({}), 401, "token").await;
    let both = json!({ "username": "alice", "password": ALICE_PASSWORD });
    let (reply, alice) = log_in(&dead, both).await;
    assert_eq!(reply.status, 204, "credentials beside a Bearer win");
    let by_cookie = app.anon().with_cookie(alice.cookie());
    assert_eq!(by_cookie.get(USER).await.json()["name"], "alice");
}

#[tokio::test]
async fn what_is_wrong_with_a_login_is_said_without_helping_to_guess() {
    let app = TestApp::spawn();
    let anon = app.anon();
    refused(&anon, "auth/session/login", json!({}), 400, "username").await;
    refused(
        &anon,
        "auth/session/login",
        json!({ "username": "bob" }),
        400,
        "password",
    )
    .await;
    refused(
        &anon,
        "auth/session/login",
        json!({ "password": PASSWORD }),
        400,
        "username",
    )
    .await;
    for (user, password) in [("bob", "wrong"), ("nobody", "wrong"), ("dora", PASSWORD)] {
        let body = json!({ "username": user, "password": password });
        refused(
            &anon,
            "auth/session/login",
            body,
            401,
            "wrong, or the account",
        )
        .await;
    }
    let foreign = json!({ "username": "bob", "password": PASSWORD, "org_identifier": "Sales" });
    refused(
        &anon,
        "auth/session/login",
        foreign,
        400,
        "do not have access to org Sales",
    )
    .await;
    let none = json!({ "username": "bob", "password": PASSWORD, "org_identifier": "Nowhere" });
    refused(
        &anon,
        "auth/session/login",
        none,
        400,
        "do not have access to org Nowhere",
    )
    .await;
    for org in ["Sales", "Nowhere"] {
        let body = json!({ "username": "bob", "password": "wrong", "org_identifier": org });
        refused(
            &app.anon(),
            "auth/session/login",
            body,
            401,
            "wrong, or the account",
        )
        .await;
    }
}

#[tokio::test]
async fn a_session_gets_a_token_for_a_day_and_a_token_none_that_outlives_it() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    let first = own_token(&app, &bob).await;
    let day = 24 * 60 * 60 * 1_000;
    let life = |token: &Value| {
        token["expiration_time_in_millis"].as_u64().unwrap()
            - token["creation_time_in_millis"].as_u64().unwrap()
    };
    assert_eq!(life(&first), day);
    assert_eq!(first["valid_for_username"], "bob");
    app.advance(Duration::from_hours(1));
    let bearer = app.anon().with_bearer(first["token"].as_str().unwrap());
    let second = own_token(&app, &bearer).await;
    assert_eq!(life(&second), day - 60 * 60 * 1_000);
    app.advance(Duration::from_hours(23));
    app.tick();
    let second = app.anon().with_bearer(second["token"].as_str().unwrap());
    assert_eq!(second.get(USER).await.status, 401);
}
