//! `auth/token/custom`: access rules, and which of them stay with the user.

use crate::support::TestApp;
use crate::thoughtspot_v2::auth_token::{mint, with};
use crate::thoughtspot_v2::refused;
use serde_json::{Value, json};

const USER: &str = "!/api/rest/2.0/auth/session/user";

fn west(persist: &str) -> Value {
    json!({
        "persist_option": persist,
        "filter_rules": [{ "column_name": "Region", "operator": "IN", "values": ["West", 7] }],
    })
}

/// How many filter rules hold for a token.
async fn rules(app: &TestApp, token: &Value) -> usize {
    let bearer = app.anon().with_bearer(token["token"].as_str().unwrap());
    let user = bearer.get(USER).await.json();
    let rules = user["access_control_properties"]["filter_rules"].as_array();
    rules.map_or(0, Vec::len)
}

#[tokio::test]
async fn rules_stay_with_the_token_or_with_the_user_as_asked() {
    let app = TestApp::spawn();
    let steps = [
        ("NONE", 1, 0),
        ("REPLACE", 1, 1),
        ("APPEND", 2, 2),
        ("NONE", 3, 2),
        ("REPLACE", 1, 1),
        ("RESET", 0, 0),
    ];
    for (persist, of_token, of_user) in steps {
        let token = mint(&app, "custom", west(persist)).await;
        assert_eq!(rules(&app, &token).await, of_token, "{persist}");
        assert_eq!(token["user"]["name"], "bob");
        assert_eq!(token["org"]["id"], 0);
        let plain = mint(&app, "full", json!({})).await;
        assert_eq!(rules(&app, &plain).await, of_user, "{persist}");
    }
}

#[tokio::test]
async fn a_session_opened_with_the_token_keeps_rules_that_were_not_persisted() {
    let app = TestApp::spawn();
    let token = mint(&app, "custom", west("NONE")).await;
    let mut client = app.anon();
    let reply = client
        .redeem(&[("auth_token", token["token"].as_str().unwrap())])
        .await;
    client.keep(&reply);
    let user = client.get(USER).await.json();
    let rule = &user["access_control_properties"]["filter_rules"][0];
    assert_eq!(
        rule,
        &json!({ "column_name": "Region", "operator": "IN", "values": ["West", "7"] })
    );
}

#[tokio::test]
async fn a_new_user_is_made_unless_told_otherwise_and_an_existing_one_is_left_alone() {
    let app = TestApp::spawn();
    mint(
        &app,
        "custom",
        json!({ "username": "eve", "groups": [{ "identifier": "a" }] }),
    )
    .await;
    let eve = app.user("eve").await;
    assert_eq!(app.groups(eve.id, eve.last_org).await, ["a"]);
    mint(
        &app,
        "custom",
        json!({ "username": "eve", "display_name": "Other", "groups": [{ "identifier": "b" }] }),
    )
    .await;
    let after = app.user("eve").await;
    assert_eq!(after.display_name, eve.display_name);
    assert_eq!(app.groups(eve.id, eve.last_org).await, ["a"]);
    let none = with(&json!({ "username": "nobody", "auto_create": false }));
    refused(&app.anon(), "auth/token/custom", none, 400, "username").await;
}

#[tokio::test]
async fn rules_that_could_be_lost_silently_are_refused() {
    let app = TestApp::shared();
    let bad = [
        (json!({ "persist_option": "KEEP" }), "persist_option"),
        (
            json!({ "variable_values": [{ "name": "v", "values": ["x"] }] }),
            "persist_option",
        ),
        (
            json!({ "filter_rules": [{ "column_name": "c", "operator": "ISH", "values": [] }] }),
            "operator",
        ),
        (
            json!({ "objects": [{ "identifier": "a name" }] }),
            "objects",
        ),
        (
            json!({ "filter_rules": [{ "operator": "EQ", "values": [] }] }),
            "column_name",
        ),
    ];
    for (more, word) in bad {
        refused(&app.anon(), "auth/token/custom", with(&more), 400, word).await;
    }
}
