//! Refusals that no handler made, and bodies that nobody could mean: never a 5xx, always this dialect's words.

use crate::microstrategy::{BASE, ask, call, expect_error, log_in, path};
use crate::support::{ADMIN_PASSWORD, ALICE_PASSWORD, TestApp};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn an_unknown_path_and_an_unknown_method_are_404_err004() {
    let app = TestApp::shared();
    let client = app.anon();
    for (method, path) in [
        (Method::GET, format!("!{BASE}/api/nonsense")),
        (
            Method::GET,
            format!("!{BASE}/api/objects/1?type=32&comments=True"),
        ),
        (Method::GET, format!("!{BASE}/api/auth/login")),
        (Method::DELETE, format!("!{BASE}/api/auth/login")),
        (Method::PATCH, format!("!{BASE}/api/sessions")),
        (Method::TRACE, format!("!{BASE}/api/status")),
        (Method::GET, format!("!{BASE}/api/")),
        (Method::GET, format!("!{BASE}/")),
        (Method::GET, format!("!{BASE}")),
    ] {
        let reply = client.send(client.request(method, &path)).await;
        expect_error(&reply, 404, "ERR004");
        assert_eq!(reply.json()["message"], "HTTP 404 Not Found", "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_says_so_and_one_too_large_too() {
    let app = TestApp::shared();
    let client = app.anon();
    for below in ["auth/login", "auth/delegate"] {
        for (body, message) in [
            ("{", "Invalid JSON"),
            ("nonsense", "Invalid JSON"),
            ("{\"username\": \"p1anted", "Invalid JSON"),
            ("[]", "Invalid input: expected a JSON object"),
            ("\"x\"", "Invalid input: expected a JSON object"),
            (
                "{\"password\":\"p1anted\",\"password\":\"p1anted\"}",
                "Invalid input: password: expected to be given once",
            ),
        ] {
            let request = ask(&client, Method::POST, below)
                .header("content-type", "application/json")
                .body(body);
            let reply = client.send(request).await;
            expect_error(&reply, 400, "ERR006");
            assert_eq!(reply.json()["message"], message, "{body}");
        }
        let request = ask(&client, Method::POST, below)
            .header("content-type", "application/json")
            .body(format!("{{\"username\": \"{}\"}}", "x".repeat(2 << 20)));
        expect_error(&client.send(request).await, 413, "ERR006");
    }
    for body in [
        json!({}),
        json!({ "username": "", "password": "x" }),
        json!({ "username": [1] }),
    ] {
        let request = ask(&client, Method::POST, "auth/login").json(&body);
        let reply = client.send(request).await;
        expect_error(&reply, 400, "ERR006");
        assert!(reply.text().contains("username"), "{}", reply.text());
    }
    let twice = "username=a&username=b&password=c";
    expect_error(
        &client.post_raw(&path("auth/login"), twice).await,
        400,
        "ERR006",
    );
}

#[tokio::test]
async fn the_ticket_finds_the_audit_line() {
    let app = TestApp::spawn();
    let body = json!({ "username": "alice", "password": "wrong" });
    let client = app.anon();
    let reply = client
        .send(ask(&client, Method::POST, "auth/login").json(&body))
        .await;
    let ticket = reply.json()["ticketId"].as_str().unwrap().to_owned();
    let incident = uuid::Uuid::parse_str(&ticket).unwrap().to_string();
    assert_eq!(app.trail.last().client.incident, incident);
}

#[tokio::test]
async fn the_dialect_can_be_off_and_elsewhere() {
    let off = TestApp::with(|settings| settings.microstrategy.enabled = false);
    assert_eq!(off.anon().get(&path("status")).await.status, 404);
    let moved = TestApp::with(|settings| settings.microstrategy.base_path = "/lib/x".to_owned());
    let client = moved.anon();
    assert_eq!(client.get("!/lib/x/api/status").await.status, 200);
    let body = json!({ "username": "alice", "password": ALICE_PASSWORD });
    let request = client
        .request(Method::POST, "!/lib/x/api/auth/login")
        .json(&body);
    let reply = client.send(request).await;
    moved.plant(&reply.cookies()[0].value);
    assert!(reply.cookies()[0].has("Path=/lib/x"));
    assert_eq!(call(&client, Method::GET, "status").await.status, 404);
}

#[tokio::test]
async fn case_47_a_name_given_twice_is_refused_in_json_as_in_a_form() {
    let app = TestApp::shared();
    let client = app.anon();
    for body in [
        r#"{"username":"bob","username":"alice","password":"battery staple"}"#,
        r#"{"username":"bob","password":"battery staple","loginMode":1,"loginMode":1}"#,
        r#"{"username":"bob","password":"battery staple","other":1,"other":2}"#,
        r#"{"username":"bob","password":"battery staple","\u0070assword":"x"}"#,
    ] {
        let request = ask(&client, Method::POST, "auth/login")
            .header("content-type", "application/json")
            .body(body);
        expect_error(&client.send(request).await, 400, "ERR006");
    }
}

/// What nobody could mean, and what somebody might: bodies with the type they say they have.
fn bodies() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let kinds = prop::sample::select(vec![
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json; charset=latin1",
        "",
    ]);
    let value = prop::sample::select(vec![
        "null",
        "true",
        "-1",
        "1",
        "16",
        "4096",
        "1e400",
        "99999999999999999999",
        "\"\\u0000\"",
        "\"x\"",
        "[[[]]]",
        "[1,4096]",
        "{\"value\":-1}",
        "{\"value\":601}",
        "{\"value\":1e9}",
    ]);
    let field = prop::sample::select(vec![
        "loginMode",
        "username",
        "password",
        "identityToken",
        "workingSet",
        "maxSearch",
        "changePassword",
        "userId",
        "lifeTimeInMinutes",
        "availableModes",
        "defaultMode",
        "maxWebConnectionIdleTime",
    ]);
    let object = prop::collection::vec((field, value), 0..5).prop_map(|fields| {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(",")).into_bytes()
    });
    let body = prop_oneof![3 => object, 1 => prop::collection::vec(any::<u8>(), 0..80)];
    (kinds, body)
}

