//! `groups/*`.

use crate::support::TestApp;
use crate::thoughtspot_v2::{done, names, refused};
use serde_json::{Value, json};

#[tokio::test]
async fn an_empty_privilege_is_none() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let body = json!({ "name": "Plain", "display_name": "Plain", "privileges": ["", "DATAMANAGEMENT", " "] });
    let group = done(&admin, "groups/create", body).await;
    assert_eq!(group["privileges"], json!(["DATAMANAGEMENT"]));
    let change = json!({ "operation": "ADD", "privileges": [""] });
    done(&admin, "groups/plain/update", change).await;
    let found = done(
        &admin,
        "groups/search",
        json!({ "group_identifier": "plain" }),
    )
    .await;
    assert_eq!(found[0]["privileges"], json!(["DATAMANAGEMENT"]));
}

#[tokio::test]
async fn a_group_is_created_found_changed_and_deleted() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let body = json!({
        "name": "Owners", "display_name": "The owners", "privileges": ["DATAMANAGEMENT"],
        "user_identifiers": ["bob", app.user("alice").await.id.to_string()],
        "description": "ignored", "sub_group_identifiers": [], "type": "LOCAL_GROUP",
    });
    let group = done(&admin, "groups/create", body).await;
    assert_eq!(names(&group["users"]), ["alice", "bob"]);
    assert_eq!(group["orgs"], json!([{ "id": 0, "name": "Primary" }]));
    assert_eq!(group["display_name"], "The owners");
    assert_eq!(group["privileges"], json!(["DATAMANAGEMENT"]));
    let id = group["id"].as_str().unwrap().to_owned();

    let found = |search: Value| {
        let admin = admin.clone();
        async move { done(&admin, "groups/search", search).await }
    };
    for search in [
        json!({ "group_identifier": "OWNERS" }),
        json!({ "group_identifier": id }),
        json!({ "name_pattern": "wner" }),
        json!({ "display_name": "the owners" }),
        json!({ "privileges": ["X", "DATAMANAGEMENT"] }),
        json!({ "user_identifiers": ["bob"], "name_pattern": "O" }),
    ] {
        assert_eq!(found(search.clone()).await, json!([group]), "{search}");
    }

    let change = json!({
        "operation": "ADD", "name": "Keepers", "privileges": ["USERDATAUPLOADING", "DATAMANAGEMENT"],
        "user_identifiers": ["dora"],
    });
    done(&admin, &format!("groups/{id}/update"), change).await;
    let changed = found(json!({ "group_identifier": id })).await[0].clone();
    assert_eq!(changed["name"], "Keepers");
    assert_eq!(changed["display_name"], "The owners");
    assert_eq!(
        changed["privileges"],
        json!(["DATAMANAGEMENT", "USERDATAUPLOADING"])
    );
    assert_eq!(names(&changed["users"]), ["alice", "bob", "dora"]);
    let remove = json!({ "operation": "REMOVE", "privileges": ["DATAMANAGEMENT"], "user_identifiers": ["bob"] });
    done(&admin, "groups/keepers/update", remove).await;
    let replace = json!({ "user_identifiers": ["tsadmin"] });
    done(&admin, "groups/keepers/update", replace).await;
    let changed = found(json!({ "group_identifier": id })).await[0].clone();
    assert_eq!(names(&changed["users"]), ["tsadmin"]);
    assert_eq!(changed["privileges"], json!(["USERDATAUPLOADING"]));
    done(&admin, "groups/keepers/delete", json!({})).await;
    refused(&admin, "groups/keepers/delete", json!({}), 404, "keepers").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_group_is_said() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let group = |more: Value| {
        let mut body = json!({ "name": "Owners", "display_name": "Owners" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    for (more, status, word) in [
        (json!({ "name": null }), 400, "name"),
        (json!({ "display_name": "" }), 400, "display_name"),
        (
            json!({ "user_identifiers": ["nobody"] }),
            400,
            "user_identifiers",
        ),
        (
            json!({ "user_identifiers": ["carol"] }),
            400,
            "user_identifiers",
        ),
        (
            json!({ "sub_group_identifiers": ["Analysts"] }),
            400,
            "sub_group_identifiers",
        ),
        (
            json!({ "role_identifiers": ["x"] }),
            400,
            "role_identifiers",
        ),
        (json!({ "privileges": ["a\nb"] }), 400, "privileges"),
        (json!({ "name": "ANALYSTS" }), 409, "exists"),
    ] {
        refused(&admin, "groups/create", group(more), status, word).await;
    }
    refused(&admin, "groups/nothing/update", json!({}), 404, "nothing").await;
    let carol = json!({ "operation": "ADD", "user_identifiers": ["carol"] });
    refused(
        &admin,
        "groups/Analysts/update",
        carol,
        400,
        "user_identifiers",
    )
    .await;
    refused(
        &admin,
        "groups/Analysts/update",
        json!({ "operation": "x" }),
        400,
        "operation",
    )
    .await;
}

#[tokio::test]
async fn everybody_finds_the_groups_of_the_org_they_work_in() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let all = done(&admin, "groups/search", json!({ "record_size": -1 })).await;
    assert_eq!(names(&all), ["Analysts", "Sales team"]);
    let sales = json!({ "org_identifiers": ["Sales"] });
    assert_eq!(
        names(&done(&admin, "groups/search", sales.clone()).await),
        ["Sales team"]
    );
    let bob = app.bob().await;
    assert_eq!(
        names(&done(&bob, "groups/search", json!({})).await),
        ["Analysts"]
    );
    refused(&bob, "groups/search", sales, 403, "Org you work in").await;
    let id = all[1]["id"].clone();
    let by_id = json!({ "group_identifier": id });
    assert_eq!(done(&bob, "groups/search", by_id).await, json!([]));
}

#[tokio::test]
async fn rights_come_and_go_with_the_group_at_once() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let bob = app.bob().await;
    refused(&bob, "users/dora/delete", json!({}), 403, "administrator").await;
    let give = json!({ "privileges": ["ADMINISTRATION"], "operation": "ADD" });
    done(&admin, "groups/Analysts/update", give).await;
    assert_eq!(
        bob.info().await.json()["privileges"],
        json!(["ADMINISTRATION"])
    );
    done(&bob, "users/dora/update", json!({ "display_name": "D" })).await;
    let take = json!({ "operation": "REMOVE", "user_identifiers": ["bob"] });
    done(&admin, "groups/Analysts/update", take).await;
    refused(&bob, "users/dora/delete", json!({}), 403, "administrator").await;
    assert_eq!(bob.is_active().await, 204);
}
