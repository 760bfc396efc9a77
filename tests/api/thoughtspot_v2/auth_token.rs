//! `auth/token/full`, `object`, `validate` and `revoke`.

use crate::support::{LIVEBOARD, PASSWORD, SECRET_KEY, TestApp};
use crate::thoughtspot_v2::{done, refused};
use serde_json::{Value, json};
use std::time::Duration;

/// The request and more fields.
pub fn with(more: &Value) -> Value {
    let mut body = json!({ "secret_key": SECRET_KEY, "username": "bob" });
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

/// A minted token; `kind` is the last word of the path.
pub async fn mint(app: &TestApp, kind: &str, more: Value) -> Value {
    let body = done(&app.anon(), &format!("auth/token/{kind}"), with(&more)).await;
    app.plant(body["token"].as_str().unwrap());
    body
}

#[tokio::test]
async fn a_full_token_lives_five_minutes_or_as_long_as_asked_but_no_longer_than_the_maximum() {
    let app = TestApp::spawn();
    for (asked, seconds) in [
        (json!({}), 300),
        (json!({ "validity_time_in_sec": "60" }), 60),
        (json!({ "validity_time_in_sec": 864_000 }), 86_400),
    ] {
        let token = mint(&app, "full", asked).await;
        let created = token["creation_time_in_millis"].as_u64().unwrap();
        assert_eq!(
            token["expiration_time_in_millis"],
            created + seconds * 1_000
        );
        assert_eq!(
            token["scope"],
            json!({ "access_type": "FULL", "org_id": 0, "metadata_id": null })
        );
        assert_eq!(token["valid_for_username"], "bob");
    }
    // A new one shortens no other, unlike v1's.
    let first = mint(&app, "full", json!({ "validity_time_in_sec": 3600 })).await;
    mint(&app, "full", json!({})).await;
    app.advance(Duration::from_mins(30));
    let bearer = app.anon().with_bearer(first["token"].as_str().unwrap());
    assert_eq!(bearer.is_active().await, 204);
    app.advance(Duration::from_mins(31));
    assert_eq!(bearer.is_active().await, 401);
}

#[tokio::test]
async fn a_password_vouches_too_and_a_key_beside_it_decides() {
    let app = TestApp::spawn();
    let anon = app.anon();
    let by_password = json!({ "username": "bob", "password": PASSWORD });
    let token = done(&anon, "auth/token/full", by_password).await;
    app.plant(token["token"].as_str().unwrap());
    mint(&app, "full", json!({ "password": "wrong" })).await;
    let wrong_key = json!({ "username": "bob", "password": PASSWORD, "secret_key": "x" });
    refused(&anon, "auth/token/full", wrong_key, 401, "secret key").await;
    let wrong = json!({ "username": "bob", "password": "wrong" });
    refused(
        &anon,
        "auth/token/full",
        wrong,
        401,
        "wrong, or the account",
    )
    .await;
    refused(
        &anon,
        "auth/token/full",
        json!({ "username": "bob" }),
        400,
        "secret_key",
    )
    .await;
    refused(
        &anon,
        "auth/token/full",
        json!({ "secret_key": SECRET_KEY }),
        400,
        "username",
    )
    .await;
    for org in ["Sales", "Nowhere"] {
        let body = json!({ "username": "bob", "secret_key": "x", "org_identifier": org });
        refused(&anon, "auth/token/full", body, 401, "secret key").await;
    }
    let none = with(&json!({ "validity_time_in_sec": 0 }));
    refused(&anon, "auth/token/full", none, 400, "validity_time_in_sec").await;
}

#[tokio::test]
async fn auto_create_makes_the_user_and_replaces_groups() {
    let app = TestApp::spawn();
    let new = json!({ "username": "eve", "auto_create": true, "org_id": "0", "group_identifiers": ["a", "b"], "email": "eve@example.com" });
    mint(&app, "full", new).await;
    let eve = app.user("eve").await;
    assert_eq!(app.groups(eve.id, eve.last_org).await, ["a", "b"]);
    mint(
        &app,
        "full",
        json!({ "username": "eve", "auto_create": true, "group_identifiers": ["c"] }),
    )
    .await;
    assert_eq!(app.groups(eve.id, eve.last_org).await, ["c"]);
    mint(
        &app,
        "full",
        json!({ "username": "eve", "auto_create": true }),
    )
    .await;
    assert_eq!(app.groups(eve.id, eve.last_org).await, ["c"]);
    mint(
        &app,
        "full",
        json!({ "username": "eve", "auto_create": true, "group_identifiers": [] }),
    )
    .await;
    assert!(app.groups(eve.id, eve.last_org).await.is_empty());
    let unknown = with(&json!({ "username": "nobody" }));
    refused(&app.anon(), "auth/token/full", unknown, 400, "username").await;
}

#[tokio::test]
async fn an_object_token_is_for_one_object() {
    let app = TestApp::spawn();
    let token = mint(&app, "object", json!({ "object_id": LIVEBOARD })).await;
    let scope = json!({ "access_type": "REPORT_BOOK_VIEW", "org_id": 0, "metadata_id": LIVEBOARD });
    assert_eq!(token["scope"], scope);
    let bearer = app.anon().with_bearer(token["token"].as_str().unwrap());
    let list = format!("/metadata/listvizheaders?id={LIVEBOARD}");
    assert_eq!(bearer.get(&list).await.status, 200);
    let without = with(&json!({}));
    refused(&app.anon(), "auth/token/object", without, 400, "object_id").await;
}

#[tokio::test]
async fn a_token_is_validated_and_revoked_by_its_owner_or_an_administrator() {
    let app = TestApp::spawn();
    let token = mint(&app, "full", json!({})).await;
    let given = json!({ "token": token["token"] });
    let alice = app.alice().await;
    let good = done(&alice, "auth/token/validate", given.clone()).await;
    assert_eq!(good["token_type"], "BEARER");
    assert_eq!(
        good["expiration_time_in_millis"],
        token["expiration_time_in_millis"]
    );
    refused(
        &alice,
        "auth/token/revoke",
        given.clone(),
        403,
        "another user",
    )
    .await;
    let bob = json!({ "user_identifier": "bob" });
    refused(
        &alice,
        "auth/token/revoke",
        bob.clone(),
        403,
        "administrator",
    )
    .await;
    refused(&alice, "auth/token/revoke", json!({}), 400, "token").await;
    let admin = app.admin().await;
    done(&admin, "auth/token/revoke", given.clone()).await;
    refused(&alice, "auth/token/validate", given, 400, "token").await;
    refused(
        &alice,
        "auth/token/validate",
        json!({ "token": "x" }),
        400,
        "token",
    )
    .await;

    // Without a body: the Bearer presented.
    let token = mint(&app, "full", json!({})).await;
    let bearer = app.anon().with_bearer(token["token"].as_str().unwrap());
    done(&bearer, "auth/token/revoke", json!({})).await;
    assert_eq!(bearer.is_active().await, 401);

    let session = app.bob().await;
    app.tick();
    done(&admin, "auth/token/revoke", bob).await;
    assert_eq!(session.is_active().await, 401);
}

#[tokio::test]
async fn a_key_of_one_org_reaches_no_further() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let anon = app.anon();
    let of = |user: &str, org: &str| json!({ "secret_key": key, "username": user, "org_identifier": org });
    refused(
        &anon,
        "auth/token/full",
        of("alice", "0"),
        403,
        "another Org",
    )
    .await;
    refused(&anon, "auth/token/full", of("tsadmin", ""), 400, "username").await;
    let token = done(&anon, "auth/token/full", of("alice", "")).await;
    app.plant(token["token"].as_str().unwrap());
    assert_eq!(token["scope"]["org_id"], app.sales.0);
}
