//! Wrong passwords: five cost nothing, then each doubles a pause for this user at this address.

use crate::support::{ALICE_PASSWORD, Client, PASSWORD, TestApp};
use std::time::Duration;

/// A server that believes whoever says where they come from.
fn behind_a_proxy() -> TestApp {
    TestApp::with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
}

fn at(app: &TestApp, address: &str) -> Client {
    app.anon().with("x-forwarded-for", address)
}

async fn fail(client: &Client, user: &str, times: usize) {
    for _ in 0..times {
        let reply = client.post_login(user, "wrong password").await;
        reply.expect_error(401, 10003, "wrong");
    }
}

#[tokio::test]
async fn after_five_free_failures_a_growing_pause_is_announced() {
    let app = TestApp::spawn();
    let client = app.anon();
    fail(&client, "alice", 5).await;
    for pause in [1, 2, 4, 8] {
        let reply = client.post_login("alice", "wrong password").await;
        reply.expect_error(429, 10023, "Too many");
        let told = reply.header("retry-after").unwrap();
        assert_eq!(told, pause.to_string());
        // A pause that is not over yet is announced as what is left of it, rounded up.
        app.advance(Duration::from_millis(300));
        let reply = client.post_login("alice", ALICE_PASSWORD).await;
        reply.expect_error(429, 10023, "Too many");
        app.advance(Duration::from_millis(pause * 1000 - 300));
        fail(&client, "alice", 1).await;
    }
}

#[tokio::test]
async fn the_right_password_waits_only_as_long_as_the_pause_and_then_forgets() {
    let app = TestApp::spawn();
    let client = app.anon();
    fail(&client, "alice", 5).await;
    assert_eq!(client.post_login("alice", ALICE_PASSWORD).await.status, 429);
    assert_eq!(app.trail.words().last().unwrap(), "login_refused throttled");
    app.advance(Duration::from_secs(1));
    assert_eq!(client.post_login("alice", ALICE_PASSWORD).await.status, 204);
    fail(&client, "alice", 5).await;
}

#[tokio::test]
async fn case_43_an_attacker_locks_out_nobody_but_themselves() {
    let app = behind_a_proxy();
    let alice = app.alice().await;
    let token = app.token("alice").await;
    let attacker = at(&app, "203.0.113.9");
    fail(&attacker, "alice", 5).await;
    assert_eq!(attacker.post_login("alice", "wrong").await.status, 429);

    assert_eq!(alice.is_active().await, 204, "an open session");
    let elsewhere = at(&app, "198.51.100.7");
    assert_eq!(
        elsewhere.post_login("alice", ALICE_PASSWORD).await.status,
        204
    );
    assert_eq!(attacker.post_login("bob", PASSWORD).await.status, 204);
    let reply = attacker.redeem(&[("auth_token", &token)]).await;
    assert_eq!(reply.status, 204, "a token");
    let reply = attacker.mint(&[("username", "alice")]).await;
    assert_eq!(reply.status, 200, "a secret key");
}

#[tokio::test]
async fn case_43_a_hundred_parallel_guesses_are_no_more_tries_than_five() {
    let app = TestApp::spawn();
    let client = app.anon();
    let guesses = (0..100).map(|_| client.post_login("alice", "wrong password"));
    let replies = futures_util::future::join_all(guesses).await;
    let count = |status: u16| {
        replies
            .iter()
            .filter(|reply| reply.status == status)
            .count()
    };
    assert_eq!((count(401), count(429)), (5, 95));
}

#[tokio::test]
async fn case_42_all_spellings_and_doors_of_one_user_share_one_count() {
    let app = TestApp::spawn();
    for (prefix, user) in [
        ("/callosum/v1", "alice"),
        ("/tspublic/v1", "ALICE"),
        ("/callosum/v1/tspublic/v1", "\u{ff21}lice"),
        ("/callosum/v1", "aLiCe"),
        ("/callosum/v1", "alice"),
    ] {
        fail(&app.anon().under(prefix), user, 1).await;
    }
    assert_eq!(
        app.anon().post_login("Alice", ALICE_PASSWORD).await.status,
        429
    );
    // Names that cannot be one share a count too, or each would be a way to make us hash.
    for n in 0..5 {
        fail(&app.anon(), &format!("no\u{1}name{n}"), 1).await;
    }
    assert_eq!(app.anon().post_login("no\u{1}name", "x").await.status, 429);
}

#[tokio::test]
async fn bad_tokens_and_keys_count_against_nobody() {
    let app = TestApp::spawn();
    for _ in 0..10 {
        let form = [("username", "alice"), ("auth_token", "bad")];
        assert_eq!(app.anon().redeem(&form).await.status, 401);
        let form = [("secret_key", "wrong wrong wrong"), ("username", "alice")];
        let reply = app.anon().post("/session/auth/token", &form).await;
        assert_eq!(reply.status, 401);
    }
    app.alice().await;
}
