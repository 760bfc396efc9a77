//! Orgs, groups and secret keys at the console.

use crate::admin::{console, names};
use crate::support::TestApp;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn an_org_is_made_renamed_switched_off_and_deleted() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let made = page.post("/orgs", json!({ "name": "Marketing" })).await;
    let path = format!("/orgs/{}", made["id"]);
    let edit = json!({ "name": "Communication", "description": "Words" });
    page.done(Method::PATCH, &path, edit).await;
    let carol = app.signed_in("carol", crate::support::PASSWORD).await;
    app.tick();
    page.done(
        Method::PATCH,
        "/orgs/Sales",
        json!({ "status": "disabled" }),
    )
    .await;
    assert_eq!(carol.is_active().await, 401);
    let orgs = page.read("/orgs").await;
    assert_eq!(orgs["orgs"].as_array().unwrap().len(), 3);
    assert!(names(&orgs["orgs"]).contains(&"Communication"));
    page.done(Method::DELETE, &path, json!({})).await;
    page.refused(Method::DELETE, "/orgs/0", json!({}), 400, "bad_request")
        .await;
    page.refused(Method::DELETE, &path, json!({}), 404, "not_found")
        .await;
    let odd = json!({ "status": "gone" });
    page.refused(Method::PATCH, "/orgs/Sales", odd, 400, "bad_request")
        .await;
}

#[tokio::test]
async fn a_group_is_made_in_any_org_filled_changed_and_deleted() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let new = json!({ "org": "Sales", "name": "East", "privileges": ["DATADOWNLOADING"], "users": ["carol"] });
    let made = page.post("/groups", new).await;
    assert_eq!(made["org"], app.sales.0);
    let path = format!("/groups/{}", made["id"].as_str().unwrap());
    let edit = json!({ "display_name": "The east", "privileges": [], "users": ["alice"], "operation": "add" });
    page.done(Method::PATCH, &path, edit).await;
    let shown = page.read(&path).await;
    assert_eq!(names(&shown["members"]), ["alice", "carol"]);
    assert_eq!(
        (&shown["display_name"], &shown["privileges"]),
        (&json!("The east"), &json!([]))
    );
    let leave = json!({ "users": ["carol"], "operation": "remove" });
    page.done(Method::PATCH, &path, leave).await;
    assert_eq!(names(&page.read(&path).await["members"]), ["alice"]);
    let found = page.read("/groups?q=eas&org=Sales").await;
    assert_eq!(names(&found["groups"]), ["East"]);
    page.done(Method::DELETE, &path, json!({})).await;
    page.refused(Method::DELETE, &path, json!({}), 404, "not_found")
        .await;
}

#[tokio::test]
async fn a_key_is_told_once_and_what_it_minted_ends_when_it_is_retired() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let made = page
        .post("/keys", json!({ "label": "Portal", "org": "Sales" }))
        .await;
    let secret = made["secret_key"].as_str().unwrap().to_owned();
    app.plant(&secret);
    let id = made["id"].as_str().unwrap();
    let mint = [("secret_key", secret.as_str()), ("username", "carol")];
    let token = app.anon().post("/session/auth/token", &mint).await;
    assert_eq!(token.status, 200, "{}", token.text());
    let bearer = app.anon().with_bearer(&token.text());
    let listed = page.get("/keys").await;
    assert!(!listed.text().contains(&secret));
    let keys = listed.json();
    let row = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["id"] == *id)
        .unwrap()
        .clone();
    assert_eq!(
        (&row["label"], &row["org"]),
        (&json!("Portal"), &json!(app.sales.0))
    );
    app.tick();
    page.post(&format!("/keys/{id}/retire"), json!({})).await;
    assert_eq!(bearer.is_active().await, 401);
    page.refused(
        Method::POST,
        "/keys/nothing/retire",
        json!({}),
        404,
        "not_found",
    )
    .await;
}

#[tokio::test]
async fn a_change_to_a_group_is_made_whole_or_not_at_all() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let new = json!({ "org": "Sales", "name": "East", "users": ["carol"] });
    let made = page.post("/groups", new).await;
    let path = format!("/groups/{}", made["id"].as_str().unwrap());
    let before = page.read(&path).await;
    let names =
        json!({ "name": "West", "display_name": "The west", "privileges": ["DATADOWNLOADING"] });
    for wrong in [
        json!({ "users": ["bob"], "operation": "add" }),
        json!({ "users": ["nobody-here"], "operation": "replace" }),
        json!({ "users": ["alice"], "operation": "swap" }),
        json!({ "users": ["alice"] }),
    ] {
        let mut body = names.clone();
        let fields = wrong.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let reply = page.send(Method::PATCH, &path, &body).await;
        assert!(matches!(reply.status, 400 | 404), "{}", reply.text());
        assert_eq!(page.read(&path).await, before, "{body}");
    }
}
