//! `system/*` and what is answered in place of TML.

use crate::support::TestApp;
use crate::thoughtspot_v2::{done, refused};
use serde_json::{Value, json};

const CONFIGURE: &str = "system/security-settings/configure";
const SEARCH: &str = "system/security-settings/search";
const APP: &str = "https://app.example.com";

fn cluster(preferences: Value) -> Value {
    let mut body = json!({});
    body["cluster_preferences"] = preferences;
    body
}

#[tokio::test]
async fn every_signed_in_user_learns_what_clients_need_to_start() {
    let app = TestApp::shared();
    let bob = app.bob().await;
    let system = bob.get("!/api/rest/2.0/system").await.json();
    for field in [
        "id",
        "name",
        "release_version",
        "time_zone",
        "type",
        "tsadmin_user_id",
        "system_user_id",
        "super_user_id",
    ] {
        assert!(system[field].is_string(), "{field}: {system}");
    }
    assert!(
        system["release_version"]
            .as_str()
            .unwrap()
            .split('.')
            .count()
            >= 3
    );
    let overrides = bob
        .get("!/api/rest/2.0/system/config-overrides")
        .await
        .json();
    assert_eq!(overrides, json!({ "config_override_info": {} }));
    for path in ["metadata/tml/export", "metadata/tml/import"] {
        refused(&bob, path, json!({ "metadata": [] }), 403, "TML").await;
    }
}

#[tokio::test]
async fn saved_origins_hold_at_once_and_add_to_the_configured() {
    let app = TestApp::with(|settings| {
        settings.embed.origins = vec!["https://first.example.com".into()];
    });
    let admin = app.admin().await;
    let allowed = async |origin: &str| {
        let reply = app.anon().with("origin", origin).info().await;
        reply.header("access-control-allow-origin") == Some(origin)
    };
    assert!(!allowed(APP).await);
    let body = json!({
        "cors_whitelisted_urls": ["app.example.com"],
        "csp_settings": { "visual_embed_hosts": ["https://frame.example.com"] },
        "saml_redirect_urls": ["go.example.com"],
        "enable_partitioned_cookies": true,
    });
    done(&admin, CONFIGURE, cluster(body)).await;
    assert!(allowed(APP).await);
    assert!(
        allowed("https://first.example.com").await,
        "nothing is replaced"
    );
    assert!(
        !allowed("https://frame.example.com").await,
        "it may frame, no more"
    );
    let page = app.anon().get("!/").await;
    let policy = page.header("content-security-policy").unwrap();
    for origin in [
        "https://first.example.com",
        APP,
        "https://frame.example.com",
    ] {
        assert!(policy.contains(origin), "{policy}");
    }
    let token = app.token("bob").await;
    let form = [
        ("auth_token", token.as_str()),
        ("redirect_url", "https://go.example.com/x"),
    ];
    assert_eq!(app.anon().redeem(&form).await.status, 302);

    let saved = done(&admin, SEARCH, json!({})).await;
    let saved = &saved["cluster_preferences"];
    assert_eq!(saved["cors_whitelisted_urls"], json!([APP]));
    assert_eq!(saved["saml_redirect_urls"], json!(["go.example.com"]));
    assert_eq!(saved["enable_partitioned_cookies"], true);
    // Absent stays, empty clears what was saved and nothing else.
    done(
        &admin,
        CONFIGURE,
        cluster(json!({ "cors_whitelisted_urls": [] })),
    )
    .await;
    assert!(!allowed(APP).await);
    assert!(allowed("https://first.example.com").await);
    let saved = done(&admin, SEARCH, json!({})).await;
    assert_eq!(
        saved["cluster_preferences"]["saml_redirect_urls"],
        json!(["go.example.com"])
    );
    let of_org = json!({ "org_preferences": [{ "org_identifier": "Sales", "cors_whitelisted_urls": [APP] }] });
    done(&admin, CONFIGURE, of_org).await;
    assert!(allowed(APP).await);
}

#[tokio::test]
async fn case_48_wrong_entries_refuse_the_whole_request_and_nobody_else_saves() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    for bad in [
        "*",
        ".*",
        "https://*.example.com",
        "null",
        "https://a.example.com/x",
    ] {
        let body = json!({ "cors_whitelisted_urls": [APP, bad] });
        refused(
            &admin,
            CONFIGURE,
            cluster(body),
            400,
            "cors_whitelisted_urls",
        )
        .await;
    }
    let body = json!({ "saml_redirect_urls": ["https://go.example.com"] });
    refused(&admin, CONFIGURE, cluster(body), 400, "saml_redirect_urls").await;
    let body = json!({ "non_embed_access": { "block_full_app_access": true } });
    refused(
        &admin,
        CONFIGURE,
        cluster(body),
        400,
        "block_full_app_access",
    )
    .await;
    let saved = done(&admin, SEARCH, json!({})).await;
    assert_eq!(
        saved["cluster_preferences"]["cors_whitelisted_urls"],
        json!([])
    );

    for path in [CONFIGURE, SEARCH] {
        refused(&app.bob().await, path, json!({}), 403, "administrator").await;
        refused(&app.anon(), path, json!({}), 401, "sign in").await;
    }
}
