//! Origins, redirects and trusted authentication at the console.

use crate::admin::console;
use crate::support::{SECRET_KEY, TestApp};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn saved_origins_add_to_the_configured_ones_and_are_in_force_at_once() {
    let app = TestApp::with(|settings| {
        settings.embed.origins = vec!["https://configured.example".to_owned()];
    });
    let page = console(&app).await;
    let body = json!({ "embed_origins": ["saved.example"], "redirect_hosts": ["*.hosts.example"] });
    page.done(Method::PUT, "/security", body).await;
    let shown = page.read("/security").await;
    assert_eq!(
        shown["configured"]["embed_origins"],
        json!(["https://configured.example"])
    );
    assert_eq!(
        shown["saved"]["embed_origins"],
        json!(["https://saved.example"])
    );
    assert_eq!(shown["saved"]["redirect_hosts"], json!(["*.hosts.example"]));
    let rules = shown["in_force"]["redirects"].to_string();
    assert!(
        rules.contains("https://saved.example") && rules.contains("embed.origins"),
        "{rules}"
    );
    let client = app.anon().with("origin", "https://saved.example");
    let reply = client.get("/session/isactive").await;
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://saved.example")
    );
    for body in [
        json!({ "embed_origins": ["null"] }),
        json!({ "frame_origins": ["https://x.example/path"] }),
        json!({ "redirect_hosts": ["https://x.example"] }),
        json!({ "embed_origins": "x" }),
    ] {
        page.refused(Method::PUT, "/security", body, 400, "bad_request")
            .await;
    }
    page.done(Method::PUT, "/security", json!({ "embed_origins": [] }))
        .await;
    let shown = page.read("/security").await;
    assert_eq!(shown["saved"]["embed_origins"], json!([]));
    assert_eq!(shown["saved"]["redirect_hosts"], json!(["*.hosts.example"]));
}

#[tokio::test]
async fn the_redirect_checker_says_what_the_rules_make_of_a_target() {
    let app = TestApp::with(|settings| {
        settings.redirects.allow = vec!["https://good.example".to_owned()];
    });
    let page = console(&app).await;
    let good = page
        .post(
            "/redirect/check",
            json!({ "target": "https://good.example/a?b#c" }),
        )
        .await;
    assert_eq!(
        (&good["is_allowed"], &good["host"]),
        (&json!(true), &json!("good.example"))
    );
    assert!(
        good["verdict"]
            .as_str()
            .unwrap()
            .contains("redirects.allow"),
        "{good}"
    );
    let bad = page
        .post(
            "/redirect/check",
            json!({ "target": "https:\\\\evil.example" }),
        )
        .await;
    assert_eq!(bad["is_allowed"], false);
    assert!(bad.get("path").is_some());
}

#[tokio::test]
async fn trusted_authentication_is_switched_for_the_server_and_for_one_org() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let mint = async || app.anon().mint(&[("username", "bob")]).await.status;
    assert_eq!(mint().await, 200);
    page.done(Method::PUT, "/trusted", json!({ "is_on": false }))
        .await;
    assert_eq!(mint().await, 500);
    assert_eq!(page.read("/security").await["trusted"]["is_on"], false);
    page.done(Method::PUT, "/trusted", json!({ "is_on": true }))
        .await;
    assert_eq!(mint().await, 200);
    page.done(
        Method::PUT,
        "/trusted",
        json!({ "org": "Sales", "is_on": false }),
    )
    .await;
    let trusted = page.read("/security").await["trusted"].clone();
    assert_eq!(
        (&trusted["is_on"], &trusted["orgs_off"]),
        (&json!(true), &json!([app.sales.0]))
    );
    let nowhere = json!({ "org": "Nowhere", "is_on": true });
    page.refused(Method::PUT, "/trusted", nowhere, 404, "not_found")
        .await;
    assert!(!page.get("/security").await.text().contains(SECRET_KEY));
}

#[tokio::test]
async fn the_settings_are_shown_to_administrators_of_the_server_alone() {
    let app = TestApp::spawn();
    let shown = console(&app).await.read("/settings").await;
    let settings = shown["settings"].as_array().unwrap();
    let idle = settings
        .iter()
        .find(|one| one["key"] == "sessions.idle_timeout");
    assert_eq!(idle.unwrap()["value"], "30m");
    assert_eq!(idle.unwrap()["origin"], "default");
}

#[tokio::test]
async fn without_identity_providers_the_list_is_empty() {
    let app = TestApp::shared();
    let page = console(&app).await;
    assert_eq!(page.read("/providers").await["providers"], json!([]));
}
