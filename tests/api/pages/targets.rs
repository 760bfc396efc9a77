//! Where the sign-in page leads to: only where this server redirects to anyway.

use crate::pages::{Browser, hidden, sign_in_path};
use crate::support::{PASSWORD, TestApp};
use serde_json::Value;

fn app() -> TestApp {
    TestApp::with(|settings| {
        settings.server.public_url = Some("https://good.example".parse().unwrap());
        settings.embed.origins = vec!["https://app.good.example:8443".to_owned()];
        settings.redirects.allow = vec!["https://*.wild.example".to_owned()];
    })
}

fn payloads() -> Vec<(String, Option<String>)> {
    let text = include_str!("../../data/redirects.json");
    let data: Value = serde_json::from_str(text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let cases = data["cases"].as_array().unwrap().iter();
    // What is padded to many KiB does not fit into the line of a GET.
    let short = cases.filter(|case| case.get("pad").is_none());
    short
        .map(|case| {
            let location = case["expect"].get("location").map(text);
            (text(&case["payload"]), location)
        })
        .collect()
}

#[tokio::test]
async fn case_22_no_target_of_the_data_file_leads_off_the_list() {
    let app = app();
    let mut browser = Browser::new(&app).from(Some("https://good.example"));
    let payloads = payloads();
    assert!(payloads.len() > 400, "{}", payloads.len());
    let mut own_paths = 0;
    for (payload, location) in payloads {
        let page = browser.get(&sign_in_path(&payload)).await;
        assert_eq!(page.status, 200, "{payload:?}");
        let page = page.text();
        let kept = hidden(&page, "to");
        if location.is_some() {
            assert_eq!(kept.as_ref(), Some(&payload));
            continue;
        }
        // A path of ours is no URL of the list, and a target here all the same.
        if let Some(kept) = kept {
            let is_path = kept.starts_with('/') && !kept.starts_with("//");
            assert!(is_path && !kept.contains('\\'), "{kept:?}");
            own_paths += 1;
        } else {
            assert!(
                payload.is_empty() || page.contains("sends nobody"),
                "{payload:?}"
            );
        }
    }
    assert!(own_paths < 40, "{own_paths}");
}

#[tokio::test]
async fn case_22_a_bad_target_in_the_form_itself_is_dropped_and_one_stays_here() {
    let app = app();
    for (to, location) in [
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("https://good.example@evil.example", "/"),
        (
            "https://x.wild.example/a?b#c",
            "https://x.wild.example/a?b#c",
        ),
        ("https://good.example/v2/#x", "https://good.example/v2/#x"),
    ] {
        let mut browser = Browser::new(&app).from(Some("https://good.example"));
        let token = hidden(&browser.get("/sign-in").await.text(), "token").unwrap();
        let form = [
            ("username", "bob"),
            ("password", PASSWORD),
            ("token", token.as_str()),
            ("to", to),
        ];
        let reply = browser.post("/sign-in", &form).await;
        assert_eq!(reply.status, 303, "{to}: {}", reply.text());
        assert_eq!(reply.header("location"), Some(location), "{to}");
    }
}

#[tokio::test]
async fn the_policy_of_the_form_lets_its_own_redirect_through_and_no_other() {
    let app = app();
    let form_action = async |to: &str| {
        let page = app.anon().get(&format!("!{}", sign_in_path(to))).await;
        let policy = page.header("content-security-policy").unwrap().to_owned();
        let mut parts = policy.split("; ");
        let part = parts.find(|part| part.starts_with("form-action"));
        part.unwrap().to_owned()
    };
    assert_eq!(form_action("").await, "form-action 'self'");
    assert_eq!(form_action("/v2/").await, "form-action 'self'");
    assert_eq!(
        form_action("https://app.good.example:8443/x").await,
        "form-action 'self' https://app.good.example:8443"
    );
    assert_eq!(
        form_action("https://evil.example/").await,
        "form-action 'self'"
    );
}

#[tokio::test]
async fn case_50_a_forged_host_does_not_turn_a_path_into_another_server() {
    let app = app();
    let page = Browser::new(&app)
        .with("host", "evil.example")
        .get("/sign-in?to=/v2/")
        .await;
    assert_eq!(hidden(&page.text(), "to").as_deref(), Some("/v2/"));
    assert!(!page.text().contains("evil"), "{}", page.text());
}
