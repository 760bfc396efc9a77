//! Case 56: one walk through everything at trace level, then a search for every secret that came by.
//!
//! Every other test ends with the same search, when its server does.

use crate::support::{ADMIN_PASSWORD, ALICE_PASSWORD, Redis, SECRET_KEY, TestApp, on_redis};
use std::time::Duration;

async fn walk(app: &TestApp) {
    app.plant("wrong horse battery");
    app.plant("wrong-key-wrong-key");
    app.plant("not-a-token-of-ours");
    app.plant("not-a-session-of-ours");
    let client = app.anon();
    for user in ["alice", "dora", "nobody"] {
        client.post_login(user, "wrong horse battery").await;
    }
    let form = [("secret_key", "wrong-key-wrong-key"), ("username", "alice")];
    client.post("/session/auth/token", &form).await;
    client
        .get("/session/auth/token?secret_key=wrong-key-wrong-key")
        .await;
    client
        .get("/session/login?username=alice&password=wrong+horse+battery")
        .await;
    client
        .get("/session/info;jsessionid=not-a-session-of-ours")
        .await;
    client
        .get("!/nowhere;jsessionid=not-a-session-of-ours?auth_token=not-a-token-of-ours")
        .await;
    client.with_bearer("not-a-token-of-ours").info().await;
    client
        .with_cookie("JSESSIONID=not-a-session-of-ours")
        .info()
        .await;
    client
        .redeem_by_get(&[("auth_token", "not-a-token-of-ours")])
        .await;

    let alice = app.alice().await;
    let admin = app.admin().await;
    let token = app.token("alice").await;
    let fields = [
        ("auth_token", token.as_str()),
        (
            "redirect_url",
            "http://localhost:1/?authtoken=not-a-token-of-ours",
        ),
    ];
    assert_eq!(client.redeem(&fields).await.status, 302);
    assert_eq!(client.redeem_by_get(&fields).await.status, 302);
    let evil = [
        fields[0],
        (
            "redirect_url",
            "https://evil.example/?authtoken=not-a-token-of-ours",
        ),
    ];
    assert_eq!(client.redeem_by_get(&evil).await.status, 400);
    let bearer = client.with_bearer(&token);
    for somebody in [&alice, &bearer] {
        somebody.info().await;
        somebody.switch_org(app.sales.0).await;
        somebody.get("/session/orgs").await;
    }
    app.tick();
    admin.post("/user/session/invalidate", &[]).await;
    alice.info().await;
    bearer.info().await;
    alice.log_out().await;
    // Damaged bodies end in error messages, and those may quote.
    let body = format!("secret_key={SECRET_KEY}&secret_key={SECRET_KEY}&username=%ff");
    client.post_raw("/session/auth/token", body).await;
    client
        .post_raw("/session/login", format!("{ALICE_PASSWORD}&&=%"))
        .await;
    let json = format!("{{\"password\":\"{ADMIN_PASSWORD}\"}}");
    client.post_raw("/session/login", json).await;
}

fn search(app: &TestApp) {
    app.trail.close();
    let log = app.log();
    assert!(log.contains("TRACE"), "the log is not at trace level");
    assert!(log.contains("path=\"/callosum/v1/tspublic/v1/session/login/token\""));
    assert_eq!(app.leaks(), [""; 0]);
}

#[tokio::test]
async fn case_56_no_secret_is_in_the_log_or_the_trail_on_the_embedded_store() {
    let app = TestApp::with(|settings| {
        settings.sessions.store = vestibule::settings::SessionStoreSetting::Embedded;
    });
    walk(&app).await;
    search(&app);
}

#[tokio::test]
async fn case_56_nor_on_redis_even_while_it_is_away() {
    let mut redis = Redis::start();
    let app = TestApp::with(|settings| on_redis(settings, &redis));
    walk(&app).await;
    app.tick();
    let alice = app.alice().await;
    let token = app.token("alice").await;
    redis.kill();
    for client in [&alice, &app.anon().with_bearer(&token)] {
        assert_eq!(client.info().await.status, 503);
    }
    app.advance(Duration::from_secs(1));
    app.anon().post_login("alice", ALICE_PASSWORD).await;
    search(&app);
}
