//! `users/change-password`, `users/reset-password`, `users/force-logout`.

use crate::support::{ADMIN_PASSWORD, PASSWORD, TestApp};
use crate::thoughtspot_v2::{done, post, refused};
use serde_json::{Value, json};
use std::time::Duration;

const FRESH: &str = "fresh horse battery";

fn change(user: &str, current: &str, new: &str) -> Value {
    json!({ "user_identifier": user, "current_password": current, "new_password": new })
}

#[tokio::test]
async fn whoever_knows_the_current_password_sets_another_and_every_session_ends() {
    let app = TestApp::spawn();
    app.plant(FRESH);
    let (here, there) = (app.bob().await, app.bob().await);
    let token = app.anon().with_bearer(&app.token("bob").await);
    app.tick();
    done(
        &here,
        "users/change-password",
        change("bob", PASSWORD, FRESH),
    )
    .await;
    for client in [&here, &there, &token] {
        assert_eq!(client.is_active().await, 401);
    }
    app.tick();
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 401);
    let bob = app.signed_in("bob", FRESH).await;
    let id = app.user("bob").await.id.to_string();
    done(&bob, "users/change-password", change(&id, FRESH, PASSWORD)).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_change_is_said_and_nothing_changes() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    for (body, word) in [
        (json!({}), "user_identifier"),
        (json!({ "user_identifier": "bob" }), "current_password"),
        (change("bob", PASSWORD, ""), "new_password"),
        (change("bob", PASSWORD, "short"), "8"),
        (change("bob", PASSWORD, &"x".repeat(2000)), "1024"),
        (change("bob", PASSWORD, PASSWORD), "new_password"),
    ] {
        refused(&bob, "users/change-password", body, 400, word).await;
    }
    assert_eq!(bob.is_active().await, 204);
}

#[tokio::test]
async fn case_43_a_wrong_current_password_is_refused_slowed_and_audited_as_at_the_door() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    app.trail.clear();
    let mut answers = Vec::new();
    for user in ["alice", "nobody", "dora", "bob"] {
        let reply = post(
            &bob,
            "users/change-password",
            change(user, "wrong password", FRESH),
        )
        .await;
        let text = reply.text();
        let incident = reply.header("x-callosum-incident-id").unwrap();
        answers.push((reply.status, text.replace(incident, "")));
    }
    assert_eq!(answers[0].0, 401);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert!(
        app.trail
            .words()
            .iter()
            .all(|word| word.starts_with("password_refused"))
    );
    // Even with the right password: the account is disabled.
    refused(
        &bob,
        "users/change-password",
        change("dora", PASSWORD, FRESH),
        401,
        "wrong",
    )
    .await;
    for _ in 0..4 {
        post(
            &bob,
            "users/change-password",
            change("bob", "wrong password", FRESH),
        )
        .await;
    }
    refused(
        &bob,
        "users/change-password",
        change("bob", PASSWORD, FRESH),
        429,
        "again",
    )
    .await;
    // The same bucket as the door's.
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 429);
    assert_eq!(bob.is_active().await, 204);
    app.advance(Duration::from_mins(6));
    app.bob().await;
}

#[tokio::test]
async fn an_administrator_resets_a_password_and_the_old_one_is_out_at_once() {
    let app = TestApp::spawn();
    app.plant(FRESH);
    let admin = app.admin().await;
    let bob = app.bob().await;
    let token = app.anon().with_bearer(&app.token("bob").await);
    app.tick();
    let reset = |user: &str, new: &str| json!({ "user_identifier": user, "new_password": new });
    done(&admin, "users/reset-password", reset("bob", FRESH)).await;
    assert_eq!((bob.is_active().await, token.is_active().await), (401, 401));
    app.tick();
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 401);
    let bob = app.signed_in("bob", FRESH).await;

    refused(
        &admin,
        "users/reset-password",
        reset("nobody", FRESH),
        404,
        "nobody",
    )
    .await;
    refused(
        &admin,
        "users/reset-password",
        reset("bob", "short"),
        400,
        "8",
    )
    .await;
    refused(
        &admin,
        "users/reset-password",
        reset("bob", ""),
        400,
        "new_password",
    )
    .await;
    refused(
        &bob,
        "users/reset-password",
        reset("bob", PASSWORD),
        403,
        "administrator",
    )
    .await;
    // A session left open is not enough to take an account over.
    refused(
        &admin,
        "users/reset-password",
        reset("tsadmin", FRESH),
        403,
        "current",
    )
    .await;
    done(
        &admin,
        "users/change-password",
        change("tsadmin", ADMIN_PASSWORD, FRESH),
    )
    .await;
}

#[tokio::test]
async fn sessions_end_for_those_listed_or_for_everybody() {
    let app = TestApp::spawn();
    let (admin, bob, alice) = (app.admin().await, app.bob().await, app.alice().await);
    let token = app.anon().with_bearer(&app.token("bob").await);
    app.tick();
    for (body, word) in [
        (json!({ "user_identifiers": [] }), "user_identifiers"),
        (
            json!({ "user_identifiers": ["bob", "nobody"] }),
            "user_identifiers",
        ),
        (
            json!({ "user_identifiers": "bob" }),
            "user_identifiers: expected a list",
        ),
    ] {
        refused(&admin, "users/force-logout", body, 400, word).await;
    }
    assert_eq!(bob.is_active().await, 204);
    let id = app.user("bob").await.id.to_string();
    done(
        &admin,
        "users/force-logout",
        json!({ "user_identifiers": [id] }),
    )
    .await;
    assert_eq!((bob.is_active().await, token.is_active().await), (401, 401));
    assert_eq!(alice.is_active().await, 204);
    for body in [json!({}), json!({ "user_identifiers": null })] {
        app.tick();
        let admin = app.admin().await;
        let alice = app.alice().await;
        app.tick();
        done(&admin, "users/force-logout", body).await;
        assert_eq!(
            (admin.is_active().await, alice.is_active().await),
            (401, 401)
        );
    }
}