#[test]
fn no_body_of_any_kind_gets_a_5xx() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = TestApp::spawn();
    let client = app.anon();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(96));
    let below = prop::sample::select(vec![
        "auth/login",
        "auth/delegate",
        "auth/apiTokens",
        "auth/logout",
    ]);
    runner
        .run(&(below, bodies()), |(below, (kind, body))| {
            let request = ask(&client, Method::POST, below)
                .header("content-type", kind)
                .body(body);
            let reply = runtime.block_on(client.send(request));
            prop_assert!(matches!(reply.status, 400 | 401 | 429), "{}", reply.text());
            prop_assert!(
                reply.json()["code"]
                    .as_str()
                    .is_some_and(|code| code.starts_with("ERR"))
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_body_of_any_kind_gets_a_5xx_from_an_administrator_either() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = TestApp::spawn();
    let mut admin = runtime.block_on(log_in(&app, "tsadmin", ADMIN_PASSWORD));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(128));
    let call = prop::sample::select(vec![
        (Method::POST, "auth/delegate"),
        (Method::POST, "auth/identityToken"),
        (Method::GET, "auth/identityToken"),
        (Method::POST, "auth/apiTokens"),
        (Method::DELETE, "auth/apiTokens"),
        (Method::PUT, "sessions"),
        (Method::PUT, "mstrServices/library/auth"),
        (Method::PATCH, "v2/iserver/settings"),
        (Method::PUT, "v2/iserver/settings"),
        (Method::POST, "auth/logout"),
    ]);
    let admin = std::cell::RefCell::new(&mut admin);
    runner
        .run(&(call, bodies()), |((method, below), (kind, body))| {
            let client = admin.borrow().client(&app);
            let request = ask(&client, method, below)
                .header("content-type", kind)
                .body(body);
            let reply = runtime.block_on(client.send(request));
            prop_assert!(reply.status < 500, "{below}: {}", reply.text());
            if reply.status >= 400 {
                let body = reply.json();
                let code = body["code"].as_str().unwrap_or_default();
                prop_assert!(code.starts_with("ERR"), "{below}: {body}");
            }
            if reply.status == 201 && below == "auth/apiTokens" {
                app.plant(reply.json()["apiToken"].as_str().unwrap());
            }
            if below == "auth/logout" && reply.status == 204 {
                **admin.borrow_mut() = runtime.block_on(log_in(&app, "tsadmin", ADMIN_PASSWORD));
            }
            Ok(())
        })
        .unwrap();
}
