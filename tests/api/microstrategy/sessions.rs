//! `sessions` and below, `projects`: whose session it is and what they may do.

use crate::microstrategy::{call, expect_error, log_in};
use crate::support::{ADMIN_PASSWORD, ALICE_PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

const PRIMARY: &str = "564553544942554C0000000000000000";

#[tokio::test]
async fn thing_6_sessions_tells_a_whole_number_of_seconds() {
    let app = TestApp::shared();
    let held = log_in(&app, "alice", ALICE_PASSWORD).await;
    let client = held.client(&app);
    let reply = call(&client, Method::GET, "sessions").await;
    assert_eq!(reply.status, 200);
    let id = format!("{:032X}", app.user("alice").await.id.0.as_u128());
    let expected = json!({
        "locale": 1033, "maxSearch": 3, "workingSet": 10, "timeout": 600,
        "id": id, "fullName": "alice", "initials": "A", "username": "alice",
    });
    assert_eq!(reply.json(), expected);
    let info = call(&client, Method::GET, "sessions/userInfo").await;
    assert_eq!(info.json()["id"], id);
    // Only what was asked for.
    let some = call(
        &client,
        Method::GET,
        "sessions?fields=timeout,%20initials,nothing",
    )
    .await;
    assert_eq!(some.json(), json!({ "timeout": 600, "initials": "A" }));
}

#[tokio::test]
async fn thing_8_a_renewal_is_204_with_a_session_and_401_without() {
    let app = TestApp::shared();
    let held = log_in(&app, "alice", ALICE_PASSWORD).await;
    let reply = call(&held.client(&app), Method::PUT, "sessions").await;
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    expect_error(
        &call(&app.anon(), Method::PUT, "sessions").await,
        401,
        "ERR009",
    );
}

#[tokio::test]
async fn projects_are_the_orgs_of_the_user() {
    let app = TestApp::shared();
    let held = log_in(&app, "alice", ALICE_PASSWORD).await;
    let projects = call(&held.client(&app), Method::GET, "projects")
        .await
        .json();
    let projects = projects.as_array().unwrap();
    let names: Vec<&Value> = projects.iter().map(|project| &project["name"]).collect();
    assert_eq!(projects.len(), 2);
    assert!(
        names.contains(&&json!("Primary")) && names.contains(&&json!("Sales")),
        "{names:?}"
    );
    assert_eq!(
        (&projects[0]["id"], &projects[0]["status"]),
        (&json!(PRIMARY), &json!(0))
    );

    let sales = projects
        .iter()
        .find(|project| project["name"] == "Sales")
        .unwrap();
    let sales = sales["id"].as_str().unwrap();
    let with = |id: &str| held.client(&app).with("X-MSTR-ProjectID", id);
    let reply = call(&with(sales), Method::GET, "sessions/projectId").await;
    assert_eq!((reply.status, &reply.json()["timeout"]), (200, &json!(600)));
    let bob = log_in(&app, "bob", crate::support::PASSWORD).await;
    for client in [
        held.client(&app),
        with("nonsense"),
        with("00000000000000000000000000000000"),
        bob.client(&app).with("X-MSTR-ProjectID", sales),
    ] {
        expect_error(
            &call(&client, Method::GET, "sessions/projectId").await,
            400,
            "ERR006",
        );
    }
    // Elsewhere it is sent all the same, and counts for nothing.
    assert_eq!(
        call(&with("nonsense"), Method::GET, "sessions/userInfo")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn privileges_have_ids_and_the_projects_they_are_held_in() {
    let app = TestApp::shared();
    let admin = log_in(&app, "tsadmin", ADMIN_PASSWORD).await;
    let client = admin.client(&app);
    let all = call(&client, Method::GET, "sessions/privileges")
        .await
        .json();
    let all = all["privileges"].as_array().unwrap();
    let one = all
        .iter()
        .find(|one| one["id"] == "ADMINISTRATION")
        .unwrap();
    assert_eq!(one["isUserLevelAllowed"], true);
    assert!(
        one["projects"]
            .as_array()
            .unwrap()
            .iter()
            .all(|project| project["isAllowed"] == true)
    );
    let alone = call(&client, Method::GET, "sessions/privileges/ADMINISTRATION").await;
    assert_eq!(alone.json(), *one);
    let none = call(&client, Method::GET, "sessions/privileges/nonsense").await;
    expect_error(&none, 404, "ERR004");
    assert_ne!(none.json()["message"], "HTTP 404 Not Found");

    let bob = log_in(&app, "bob", crate::support::PASSWORD).await;
    let own = call(&bob.client(&app), Method::GET, "sessions/privileges")
        .await
        .json();
    let own = own["privileges"].as_array().unwrap();
    assert!(
        own.iter().all(|one| one["id"] != "ADMINISTRATION"),
        "{own:?}"
    );
}
