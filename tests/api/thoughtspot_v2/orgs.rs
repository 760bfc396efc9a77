//! `orgs/*`.

use crate::support::{PASSWORD, TestApp};
use crate::thoughtspot_v2::{done, names, post, refused};
use serde_json::json;

#[tokio::test]
async fn an_org_is_created_found_renamed_and_deleted() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let made = done(
        &admin,
        "orgs/create",
        json!({ "name": "East", "description": "far" }),
    )
    .await;
    let id = made["id"].as_i64().unwrap();
    assert!(id > 0);
    let expected = json!({
        "id": id, "name": "East", "status": "ACTIVE", "description": "far", "visibility": "SHOW",
    });
    assert_eq!(made, expected);
    for called in [json!("east"), json!(id), json!(id.to_string())] {
        let found = done(&admin, "orgs/search", json!({ "org_identifier": called })).await;
        assert_eq!(found, json!([expected]));
    }
    done(
        &admin,
        "orgs/EAST/update",
        json!({ "name": "West", "unknown": 1 }),
    )
    .await;
    let found = done(&admin, "orgs/search", json!({ "name_pattern": "%wes%" })).await;
    assert_eq!(names(&found), ["West"]);
    assert_eq!(found[0]["description"], "far");
    done(&admin, &format!("orgs/{id}/delete"), json!({})).await;
    refused(&admin, &format!("orgs/{id}/delete"), json!({}), 404, "Org").await;
    let acts: Vec<String> = app
        .trail
        .events()
        .iter()
        .map(|e| format!("{:?}", e.act))
        .collect();
    for what in ["org_created", "org_updated", "org_disabled", "org_deleted"] {
        assert!(
            acts.iter().any(|act| act.contains(what)),
            "{what}: {acts:?}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_org_is_said() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    refused(&admin, "orgs/create", json!({}), 400, "name").await;
    refused(&admin, "orgs/create", json!({ "name": " x" }), 400, "name").await;
    refused(
        &admin,
        "orgs/create",
        json!({ "name": "SALES" }),
        409,
        "exists",
    )
    .await;
    refused(&admin, "orgs/nowhere/update", json!({}), 404, "nowhere").await;
    refused(
        &admin,
        "orgs/Sales/update",
        json!({ "status": "OFF" }),
        400,
        "IN_ACTIVE",
    )
    .await;
    refused(
        &admin,
        "orgs/Sales/update",
        json!({ "operation": "add" }),
        400,
        "operation",
    )
    .await;
    refused(&admin, "orgs/0/delete", json!({}), 400, "Primary").await;
    refused(
        &admin,
        "orgs/0/update",
        json!({ "status": "IN_ACTIVE" }),
        400,
        "Primary",
    )
    .await;
    refused(
        &admin,
        "orgs/Sales/update",
        json!({ "user_identifiers": ["nobody"] }),
        400,
        "user_identifiers",
    )
    .await;
    refused(
        &admin,
        "orgs/search",
        json!({ "record_size": -2 }),
        400,
        "record_size",
    )
    .await;
}

#[tokio::test]
async fn an_org_that_is_switched_off_is_over_at_once_and_takes_no_login() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let carol = app.signed_in("carol", PASSWORD).await;
    let token = app.anon().with_bearer(&app.token("carol").await);
    let bob = app.bob().await;
    app.tick();
    done(
        &admin,
        "orgs/Sales/update",
        json!({ "status": "IN_ACTIVE" }),
    )
    .await;
    assert_eq!(
        (carol.is_active().await, token.is_active().await),
        (401, 401)
    );
    assert_eq!((bob.is_active().await, admin.is_active().await), (204, 204));
    let login = json!({ "username": "carol", "password": PASSWORD });
    refused(
        &app.anon(),
        "auth/session/login",
        login.clone(),
        401,
        "may not sign in",
    )
    .await;
    let off = done(&admin, "orgs/search", json!({ "status": "IN_ACTIVE" })).await;
    assert_eq!(names(&off), ["Sales"]);
    app.tick();
    done(&admin, "orgs/Sales/update", json!({ "status": "ACTIVE" })).await;
    assert_eq!(
        post(&app.anon(), "auth/session/login", login).await.status,
        204
    );
    assert_eq!(carol.is_active().await, 401);
}

#[tokio::test]
async fn a_deleted_org_takes_its_sessions_groups_and_keys_along() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let (_, key) = app.org_key("Sales").await;
    let carol = app.signed_in("carol", PASSWORD).await;
    app.tick();
    done(&admin, "orgs/Sales/delete", json!({})).await;
    assert_eq!(carol.is_active().await, 401);
    let minted = [("secret_key", key.as_str()), ("username", "alice")];
    assert_eq!(
        app.anon().post("/session/auth/token", &minted).await.status,
        401
    );
    let groups = done(&admin, "groups/search", json!({ "record_size": -1 })).await;
    assert!(!names(&groups).contains(&"Sales team"));
    // Carol has no Org left to sign in to; Alice has another.
    assert_eq!(app.anon().post_login("carol", PASSWORD).await.status, 401);
    app.alice().await;
}

#[tokio::test]
async fn members_join_leave_and_are_replaced_and_who_leaves_is_signed_out() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let sales = |operation: &str, users: &[&str]| json!({ "operation": operation, "user_identifiers": users });
    done(&admin, "orgs/Sales/update", sales("ADD", &["bob"])).await;
    let members = async || {
        let found = done(
            &admin,
            "users/search",
            json!({ "org_identifiers": ["Sales"] }),
        )
        .await;
        names(&found).join(" ")
    };
    assert_eq!(members().await, "alice bob carol");
    let carol = app.signed_in("carol", PASSWORD).await;
    app.tick();
    done(
        &admin,
        "orgs/Sales/update",
        sales("REPLACE", &["Bob", "alice"]),
    )
    .await;
    assert_eq!(members().await, "alice bob");
    assert_eq!(carol.is_active().await, 401);
    done(
        &admin,
        "orgs/Sales/update",
        sales("REMOVE", &["alice", "dora"]),
    )
    .await;
    assert_eq!(members().await, "bob");
}

#[tokio::test]
async fn who_does_not_administer_the_server_sees_the_orgs_they_may_work_in() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    done(&admin, "orgs/create", json!({ "name": "East" })).await;
    let all = done(&admin, "orgs/search", json!({})).await;
    assert_eq!(names(&all).len(), 3);
    for (user, expected) in [("alice", &["Primary", "Sales"][..]), ("bob", &["Primary"])] {
        let client = app.anon().with_bearer(&app.token(user).await);
        let mut found = names(&done(&client, "orgs/search", json!({})).await).join(" ");
        assert_eq!(found, expected.join(" "));
        let other = json!({ "org_identifier": "East" });
        found = names(&done(&client, "orgs/search", other).await).join(" ");
        assert_eq!(found, "");
    }
    // Nor whose are whose.
    let of_alice = json!({ "user_identifiers": ["alice"] });
    let bob = app.bob().await;
    assert_eq!(done(&bob, "orgs/search", of_alice.clone()).await, json!([]));
    let found = done(&admin, "orgs/search", of_alice).await;
    assert_eq!(names(&found), ["Primary", "Sales"]);
    let page = json!({ "record_offset": 1, "record_size": 1 });
    assert_eq!(
        done(&admin, "orgs/search", page)
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
