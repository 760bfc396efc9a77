//! `users/create`, `users/{id}/update`, `users/{id}/delete`.

use crate::support::{PASSWORD, TestApp};
use crate::thoughtspot_v2::{done, names, post, refused};
use serde_json::{Value, json};

fn erin(more: Value) -> Value {
    let mut body = json!({ "name": "erin", "display_name": "Erin", "email": "erin@example.com" });
    let Value::Object(more) = more else {
        panic!("not an object: {more}");
    };
    body.as_object_mut().unwrap().extend(more);
    body
}

#[tokio::test]
async fn a_created_user_is_shown_and_may_sign_in() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let more = json!({
        "password": PASSWORD, "account_type": "LOCAL_USER", "account_status": "ACTIVE",
        "org_identifiers": ["Primary", app.sales.0], "group_identifiers": ["Analysts", "Sales team"],
        "visibility": "SHARABLE", "trigger_welcome_email": true, "anything": {},
    });
    let user = done(&admin, "users/create", erin(more)).await;
    for (field, expected) in [
        ("name", json!("erin")),
        ("display_name", json!("Erin")),
        ("email", json!("erin@example.com")),
        ("visibility", json!("SHARABLE")),
        ("account_type", json!("LOCAL_USER")),
        ("account_status", json!("ACTIVE")),
        ("super_user", json!(false)),
    ] {
        assert_eq!(user[field], expected, "{field}");
    }
    assert_eq!(names(&user["orgs"]), ["Primary", "Sales"]);
    assert_eq!(names(&user["user_groups"]), ["Analysts"]);
    let id = app.user("erin").await.id;
    assert_eq!(app.groups(id, app.sales).await, ["Sales team"]);
    app.signed_in("erin", PASSWORD).await;
    let events = app.trail.events();
    let event = events
        .iter()
        .find(|e| format!("{:?}", e.act).contains("user_created"))
        .unwrap();
    assert_eq!(event.user_name.as_deref(), Some("tsadmin"));
}

#[tokio::test]
async fn without_orgs_a_user_joins_the_one_worked_in_and_without_a_password_types_none() {
    let app = TestApp::spawn();
    let admin = app
        .admin()
        .await
        .with("x-thoughtspot-orgs", &app.sales.to_string());
    let user = done(&admin, "users/create", erin(json!({ "password": "" }))).await;
    assert_eq!(names(&user["orgs"]), ["Sales"]);
    assert_eq!(app.anon().post_login("erin", PASSWORD).await.status, 401);
    // A status other than active is one that may not sign in.
    let more = json!({ "name": "frank", "password": PASSWORD, "account_status": "PENDING" });
    let user = done(&admin, "users/create", erin(more)).await;
    assert_eq!(user["account_status"], "INACTIVE");
    assert_eq!(app.anon().post_login("frank", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_user_is_said_and_nothing_is_made() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    for (more, status, word) in [
        (json!({ "name": "" }), 400, "name"),
        (json!({ "display_name": null }), 400, "display_name"),
        (json!({ "email": null }), 400, "email"),
        (json!({ "email": "x" }), 400, "email"),
        (json!({ "password": "short" }), 400, "8"),
        (json!({ "account_type": "LDAP_USER" }), 400, "not offered"),
        (json!({ "account_status": "HAPPY" }), 400, "account_status"),
        (
            json!({ "org_identifiers": ["nowhere"] }),
            400,
            "org_identifiers",
        ),
        (
            json!({ "group_identifiers": ["nothing"] }),
            400,
            "group_identifiers",
        ),
        // A group of an Org that the user does not join.
        (
            json!({ "group_identifiers": ["Sales team"] }),
            400,
            "group_identifiers",
        ),
        (
            json!({ "role_identifiers": ["x"] }),
            400,
            "role_identifiers",
        ),
        (json!({ "name": "ALICE" }), 409, "exists"),
        (
            json!({ "org_identifiers": "Primary" }),
            400,
            "org_identifiers: expected a list",
        ),
    ] {
        refused(&admin, "users/create", erin(more), status, word).await;
    }
    assert!(app.find_user("erin").await.is_none());
}

#[tokio::test]
async fn an_update_changes_names_and_address_and_leaves_the_rest() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let bob = app.user("bob").await;
    app.tick();
    let change = json!({ "name": "Bob", "display_name": "Robert", "email": "rob@example.com" });
    done(&admin, &format!("users/{}/update", bob.id), change).await;
    let now = app.user("bob").await;
    assert_eq!(
        (now.display_name.as_str(), now.email.as_deref()),
        ("Robert", Some("rob@example.com"))
    );
    assert!(now.modified_at > bob.modified_at);
    assert_eq!(
        names(
            &done(&admin, "users/search", json!({ "user_identifier": "bob" })).await[0]["user_groups"]
        ),
        ["Analysts"]
    );
    for (change, word) in [
        (json!({ "name": "robert" }), "name"),
        (json!({ "password": PASSWORD }), "reset-password"),
        (json!({ "account_type": "REMOTE_USER" }), "not offered"),
        (json!({ "account_type": "SAML_USER" }), "cannot be changed"),
        (json!({ "operation": "MERGE" }), "operation"),
        (json!({ "org_identifiers": [] }), "org_identifiers"),
        (json!({ "display_name": "a\nb" }), "display_name"),
    ] {
        refused(&admin, "users/bob/update", change, 400, word).await;
    }
    refused(&admin, "users/nobody/update", json!({}), 404, "nobody").await;
}

#[tokio::test]
async fn memberships_are_added_replaced_and_removed() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let bob = app.user("bob").await.id;
    let change = |operation: &str, orgs: Value, groups: Value| json!({ "operation": operation, "org_identifiers": orgs, "group_identifiers": groups });
    let add = change("ADD", json!(["Sales"]), json!(["Sales team"]));
    done(&admin, "users/bob/update", add).await;
    assert_eq!(app.groups(bob, app.sales).await, ["Sales team"]);
    // Replacing with none leaves the groups of the Org worked in, and no others.
    done(
        &admin,
        "users/bob/update",
        json!({ "group_identifiers": [] }),
    )
    .await;
    let primary = vestibule::domain::directory::OrgId::PRIMARY;
    assert!(app.groups(bob, primary).await.is_empty());
    assert_eq!(app.groups(bob, app.sales).await, ["Sales team"]);
    let both = change("REPLACE", Value::Null, json!(["Analysts", "Sales team"]));
    done(&admin, "users/bob/update", both).await;
    assert_eq!(app.groups(bob, primary).await, ["Analysts"]);
    let remove = change("REMOVE", Value::Null, json!(["Analysts"]));
    done(&admin, "users/bob/update", remove).await;
    assert!(app.groups(bob, primary).await.is_empty());
    // A group of an Org the user is not in; what else was asked is not done either.
    let foreign = json!({
        "operation": "ADD", "group_identifiers": ["Analysts"], "display_name": "x",
        "account_status": "INACTIVE",
    });
    refused(
        &admin,
        "users/carol/update",
        foreign,
        400,
        "group_identifiers",
    )
    .await;
    assert_eq!(app.user("carol").await.display_name, "carol");
    app.signed_in("carol", PASSWORD).await;
}

