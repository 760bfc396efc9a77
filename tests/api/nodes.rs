//! Two nodes on one Redis and one PostgreSQL database: what one acknowledges holds on the other at once.
//!
//! The rest of the suite runs on two nodes as well when it is told to (`support::nodes`).

use crate::admin::Page;
use crate::support::{ALICE_PASSWORD, Client, PASSWORD, SECRET_KEY, TestApp};
use std::time::Duration;

/// The status of the client's session, told by either node.
async fn on_both(app: &TestApp, client: &Client) -> [u16; 2] {
    let ask = |node| app.at_node(node).with_cookie(client.cookie());
    [ask(0).is_active().await, ask(1).is_active().await]
}

#[tokio::test]
async fn case_43_a_hundred_parallel_guesses_on_two_nodes_are_no_more_tries_than_five() {
    let app = TestApp::two_nodes();
    let alice = app.alice().await;
    let token = app.token("alice").await;
    let nodes = [app.at_node(0), app.at_node(1)];
    let guesses = (0..100).map(|n| nodes[n % 2].post_login("alice", "wrong password"));
    let replies = futures_util::future::join_all(guesses).await;
    let count = |status| replies.iter().filter(|one| one.status == status).count();
    assert_eq!((count(401), count(429)), (5, 95));

    // What is open, minted or somebody else's is not slowed, on either.
    assert_eq!(on_both(&app, &alice).await, [204, 204]);
    for node in &nodes {
        let reply = node.redeem(&[("auth_token", &token)]).await;
        assert_eq!(reply.status, 204);
        assert_eq!(node.mint(&[("username", "alice")]).await.status, 200);
        assert_eq!(node.post_login("bob", PASSWORD).await.status, 204);
        assert_eq!(node.post_login("alice", ALICE_PASSWORD).await.status, 429);
    }
    // A success on one forgets on the other.
    app.advance(Duration::from_secs(1));
    let reply = nodes[0].post_login("alice", ALICE_PASSWORD).await;
    assert_eq!(reply.status, 204);
    for _ in 0..5 {
        assert_eq!(nodes[1].post_login("alice", "wrong").await.status, 401);
    }
    assert_eq!(nodes[0].post_login("alice", "wrong").await.status, 429);
}

#[tokio::test]
async fn what_an_administrator_unlocks_at_one_node_is_unlocked_on_the_other() {
    let app = TestApp::two_nodes();
    let admin = app.admin().await;
    let page = Page::open(app.at_node(0).with_cookie(admin.cookie())).await;
    let other = app.at_node(1);
    for _ in 0..5 {
        assert_eq!(other.post_login("bob", "wrong").await.status, 401);
    }
    assert_eq!(other.post_login("bob", PASSWORD).await.status, 429);
    let body = serde_json::json!({ "addresses": ["127.0.0.1"] });
    page.post("/users/bob/unlock", body).await;
    assert_eq!(other.post_login("bob", PASSWORD).await.status, 204);
}

#[tokio::test]
async fn case_29_what_one_node_ends_is_over_on_the_other_at_once() {
    let app = TestApp::two_nodes();
    let (administration, by) = app.administration();
    let key = administration.list_keys().await.unwrap()[0].id;

    let alice = app.alice().await;
    assert_eq!(on_both(&app, &alice).await, [204, 204]);
    let first = app.at_node(0).with_cookie(alice.cookie());
    assert_eq!(first.log_out().await.status, 204);
    assert_eq!(on_both(&app, &alice).await, [401, 401]);

    let bob = app.bob().await;
    let token = app.token("bob").await;
    app.tick();
    administration.disable_user("bob", &by).await.unwrap();
    assert_eq!(on_both(&app, &bob).await, [401, 401]);
    let second = app.at_node(1);
    assert_eq!(second.post_login("bob", PASSWORD).await.status, 401);
    assert_eq!(second.with_bearer(&token).info().await.status, 401);

    let token = app.token("alice").await;
    app.tick();
    administration.retire_key(key, &by).await.unwrap();
    assert_eq!(second.with_bearer(&token).info().await.status, 401);
    let form = [("secret_key", SECRET_KEY), ("username", "alice")];
    let reply = second.post("/session/auth/token", &form).await;
    assert_eq!(reply.status, 401);

    let admin = app.admin().await;
    app.tick();
    let everybody = admin.post("/user/session/invalidate", &[]).await;
    assert_eq!(everybody.status, 204);
    assert_eq!(on_both(&app, &admin).await, [401, 401]);
}

#[tokio::test]
async fn what_is_saved_on_one_node_is_in_force_on_the_other_at_its_next_look() {
    let app = TestApp::two_nodes();
    let (administration, by) = app.administration();
    let off = administration.switch_trusted(None, false, &by);
    off.await.unwrap();
    // Also shows that requests meet the nodes in turn.
    let client = app.anon();
    for (looked, expected) in [(0, [500, 200]), (1, [500, 500])] {
        app.services_at(looked).refresh_live().await.unwrap();
        for _ in 0..2 {
            let mut statuses = Vec::new();
            for _ in 0..2 {
                statuses.push(client.mint(&[("username", "alice")]).await.status);
            }
            assert_eq!(statuses, expected);
        }
    }
}
