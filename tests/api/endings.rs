//! Why a session ended, told to who held it; how many a user may have; tokens good for one session.

use crate::microstrategy::{expect_error, log_in_with};
use crate::support::{ALICE_PASSWORD, Client, PASSWORD, TestApp};
use secrecy::SecretString;
use std::time::Duration;
use vestibule::domain::audit::Act;
use vestibule::domain::session::EndReason;
use vestibule::settings::{AtLimitSetting, TokenReuseSetting};

/// The words of the 401 that a dead session gets, under its two paths in.
async fn told(client: &Client) -> String {
    let reply = client.get("/session/isactive").await;
    let why = reply
        .expect_error(401, 10097, "The session has ended")
        .message();
    let v2 = client.get("!/api/rest/2.0/auth/session/user").await;
    assert_eq!(v2.status, 401);
    let debug = v2.json()["error"]["message"]["debug"]["debug"].to_string();
    assert!(debug.contains(&why), "{debug} lacks {why}");
    why
}

#[tokio::test]
async fn a_dead_session_is_told_why_it_ended() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();

    let alice = app.alice().await;
    alice.log_out().await;
    assert!(told(&alice).await.contains("signed out"));
    assert!(alice.log_out().await.message().contains("signed out"));

    let alice = app.alice().await;
    let again = alice.post_login("alice", ALICE_PASSWORD).await;
    assert_eq!(again.status, 204);
    assert!(told(&alice).await.contains("signed in again"));

    let alice = app.alice().await;
    app.advance(Duration::from_mins(31));
    assert!(told(&alice).await.contains("not used for too long"));

    let bob = app.bob().await;
    administration
        .set_password("bob", &SecretString::from(PASSWORD), &by)
        .await
        .unwrap();
    assert!(told(&bob).await.contains("password was changed"));

    app.tick();
    let bob = app.bob().await;
    administration.disable_user("bob", &by).await.unwrap();
    assert!(told(&bob).await.contains("switched off"));

    let carol = app.signed_in("carol", PASSWORD).await;
    administration.delete_user("carol", &by).await.unwrap();
    assert!(told(&carol).await.contains("deleted"));

    let (id, key) = app.org_key("Primary").await;
    let form = [("secret_key", key.as_str()), ("username", "alice")];
    let token = app.anon().post("/session/auth/token", &form).await.text();
    let mut alice = app.anon();
    let reply = alice.redeem(&[("auth_token", &token)]).await;
    alice.keep(&reply);
    administration.retire_key(id, &by).await.unwrap();
    assert!(
        told(&alice)
            .await
            .contains("secret key behind it was retired")
    );

    app.tick();
    let alice = app.alice().await;
    administration.end_all_sessions(&by).await.unwrap();
    assert!(told(&alice).await.contains("an administrator ended it"));
}

#[tokio::test]
async fn a_forged_or_unknown_cookie_learns_nothing() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    alice.log_out().await;
    let mut forged = alice.cookie().to_owned();
    let at = "JSESSIONID=".len();
    let other = if forged.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    forged.replace_range(at..=at, other);
    for cookie in [forged.as_str(), "JSESSIONID=x"] {
        let reply = app
            .anon()
            .with_cookie(cookie)
            .get("/session/isactive")
            .await;
        let message = reply.expect_error(401, 10097, "ended").message();
        assert!(!message.contains("signed out"), "{message}");
    }
    // Nor one whose tombstone has gone.
    app.advance(Duration::from_hours(3));
    let message = alice.get("/session/isactive").await.message();
    assert!(message.contains("ended"), "{message}");
}

#[tokio::test]
async fn an_end_by_time_is_audited_once() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    app.advance(Duration::from_mins(31));
    app.trail.clear();
    for _ in 0..3 {
        assert_eq!(alice.is_active().await, 401);
    }
    assert_eq!(app.trail.words(), ["session_ended"]);
    let event = app.trail.last();
    let Act::SessionEnded { reason, owner, .. } = event.act else {
        panic!("{event:?}");
    };
    assert_eq!(reason, EndReason::IdleTimeout);
    assert_eq!(owner, app.user("alice").await.id);
}

