//! What clients ask of the server itself, and what only an administrator may.

use crate::microstrategy::{Held, ask, call, expect_error, log_in, log_in_with, status};
use crate::support::{ADMIN_PASSWORD, ALICE_PASSWORD, Client, PASSWORD, Reply, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use vestibule::domain::administration::WebLimits;
use vestibule::domain::directory::UserChange;

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
        json!({ "availableModes": ["one"] }),
        json!({ "availableModes": [1], "defaultMode": 4096 }),
    ] {
        expect_error(&send(&admin, Method::PUT, below, &bad).await, 400, "ERR006");
    }
    let wanted = json!({ "availableModes": [4096], "defaultMode": 4096 });
    // Numbers may be texts.
    let texts = json!({ "availableModes": ["4096"], "defaultMode": "4096" });
    let reply = send(&admin, Method::PUT, below, &texts).await;
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

#[tokio::test]
async fn the_idle_timeout_never_reaches_the_absolute_one_either() {
    let app =
        TestApp::with(|settings| settings.sessions.absolute_timeout = Duration::from_mins(15));
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await.client(&app);
    let of = |seconds: i64| json!({ "maxWebConnectionIdleTime": { "value": seconds } });
    let below = "v2/iserver/settings";
    let reply = send(&admin, Method::PATCH, below, &of(900)).await;
    expect_error(&reply, 400, "ERR006");
    assert!(reply.text().contains("1 to 899"), "{}", reply.text());
    let reply = send(&admin, Method::PATCH, below, &of(899)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn a_saved_timeout_that_another_nodes_settings_forbid_is_not_used_here() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();
    let elsewhere = WebLimits {
        http_session: Duration::from_hours(2),
        absolute: Duration::from_hours(24),
    };
    let saved = Duration::from_mins(30);
    administration
        .save_web_timeout(saved, elsewhere, &by)
        .await
        .unwrap();
    let services = &app.services;
    services.refresh_live().await.unwrap();
    assert_eq!(
        services.live.load().web.iserver_timeout,
        Duration::from_mins(10)
    );
    let refusal = services.saved_web_refusal().await.unwrap().unwrap();
    assert!(
        refusal.contains("30 minutes (1800 seconds)") && refusal.contains("here 1800 seconds"),
        "{refusal}"
    );
}

#[tokio::test]
async fn connections_come_some_at_a_time_with_the_names_people_read() {
    let app = TestApp::spawn();
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await.client(&app);
    let (administration, by) = app.administration();
    let change = UserChange {
        display_name: Some("Bob the Builder".to_owned()),
        ..UserChange::default()
    };
    let bob = app.user("bob").await;
    administration.update_user(&bob, change, &by).await.unwrap();
    for _ in 0..4 {
        app.bob().await;
    }
    let page = async |query: &str| {
        let below = format!("monitors/userConnections{query}");
        let reply = call(&admin, Method::GET, &below).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let body = reply.json();
        assert_eq!(body["total"], 5);
        body["userConnections"].as_array().unwrap().clone()
    };
    let all = page("?limit=-1").await;
    assert_eq!((all.len(), page("").await.len()), (5, 5));
    let of_bob = all.iter().find(|one| one["username"] == "bob").unwrap();
    assert_eq!(of_bob["userFullName"], "Bob the Builder");
    let mut seen = Vec::new();
    for offset in [0, 2, 4, 6] {
        seen.extend(page(&format!("?offset={offset}&limit=2&clusterNode=x")).await);
    }
    let ids = |list: &[Value]| -> BTreeSet<String> {
        list.iter().map(|one| one["id"].to_string()).collect()
    };
    assert_eq!((seen.len(), ids(&seen)), (5, ids(&all)));
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "offset=-1",
        "offset=1&offset=2",
    ] {
        let below = format!("monitors/userConnections?{bad}");
        expect_error(&call(&admin, Method::GET, &below).await, 400, "ERR006");
    }
}
