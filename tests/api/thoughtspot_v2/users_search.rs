//! `users/search`: what is found, and by whom.

use crate::support::TestApp;
use crate::thoughtspot_v2::{done, names, refused};
use serde_json::{Value, json};

#[tokio::test]
async fn every_condition_narrows_the_search() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let alice = app.user("alice").await;
    for (search, expected) in [
        (json!({}), "alice bob carol dora tsadmin"),
        (json!({ "user_identifier": "ALICE" }), "alice"),
        (json!({ "user_identifier": alice.id.to_string() }), "alice"),
        (json!({ "user_identifier": "nobody" }), ""),
        (json!({ "name_pattern": "AR" }), "carol"),
        (json!({ "name_pattern": "%a%" }), "alice carol dora tsadmin"),
        (json!({ "name_pattern": "a%c" }), ""),
        (json!({ "display_name": "administration" }), "tsadmin"),
        (json!({ "email": "BOB@example.com" }), "bob"),
        (json!({ "org_identifiers": ["Sales"] }), "alice carol"),
        (
            json!({ "org_identifiers": ["Sales", 0] }),
            "alice bob carol dora tsadmin",
        ),
        (
            json!({ "group_identifiers": ["Analysts"] }),
            "alice bob dora",
        ),
        (
            json!({ "group_identifiers": ["Analysts"], "org_identifiers": ["Sales"] }),
            "",
        ),
        (json!({ "account_status": "INACTIVE" }), "dora"),
        (
            json!({ "account_status": "ACTIVE", "org_identifiers": [] }),
            "alice bob carol tsadmin",
        ),
        (json!({ "account_type": "LDAP_USER" }), ""),
        (json!({ "record_size": 2 }), "alice bob"),
        (
            json!({ "record_offset": "3", "record_size": "-1" }),
            "dora tsadmin",
        ),
        (
            json!({ "record_offset": 1, "user_identifier": "alice" }),
            "",
        ),
        (json!({ "record_size": 0 }), ""),
    ] {
        let found = done(&admin, "users/search", search.clone()).await;
        assert_eq!(names(&found).join(" "), expected, "{search}");
    }
    let nowhere = json!({ "org_identifiers": ["nowhere"] });
    refused(&admin, "users/search", nowhere, 400, "org_identifiers").await;
    refused(
        &admin,
        "users/search",
        json!({ "record_offset": -1 }),
        400,
        "record_offset",
    )
    .await;
}

#[tokio::test]
async fn ten_are_shown_at_a_time_and_all_on_request_past_the_page_of_the_store() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let (administration, by) = app.administration();
    for number in 0..600 {
        let user = vestibule::domain::administration::NewUser::named(format!("u{number:03}"));
        administration.create_user(user, &by).await.unwrap();
    }
    assert_eq!(
        names(&done(&admin, "users/search", json!({})).await).len(),
        10
    );
    let all = done(&admin, "users/search", json!({ "record_size": -1 })).await;
    assert_eq!(names(&all).len(), 605);
    let late = json!({ "record_offset": 603, "record_size": 5 });
    let late = done(&admin, "users/search", late).await;
    assert_eq!(names(&late), ["u598", "u599"]);
}

#[tokio::test]
async fn everybody_finds_the_users_of_the_org_they_work_in_and_no_others() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    let all = json!({ "record_size": -1 });
    let found = done(&bob, "users/search", all.clone()).await;
    assert_eq!(names(&found), ["alice", "bob", "dora", "tsadmin"]);
    assert_eq!(
        done(&bob, "users/search", json!({ "user_identifier": "carol" })).await,
        json!([])
    );
    for org in ["Sales", "nowhere"] {
        let search = json!({ "org_identifiers": [org] });
        refused(&bob, "users/search", search, 403, "Org you work in").await;
    }
    let alice = app.alice().await;
    alice.switch_org(app.sales.0).await;
    assert_eq!(
        names(&done(&alice, "users/search", all).await),
        ["alice", "carol"]
    );
}

#[tokio::test]
async fn a_colleague_does_not_see_what_decides_over_rows_nor_other_orgs() {
    let app = TestApp::spawn();
    let token = json!({
        "username": "alice", "secret_key": crate::support::SECRET_KEY, "persist_option": "REPLACE",
        "filter_rules": [{ "column_name": "Region", "operator": "IN", "values": ["planted-west"] }],
    });
    done(&app.anon(), "auth/token/custom", token).await;
    let search = json!({ "user_identifier": "alice" });
    let shown = |found: Value| found[0].clone();
    let to_bob = shown(done(&app.bob().await, "users/search", search.clone()).await);
    assert_eq!(names(&to_bob["orgs"]), ["Primary"]);
    assert!(!to_bob.to_string().contains("planted-west"), "{to_bob}");
    assert_eq!(to_bob["privileges"], json!([]));
    assert_eq!(to_bob["email"], "alice@example.com");
    let to_admin = shown(done(&app.admin().await, "users/search", search.clone()).await);
    assert_eq!(names(&to_admin["orgs"]), ["Primary", "Sales"]);
    assert!(to_admin.to_string().contains("planted-west"));
    let to_self = shown(done(&app.alice().await, "users/search", search).await);
    assert!(to_self.to_string().contains("planted-west"));
}