#[tokio::test]
async fn case_35_above_the_limit_the_oldest_session_is_evicted() {
    let app = TestApp::with(|settings| settings.sessions.max_per_user = 2);
    let first = app.alice().await;
    app.tick();
    let second = app.alice().await;
    app.tick();
    let bob = app.bob().await;
    let third = app.alice().await;
    assert!(app.trail.words().contains(&"session_ended".to_owned()));
    assert!(told(&first).await.contains("newer sessions"));
    for lives in [&second, &third, &bob] {
        assert_eq!(lives.is_active().await, 204);
    }
    // Signing in over one's own session takes its place and nobody else's.
    let reply = third.post_login("alice", ALICE_PASSWORD).await;
    assert_eq!(reply.status, 204);
    assert_eq!(second.is_active().await, 204);
}

#[tokio::test]
async fn case_35_at_the_limit_a_login_is_refused_in_words() {
    let app = TestApp::with(|settings| {
        settings.sessions.max_per_user = 1;
        settings.sessions.at_limit = AtLimitSetting::Refuse;
    });
    let alice = app.alice().await;
    let refused = app.anon().post_login("alice", ALICE_PASSWORD).await;
    refused.expect_error(403, 10023, "as many sessions as are allowed");
    assert_eq!(
        app.trail.words().last().unwrap(),
        "login_refused session_limit"
    );
    let token = app.token("alice").await;
    let refused = app.anon().redeem(&[("auth_token", &token)]).await;
    refused.expect_error(403, 10023, "as many sessions");
    let body = serde_json::json!({ "username": "alice", "password": ALICE_PASSWORD });
    let refused = log_in_with(&app.anon(), &body).await;
    expect_error(&refused, 403, "ERR0014");
    assert_eq!(refused.json()["iServerCode"], -2_147_073_423);
    // A wrong password still says nothing about how many there are.
    let wrong = app.anon().post_login("alice", "wrong").await;
    assert_eq!(wrong.status, 401);
    assert_eq!(alice.is_active().await, 204);
    assert_eq!(alice.log_out().await.status, 204);
    app.alice().await;
}

#[tokio::test]
async fn case_31_a_token_good_for_one_session_opens_one_however_many_try() {
    let app = TestApp::with(|settings| settings.tokens.reuse = TokenReuseSetting::Once);
    let token = app.token("alice").await;
    let tries = (0..200).map(|_| {
        let (client, token) = (app.anon(), token.clone());
        tokio::spawn(async move { client.redeem(&[("auth_token", &token)]).await })
    });
    let mut opened = 0;
    for one in tries.collect::<Vec<_>>() {
        let reply = one.await.unwrap();
        if reply.status == 204 {
            opened += 1;
        } else {
            reply.expect_error(401, 10003, "used already");
        }
    }
    assert_eq!(opened, 1);
    // The other two ways to spend it are shut as well; as a Bearer it opens nothing and stays good.
    let reply = app.anon().redeem_by_get(&[("auth_token", &token)]).await;
    reply.expect_error(401, 10003, "used already");
    let bearer = app.anon().with_bearer(&token);
    let request = bearer.request(reqwest::Method::POST, "!/api/rest/2.0/auth/session/login");
    let reply = bearer.send(request.json(&serde_json::json!({}))).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.cookies(), []);
    assert_eq!(bearer.is_active().await, 204);
    assert!(
        app.trail
            .words()
            .contains(&"login_refused spent_token".to_owned())
    );
}

#[tokio::test]
async fn a_refused_attempt_before_the_session_does_not_use_a_token_up() {
    let app = TestApp::with(|settings| settings.tokens.reuse = TokenReuseSetting::Once);
    let token = app.token("alice").await;
    let other = [("auth_token", token.as_str()), ("username", "bob")];
    assert_eq!(app.anon().redeem(&other).await.status, 401);
    let away = [
        ("auth_token", token.as_str()),
        ("redirect_url", "https://evil.example/"),
    ];
    assert_eq!(app.anon().redeem(&away).await.status, 400);
    assert_eq!(
        app.anon().redeem(&[("auth_token", &token)]).await.status,
        204
    );
}

#[tokio::test]
async fn by_default_a_token_opens_many_sessions() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    for _ in 0..3 {
        assert_eq!(
            app.anon().redeem(&[("auth_token", &token)]).await.status,
            204
        );
    }
}
