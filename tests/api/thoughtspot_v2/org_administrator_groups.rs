//! What an administrator of one Org can do to groups, and every way to more rights that was tried.

use crate::support::TestApp;
use crate::thoughtspot_v2::{done, names, org_administrator, refused};
use serde_json::json;

#[tokio::test]
async fn they_run_the_groups_of_their_org() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    let body = json!({
        "name": "Analysts", "display_name": "Ours", "privileges": ["DATADOWNLOADING"],
        "user_identifiers": ["carol", "alice"],
    });
    let group = done(&olga, "groups/create", body).await;
    assert_eq!(group["orgs"][0]["name"], "Sales");
    let change = json!({ "operation": "REMOVE", "user_identifiers": ["alice"] });
    done(&olga, "groups/Analysts/update", change).await;
    let found = done(&olga, "groups/search", json!({ "name_pattern": "Ana" })).await;
    assert_eq!(names(&found[0]["users"]), ["carol"]);
    done(&olga, "groups/Analysts/delete", json!({})).await;
    // The other Org's group of that name is untouched.
    let all = done(&app.admin().await, "groups/search", json!({})).await;
    assert!(names(&all).contains(&"Analysts"));
}

#[tokio::test]
async fn groups_of_other_orgs_are_out_of_reach_by_name_and_by_id() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    let all = done(
        &app.admin().await,
        "groups/search",
        json!({ "group_identifier": "Analysts" }),
    )
    .await;
    let id = all[0]["id"].as_str().unwrap();
    for group in ["Analysts", id, "nothing"] {
        for body in [
            json!({ "operation": "ADD", "user_identifiers": ["olga"] }),
            json!({ "privileges": ["ADMINISTRATION"] }),
            json!({ "name": "x" }),
        ] {
            refused(
                &olga,
                &format!("groups/{group}/update"),
                body,
                403,
                "no group of your Org",
            )
            .await;
        }
        refused(
            &olga,
            &format!("groups/{group}/delete"),
            json!({}),
            403,
            "no group of your Org",
        )
        .await;
        for operation in ["ADD", "REPLACE", "REMOVE"] {
            let join = json!({ "operation": operation, "group_identifiers": [group] });
            refused(
                &olga,
                "users/alice/update",
                join,
                403,
                "no group of your Org",
            )
            .await;
        }
        let search = json!({ "group_identifier": group, "org_identifiers": [0] });
        refused(&olga, "groups/search", search, 403, "Org you work in").await;
    }
}

#[tokio::test]
async fn rights_beyond_the_org_are_neither_given_nor_joined_nor_taken() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    let word = "beyond one Org";
    for right in [
        "CONTROL_TRUSTED_AUTH",
        "ORG_ADMINISTRATION",
        "system_administration",
    ] {
        let body =
            json!({ "name": "Up", "display_name": "Up", "privileges": ["ADMINISTRATION", right] });
        refused(&olga, "groups/create", body, 403, word).await;
        for operation in ["ADD", "REPLACE"] {
            let body = json!({ "operation": operation, "privileges": [right] });
            refused(&olga, "groups/Sales%20team/update", body, 403, word).await;
        }
    }
    // A group that an administrator of the server has given such a right.
    let admin = app
        .admin()
        .await
        .with("x-thoughtspot-orgs", &app.sales.to_string());
    let keys = json!({
        "name": "Keys", "display_name": "Keys", "privileges": ["CONTROL_TRUSTED_AUTH"],
        "user_identifiers": ["carol"],
    });
    done(&admin, "groups/create", keys).await;
    let join = json!({ "operation": "ADD", "group_identifiers": ["Keys"] });
    refused(&olga, "users/olga/update", join, 403, word).await;
    refused(
        &olga,
        "users/carol/update",
        json!({ "group_identifiers": ["Sales team"] }),
        403,
        word,
    )
    .await;
    refused(
        &olga,
        "users/carol/update",
        json!({ "group_identifiers": [] }),
        403,
        word,
    )
    .await;
    for body in [
        json!({ "operation": "ADD", "user_identifiers": ["olga"] }),
        json!({ "operation": "REMOVE", "privileges": ["CONTROL_TRUSTED_AUTH"] }),
        json!({ "display_name": "x" }),
    ] {
        refused(&olga, "groups/Keys/update", body, 403, word).await;
    }
    // Nor come by through the account of somebody who has it.
    let reset = json!({ "user_identifier": "carol", "new_password": "mine, all mine" });
    refused(&olga, "users/reset-password", reset, 403, word).await;
    let out = json!({ "operation": "REMOVE", "org_identifiers": ["Sales"] });
    refused(&olga, "users/carol/update", out, 403, word).await;
    refused(&olga, "groups/Keys/delete", json!({}), 403, word).await;
    let new = json!({
        "name": "erin", "display_name": "E", "email": "e@example.com", "group_identifiers": ["Keys"],
    });
    refused(&olga, "users/create", new, 403, word).await;
}

#[tokio::test]
async fn members_come_from_the_org_only() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    for users in [json!(["bob"]), json!(["carol", "nobody"])] {
        let body = json!({ "name": "Ours", "display_name": "Ours", "user_identifiers": users });
        refused(&olga, "groups/create", body, 403, "no user of your Org").await;
        let body = json!({ "operation": "ADD", "user_identifiers": users });
        refused(
            &olga,
            "groups/Sales%20team/update",
            body,
            403,
            "no user of your Org",
        )
        .await;
    }
    let found = done(&olga, "groups/search", json!({})).await;
    assert_eq!(names(&found), ["Sales admins", "Sales team"]);
}
