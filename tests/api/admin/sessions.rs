//! Sessions at the console: counted, shown and ended.

use crate::admin::console;
use crate::support::{PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn sessions_are_counted_before_they_end_one_by_one_or_together() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let bobs = [app.bob().await, app.bob().await, app.bob().await];
    let carol = app.signed_in("carol", PASSWORD).await;
    let all = page.read("/sessions").await;
    assert_eq!(all["total"], 5);
    let own: Vec<bool> = all["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["is_own"] == true)
        .collect();
    assert_eq!(own.iter().filter(|own| **own).count(), 1);
    assert_eq!(page.read("/sessions?limit=0").await["total"], 5);
    assert_eq!(page.read("/sessions?org=Sales").await["total"], 1);
    let of_bob = page.read("/sessions?user=bob").await;
    assert_eq!(of_bob["total"], 3);
    let kept = of_bob["sessions"][0]["id"].as_str().unwrap().to_owned();
    let one = of_bob["sessions"][1]["id"].as_str().unwrap().to_owned();

    page.post("/sessions/revoke", json!({ "session": one }))
        .await;
    page.refused(
        Method::POST,
        "/sessions/revoke",
        json!({ "session": one }),
        404,
        "not_found",
    )
    .await;
    let others = json!({ "user": "bob", "kept": kept });
    assert_eq!(page.post("/sessions/revoke", others).await["ended"], 1);
    let mut alive = 0;
    for bob in &bobs {
        alive += usize::from(bob.is_active().await == 204);
    }
    assert_eq!(alive, 1);
    app.tick();
    page.post("/sessions/revoke", json!({ "user": "bob" }))
        .await;
    assert_eq!(page.read("/sessions?user=bob").await["total"], 0);
    page.post("/sessions/revoke", json!({ "org": "Sales" }))
        .await;
    assert_eq!(carol.is_active().await, 401);
    app.tick();
    page.post("/sessions/revoke", json!({ "everybody": true }))
        .await;
    assert_eq!(page.get("/me").await.status, 401);
}

#[tokio::test]
async fn sessions_behind_a_key_are_counted_and_end_together() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let (key, secret) = app.org_key("Sales").await;
    let mint = [("secret_key", secret.as_str()), ("username", "carol")];
    let token = app.anon().post("/session/auth/token", &mint).await.text();
    let login = app
        .anon()
        .redeem(&[("username", "carol"), ("auth_token", &token)])
        .await;
    assert!(login.status < 400, "{}", login.text());
    let path = format!("/sessions?key={key}");
    assert_eq!(page.read(&path).await["total"], 1);
    app.tick();
    page.post("/sessions/revoke", json!({ "key": key.to_string() }))
        .await;
    assert_eq!(page.read(&path).await["total"], 0);
}

#[tokio::test]
async fn what_is_to_end_must_be_said_exactly() {
    let app = TestApp::shared();
    let page = console(&app).await;
    for body in [
        json!({}),
        json!({ "everybody": false }),
        json!({ "user": "bob", "org": "Sales" }),
        json!({ "user": "bob", "everybody": true }),
    ] {
        page.refused(Method::POST, "/sessions/revoke", body, 400, "bad_request")
            .await;
    }
    page.refused(
        Method::POST,
        "/sessions/revoke",
        json!({ "session": "x" }),
        404,
        "not_found",
    )
    .await;
    page.refused(
        Method::POST,
        "/sessions/revoke",
        json!({ "key": "x" }),
        404,
        "not_found",
    )
    .await;
}
