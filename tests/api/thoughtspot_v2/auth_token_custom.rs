//! `auth/token/custom`: access rules, and which of them stay with the user.

use crate::support::{ADMIN_PASSWORD, LIVEBOARD, PASSWORD, TestApp};
use crate::thoughtspot_v2::auth_token::{mint, with};
use crate::thoughtspot_v2::{done, refused};
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

#[tokio::test]
async fn a_misspelt_rule_is_refused_and_not_left_out() {
    let app = TestApp::shared();
    let filter = json!({ "column_name": "Region", "operator": "EQ", "values": ["West"] });
    let misspelt =
        json!({ "column_name": "Region", "operator": "EQ", "values": ["West"], "value": ["East"] });
    let named = json!([{ "name": "tenant", "values": ["a"] }]);
    for (kind, more, word) in [
        (
            "custom",
            json!({ "filter_rule": [filter] }),
            "filter_rule: expected to be spelt filter_rules",
        ),
        (
            "custom",
            json!({ "filterRules": [filter] }),
            "spelt filter_rules",
        ),
        (
            "custom",
            json!({ "parameter_value": named }),
            "spelt parameter_values",
        ),
        (
            "custom",
            json!({ "Variable_Values": named }),
            "spelt variable_values",
        ),
        (
            "custom",
            json!({ "runtime_filters": [filter] }),
            "user_parameters",
        ),
        (
            "custom",
            json!({ "user_parameters": { "runtime_filters": [filter] } }),
            "filter_rules",
        ),
        (
            "custom",
            json!({ "filter_rules": [misspelt] }),
            "filter_rules[0].value: expected to be left out or spelt",
        ),
        (
            "custom",
            json!({ "parameter_values": [{ "name": "a", "values": [], "x": 1 }] }),
            "parameter_values[0].x",
        ),
        (
            "custom",
            json!({ "objects": [{ "id": LIVEBOARD, "identifier": LIVEBOARD }] }),
            "objects[0].id",
        ),
        (
            "full",
            json!({ "user_parameters": { "runtime_filter": [filter] } }),
            "user_parameters.runtime_filter: expected",
        ),
        (
            "full",
            json!({ "user_parameters": { "runtime_filters": [misspelt] } }),
            "runtime_filters[0].value",
        ),
        (
            "full",
            json!({ "user_parameters": { "runtime_sorts": [{ "column_name": "a", "asc": true }] } }),
            "runtime_sorts[0].asc",
        ),
        (
            "full",
            json!({ "user_parameter": {} }),
            "spelt user_parameters",
        ),
        (
            "full",
            json!({ "filter_rules": [filter] }),
            "auth/token/custom",
        ),
        (
            "full",
            json!({ "variable_values": named }),
            "auth/token/custom",
        ),
        (
            "object",
            json!({ "object_id": LIVEBOARD, "runtime_filters": [filter] }),
            "user_parameters",
        ),
        (
            "object",
            json!({ "object_id": LIVEBOARD, "objects": [{ "identifier": LIVEBOARD }] }),
            "auth/token/custom",
        ),
    ] {
        let path = format!("auth/token/{kind}");
        refused(&app.anon(), &path, with(&more), 400, word).await;
    }
}

#[tokio::test]
async fn all_that_the_vendor_documents_is_read() {
    let app = TestApp::spawn();
    let object = json!({ "type": "LIVEBOARD", "identifier": LIVEBOARD });
    let whole = json!({ "user_parameters": {
        "objects": [object],
        "runtime_filters": [{ "column_name": "a", "operator": "EQ", "values": ["b"], "persist": false, "objects": [object] }],
        "runtime_sorts": [{ "column_name": "a", "order": "DESC", "persist": true, "objects": null }],
        "parameters": [{ "name": "a", "values": ["b"], "persist": null, "objects": [] }],
    } });
    let token = mint(&app, "full", whole).await;
    assert_eq!(rules(&app, &token).await, 1);
    let nothing = json!({ "user_parameters": {
        "objects": null, "runtime_filters": null, "runtime_sorts": null, "parameters": null,
    }, "filter_rules": [], "objects": null, "roles": ["x"], "someday": 1 });
    let token = mint(&app, "full", nothing).await;
    assert_eq!(rules(&app, &token).await, 0);
    let custom = json!({
        "persist_option": "NONE", "filter_rules": [{ "column_name": "a", "operator": "EQ", "values": [1, true, "b"] }],
        "parameter_values": [{ "name": "a", "values": [1] }], "objects": [object], "variable_values": [],
        "groups": [{ "identifier": "a" }], "auto_create": false, "user_parameters": {}, "group_identifiers": ["a"],
    });
    let token = mint(&app, "custom", custom).await;
    assert_eq!(rules(&app, &token).await, 1);
}

/// How often the rules of a user were changed, by the audit trail.
fn changes(app: &TestApp) -> usize {
    let events = app.trail.events();
    let lines = events.iter().map(|event| format!("{:?}", event.act));
    lines
        .filter(|line| line.contains("attributes_changed"))
        .count()
}

#[tokio::test]
async fn case_37_whom_rules_limit_neither_lifts_nor_widens_them_by_password() {
    let app = TestApp::spawn();
    let anon = app.anon();
    mint(&app, "custom", west("REPLACE")).await;
    assert_eq!(changes(&app), 1);
    let own = |more: &Value| {
        let mut body = json!({ "username": "bob", "password": PASSWORD });
        let fields = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        body
    };
    let east = json!([{ "column_name": "region ", "operator": "EQ", "values": ["East"] }]);
    let variable = json!([{ "name": "tenant", "values": ["other"] }]);
    let elsewhere = json!([{ "identifier": LIVEBOARD }]);
    for more in [
        json!({ "persist_option": "RESET" }),
        json!({ "persist_option": "REPLACE" }),
        json!({ "persist_option": "APPEND", "variable_values": variable }),
        json!({ "filter_rules": east }),
        json!({ "objects": elsewhere }),
    ] {
        refused(&anon, "auth/token/custom", own(&more), 403, "access rules").await;
    }
    let older = own(&json!({ "user_parameters": { "objects": elsewhere } }));
    refused(&anon, "auth/token/full", older, 403, "access rules").await;
    assert_eq!(changes(&app), 1);

    // What narrows is theirs to ask for.
    let narrower = json!([{ "column_name": "Year", "operator": "EQ", "values": [2026] }]);
    let token = done(
        &anon,
        "auth/token/custom",
        own(&json!({ "filter_rules": narrower })),
    )
    .await;
    app.plant(token["token"].as_str().unwrap());
    assert_eq!(rules(&app, &token).await, 2);
    let plain = mint(&app, "full", json!({})).await;
    assert_eq!(rules(&app, &plain).await, 1);

    // The same rules once more are no change; none any longer are one.
    mint(&app, "custom", west("REPLACE")).await;
    assert_eq!(changes(&app), 1);
    mint(&app, "custom", west("RESET")).await;
    assert_eq!(changes(&app), 2);
}

#[tokio::test]
async fn an_administrator_of_the_server_may_persist_rules_of_their_own_by_password() {
    let app = TestApp::spawn();
    let body = json!({ "username": "tsadmin", "password": ADMIN_PASSWORD, "persist_option": "REPLACE",
        "parameter_values": [{ "name": "p", "values": ["1"] }] });
    let token = done(&app.anon(), "auth/token/custom", body).await;
    app.plant(token["token"].as_str().unwrap());
    assert_eq!(app.user("tsadmin").await.attributes.parameters.len(), 1);
}
