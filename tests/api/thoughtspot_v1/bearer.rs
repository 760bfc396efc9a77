//! A Bearer on every endpoint: decisions 2 and 4.

use crate::support::{LIVEBOARD, TestApp};
use reqwest::Method;

/// Every endpoint that needs somebody signed in, with what it answers them.
fn endpoints(org: i64) -> Vec<(Method, String, String, u16)> {
    let viz = format!("/metadata/listvizheaders?id={LIVEBOARD}");
    let own = |path: &str| path.to_owned();
    vec![
        (Method::GET, own("/session/isactive"), String::new(), 204),
        (Method::GET, own("/session/info"), String::new(), 200),
        (Method::GET, own("/session/orgs"), String::new(), 200),
        (
            Method::PUT,
            own("/session/orgs"),
            format!("orgid={org}"),
            204,
        ),
        (Method::GET, viz, String::new(), 200),
        (Method::GET, own("!/prism/preauth/info"), String::new(), 200),
        (
            Method::POST,
            own("/user/session/invalidate"),
            own("username=[\"bob\"]"),
            204,
        ),
        (Method::POST, own("/session/logout"), String::new(), 204),
    ]
}

#[tokio::test]
async fn a_bearer_is_good_on_every_endpoint_and_sets_no_cookie() {
    let app = TestApp::spawn();
    let bearer = app.anon().with_bearer(&app.token("tsadmin").await);
    for (method, path, body, status) in endpoints(0) {
        for prefix in ["/callosum/v1/tspublic/v1", "/callosum/v1", "/tspublic/v1"] {
            let request = bearer
                .under(prefix)
                .request(method.clone(), &path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.clone());
            let reply = bearer.send(request).await;
            assert_eq!(reply.status, status, "{method} {path} {}", reply.text());
            assert_eq!(reply.cookies(), []);
        }
    }
}

#[tokio::test]
async fn decision_2_a_bearer_decides_over_any_cookie() {
    let app = TestApp::spawn();
    let token = app.token("tsadmin").await;
    let alice = app.alice().await;
    let dead = app.bob().await;
    dead.log_out().await;

    let both = alice.with_bearer(&token);
    assert_eq!(both.info().await.json()["userName"], "tsadmin");
    for cookie in [dead.cookie(), "JSESSIONID=nonsense"] {
        let client = app.anon().with_cookie(cookie);
        client.info().await.expect_error(401, 10097, "ended");
        assert_eq!(client.with_bearer(&token).info().await.status, 200);
    }
    // An invalid one is refused even beside a good cookie; logout alone looks at both.
    for (method, path, body, _) in endpoints(0) {
        if path == "/session/logout" {
            continue;
        }
        for bad in ["x", ""] {
            let request = alice
                .with_bearer(bad)
                .request(method.clone(), &path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.clone());
            let reply = alice.send(request).await;
            reply.expect_error(401, 10003, "token");
        }
    }
    assert_eq!(alice.is_active().await, 204);
}

#[tokio::test]
async fn a_bearer_is_read_however_its_scheme_is_written_and_other_schemes_are_not_ours() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let alice = app.alice().await;
    for value in [format!("bearer {token}"), format!("BEARER  {token} ")] {
        assert_eq!(
            app.anon().with("authorization", &value).is_active().await,
            204
        );
    }
    for value in ["Basic YTpi", "Negotiate x", &token] {
        assert_eq!(
            app.anon().with("authorization", value).is_active().await,
            401
        );
        let reply = alice.with("authorization", value).is_active().await;
        assert_eq!(reply, 204, "the cookie decides beside {value}");
    }
    assert_eq!(alice.with("authorization", "Bearer").is_active().await, 401);
}

#[tokio::test]
async fn of_several_authorization_headers_no_bearer_is_overlooked() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let bob = app.bob().await;
    let good = format!("Bearer {token}");
    let both = |first: &str, second: &str| {
        bob.with("authorization", first)
            .with("authorization", second)
    };
    let info = both("Basic YTpi", &good).info().await.json();
    assert_eq!(
        info["userName"], "alice",
        "a Bearer behind another scheme decides"
    );
    // Which of two counts would depend on who reads them: neither does.
    assert_eq!(both(&good, "Bearer x").is_active().await, 401);
    assert_eq!(both("Bearer x", &good).is_active().await, 401);
}

#[tokio::test]
async fn case_30_a_bearer_needs_no_origin_because_no_browser_sends_one_by_itself() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let client = app
        .anon()
        .with_bearer(&token)
        .with("origin", "https://evil.example");
    assert_eq!(client.switch_org(0).await.status, 204);
}

#[tokio::test]
async fn case_28_an_id_or_token_anywhere_else_is_not_looked_at() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let token = app.token("alice").await;
    let id = alice.cookie().trim_start_matches("JSESSIONID=").to_owned();
    for path in [
        format!("/session/info?JSESSIONID={id}"),
        format!("/session/info?auth_token={token}"),
        format!("/session/info?access_token={token}"),
    ] {
        let reply = app.anon().get(&path).await;
        reply.expect_error(401, 10097, "sign in");
    }
    let reply = app
        .anon()
        .get(&format!("/session/info;jsessionid={id}"))
        .await;
    assert!([401, 404].contains(&reply.status));
    for (name, value) in [
        ("x-session-id", &id),
        ("x-mstr-authtoken", &id),
        ("x-auth-token", &token),
    ] {
        assert_eq!(
            app.anon().with(name, value).is_active().await,
            401,
            "{name}"
        );
    }
    for name in [
        "jsessionid",
        "JSessionId",
        "$JSESSIONID",
        "__Host-JSESSIONID",
    ] {
        let client = app.anon().with_cookie(&format!("{name}={id}"));
        assert_eq!(client.is_active().await, 401, "{name}");
    }
    let body = format!("JSESSIONID={id}&auth_token={token}");
    let reply = app.anon().post_raw("/session/logout", body).await;
    assert_eq!(reply.status, 401);
}
