//! How far an administrator of one Org gets: their Org, and not a step further.

use crate::admin::{console, expect, names, org_console};
use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn they_see_their_org_and_run_its_own_users() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    assert_eq!(
        (&page.me["scope"], &page.me["org"]["name"]),
        (&json!("org"), &json!("Sales"))
    );
    let users = page.read("/users").await;
    assert_eq!(names(&users["users"]), ["alice", "carol", "olga"]);
    // Not a word of the other Orgs that Alice belongs to.
    assert!(!users.to_string().contains("Primary"), "{users}");
    let alice = page.read("/users/alice").await;
    assert_eq!(names(&alice["memberships"]), ["Sales"]);
    assert_eq!(alice["may_change"], false);
    assert_eq!(names(&page.read("/orgs").await["orgs"]), ["Sales"]);
    let groups = page.read("/groups").await;
    assert_eq!(names(&groups["groups"]), ["Sales admins", "Sales team"]);

    let made = page
        .post("/users", json!({ "name": "erin", "password": PASSWORD }))
        .await;
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    assert_eq!(names(&page.read(&path).await["memberships"]), ["Sales"]);
    let erin = app.signed_in("erin", PASSWORD).await;
    app.tick();
    page.post("/sessions/revoke", json!({ "user": "erin" }))
        .await;
    assert_eq!(erin.is_active().await, 401);
    page.done(Method::DELETE, &path, json!({})).await;
}

#[tokio::test]
async fn users_of_other_orgs_are_unknown_and_shared_ones_out_of_reach() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    for user in ["bob", "tsadmin", "nobody"] {
        expect(
            &page.get(&format!("/users/{user}")).await,
            403,
            "forbidden",
            user,
        );
    }
    for user in ["alice", "bob", "tsadmin"] {
        let path = format!("/users/{user}");
        for (method, path, body) in [
            (Method::PATCH, path.clone(), json!({ "display_name": "x" })),
            (Method::PATCH, path.clone(), json!({ "status": "disabled" })),
            (Method::PATCH, path.clone(), json!({ "is_admin": true })),
            (Method::DELETE, path.clone(), json!({})),
            (
                Method::POST,
                format!("{path}/password"),
                json!({ "password": "mine, all mine" }),
            ),
            (
                Method::POST,
                format!("{path}/unlock"),
                json!({ "addresses": [] }),
            ),
            (
                Method::POST,
                format!("{path}/memberships"),
                json!({ "operation": "add", "orgs": ["0"] }),
            ),
            (
                Method::POST,
                "/sessions/revoke".to_owned(),
                json!({ "user": user }),
            ),
        ] {
            page.refused(method, &path, body, 403, "forbidden").await;
        }
    }
    for body in [
        json!({ "name": "x", "orgs": ["0"] }),
        json!({ "name": "x", "orgs": ["Nowhere"] }),
        json!({ "name": "x", "is_admin": true }),
    ] {
        page.refused(Method::POST, "/users", body, 403, "forbidden")
            .await;
    }
    let group = json!({ "org": "0", "name": "x" });
    page.refused(Method::POST, "/groups", group, 403, "forbidden")
        .await;
    let beyond = json!({ "name": "x", "privileges": ["CONTROL_TRUSTED_AUTH"] });
    page.refused(Method::POST, "/groups", beyond, 403, "forbidden")
        .await;
}

#[tokio::test]
async fn what_is_the_servers_is_refused() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    for path in [
        "/keys",
        "/security",
        "/providers",
        "/trends",
        "/settings",
        "/health",
        "/passwords/calibration",
        "/directory",
        "/directory/copy",
    ] {
        expect(&page.get(path).await, 403, "forbidden", path);
    }
    for (method, path, body) in [
        (Method::POST, "/orgs", json!({ "name": "x" })),
        (Method::PATCH, "/orgs/Sales", json!({ "name": "x" })),
        (Method::DELETE, "/orgs/Sales", json!({})),
        (
            Method::POST,
            "/keys",
            json!({ "label": "x", "org": "Sales" }),
        ),
        (Method::POST, "/keys/0/retire", json!({})),
        (Method::PUT, "/security", json!({ "embed_origins": [] })),
        (
            Method::PUT,
            "/trusted",
            json!({ "org": "Sales", "is_on": false }),
        ),
        (Method::POST, "/redirect/check", json!({ "target": "x" })),
        (Method::POST, "/passwords/calibration", json!({})),
        (Method::POST, "/directory/copy", json!({})),
        (Method::POST, "/directory/reopen", json!({})),
        (Method::POST, "/users/carol/release", json!({})),
        (
            Method::POST,
            "/providers/x/trial",
            json!({ "claims": "{}" }),
        ),
        (Method::POST, "/sessions/revoke", json!({ "org": "Sales" })),
        (Method::POST, "/sessions/revoke", json!({ "key": "x" })),
        (
            Method::POST,
            "/sessions/revoke",
            json!({ "everybody": true }),
        ),
    ] {
        page.refused(method, path, body, 403, "forbidden").await;
    }
}

#[tokio::test]
async fn they_see_and_end_sessions_in_their_org_only() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    let admin = console(&app).await;
    app.bob().await;
    let carol = app.signed_in("carol", PASSWORD).await;
    let mut alice = app.signed_in("alice", ALICE_PASSWORD).await;
    let moved = alice.switch_org(app.sales.0).await;
    alice.keep(&moved);
    let seen = page.read("/sessions").await;
    assert_eq!(seen["total"], 3, "{seen}");
    assert!(!seen.to_string().contains("bob"));
    expect(
        &page.get("/sessions?user=bob").await,
        403,
        "forbidden",
        "bob's",
    );
    expect(
        &page.get("/sessions?org=0").await,
        403,
        "forbidden",
        "another Org's",
    );
    expect(
        &page.get("/sessions?key=x").await,
        403,
        "forbidden",
        "a key's",
    );
    let id_of = |list: &serde_json::Value, user: &str| {
        let sessions = list["sessions"].as_array().unwrap().iter();
        let mut of_user = sessions.filter(|one| one["user"] == user);
        of_user.next().unwrap()["id"].as_str().unwrap().to_owned()
    };
    page.post(
        "/sessions/revoke",
        json!({ "session": id_of(&seen, "carol") }),
    )
    .await;
    assert_eq!(carol.is_active().await, 401);
    // Alice's belongs to a shared account, Bob's to another Org.
    let all = admin.read("/sessions").await;
    for user in ["alice", "bob"] {
        let body = json!({ "session": id_of(&all, user) });
        page.refused(Method::POST, "/sessions/revoke", body, 403, "forbidden")
            .await;
    }
    assert_eq!(alice.is_active().await, 204);
}

#[tokio::test]
async fn they_tell_nodes_apart_and_learn_no_machines_name() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    let node = page.read("/audit").await["node"].clone();
    let node = node.as_str().unwrap();
    let is_hex = node.len() == 6 && node.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_hex, "{node}");
    assert_ne!(app.services.console.node, node);
}
