//! What an administrator of one Org can do to users, and every way out of the Org that was tried.

use crate::support::{ALICE_PASSWORD, Client, PASSWORD, TestApp};
use crate::thoughtspot_v2::{done, names, org_administrator, refused};
use serde_json::{Value, json};

fn new(more: Value) -> Value {
    let mut body = json!({
        "name": "erin", "display_name": "Erin", "email": "erin@example.com", "password": PASSWORD,
    });
    let Value::Object(more) = more else {
        panic!("not an object: {more}");
    };
    body.as_object_mut().unwrap().extend(more);
    body
}

#[tokio::test]
async fn they_run_the_users_of_their_org() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    let user = done(
        &olga,
        "users/create",
        new(json!({ "group_identifiers": ["Sales team"] })),
    )
    .await;
    assert_eq!(names(&user["orgs"]), ["Sales"]);
    let erin = app.signed_in("erin", PASSWORD).await;
    app.tick();
    done(
        &olga,
        "users/erin/update",
        json!({ "display_name": "E", "account_status": "ACTIVE" }),
    )
    .await;
    done(
        &olga,
        "users/force-logout",
        json!({ "user_identifiers": ["erin"] }),
    )
    .await;
    assert_eq!(erin.is_active().await, 401);
    let reset = json!({ "user_identifier": "erin", "new_password": "another password" });
    app.plant("another password");
    done(&olga, "users/reset-password", reset).await;
    app.tick();
    let erin = app.signed_in("erin", "another password").await;
    app.tick();
    done(&olga, "users/erin/delete", json!({})).await;
    assert_eq!(erin.is_active().await, 401);
    let found = done(&olga, "users/search", json!({})).await;
    assert_eq!(names(&found), ["alice", "carol", "olga"]);
}

/// Every act on a user's whole account.
async fn refused_on_account(client: &Client, user: &str, word: &str) {
    for (path, body) in [
        (format!("users/{user}/delete"), json!({})),
        (
            format!("users/{user}/update"),
            json!({ "display_name": "x" }),
        ),
        (
            format!("users/{user}/update"),
            json!({ "email": "mine@example.com" }),
        ),
        (
            format!("users/{user}/update"),
            json!({ "account_status": "INACTIVE" }),
        ),
        (
            format!("users/{user}/update"),
            json!({ "account_status": "ACTIVE" }),
        ),
        (
            "users/reset-password".to_owned(),
            json!({ "user_identifier": user, "new_password": "mine, all mine" }),
        ),
        (
            "users/force-logout".to_owned(),
            json!({ "user_identifiers": [user] }),
        ),
    ] {
        refused(client, &path, body, 403, word).await;
    }
}

#[tokio::test]
async fn users_of_other_orgs_are_out_of_reach_and_look_as_if_there_were_none() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    let bob = app.user("bob").await.id.to_string();
    let word = "no user of your Org is called that";
    for user in [
        "bob",
        bob.as_str(),
        "nobody",
        "0b7cbd6e-4c1e-4f3e-8d0b-0a8a3e7a3f11",
        "tsadmin",
    ] {
        refused_on_account(&olga, user, word).await;
        for operation in ["ADD", "REPLACE", "REMOVE"] {
            let pull = json!({ "operation": operation, "org_identifiers": ["Sales"] });
            refused(&olga, &format!("users/{user}/update"), pull, 403, word).await;
        }
        let search = json!({ "user_identifier": user });
        assert_eq!(done(&olga, "users/search", search).await, json!([]));
    }
    // One bad name among good ones ends nothing.
    let carol = app.signed_in("carol", PASSWORD).await;
    app.tick();
    let both = json!({ "user_identifiers": ["carol", "bob"] });
    refused(&olga, "users/force-logout", both, 403, word).await;
    assert_eq!(carol.is_active().await, 204);
}

#[tokio::test]
async fn who_belongs_elsewhere_too_can_only_be_moved_within_or_out_of_the_org() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    refused_on_account(&olga, "alice", "other Orgs").await;
    app.alice().await;
    // Replacing her Orgs by ours alone would take her out of the other.
    let only = json!({ "org_identifiers": ["Sales"] });
    refused(&olga, "users/alice/update", only, 403, "other Orgs").await;
    let foreign = json!({ "operation": "REMOVE", "org_identifiers": ["Primary"] });
    refused(&olga, "users/alice/update", foreign, 403, "no other Org").await;
    let groups = json!({ "operation": "REMOVE", "group_identifiers": ["Sales team"] });
    done(&olga, "users/alice/update", groups).await;
    let out = json!({ "operation": "REMOVE", "org_identifiers": [app.sales.0] });
    let alice = app.alice().await;
    app.tick();
    done(&olga, "users/alice/update", out).await;
    assert_eq!(alice.is_active().await, 401);
    app.tick();
    let alice = app.signed_in("alice", ALICE_PASSWORD).await;
    assert_eq!(
        names(&done(&alice, "orgs/search", json!({})).await),
        ["Primary"]
    );
    // And not back in.
    let back = json!({ "operation": "ADD", "org_identifiers": ["Sales"] });
    refused(
        &olga,
        "users/alice/update",
        back,
        403,
        "no user of your Org",
    )
    .await;
}

