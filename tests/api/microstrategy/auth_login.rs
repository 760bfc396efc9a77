//! `POST auth/login`: both encodings, exactly what clients need back, and what stale credentials do.

use crate::microstrategy::{
    BASE, Held, ask, call, expect_error, log_in, log_in_with, path, status,
};
use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn thing_1_and_2_a_form_login_answers_204_with_token_and_cookies() {
    let app = TestApp::shared();
    let client = app.anon();
    // As mstrio-py writes it.
    let form = [
        ("loginMode", "1"),
        ("applicationType", "76"),
        ("workingSet", "5"),
        ("maxSearch", "0"),
        ("username", "alice"),
        ("password", ALICE_PASSWORD),
    ];
    let reply = client.post(&path("auth/login"), &form).await;
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    let held = Held::of(&app, &reply);
    assert_eq!(held.token.len(), 26);
    assert!(
        held.token
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v'))
    );
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    assert!(reply.header("cache-control").unwrap().contains("no-store"));
    assert_eq!(status(&app, &held).await, 200);
    let extra: Vec<&str> = reply
        .headers
        .keys()
        .map(reqwest::header::HeaderName::as_str)
        .filter(|name| name.starts_with("x-mstr"))
        .collect();
    assert_eq!(
        extra,
        ["x-mstr-authtoken"],
        "clients send any other back for ever"
    );
}

#[tokio::test]
async fn thing_4_jsessionid_is_the_first_cookie_has_32_characters_and_is_enough() {
    let app = TestApp::shared();
    let body = json!({ "username": "alice", "password": ALICE_PASSWORD });
    let reply = log_in_with(&app.anon(), &body).await;
    let held = Held::of(&app, &reply);
    let cookies = reply.cookies();
    assert_eq!(cookies.len(), 2);
    assert_eq!(cookies[0].name, "JSESSIONID");
    assert_eq!(cookies[0].value.len(), 32);
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    assert!(cookies[0].value.bytes().all(is_digit));
    assert_eq!(
        cookies[0].attributes,
        [&format!("Path={BASE}"), "HttpOnly", "SameSite=Lax"]
    );
    assert_eq!(
        (cookies[1].name.as_str(), cookies[1].value.len()),
        ("iSession", 26)
    );
    // One client keeps the first 43 characters of the first line.
    let first = reply.header("set-cookie").unwrap();
    let client = app
        .anon()
        .with_cookie(&first[..43])
        .with("x-mstr-authtoken", &held.token);
    assert_eq!(call(&client, Method::GET, "sessions").await.status, 200);
}

#[tokio::test]
async fn thing_10_stale_credentials_beside_a_login_are_ignored() {
    let app = TestApp::shared();
    let old = log_in(&app, "bob", PASSWORD).await;
    assert_eq!(
        call(&old.client(&app), Method::POST, "auth/logout")
            .await
            .status,
        204
    );
    let body = json!({ "username": "bob", "password": PASSWORD });
    let new = Held::of(&app, &log_in_with(&old.client(&app), &body).await);
    assert_ne!(
        new.cookie, old.cookie,
        "an id that a caller presents is never taken on"
    );
    assert_eq!(status(&app, &new).await, 200);
    let garbage = app
        .anon()
        .with_cookie("JSESSIONID=garbage; JSESSIONID=00000000000000000000000000000000; ;=")
        .with("X-MSTR-AuthToken", "garbage");
    Held::of(&app, &log_in_with(&garbage, &body).await);
}

#[tokio::test]
async fn a_login_over_a_live_session_ends_it() {
    let app = TestApp::shared();
    let old = log_in(&app, "bob", PASSWORD).await;
    let body = json!({ "username": "bob", "password": PASSWORD });
    let new = Held::of(&app, &log_in_with(&old.client(&app), &body).await);
    assert_eq!(status(&app, &old).await, 401);
    assert_eq!(status(&app, &new).await, 200);
}

#[tokio::test]
async fn a_login_that_another_sites_page_made_ends_a_session_of_the_same_user_only() {
    let app = TestApp::shared();
    let foreign = |held: &Held| held.client(&app).with("origin", "https://evil.example");
    let old = log_in(&app, "bob", PASSWORD).await;
    let body = json!({ "username": "alice", "password": ALICE_PASSWORD });
    Held::of(&app, &log_in_with(&foreign(&old), &body).await);
    assert_eq!(status(&app, &old).await, 200);
    let body = json!({ "username": "bob", "password": PASSWORD });
    let new = Held::of(&app, &log_in_with(&foreign(&old), &body).await);
    assert_eq!(status(&app, &old).await, 401);
    assert_eq!(status(&app, &new).await, 200);
}