#[tokio::test]
async fn who_leaves_an_org_is_signed_out_and_who_joins_one_is_not() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let bob = app.bob().await;
    app.tick();
    let join = json!({ "operation": "ADD", "org_identifiers": ["Sales"] });
    done(&admin, "users/bob/update", join).await;
    let same = json!({ "org_identifiers": ["Sales", "Primary"] });
    done(&admin, "users/bob/update", same).await;
    assert_eq!(bob.is_active().await, 204);
    assert_eq!(bob.switch_org(app.sales.0).await.status, 204);
    let token = app.anon().with_bearer(&app.token("bob").await);
    app.tick();
    done(
        &admin,
        "users/bob/update",
        json!({ "org_identifiers": ["Primary"] }),
    )
    .await;
    assert_eq!((bob.is_active().await, token.is_active().await), (401, 401));
    app.tick();
    let bob = app.bob().await;
    assert_eq!(bob.info().await.json()["currentOrgId"], 0);
    assert_eq!(bob.switch_org(app.sales.0).await.status, 403);
}

#[tokio::test]
async fn a_user_switched_off_is_out_at_once_and_may_come_back() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    for status in ["INACTIVE", "LOCKED", "EXPIRED", "PENDING", "SUSPENDED"] {
        let bob = app.bob().await;
        let token = app.anon().with_bearer(&app.token("bob").await);
        app.tick();
        done(
            &admin,
            "users/bob/update",
            json!({ "account_status": status }),
        )
        .await;
        assert_eq!((bob.is_active().await, token.is_active().await), (401, 401));
        assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 401);
        app.tick();
        done(
            &admin,
            "users/bob/update",
            json!({ "account_status": "ACTIVE" }),
        )
        .await;
        assert_eq!(bob.is_active().await, 401, "what was ended stays ended");
    }
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_cookie_and_token() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let bob = app.bob().await;
    let token = app.anon().with_bearer(&app.token("bob").await);
    app.tick();
    done(&admin, "users/Bob/delete", json!({})).await;
    assert_eq!((bob.is_active().await, token.is_active().await), (401, 401));
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 401);
    refused(&admin, "users/bob/delete", json!({}), 404, "bob").await;
    // Somebody new of that name is somebody else.
    app.tick();
    app.add_user("bob", PASSWORD).await;
    assert_eq!((bob.is_active().await, token.is_active().await), (401, 401));
}

#[tokio::test]
async fn nobody_locks_themselves_out() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    refused(&admin, "users/tsadmin/delete", json!({}), 403, "own").await;
    let off = json!({ "account_status": "SUSPENDED", "display_name": "x" });
    refused(&admin, "users/tsadmin/update", off, 403, "own").await;
    assert_eq!(app.user("tsadmin").await.display_name, "Administration");
    assert_eq!(post(&admin, "users/search", json!({})).await.status, 200);
}
