//! `GET auth/token`, and CORS: what pages of the Embedding SDK need, and what no other page may have.

use crate::microstrategy::{ask, call, expect_error, log_in};
use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use reqwest::Method;

#[tokio::test]
async fn a_cookie_alone_gets_the_token_that_belongs_to_it() {
    let app = TestApp::spawn();
    let held = log_in(&app, "alice", ALICE_PASSWORD).await;
    let client = app.anon().with_cookie(&held.cookie);
    let reply = call(&client, Method::GET, "auth/token").await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("x-mstr-authtoken"), Some(held.token.as_str()));
    expect_error(
        &call(&app.anon(), Method::GET, "auth/token").await,
        401,
        "ERR009",
    );
    let garbage = app
        .anon()
        .with_cookie("JSESSIONID=0123456789ABCDEF0123456789ABCDEF");
    expect_error(
        &call(&garbage, Method::GET, "auth/token").await,
        401,
        "ERR009",
    );
}

#[tokio::test]
async fn case_27_of_two_live_cookies_none_is_believed() {
    let app = TestApp::spawn();
    let alice = log_in(&app, "alice", ALICE_PASSWORD).await;
    let bob = log_in(&app, "bob", PASSWORD).await;
    let both = app
        .anon()
        .with_cookie(&format!("{}; {}", bob.cookie, alice.cookie));
    expect_error(&call(&both, Method::GET, "auth/token").await, 401, "ERR009");
    // One that is dead does no harm.
    assert_eq!(
        call(&bob.client(&app), Method::POST, "auth/logout")
            .await
            .status,
        204
    );
    assert_eq!(call(&both, Method::GET, "auth/token").await.status, 204);
}

#[tokio::test]
async fn case_48_pages_of_embedding_origins_and_no_others_may_read_the_token() {
    let origin = "https://app.example.com";
    let app = TestApp::with(|settings| settings.embed.origins = vec![origin.to_owned()]);
    let held = log_in(&app, "alice", ALICE_PASSWORD).await;
    let client = app.anon().with_cookie(&held.cookie).with("origin", origin);
    let reply = call(&client, Method::GET, "auth/token").await;
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    assert_eq!(
        reply.header("access-control-allow-credentials"),
        Some("true")
    );
    let exposed = reply.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("x-mstr-authtoken") && exposed.contains("x-mstr-identitytoken"));

    for method in ["POST", "GET", "PUT", "DELETE"] {
        let client = app
            .anon()
            .with("origin", origin)
            .with("access-control-request-method", method)
            .with(
                "access-control-request-headers",
                "content-type,x-mstr-authtoken",
            );
        let reply = client
            .send(ask(&client, Method::OPTIONS, "auth/login"))
            .await;
        assert_eq!(reply.status, 204);
        let methods = reply.header("access-control-allow-methods").unwrap();
        assert!(methods.contains(method));
        let headers = reply.header("access-control-allow-headers").unwrap();
        for name in [
            "content-type",
            "x-mstr-authtoken",
            "x-mstr-projectid",
            "x-mstr-identitytoken",
        ] {
            assert!(headers.contains(name), "{headers}");
        }
    }

    let elsewhere = app
        .anon()
        .with_cookie(&held.cookie)
        .with("origin", "https://evil.example");
    let reply = call(&elsewhere, Method::GET, "auth/token").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(reply.header("access-control-expose-headers"), None);
}
