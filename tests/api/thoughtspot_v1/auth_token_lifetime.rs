//! How long tokens live, and what ends them early.

use crate::support::{Client, SECRET_KEY, TestApp};
use std::collections::BTreeSet;
use std::time::Duration;
use vestibule::settings::TokenLifetimeSetting;

const GRACE: Duration = Duration::from_mins(5);
const TICK: Duration = Duration::from_millis(1);

/// Whether a token is good, as Bearer and for a session; the two must agree.
async fn is_good(app: &TestApp, token: &str) -> bool {
    let bearer = app.anon().with_bearer(token).is_active().await;
    let redeemed = app.anon().redeem(&[("auth_token", token)]).await;
    assert_eq!(bearer, redeemed.status);
    if bearer != 204 {
        redeemed.expect_error(401, 10003, "token");
    }
    bearer == 204
}

/// A session opened with that token.
async fn session_of(app: &TestApp, token: &str) -> Client {
    let mut client = app.anon();
    let reply = client.redeem(&[("auth_token", token)]).await;
    assert_eq!(reply.status, 204);
    client.keep(&reply);
    client
}

#[tokio::test]
async fn a_token_lives_until_another_is_minted_with_its_key_and_five_minutes_more() {
    let app = TestApp::spawn();
    let first = app.token("alice").await;
    app.advance(Duration::from_hours(23));
    assert!(is_good(&app, &first).await);
    // For any user, the vendor says.
    let second = app.token("bob").await;
    app.advance(GRACE);
    assert!(is_good(&app, &first).await, "the last millisecond counts");
    app.advance(TICK);
    assert!(!is_good(&app, &first).await);
    assert!(is_good(&app, &second).await);
}

#[tokio::test]
async fn a_third_token_gives_the_first_no_more_time() {
    let app = TestApp::spawn();
    let first = app.token("alice").await;
    app.token("alice").await;
    app.advance(Duration::from_mins(4));
    app.token("alice").await;
    app.advance(Duration::from_mins(1) + TICK);
    assert!(!is_good(&app, &first).await);
}

#[tokio::test]
async fn the_clock_of_one_key_is_not_that_of_another_nor_moved_by_a_refusal() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let token = app.token("alice").await;
    for key in [key.as_str(), "wrong wrong wrong"] {
        let form = [("secret_key", key), ("username", "alice")];
        app.anon().post("/session/auth/token", &form).await;
    }
    let reply = app.anon().mint(&[("username", "nobody")]).await;
    assert_eq!(reply.status, 400);
    app.advance(Duration::from_hours(1));
    assert!(is_good(&app, &token).await);
}

#[tokio::test]
async fn no_token_outlives_the_maximum_age() {
    let app = TestApp::with(|settings| settings.tokens.max_age = Duration::from_hours(2));
    let token = app.token("alice").await;
    app.advance(Duration::from_hours(2));
    assert!(is_good(&app, &token).await);
    app.advance(TICK);
    assert!(!is_good(&app, &token).await);
}

#[tokio::test]
async fn a_fixed_lifetime_is_the_same_for_every_token() {
    let app = TestApp::with(|settings| {
        settings.tokens.lifetime = TokenLifetimeSetting::Fixed(Duration::from_mins(10));
    });
    let first = app.token("alice").await;
    app.token("alice").await;
    app.advance(Duration::from_mins(10));
    assert!(
        is_good(&app, &first).await,
        "another token took nothing from it"
    );
    app.advance(TICK);
    assert!(!is_good(&app, &first).await);
}

#[tokio::test]
async fn case_36_a_retired_key_ends_its_tokens_and_the_sessions_they_opened() {
    let app = TestApp::spawn();
    let (id, key) = app.org_key("Sales").await;
    let form = [("secret_key", key.as_str()), ("username", "alice")];
    let token = app.anon().post("/session/auth/token", &form).await.text();
    let session = session_of(&app, &token).await;
    let other_token = app.token("alice").await;
    let other_session = session_of(&app, &other_token).await;
    let by_password = app.alice().await;

    let (administration, by) = app.administration();
    administration.retire_key(id, &by).await.unwrap();
    assert!(!is_good(&app, &token).await);
    assert_eq!(session.is_active().await, 401);
    let reply = app.anon().post("/session/auth/token", &form).await;
    reply.expect_error(401, 10003, "secret key");

    assert!(is_good(&app, &other_token).await, "another key's token");
    assert_eq!(other_session.is_active().await, 204);
    assert_eq!(by_password.is_active().await, 204);
}

#[tokio::test]
async fn case_36_a_disabled_user_is_out_within_one_request_and_stays_out_when_enabled_again() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let session = session_of(&app, &token).await;
    let by_password = app.alice().await;
    let bob = app.bob().await;

    let (administration, by) = app.administration();
    administration.disable_user("alice", &by).await.unwrap();
    assert!(!is_good(&app, &token).await);
    assert_eq!(session.is_active().await, 401);
    assert_eq!(by_password.is_active().await, 401);
    assert_eq!(bob.is_active().await, 204);

    app.tick();
    administration.enable_user("alice", &by).await.unwrap();
    assert!(!is_good(&app, &token).await);
    assert_eq!(session.is_active().await, 401);
    app.alice().await;
}

#[tokio::test]
async fn case_36_a_deleted_user_or_a_new_password_ends_sessions_and_tokens_too() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    let token = app.token("bob").await;
    let (administration, by) = app.administration();
    administration
        .set_password("bob", &"another password".into(), &by)
        .await
        .unwrap();
    assert_eq!(bob.is_active().await, 401);
    assert!(!is_good(&app, &token).await);

    app.tick();
    let alice = app.alice().await;
    let token = app.token("alice").await;
    administration.delete_user("alice", &by).await.unwrap();
    assert_eq!(alice.is_active().await, 401);
    assert!(!is_good(&app, &token).await);
    // A user of the same name is another one.
    app.tick();
    app.add_user("alice", "battery staple").await;
    assert_eq!(alice.is_active().await, 401);
    assert!(!is_good(&app, &token).await);
}

#[tokio::test]
async fn switching_trusted_authentication_off_stops_minting() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    app.services.trusted.switch(false, BTreeSet::new());
    let form = [("secret_key", SECRET_KEY), ("username", "alice")];
    let reply = app.anon().post("/session/auth/token", &form).await;
    assert_eq!(reply.status, 500);
    app.services.trusted.switch(true, BTreeSet::new());
    assert!(is_good(&app, &token).await);
}