#[tokio::test]
async fn wrong_credentials_look_alike() {
    let app = TestApp::spawn();
    for (user, password) in [
        ("nobody-here", PASSWORD),
        ("bob", "wrong"),
        ("bob", ""),
        ("dora", PASSWORD),
        ("bob", "pä ss&w=+%25\"\\"),
    ] {
        let body = json!({ "loginMode": 1, "username": user, "password": password });
        let reply = log_in_with(&app.anon(), &body).await;
        expect_error(&reply, 401, "ERR003");
        assert_eq!(reply.json()["message"], "Login failed");
        assert_eq!(reply.json()["iServerCode"], -2_147_216_959);
    }
}

#[tokio::test]
async fn an_empty_password_is_refused_and_counts_against_nobody() {
    let app = TestApp::spawn();
    let anon = app.anon();
    for password in [json!(""), json!(null)] {
        for _ in 0..4 {
            let body = json!({ "loginMode": 1, "username": "carol", "password": password });
            let reply = log_in_with(&anon, &body).await;
            expect_error(&reply, 401, "ERR003");
            let form = "loginMode=1&username=carol&password=";
            let dialog = anon
                .post_raw("!/MicroStrategyLibrary/auth/login", form)
                .await;
            assert_eq!(dialog.status, 400);
            let page = dialog.text();
            assert!(
                page.contains("Enter your username and your password."),
                "{page}"
            );
            assert!(page.contains("value=\"carol\""), "{page}");
        }
    }
    log_in(&app, "carol", PASSWORD).await;
    assert_eq!(anon.post_login("carol", PASSWORD).await.status, 204);
}

#[tokio::test]
async fn too_many_failures_wait_in_every_dialect() {
    let app = TestApp::spawn();
    let body = json!({ "username": "alice", "password": "wrong" });
    while app.anon().post_login("alice", "wrong").await.status != 429 {}
    let reply = log_in_with(&app.anon(), &body).await;
    expect_error(&reply, 429, "ERR003");
    assert_eq!(reply.json()["iServerCode"], -2_147_072_513);
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test]
async fn numbers_may_be_texts_and_odd_fields_are_ignored() {
    let app = TestApp::shared();
    // What the vendor's explorer shows, copied by many: "newPassword" counts only with "changePassword".
    let body = json!({
        "loginMode": "1", "username": "alice", "password": ALICE_PASSWORD, "newPassword": "string",
        "changePassword": false, "workingSet": 0, "maxSearch": "7", "applicationType": 8,
        "metadataLocale": "en_us", "timeZone": "UTC", "somethingNew": { "deep": [1, 2] },
        "applicationId": "C2B2023642F6753A2EF159A75E0CFF29",
    });
    let held = Held::of(&app, &log_in_with(&app.anon(), &body).await);
    let reply = call(&held.client(&app), Method::GET, "sessions").await;
    assert_eq!(
        (&reply.json()["workingSet"], &reply.json()["maxSearch"]),
        (&json!(0), &json!(7))
    );
    let change = json!({ "username": "alice", "password": ALICE_PASSWORD, "changePassword": true });
    expect_error(&log_in_with(&app.anon(), &change).await, 400, "ERR006");
}

#[tokio::test]
async fn a_login_without_a_content_type_is_read_as_json() {
    let app = TestApp::shared();
    let client = app.anon();
    let body = json!({ "username": "alice", "password": ALICE_PASSWORD }).to_string();
    let request = ask(&client, Method::POST, "auth/login").body(body.clone());
    Held::of(&app, &client.send(request).await);
    let request = ask(&client, Method::POST, "auth/login")
        .header("content-type", "text/plain")
        .body(body);
    expect_error(&client.send(request).await, 400, "ERR006");
}

#[tokio::test]
async fn sessions_are_counted_and_ended_like_any_other() {
    let app = TestApp::with(|settings| settings.sessions.max_per_user = 1);
    let first = log_in(&app, "bob", PASSWORD).await;
    app.tick();
    let second = log_in(&app, "bob", PASSWORD).await;
    assert_eq!(status(&app, &first).await, 401);
    assert_eq!(status(&app, &second).await, 200);
    // One limit for all dialects.
    app.tick();
    app.bob().await;
    assert_eq!(status(&app, &second).await, 401);
    app.tick();
    let third = log_in(&app, "bob", PASSWORD).await;
    let (administration, by) = app.administration();
    let bob = app.user("bob").await;
    app.tick();
    administration.end_sessions_of(bob.id, &by).await.unwrap();
    let reply = call(&third.client(&app), Method::GET, "sessions").await;
    expect_error(&reply, 401, "ERR009");
}
