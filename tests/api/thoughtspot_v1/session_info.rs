//! `GET session/isactive`, `GET session/info` and `GET /prism/preauth/info`.

use crate::support::TestApp;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn isactive_is_204_for_a_cookie_or_a_bearer_in_any_case_and_else_401() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    let bearer = app.anon().with_bearer(&app.token("alice").await);
    for prefix in ["/callosum/v1/tspublic/v1", "/callosum/v1", "/tspublic/v1"] {
        for path in [
            "/session/isactive",
            "/session/isActive",
            "/session/ISACTIVE",
        ] {
            for client in [&alice, &bearer] {
                let reply = client.under(prefix).get(path).await;
                assert_eq!((reply.status, reply.body.len()), (204, 0), "{prefix}{path}");
                assert_eq!(reply.cookies(), []);
            }
            let reply = app.anon().under(prefix).get(path).await;
            reply.expect_error(401, 10097, "sign in");
        }
    }
}

#[tokio::test]
async fn session_info_has_what_the_clients_dereference() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    let user = app.user("alice").await;
    let reply = alice.under("/callosum/v1").info().await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let info = reply.json();
    assert_eq!(info["userGUID"], user.id.to_string());
    assert_eq!(info["userName"], "alice");
    assert_eq!(info["userEmail"], "alice@example.com");
    assert_eq!(info["currentOrgId"], 0);
    assert_eq!(info["privileges"], json!([]));
    assert!(info["releaseVersion"].as_str().unwrap().contains(".cl"));
    let config = &info["configInfo"];
    let mixpanel = &config["mixpanelConfig"];
    assert_eq!(
        mixpanel,
        &json!({ "devSdkKey": "", "prodSdkKey": "", "production": false })
    );
    assert_eq!(config["isPublicUser"], false);
    assert!(config["selfClusterId"].is_string() && config["selfClusterName"].is_string());
}

#[tokio::test]
async fn an_administrator_has_the_right_as_the_vendor_spells_it() {
    let app = TestApp::shared();
    let info = app.admin().await.info().await.json();
    assert_eq!(info["privileges"], json!(["ADMINISTRATION"]));
}

#[tokio::test]
async fn preauth_info_is_the_same_object_under_info() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    let preauth = alice.get("!/prism/preauth/info").await;
    assert_eq!(preauth.json()["info"], alice.info().await.json());
    let bearer = app.anon().with_bearer(&app.token("alice").await);
    assert_eq!(bearer.get("!/prism/preauth/info").await.status, 200);
    let reply = app.anon().get("!/prism/preauth/info").await;
    reply.expect_error(401, 10097, "sign in");
    let reply = alice.get("!/prism/other").await;
    reply.expect_error(404, 10002, "/prism/other");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    for (path, status) in [
        ("/session/info", 200),
        ("/session/isactive", 204),
        ("/session/orgs", 200),
        ("!/health/live", 200),
        ("!/", 200),
    ] {
        let reply = alice.send(alice.request(Method::HEAD, path)).await;
        assert_eq!((reply.status, reply.body.len()), (status, 0), "{path}");
    }
    let reply = app
        .anon()
        .send(app.anon().request(Method::HEAD, "/session/info"))
        .await;
    assert_eq!((reply.status, reply.body.len()), (401, 0));
}

#[tokio::test]
async fn case_55_whatever_says_who_somebody_is_may_not_be_kept() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    let token = app.token("alice").await;
    for reply in [
        alice.info().await,
        alice
            .send(alice.request(Method::HEAD, "/session/info"))
            .await,
        alice.get("/session/isactive").await,
        alice.get("/session/orgs").await,
        alice.get("!/prism/preauth/info").await,
        app.anon().post_login("bob", crate::support::PASSWORD).await,
        app.anon().redeem(&[("auth_token", &token)]).await,
        app.anon().mint(&[("username", "alice")]).await,
        app.anon().info().await,
        alice.get("/nowhere").await,
    ] {
        let cache = reply.header("cache-control").unwrap();
        assert!(cache.contains("no-store"), "{cache}");
        assert_eq!(reply.header("pragma"), Some("no-cache"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}
