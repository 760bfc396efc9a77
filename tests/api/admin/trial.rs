//! Whom a provider would sign in, tried at the console with claims that nobody vouches for.

use crate::admin::{Page, console};
use crate::support::{PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use vestibule::settings::{Loaded, Settings, Sources};

const PATH: &str = "/providers/corp/trial";

/// A provider that is never there: nothing of a trial asks it.
fn with_provider(settings: &mut Settings, more: &[(&str, &str)]) {
    let flags = [
        ("issuer", "http://127.0.0.1:9"),
        ("client_id", "x"),
        ("group_attribute", "groups"),
        ("group_map", "analysts => Analysts"),
        ("org_attribute", "tenant"),
    ];
    let flag = |(key, value): &(&str, &str)| (format!("sso.corp.{key}"), (*value).to_owned());
    let loaded = Loaded::load(&Sources {
        flags: flags.iter().chain(more).map(flag).collect(),
        ..Sources::default()
    });
    settings.sso = loaded.unwrap().settings.sso;
}

async fn tried(page: &Page, claims: &Value) -> Value {
    page.post(PATH, json!({ "claims": claims.to_string() }))
        .await
}

#[tokio::test]
async fn claims_are_mapped_and_nothing_is_changed() {
    let app = TestApp::with(|settings| with_provider(settings, &[("create_users", "true")]));
    let page = console(&app).await;
    let said = json!({
        "sub": "u1", "preferred_username": "nora", "email": "nora@example.com",
        "groups": ["analysts", "others"], "tenant": "elsewhere",
    });
    let found = tried(&page, &said).await;
    assert_eq!(found["refused"], Value::Null, "{found}");
    assert_eq!(
        (&found["username"], &found["email"], &found["user"]),
        (&json!("nora"), &json!("nora@example.com"), &Value::Null)
    );
    assert_eq!(found["groups"], json!(["Analysts"]));
    assert_eq!(found["unknown_orgs"], json!(["elsewhere"]));
    assert_eq!(found["orgs"][0]["name"], "Primary");
    assert_eq!(page.read("/users?q=nora").await["users"], json!([]));
}

#[tokio::test]
async fn who_would_be_refused_is_told_with_the_reason() {
    let app = TestApp::with(|settings| with_provider(settings, &[]));
    let page = console(&app).await;
    let disabled = json!({ "name": "erin", "password": PASSWORD, "status": "disabled" });
    page.post("/users", disabled).await;
    for (name, why) in [
        ("nora", "unknown_user"),
        ("bob", "other_account_type"),
        ("tsadmin", "administrator"),
        ("erin", "other_account_type"),
        ("", "no_subject"),
        (" ", "no_subject"),
    ] {
        let found = tried(&page, &json!({ "sub": name })).await;
        assert_eq!(found["refused"]["why"], why, "{name}: {found}");
    }
    // Where local users are taken for the same people, only the account itself stands in the way.
    let app = TestApp::with(|settings| with_provider(settings, &[("accounts", "local")]));
    let page = console(&app).await;
    let disabled = json!({ "name": "erin", "password": PASSWORD, "status": "disabled" });
    page.post("/users", disabled).await;
    let found = tried(&page, &json!({ "sub": "erin" })).await;
    assert_eq!(found["refused"]["why"], "user_disabled", "{found}");
    let found = tried(&page, &json!({ "sub": "BOB" })).await;
    assert_eq!(
        (&found["refused"], &found["user"]["name"]),
        (&Value::Null, &json!("bob"))
    );
    assert_eq!(found["held_groups"], json!(["Analysts"]));
}

#[tokio::test]
async fn what_is_no_trial_is_refused() {
    let app = TestApp::with(|settings| with_provider(settings, &[]));
    let page = console(&app).await;
    for body in [
        json!({}),
        json!({ "claims": "{}" }),
        json!({ "claims": "[]" }),
        json!({ "claims": "{\"sub\": \"x\"}", "response": "x" }),
        json!({ "response": "PHg+" }),
    ] {
        page.refused(Method::POST, PATH, body, 400, "bad_request")
            .await;
    }
    let claims = json!({ "claims": "{\"sub\": \"x\"}" });
    page.refused(
        Method::POST,
        "/providers/none/trial",
        claims,
        404,
        "not_found",
    )
    .await;
}

#[tokio::test]
async fn a_user_is_released_from_the_provider_that_signed_them_in() {
    let app = TestApp::with(|settings| with_provider(settings, &[]));
    let page = console(&app).await;
    let released = page.post("/users/bob/release", json!({})).await;
    assert_eq!(released["was_bound"], false);
    let bob = page.read("/users/bob").await;
    let place = format!("sso_provider:{}", bob["id"].as_str().unwrap());
    app.services.directory.set(&place, "corp").await.unwrap();
    let released = page.post("/users/bob/release", json!({})).await;
    assert_eq!(released["was_bound"], true);
    assert_eq!(app.services.directory.get(&place).await.unwrap(), None);
}
