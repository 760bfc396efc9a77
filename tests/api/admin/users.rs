//! Users: made, found, changed, unlocked, deleted; and what hostile names do, which is nothing.

use crate::admin::{Page, console, expect, names, org_console};
use crate::support::{PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;
use vestibule::domain::audit::Act;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'";

fn changes(app: &TestApp) -> Vec<(&'static str, String)> {
    let events = app.trail.events().into_iter();
    events
        .filter_map(|event| match event.act {
            Act::DirectoryChanged { what, target } => Some((what, target)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_user_is_made_found_changed_and_deleted_and_each_act_is_audited() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    app.plant("first password");
    app.plant("second password");
    let new = json!({
        "name": "erin", "display_name": "Erin", "email": "erin@example.com",
        "password": "first password", "orgs": ["0", "Sales"], "groups": ["Analysts", "Sales:Sales team"],
    });
    let made = page.post("/users", new.clone()).await;
    assert_eq!(made["status"], "active");
    page.refused(Method::POST, "/users", new, 409, "conflict")
        .await;

    let path = format!("/users/{}", made["id"].as_str().unwrap());
    let shown = page.read(&path).await;
    assert_eq!(names(&shown["memberships"]), ["Primary", "Sales"]);
    assert_eq!(names(&shown["memberships"][1]["groups"]), ["Sales team"]);
    assert_eq!(
        (&shown["has_password"], &shown["may_change"]),
        (&json!(true), &json!(true))
    );

    let erin = app.signed_in("erin", "first password").await;
    app.tick();
    let password = json!({ "password": "second password" });
    page.post(&format!("{path}/password"), password).await;
    assert_eq!(erin.is_active().await, 401);
    app.tick();
    let erin = app.signed_in("erin", "second password").await;
    app.tick();
    let off = json!({ "status": "disabled", "display_name": "E.", "email": "" });
    page.done(Method::PATCH, &path, off).await;
    assert_eq!(erin.is_active().await, 401);
    let found = page.read("/users?status=disabled&q=ERI").await;
    assert_eq!(found["users"][0]["display_name"], "E.");
    assert_eq!(found["users"][0]["email"], json!(null));
    page.done(Method::PATCH, &path, json!({ "status": "active" }))
        .await;
    let leave = json!({ "operation": "remove", "orgs": ["Sales"] });
    page.post(&format!("{path}/memberships"), leave).await;
    assert_eq!(names(&page.read(&path).await["memberships"]), ["Primary"]);
    page.done(Method::DELETE, &path, json!({})).await;
    expect(&page.get(&path).await, 404, "not_found", "gone");

    let words: Vec<&str> = changes(&app).iter().map(|(what, _)| *what).collect();
    for act in [
        "user_created",
        "password_set",
        "user_disabled",
        "user_enabled",
        "user_deleted",
    ] {
        assert!(words.contains(&act), "{words:?}");
    }
    let by = app.trail.last();
    assert_eq!(
        (by.user_name.as_deref(), by.client.dialect),
        (Some("tsadmin"), "admin")
    );
}

#[tokio::test]
async fn an_administrator_is_made_and_unmade_but_not_by_themselves() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let bob = app.bob().await;
    app.tick();
    page.done(Method::PATCH, "/users/bob", json!({ "is_admin": true }))
        .await;
    let second = Page::open(bob).await;
    app.tick();
    second
        .done(
            Method::PATCH,
            "/users/tsadmin",
            json!({ "is_admin": false }),
        )
        .await;
    // Whoever is none any longer is signed out.
    expect(&page.get("/me").await, 401, "unauthenticated", "tsadmin");
    for body in [
        json!({ "is_admin": false }),
        json!({ "status": "disabled" }),
    ] {
        second
            .refused(Method::PATCH, "/users/bob", body, 403, "forbidden")
            .await;
    }
    second
        .refused(Method::DELETE, "/users/bob", json!({}), 403, "forbidden")
        .await;
    let own = json!({ "password": "another one" });
    second
        .refused(Method::POST, "/users/bob/password", own, 403, "forbidden")
        .await;
}

#[tokio::test]
async fn unlocking_forgets_the_failures_that_the_trail_has_seen() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let guess = async || app.anon().post_login("bob", "wrong password").await.status;
    for _ in 0..5 {
        assert_eq!(guess().await, 401);
    }
    assert_eq!(guess().await, 429);
    let unlocked = page.post("/users/bob/unlock", json!({})).await;
    assert_eq!(unlocked["addresses"], json!(["127.0.0.1"]));
    assert_eq!(guess().await, 401);
    assert!(changes(&app).contains(&("user_unlocked", "bob".to_owned())));
    let elsewhere = json!({ "addresses": ["192.0.2.7", "2001:db8::1"] });
    page.post("/users/bob/unlock", elsewhere).await;
    let bad = json!({ "addresses": ["nowhere"] });
    page.refused(Method::POST, "/users/bob/unlock", bad, 400, "bad_request")
        .await;
}

#[tokio::test]
async fn pages_of_users_follow_one_another_and_filters_hold() {
    let app = TestApp::shared();
    let page = console(&app).await;
    let first = page.read("/users?limit=2").await;
    assert_eq!(
        (names(&first["users"]), &first["has_more"]),
        (vec!["alice", "bob"], &json!(true))
    );
    let next = page.read("/users?limit=2&offset=2").await;
    assert_eq!(names(&next["users"])[0], "carol");
    let sales = page.read("/users?org=Sales").await;
    assert_eq!(names(&sales["users"]), ["alice", "carol"]);
    let team = page.read("/users?group=Analysts&org=0").await;
    assert_eq!(names(&team["users"]), ["alice", "bob", "dora"]);
    let nowhere = page.get("/users?org=Nowhere").await;
    expect(&nowhere, 400, "bad_request", "an Org that is none");
}

#[tokio::test]
async fn a_hostile_name_comes_back_as_data() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let new = json!({ "name": HOSTILE, "display_name": HOSTILE, "password": PASSWORD });
    let made = page.post("/users", new).await;
    assert_eq!(
        (&made["name"], &made["display_name"]),
        (&json!(HOSTILE), &json!(HOSTILE))
    );
    let org = page
        .post("/orgs", json!({ "name": HOSTILE, "description": HOSTILE }))
        .await;
    assert_eq!(org["name"], HOSTILE);
    app.signed_in(HOSTILE, PASSWORD).await;
    for path in ["/users", "/orgs", "/sessions", "/audit"] {
        let reply = page.get(path).await;
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{path}"
        );
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        let quoted = json!(HOSTILE).to_string();
        assert!(reply.text().contains(&quoted), "{path}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_change_to_a_user_is_made_whole_or_not_at_all() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let before = page.read("/users/tsadmin").await;
    let body = json!({ "display_name": "Nobody", "email": "x@example.com", "is_admin": false });
    page.refused(Method::PATCH, "/users/tsadmin", body, 403, "forbidden")
        .await;
    assert_eq!(page.read("/users/tsadmin").await, before);
    let both = json!({ "display_name": "Bob B", "is_admin": true });
    page.done(Method::PATCH, "/users/bob", both).await;
    let bob = page.read("/users/bob").await;
    assert_eq!(
        (&bob["display_name"], &bob["is_admin"]),
        (&json!("Bob B"), &json!(true))
    );
    let org_page = org_console(&app).await;
    let carol = org_page.read("/users/carol").await;
    let body = json!({ "display_name": "Carol C", "is_admin": true });
    org_page
        .refused(Method::PATCH, "/users/carol", body, 403, "forbidden")
        .await;
    assert_eq!(org_page.read("/users/carol").await, carol);
}
