//! What the key of one Org reaches: users of that Org, and of them what the Org may decide.

use crate::support::{Client, LIVEBOARD, TestApp};
use crate::thoughtspot_v2::{done, post, refused};
use serde_json::{Value, json};

const FULL: &str = "auth/token/full";
const CUSTOM: &str = "auth/token/custom";

fn with_key(key: &str, user: &str, more: &Value) -> Value {
    let mut body = json!({ "secret_key": key, "username": user });
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

#[tokio::test]
async fn case_37_the_key_of_an_org_reaches_no_user_of_another_and_does_not_say_that_they_exist() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let anon = app.anon();
    let before = app.user("bob").await;
    let more = json!({ "auto_create": true, "email": "evil@example.com", "display_name": "Owned",
        "group_identifiers": ["Analysts"] });
    refused(&anon, FULL, with_key(&key, "bob", &more), 400, "username").await;
    let reset = json!({ "persist_option": "RESET" });
    refused(
        &anon,
        CUSTOM,
        with_key(&key, "bob", &reset),
        400,
        "username",
    )
    .await;
    assert_eq!(app.user("bob").await, before);
    let orgs = app.services.directory.orgs_of(before.id).await.unwrap();
    assert_eq!(orgs.len(), 1);

    // Whoever is elsewhere, disabled, nowhere or administers the server is one answer.
    let mut answers = Vec::new();
    for user in ["bob", "nobody", "dora", "tsadmin"] {
        let reply = post(&anon, FULL, with_key(&key, user, &json!({}))).await;
        let error = &reply.json()["error"]["message"]["debug"];
        let text = error["debug"].as_str().unwrap();
        let words = text.split_once("Error Message").unwrap().1.to_owned();
        answers.push((reply.status, error["code"].clone(), words));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn case_37_the_key_of_an_org_changes_names_and_rules_of_users_of_that_org_alone() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let anon = app.anon();
    let more = json!({ "auto_create": true, "email": "new@example.com", "display_name": "New",
        "group_identifiers": ["Fresh"] });
    let rules = json!({ "persist_option": "REPLACE",
        "filter_rules": [{ "column_name": "c", "operator": "EQ", "values": ["1"] }] });

    // Carol is in Sales alone.
    for (path, more) in [(FULL, &more), (CUSTOM, &rules)] {
        let token = done(&anon, path, with_key(&key, "carol", more)).await;
        app.plant(token["token"].as_str().unwrap());
    }
    let carol = app.user("carol").await;
    assert_eq!(carol.display_name, "New");
    assert_eq!(carol.email.as_deref(), Some("new@example.com"));
    assert_eq!(carol.attributes.filters.len(), 1);

    // Alice is in the Primary Org too: groups of Sales are the key's affair, the rest is not.
    let before = app.user("alice").await;
    let token = done(&anon, FULL, with_key(&key, "alice", &more)).await;
    app.plant(token["token"].as_str().unwrap());
    let after = app.user("alice").await;
    assert_eq!(
        (&after.display_name, &after.email),
        (&before.display_name, &before.email)
    );
    assert_eq!(app.groups(after.id, app.sales).await, ["Fresh"]);
    let words = "users of that Org alone";
    refused(&anon, CUSTOM, with_key(&key, "alice", &rules), 403, words).await;
    assert!(app.user("alice").await.attributes.is_empty());

    // A free name is theirs to give, in their Org.
    let token = done(&anon, CUSTOM, with_key(&key, "fresh", &rules)).await;
    app.plant(token["token"].as_str().unwrap());
    let fresh = app.user("fresh").await;
    assert_eq!(fresh.last_org, app.sales);
    assert_eq!(fresh.attributes.filters.len(), 1);
}

async fn bearer(app: &TestApp, path: &str, body: Value) -> Client {
    let token = done(&app.anon(), path, body).await;
    let token = token["token"].as_str().unwrap();
    app.plant(token);
    app.anon().with_bearer(token)
}

#[tokio::test]
async fn case_37_what_is_limited_does_not_end_everything_of_its_user() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let session = app.alice().await;
    let me = json!({ "user_identifier": "alice" });
    let object = json!({ "object_id": LIVEBOARD });
    for limited in [
        bearer(&app, FULL, with_key(&key, "alice", &json!({}))).await,
        bearer(
            &app,
            "auth/token/object",
            with_key(crate::support::SECRET_KEY, "alice", &object),
        )
        .await,
    ] {
        app.tick();
        refused(&limited, "auth/token/revoke", me.clone(), 403, "limited").await;
        assert_eq!(session.is_active().await, 204);
        // Itself it does end.
        done(&limited, "auth/token/revoke", json!({})).await;
        assert_eq!(limited.is_active().await, 401);
    }
    app.tick();
    done(&session, "auth/token/revoke", me).await;
    assert_eq!(session.is_active().await, 401);
}
