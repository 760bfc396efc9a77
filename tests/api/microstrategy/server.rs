//! What clients ask of the server itself, and what only an administrator may.

use crate::microstrategy::{Held, ask, call, expect_error, log_in, log_in_with, status};
use crate::support::{ADMIN_PASSWORD, ALICE_PASSWORD, Client, PASSWORD, Reply, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn send(client: &Client, method: Method, below: &str, body: &Value) -> Reply {
    client.send(ask(client, method, below).json(body)).await
}

#[tokio::test]
async fn thing_7_status_is_200_without_a_session_and_recent_enough() {
    let app = TestApp::shared();
    let reply = call(&app.anon(), Method::GET, "status").await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    for key in ["iServerVersion", "webVersion"] {
        // What mstrio-py keeps of it, and below what it signs in a second time.
        let version = &body[key].as_str().unwrap()[..9];
        assert!(version >= "11.5.0600", "{version}");
    }
    let some = call(&app.anon(), Method::GET, "status?fields=webVersion")
        .await
        .json();
    assert_eq!(some.as_object().unwrap().len(), 1);
    let stale = app
        .anon()
        .with("x-mstr-authtoken", "x")
        .with_cookie("JSESSIONID=y");
    assert_eq!(call(&stale, Method::GET, "status").await.status, 200);
}

#[tokio::test]
async fn an_administrator_chooses_which_modes_are_offered() {
    let app = TestApp::spawn();
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await.client(&app);
    let below = "mstrServices/library/auth";
    let shown = call(&admin, Method::GET, below).await.json();
    assert_eq!(
        shown,
        json!({ "availableModes": [1, 4096], "defaultMode": 1 })
    );
    for bad in [
        json!({}),
        json!({ "availableModes": [] }),
        json!({ "availableModes": [1, 8] }),
        json!({ "availableModes": ["1"] }),
        json!({ "availableModes": [1], "defaultMode": 4096 }),
    ] {
        expect_error(&send(&admin, Method::PUT, below, &bad).await, 400, "ERR006");
    }
    let wanted = json!({ "availableModes": [4096], "defaultMode": 4096 });
    let reply = send(&admin, Method::PUT, below, &wanted).await;
    assert_eq!((reply.status, reply.json()), (200, wanted));
    let body = json!({ "username": "bob", "password": PASSWORD });
    expect_error(&log_in_with(&app.anon(), &body).await, 401, "ERR003");
    let bob = app.bob().await;
    assert_eq!(
        bob.is_active().await,
        204,
        "other dialects have ways in of their own"
    );
}

#[tokio::test]
async fn the_idle_timeout_changes_for_later_sessions_and_never_reaches_the_http_sessions() {
    let app = TestApp::spawn();
    let held = log_in(&app, "tsadmin", ADMIN_PASSWORD).await;
    let admin = held.client(&app);
    let below = "v2/iserver/settings";
    let shown = call(&admin, Method::GET, below).await.json();
    assert_eq!(
        shown,
        json!({ "maxWebConnectionIdleTime": { "value": 600 } })
    );
    let of = |seconds: i64| json!({ "maxWebConnectionIdleTime": { "value": seconds } });
    for bad in [-1, 0, 1_800, 999_999] {
        let reply = send(&admin, Method::PATCH, below, &of(bad)).await;
        expect_error(&reply, 400, "ERR006");
        if bad > 0 {
            assert!(
                reply.text().contains("30 minutes (1800 seconds)"),
                "{}",
                reply.text()
            );
            assert!(
                reply.text().contains(&format!("{bad} seconds")),
                "{}",
                reply.text()
            );
        }
    }
    let reply = send(&admin, Method::PATCH, below, &of(1_799)).await;
    assert_eq!((reply.status, reply.json()), (200, of(1_799)));
    assert_eq!(app.trail.last().act.name(), "directory_changed");
    let later = log_in(&app, "bob", PASSWORD).await.client(&app);
    let timeout = |reply: Reply| reply.json()["timeout"].clone();
    assert_eq!(timeout(call(&later, Method::GET, "sessions").await), 1_799);
    assert_eq!(timeout(call(&admin, Method::GET, "sessions").await), 600);
    let other = json!({ "maxUserConnectionIdleTime": { "value": 1 } });
    assert_eq!(
        send(&admin, Method::PUT, below, &other).await.json(),
        of(1_799)
    );
}

#[tokio::test]
async fn an_administrator_sees_who_is_connected_and_ends_one_session() {
    let app = TestApp::spawn();
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await.client(&app);
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let classic = app.bob().await;
    let listed = call(&admin, Method::GET, "monitors/userConnections")
        .await
        .json();
    let listed = listed["userConnections"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 3);
    let of = |name: &str| {
        let one = listed.iter().find(|one| one["username"] == name).unwrap();
        format!("monitors/userConnections/{}", one["id"].as_str().unwrap())
    };
    for name in ["alice", "bob"] {
        assert_eq!(call(&admin, Method::DELETE, &of(name)).await.status, 204);
        expect_error(
            &call(&admin, Method::DELETE, &of(name)).await,
            404,
            "ERR004",
        );
    }
    assert_eq!(
        (status(&app, &alice).await, classic.is_active().await),
        (401, 401)
    );
    let nonsense = "monitors/userConnections/nonsense";
    expect_error(&call(&admin, Method::DELETE, nonsense).await, 404, "ERR004");
}

#[tokio::test]
async fn nobody_else_administers() {
    let app = TestApp::shared();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await.client(&app);
    for (method, below) in [
        (Method::GET, "monitors/userConnections"),
        (Method::DELETE, "monitors/userConnections/x"),
        (Method::GET, "v2/iserver/settings"),
        (Method::PATCH, "v2/iserver/settings"),
        (Method::PUT, "v2/iserver/settings"),
        (Method::GET, "mstrServices/library/auth"),
        (Method::PUT, "mstrServices/library/auth"),
    ] {
        let reply = send(&alice, method.clone(), below, &json!({})).await;
        expect_error(&reply, 403, "ERR0014");
        let reply = send(&app.anon(), method, below, &json!({})).await;
        expect_error(&reply, 401, "ERR009");
    }
}

#[tokio::test]
async fn an_administrators_api_token_administers_too() {
    let app = TestApp::spawn();
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await.client(&app);
    let reply = call(&admin, Method::POST, "auth/apiTokens").await;
    let token = reply.json()["apiToken"].as_str().unwrap().to_owned();
    app.plant(&token);
    let body = json!({ "loginMode": 4096, "username": token });
    let held = Held::of(&app, &log_in_with(&app.anon(), &body).await);
    let reply = call(&held.client(&app), Method::GET, "v2/iserver/settings").await;
    assert_eq!(reply.status, 200);
}
