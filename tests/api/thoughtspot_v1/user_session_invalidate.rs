//! `POST user/session/invalidate`.

use crate::support::{Client, LIVEBOARD, TestApp};

const PATH: &str = "/user/session/invalidate";

struct Everybody {
    admin: Client,
    alice: Client,
    bob: Client,
    carol: Client,
}

async fn everybody(app: &TestApp) -> Everybody {
    let people = Everybody {
        admin: app.admin().await,
        alice: app.alice().await,
        bob: app.bob().await,
        carol: app.signed_in("carol", crate::support::PASSWORD).await,
    };
    app.tick();
    people
}

impl Everybody {
    /// Who is still signed in, in the order of the fields.
    async fn live(&self) -> [bool; 4] {
        [
            self.admin.is_active().await == 204,
            self.alice.is_active().await == 204,
            self.bob.is_active().await == 204,
            self.carol.is_active().await == 204,
        ]
    }
}

#[tokio::test]
async fn names_and_ids_end_the_sessions_of_those_users() {
    let app = TestApp::spawn();
    let people = everybody(&app).await;
    let reply = people.admin.post(PATH, &[("username", r#"["Bob"]"#)]).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(people.live().await, [true, true, false, true]);

    let carol = format!("[\"{}\"]", app.user("carol").await.id);
    let form = [("username", r#"["alice"]"#), ("userid", carol.as_str())];
    assert_eq!(people.admin.post(PATH, &form).await.status, 204);
    assert_eq!(people.live().await, [true, false, false, false]);
    // Who is out may come back.
    app.tick();
    app.bob().await;
}

#[tokio::test]
async fn with_neither_everybody_is_out_and_the_administrator_too() {
    for form in [&[][..], &[("username", ""), ("userid", "")]] {
        let app = TestApp::spawn();
        let people = everybody(&app).await;
        assert_eq!(people.admin.post(PATH, form).await.status, 204);
        assert_eq!(people.live().await, [false; 4]);
        let words = app.trail.words();
        assert!(words.contains(&"revoked".to_owned()), "{words:?}");
    }
}

#[tokio::test]
async fn an_empty_array_means_nobody_not_everybody() {
    let app = TestApp::spawn();
    let people = everybody(&app).await;
    for form in [
        &[("username", "[]")][..],
        &[("userid", "[]"), ("username", "")],
    ] {
        let reply = people.admin.post(PATH, form).await;
        reply.expect_error(400, 10002, "user");
    }
    assert_eq!(people.live().await, [true; 4]);
}

#[tokio::test]
async fn one_wrong_name_or_id_ends_nothing() {
    let app = TestApp::spawn();
    let people = everybody(&app).await;
    for (name, value) in [
        ("username", r#"["bob","nobody"]"#),
        ("username", "bob"),
        ("username", r#"{"a":1}"#),
        ("userid", r#"["bob"]"#),
        ("userid", r#"["00000000-0000-4000-8000-000000000001"]"#),
    ] {
        let reply = people.admin.post(PATH, &[(name, value)]).await;
        reply.expect_error(400, 10002, name);
    }
    assert_eq!(people.live().await, [true; 4]);
}

#[tokio::test]
async fn only_an_administrator_of_the_server_may() {
    let app = TestApp::spawn();
    let people = everybody(&app).await;
    let form = [("username", r#"["bob"]"#)];
    people
        .alice
        .post(PATH, &form)
        .await
        .expect_error(403, 10023, "administrator");
    app.anon()
        .post(PATH, &form)
        .await
        .expect_error(401, 10097, "sign in");
    // Nor an administrator's token for one object.
    let object = [
        ("username", "tsadmin"),
        ("access_level", "REPORT_BOOK_VIEW"),
        ("id", LIVEBOARD),
    ];
    let token = app.anon().mint(&object).await.text();
    let limited = app.anon().with_bearer(&token);
    limited
        .post(PATH, &form)
        .await
        .expect_error(403, 10023, "administrator");
    assert_eq!(people.live().await, [true; 4]);
    // An administrator's own token may.
    let bearer = app.anon().with_bearer(&app.token("tsadmin").await);
    assert_eq!(bearer.post(PATH, &form).await.status, 204);
    assert_eq!(people.live().await, [true, true, false, true]);
}

#[tokio::test]
async fn case_37_who_came_by_the_key_of_an_org_is_no_administrator_of_the_server() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let form = [("secret_key", key.as_str()), ("username", "alice")];
    let token = app.anon().post("/session/auth/token", &form).await.text();
    // Made an administrator later: the token must not grow with the account.
    let alice = app.user("alice").await;
    let change = vestibule::domain::directory::UserChange {
        is_admin: Some(true),
        at: alice.modified_at,
        ..Default::default()
    };
    app.services
        .directory
        .update_user(alice.id, &change)
        .await
        .unwrap();
    let mut session = app.anon();
    let reply = session.redeem(&[("auth_token", &token)]).await;
    session.keep(&reply);
    for client in [&session, &app.anon().with_bearer(&token)] {
        let reply = client.post(PATH, &[]).await;
        reply.expect_error(403, 10023, "administrator");
        assert_eq!(
            client.info().await.json()["privileges"],
            serde_json::json!([])
        );
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_end_anybodys_session() {
    let app = TestApp::spawn();
    let people = everybody(&app).await;
    let client = people.admin.with("origin", "https://evil.example");
    client
        .post(PATH, &[])
        .await
        .expect_error(403, 10023, "another site");
    assert_eq!(people.live().await, [true; 4]);
}