#[tokio::test]
async fn an_administrator_of_the_server_is_out_of_reach_even_as_a_member() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    let admin = app.admin().await;
    let only = json!({ "org_identifiers": ["Sales"] });
    done(&admin, "users/tsadmin/update", only).await;
    app.tick();
    let admin = app.admin().await;
    refused_on_account(&olga, "tsadmin", "administrator of the server").await;
    let out = json!({ "operation": "REMOVE", "org_identifiers": ["Sales"] });
    refused(
        &olga,
        "users/tsadmin/update",
        out,
        403,
        "administrator of the server",
    )
    .await;
    let group = json!({ "user_identifiers": ["tsadmin"], "operation": "ADD" });
    refused(
        &olga,
        "groups/Sales%20team/update",
        group,
        403,
        "administrator of the server",
    )
    .await;
    assert_eq!(admin.is_active().await, 204);
}

#[tokio::test]
async fn no_user_is_created_outside_the_org_nor_as_more_than_a_user() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    for orgs in [
        json!(["Primary"]),
        json!([0]),
        json!(["Sales", "Primary"]),
        json!(["nowhere"]),
    ] {
        let body = new(json!({ "org_identifiers": orgs }));
        refused(&olga, "users/create", body, 403, "no other Org").await;
    }
    let analysts = done(
        &app.admin().await,
        "groups/search",
        json!({ "group_identifier": "Analysts" }),
    )
    .await;
    for group in [json!("Analysts"), analysts[0]["id"].clone()] {
        let body = new(json!({ "group_identifiers": [group] }));
        refused(&olga, "users/create", body, 403, "no group of your Org").await;
    }
    assert!(app.find_user("erin").await.is_none());
    // What would be more is no field of ours: it is not heard.
    let body = new(json!({ "is_admin": true, "super_user": true, "account_type": "LOCAL_USER" }));
    let user = done(&olga, "users/create", body).await;
    assert_eq!(user["super_user"], false);
    let more = json!({ "is_admin": true, "super_user": true, "privileges": ["ADMINISTRATION"] });
    done(&olga, "users/erin/update", more).await;
    assert!(!app.user("erin").await.is_admin);
    let elsewhere = json!({ "operation": "ADD", "org_identifiers": ["Sales", 0] });
    refused(&olga, "users/erin/update", elsewhere, 403, "no other Org").await;
}

#[tokio::test]
async fn orgs_everybodys_sessions_and_the_servers_settings_are_out_of_reach() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    for (path, body) in [
        ("orgs/create", json!({ "name": "Mine" })),
        ("orgs/create", json!({})),
        ("orgs/Sales/update", json!({ "name": "Mine" })),
        ("orgs/Sales/delete", json!({})),
        (
            "orgs/0/update",
            json!({ "operation": "ADD", "user_identifiers": ["olga"] }),
        ),
        ("orgs/nowhere/update", json!({})),
        ("users/force-logout", json!({})),
        ("users/force-logout", json!({ "user_identifiers": null })),
        ("system/security-settings/search", json!({})),
    ] {
        refused(&olga, path, body, 403, "administrator of the server").await;
    }
    let found = done(&olga, "orgs/search", json!({})).await;
    assert_eq!(names(&found), ["Sales"]);
}

#[tokio::test]
async fn the_power_ends_where_the_org_does() {
    let app = TestApp::spawn();
    let olga = org_administrator(&app).await;
    // Visiting another Org by header, without belonging to it.
    let visiting = olga.with("x-thoughtspot-orgs", "0");
    let reply = crate::thoughtspot_v2::post(&visiting, "users/search", json!({})).await;
    assert_eq!(reply.status, 403);
    // Belonging to it as a plain user.
    let join = json!({ "operation": "ADD", "org_identifiers": [0] });
    done(&app.admin().await, "users/olga/update", join).await;
    for client in [&visiting, &olga] {
        if std::ptr::eq(client, &raw const olga) {
            assert_eq!(olga.switch_org(0).await.status, 204);
        }
        refused(
            client,
            "users/bob/delete",
            json!({}),
            403,
            "this needs an administrator",
        )
        .await;
        refused(
            client,
            "users/carol/delete",
            json!({}),
            403,
            "this needs an administrator",
        )
        .await;
    }
    // A token of the other Org's key is of that Org.
    let (_, key) = app.org_key("Primary").await;
    let form = [("secret_key", key.as_str()), ("username", "olga")];
    let token = app.anon().post("/session/auth/token", &form).await.text();
    let bearer = app.anon().with_bearer(&token);
    refused(
        &bearer,
        "users/carol/delete",
        json!({}),
        403,
        "this needs an administrator",
    )
    .await;
}

#[tokio::test]
async fn case_37_the_key_of_an_org_never_administers_the_server() {
    let app = TestApp::spawn();
    org_administrator(&app).await;
    let (_, key) = app.org_key("Sales").await;
    let form = [("secret_key", key.as_str()), ("username", "olga")];
    let token = app.anon().post("/session/auth/token", &form).await.text();
    let bearer = app.anon().with_bearer(&token);
    done(
        &bearer,
        "users/carol/update",
        json!({ "display_name": "C" }),
    )
    .await;
    // Made an administrator of the server later: the token must not grow with the account.
    let olga = app.user("olga").await;
    let change = vestibule::domain::directory::UserChange {
        is_admin: Some(true),
        ..Default::default()
    };
    app.services
        .directory
        .update_user(olga.id, &change)
        .await
        .unwrap();
    refused(
        &bearer,
        "users/bob/delete",
        json!({}),
        403,
        "no user of your Org",
    )
    .await;
    refused(
        &bearer,
        "orgs/create",
        json!({ "name": "x" }),
        403,
        "administrator of the server",
    )
    .await;
    assert_eq!(
        names(&done(&bearer, "orgs/search", json!({})).await),
        ["Sales"]
    );
}
