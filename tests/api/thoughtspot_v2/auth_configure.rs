//! `auth/configure` and `auth/search`: the switches of trusted authentication, and the key cabinet.

use crate::support::{SECRET_KEY, TestApp};
use crate::thoughtspot_v2::auth_token::{mint, with};
use crate::thoughtspot_v2::{done, refused};
use serde_json::{Value, json};

fn switch(cluster: &str) -> Value {
    json!({ "auth_type": "TRUSTED_AUTH", "cluster_preferences": { "auth_status": cluster } })
}

fn of_sales(status: &str) -> Value {
    json!({ "auth_type": "TRUSTED_AUTH", "org_preferences": [{ "org_identifier": "Sales", "auth_status": status }] })
}

#[tokio::test]
async fn trusted_authentication_is_switched_while_the_server_runs() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let before = app.anon().with_bearer(&app.token("bob").await);
    done(&admin, "auth/configure", switch("DISABLED")).await;
    refused(
        &app.anon(),
        "auth/token/full",
        with(&json!({})),
        403,
        "trusted authentication",
    )
    .await;
    assert_eq!(app.anon().mint(&[("username", "bob")]).await.status, 500);
    assert_eq!(before.is_active().await, 204, "what was minted lives on");
    done(&admin, "auth/configure", switch("ENABLED")).await;
    mint(&app, "full", json!({})).await;
    let acts: Vec<String> = app
        .trail
        .events()
        .iter()
        .map(|e| format!("{:?}", e.act))
        .collect();
    for what in ["trusted_auth_disabled", "trusted_auth_enabled"] {
        assert!(
            acts.iter().any(|act| act.contains(what)),
            "{what}: {acts:?}"
        );
    }
}

#[tokio::test]
async fn an_administrator_sees_the_keys_and_every_look_is_audited() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let (_, key) = app.org_key("Sales").await;
    app.trail.clear();
    let found = done(
        &admin,
        "auth/search",
        json!({ "auth_type": "TRUSTED_AUTH" }),
    )
    .await;
    let cluster = json!({ "auth_status": "ENABLED", "access_tokens": [{ "key": SECRET_KEY }] });
    assert_eq!(found["cluster_preferences"], cluster);
    let orgs = found["org_preferences"].as_array().unwrap();
    let sales = orgs
        .iter()
        .find(|org| org["org"]["name"] == "Sales")
        .unwrap();
    assert_eq!(sales["access_tokens"], json!([{ "key": key }]));
    let primary = orgs.iter().find(|org| org["org"]["id"] == 0).unwrap();
    assert_eq!(primary["auth_status"], "DISABLED");
    assert_eq!(app.trail.words(), vec!["directory_changed"; 1 + orgs.len()]);
    let only = done(
        &admin,
        "auth/search",
        json!({ "auth_type": "TRUSTED_AUTH", "scope": "CLUSTER" }),
    )
    .await;
    assert_eq!(only["org_preferences"], Value::Null);
}

#[tokio::test]
async fn an_org_is_switched_alone_and_gets_a_key_where_it_has_none() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    done(&admin, "auth/configure", of_sales("ENABLED")).await;
    let found = done(
        &admin,
        "auth/search",
        json!({ "auth_type": "TRUSTED_AUTH", "scope": "ORG" }),
    )
    .await;
    let orgs = found["org_preferences"].as_array().unwrap();
    let sales = orgs
        .iter()
        .find(|org| org["org"]["name"] == "Sales")
        .unwrap();
    let key = sales["access_tokens"][0]["key"].as_str().unwrap();
    app.plant(key);
    let by_key = json!({ "username": "carol", "secret_key": key });
    mint(&app, "full", by_key.clone()).await;
    done(&admin, "auth/configure", of_sales("DISABLED")).await;
    refused(
        &app.anon(),
        "auth/token/full",
        with(&by_key),
        403,
        "trusted authentication",
    )
    .await;
    mint(&app, "full", json!({ "username": "carol" })).await;
}

#[tokio::test]
async fn nobody_else_sees_or_switches_and_what_the_operator_switched_off_stays_off() {
    let app = TestApp::with(|settings| settings.trusted_auth.enabled = false);
    let search = json!({ "auth_type": "TRUSTED_AUTH" });
    for path in ["auth/search", "auth/configure"] {
        refused(&app.bob().await, path, search.clone(), 403, "administrator").await;
        refused(&app.anon(), path, search.clone(), 401, "sign in").await;
        refused(&app.admin().await, path, json!({}), 400, "auth_type").await;
    }
    let admin = app.admin().await;
    refused(
        &admin,
        "auth/configure",
        switch("ENABLED"),
        403,
        "trusted_auth.enabled",
    )
    .await;
    refused(&admin, "auth/configure", switch("ON"), 400, "auth_status").await;
}
