//! `/callosum/v1/vestibule/sessions`: one's own sessions, for programs.

use crate::support::{ALICE_PASSWORD, Client, LIVEBOARD, PASSWORD, Reply, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "!/callosum/v1/vestibule/sessions";

async fn list(client: &Client) -> Vec<Value> {
    let reply = client.get(PATH).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["sessions"].as_array().unwrap().clone()
}

async fn post(client: &Client, what: &str, password: &str) -> Reply {
    let request = client.request(Method::POST, &format!("{PATH}/{what}"));
    client
        .send(request.json(&json!({ "password": password })))
        .await
}

fn id(session: &Value) -> String {
    session["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_list_has_this_one_first_and_says_what_ending_takes() {
    let app = TestApp::spawn();
    app.bob().await;
    app.advance(Duration::from_mins(1));
    let bob = app.bob().await;
    let body = bob.get(PATH).await.json();
    assert_eq!(body["proof_needed"], "password");
    let sessions = list(&bob).await;
    assert_eq!(sessions.len(), 2);
    let this = &sessions[0];
    assert_eq!(
        (&this["is_this"], &sessions[1]["is_this"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(this["org"], json!({ "id": 0, "name": "Primary" }));
    assert_eq!(
        (&this["method"], &this["address"]),
        (&json!("password"), &json!("127.0.0.1"))
    );
    let opened = this["opened_at_ms"].as_u64().unwrap();
    assert_eq!(opened, crate::support::START + 60_000);
    assert_eq!(this["expires_at_ms"].as_u64().unwrap(), opened + 1_800_000);
}

#[tokio::test]
async fn a_stranger_is_refused_and_so_is_a_token() {
    let app = TestApp::spawn();
    let anon = app.anon();
    anon.get(PATH).await.expect_error(401, 10097, "sign in");
    let reply = post(&anon, "end-others", PASSWORD).await;
    reply.expect_error(401, 10097, "sign in");
    let bearer = app.anon().with_bearer(&app.token("bob").await);
    bearer.get(PATH).await.expect_error(403, 10023, "by cookie");
    let reply = post(&bearer, "end-others", PASSWORD).await;
    reply.expect_error(403, 10023, "by cookie");
    // A session for one object sees nothing else of its user either.
    let form = [
        ("username", "bob"),
        ("access_level", "REPORT_BOOK_VIEW"),
        ("id", LIVEBOARD),
    ];
    let token = app.anon().mint(&form).await.text();
    let mut limited = app.anon();
    let reply = limited.redeem(&[("auth_token", &token)]).await;
    limited.keep(&reply);
    limited
        .get(PATH)
        .await
        .expect_error(403, 10023, "no object");
}

#[tokio::test]
async fn one_ends_after_the_password_and_its_holder_is_told_why() {
    let app = TestApp::spawn();
    let other = app.bob().await;
    app.tick();
    let bob = app.bob().await;
    let sessions = list(&bob).await;
    let there = format!("{}/end", id(&sessions[1]));
    let reply = post(&bob, &there, "wrong").await;
    reply.expect_error(403, 10023, "password is wrong");
    assert_eq!(other.is_active().await, 204);
    assert_eq!(post(&bob, &there, PASSWORD).await.status, 204);
    other
        .info()
        .await
        .expect_error(401, 10097, "its owner ended it");
    let again = post(&bob, &there, PASSWORD).await;
    again.expect_error(404, 10002, "a session of yours");
    let here = format!("{}/end", id(&sessions[0]));
    let reply = post(&bob, &here, PASSWORD).await;
    reply.expect_error(409, 10002, "sign out instead");
    assert_eq!(bob.is_active().await, 204);
    let words = app.trail.words();
    assert!(
        words.contains(&"session_ended".to_owned())
            && words.contains(&"password_refused".to_owned())
    );
}

#[tokio::test]
async fn all_others_end_and_nobody_elses_can_be_named() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let hers = id(&list(&alice).await[0]);
    for _ in 0..3 {
        app.bob().await;
        app.tick();
    }
    let bob = app.bob().await;
    for handle in [hers.as_str(), "0", "nonsense"] {
        let reply = post(&bob, &format!("{handle}/end"), PASSWORD).await;
        reply.expect_error(404, 10002, "a session of yours");
    }
    let reply = post(&bob, "end-others", PASSWORD).await;
    assert_eq!(reply.json(), json!({ "ended": 3 }));
    assert_eq!(list(&bob).await.len(), 1);
    assert_eq!(alice.is_active().await, 204);
}

#[tokio::test]
async fn decision_3_another_site_ends_nothing() {
    let app = TestApp::spawn();
    let bob = app.bob().await.with("origin", "https://evil.example");
    let reply = post(&bob, "end-others", PASSWORD).await;
    reply.expect_error(403, 10023, "another site");
}

#[tokio::test]
async fn case_37_a_session_by_the_key_of_one_org_sees_none_in_another() {
    let app = TestApp::spawn();
    let by_password = app.alice().await;
    app.tick();
    let (_, key) = app.org_key("Sales").await;
    let sales = app.sales.to_string();
    let open = async || {
        let form = [
            ("secret_key", key.as_str()),
            ("username", "alice"),
            ("orgid", &sales),
        ];
        let token = app.anon().post("/session/auth/token", &form).await;
        assert_eq!(token.status, 200, "{}", token.text());
        let mut client = app.anon();
        let reply = client.redeem(&[("auth_token", &token.text())]).await;
        client.keep(&reply);
        app.tick();
        client
    };
    open().await;
    let bound = open().await;
    assert_eq!(list(&bound).await.len(), 2, "those in Sales");
    assert_eq!(list(&by_password).await.len(), 3, "all");
    let reply = post(&bound, "end-others", ALICE_PASSWORD).await;
    assert_eq!(reply.json(), json!({ "ended": 1 }));
    assert_eq!(by_password.is_active().await, 204);
}
