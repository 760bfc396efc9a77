//! `POST auth/logout`, and what needs token and cookie together.

use crate::microstrategy::{ask, call, expect_error, log_in, status};
use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use reqwest::Method;
use vestibule::domain::session::EndReason;

#[tokio::test]
async fn thing_9_a_dead_session_is_401_err009_everywhere() {
    let app = TestApp::shared();
    let held = log_in(&app, "alice", ALICE_PASSWORD).await;
    let client = held.client(&app);
    let reply = call(&client, Method::POST, "auth/logout").await;
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    assert!(
        reply
            .cookies()
            .iter()
            .all(|cookie| cookie.value.is_empty() && cookie.has("Max-Age=0"))
    );
    for (method, below) in [
        (Method::POST, "auth/logout"),
        (Method::GET, "sessions"),
        (Method::PUT, "sessions"),
        (Method::GET, "sessions/userInfo"),
        (Method::GET, "sessions/privileges"),
        (Method::GET, "projects"),
        (Method::POST, "auth/identityToken"),
        (Method::POST, "auth/apiTokens"),
        (Method::GET, "auth/token"),
        (Method::GET, "monitors/userConnections"),
    ] {
        let reply = call(&client, method, below).await;
        expect_error(&reply, 401, "ERR009");
        let message = &reply.json()["message"];
        assert_eq!(
            message,
            "The user's session has expired, please reauthenticate"
        );
    }
}

#[tokio::test]
async fn thing_3_token_and_cookie_count_only_together() {
    let app = TestApp::shared();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let bob = log_in(&app, "bob", PASSWORD).await;
    let token = |token: &str| app.anon().with("x-mstr-authtoken", token);
    for client in [
        app.anon(),
        token(&alice.token),
        app.anon().with_cookie(&alice.cookie),
        token(&alice.token).with_cookie(&bob.cookie),
        token(&alice.token[1..]).with_cookie(&alice.cookie),
        token("").with_cookie(&alice.cookie),
        // Readers differ about which of two counts.
        token(&alice.token)
            .with("x-mstr-authtoken", &bob.token)
            .with_cookie(&alice.cookie),
    ] {
        expect_error(&call(&client, Method::GET, "sessions").await, 401, "ERR009");
        expect_error(
            &call(&client, Method::POST, "auth/logout").await,
            401,
            "ERR009",
        );
    }
    assert_eq!(status(&app, &alice).await, 200);
    assert_eq!(status(&app, &bob).await, 200);
}

#[tokio::test]
async fn thing_5_cookies_are_read_as_clients_write_them() {
    let app = TestApp::shared();
    let held = log_in(&app, "alice", ALICE_PASSWORD).await;
    let id = &held.cookie;
    let other = "JSESSIONID=0123456789ABCDEF0123456789ABCDEF";
    for cookie in [
        id.clone(),
        format!("{id}; iSession=abc"),
        format!("{id};iSession=abc"),
        // Whole lines joined, as one tutorial does, and the first line whole, as one client does.
        format!(
            "{id}; Path=/MicroStrategyLibrary; HttpOnly; SameSite=Lax, iSession=abc; Path=/MicroStrategyLibrary"
        ),
        format!("{id}; Path=/MicroStrategyLibrary; Secure; HttpOnly"),
        format!("iSession=abc, {id}; Path=/"),
        // A browser's: ThoughtSpot's cookie has the same name and another form.
        format!("JSESSIONID=c2lnbmVk%3D=x; clientId=7; {id}"),
        format!("{other}; {id}"),
        format!("a=\"b; {id}; c"),
    ] {
        let client = app
            .anon()
            .with_cookie(&cookie)
            .with("x-mstr-authtoken", &held.token);
        let reply = call(&client, Method::GET, "sessions").await;
        assert_eq!(reply.status, 200, "{cookie}");
    }
}

#[tokio::test]
async fn neither_dialect_takes_the_others_session() {
    let app = TestApp::shared();
    let held = log_in(&app, "bob", PASSWORD).await;
    let classic = app.bob().await;
    let ours = classic.with("x-mstr-authtoken", &held.token);
    expect_error(&call(&ours, Method::GET, "sessions").await, 401, "ERR009");
    expect_error(
        &call(&classic, Method::GET, "auth/token").await,
        401,
        "ERR009",
    );
    assert_eq!(app.anon().with_cookie(&held.cookie).is_active().await, 401);
    assert_eq!(app.anon().with_bearer(&held.token).is_active().await, 401);
    // A browser with both sends both to our paths.
    let both = format!("{}; {}", classic.cookie(), held.cookie);
    let client = app
        .anon()
        .with_cookie(&both)
        .with("x-mstr-authtoken", &held.token);
    assert_eq!(call(&client, Method::GET, "sessions").await.status, 200);
    assert_eq!(call(&client, Method::POST, "auth/logout").await.status, 204);
    assert_eq!(classic.is_active().await, 204);
}

#[tokio::test]
async fn a_session_ended_from_elsewhere_stays_ended() {
    let app = TestApp::spawn();
    let held = log_in(&app, "bob", PASSWORD).await;
    let other = log_in(&app, "bob", PASSWORD).await;
    app.tick();
    assert_eq!(
        call(&held.client(&app), Method::POST, "auth/logout")
            .await
            .status,
        204
    );
    assert_eq!(status(&app, &held).await, 401);
    assert_eq!(
        status(&app, &other).await,
        200,
        "two sessions of one user are independent"
    );
    assert_eq!(app.trail.words(), ["login", "login", "logout"]);
    app.tick();
    let (administration, by) = app.administration();
    administration.disable_user("bob", &by).await.unwrap();
    let reply = call(&other.client(&app), Method::PUT, "sessions").await;
    expect_error(&reply, 401, "ERR009");
    assert_eq!(EndReason::UserDisabled.as_str(), "user_disabled");
}

#[tokio::test]
async fn case_30_a_page_of_another_site_cannot_sign_out_of_microstrategy() {
    let app = TestApp::spawn();
    let held = log_in(&app, "bob", PASSWORD).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let client = held.client(&app).with(name, value);
        for (method, below) in [(Method::POST, "auth/logout"), (Method::PUT, "sessions")] {
            let reply = client.send(ask(&client, method, below)).await;
            expect_error(&reply, 403, "ERR0014");
        }
    }
    assert_eq!(status(&app, &held).await, 200);
}
