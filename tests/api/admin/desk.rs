//! Who is let in: every call against everybody who must not make it.

use crate::admin::{BASE, Page, confirm, console, expect};
use crate::support::{ADMIN_PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const READS: [&str; 17] = [
    "/me",
    "/users",
    "/users/bob",
    "/groups",
    "/groups/Analysts",
    "/orgs",
    "/keys",
    "/sessions",
    "/security",
    "/providers",
    "/settings",
    "/health",
    "/passwords/calibration",
    "/directory",
    "/directory/copy",
    "/audit",
    "/trends",
];
const ASKS: [&str; 3] = ["/confirm", "/redirect/check", "/providers/x/trial"];

/// Every change there is.
fn acts() -> Vec<(Method, &'static str)> {
    let posts = [
        "/users",
        "/users/import",
        "/users/bob/memberships",
        "/users/bob/password",
        "/users/bob/unlock",
        "/users/bob/release",
        "/groups",
        "/orgs",
        "/keys",
        "/keys/0/retire",
        "/sessions/revoke",
        "/passwords/calibration",
        "/directory/copy",
        "/directory/reopen",
    ];
    let mut all: Vec<(Method, &str)> = posts.map(|path| (Method::POST, path)).into();
    for path in ["/users/bob", "/groups/Analysts", "/orgs/Sales"] {
        all.push((Method::PATCH, path));
        all.push((Method::DELETE, path));
    }
    all.push((Method::PUT, "/security"));
    all.push((Method::PUT, "/trusted"));
    all
}

/// Every call, reading ones included.
fn calls() -> Vec<(Method, &'static str)> {
    let mut all: Vec<(Method, &str)> = READS.map(|path| (Method::GET, path)).into();
    all.push((Method::GET, "/audit.csv"));
    all.extend(ASKS.map(|path| (Method::POST, path)));
    all.extend(acts());
    all
}

#[tokio::test]
async fn every_call_needs_an_administrators_own_cookie_session() {
    let app = TestApp::shared();
    let (anon, bob) = (app.anon(), app.bob().await);
    let token = app.token("tsadmin").await;
    let bearer = app.anon().with_bearer(&token);
    for (method, path) in calls() {
        // A body that is none: strangers must not learn even that.
        let ask = async |client: &crate::support::Client| {
            let request = client.request(method.clone(), &format!("{BASE}{path}"));
            let request = request.header("content-type", "application/json").body("{");
            client.send(request).await
        };
        expect(&ask(&anon).await, 401, "unauthenticated", path);
        expect(&ask(&bob).await, 403, "forbidden", path);
        expect(&ask(&bearer).await, 403, "cookie_only", path);
        let dead = anon.with_cookie("JSESSIONID=x");
        expect(&ask(&dead).await, 401, "unauthenticated", path);
    }
}

#[tokio::test]
async fn only_our_own_page_may_ask_not_even_one_that_may_embed_us() {
    let app = TestApp::with(|settings| {
        settings.embed.origins = vec!["https://embed.example".to_owned()];
    });
    let page = console(&app).await;
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "https://embed.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let client = page.client.with(header, value);
        for (method, path) in calls() {
            let request = client.request(method.clone(), &format!("{BASE}{path}"));
            let request = request.header("x-vestibule-csrf", &page.csrf);
            let reply = client.send(request.json(&json!({}))).await;
            assert_eq!(reply.status, 403, "{header}: {value} {path}");
            let error = reply.json()["error"].as_str().unwrap().to_owned();
            // Changes from elsewhere are refused by the rule of all dialects first.
            assert!(
                ["foreign_page", "forbidden"].contains(&error.as_str()),
                "{error}"
            );
        }
    }
    let own = format!("http://{}", app.address);
    let client = page
        .client
        .with("origin", &own)
        .with("sec-fetch-site", "same-origin");
    assert_eq!(client.get(&format!("{BASE}/me")).await.status, 200);
}

#[tokio::test]
async fn a_change_needs_the_token_of_the_very_session() {
    let app = TestApp::shared();
    let page = console(&app).await;
    let other = console(&app).await;
    assert_ne!(page.csrf, other.csrf);
    let asks = ASKS.map(|path| (Method::POST, path));
    for (method, path) in acts().into_iter().chain(asks) {
        for csrf in ["", "x", &other.csrf, &page.csrf.to_uppercase()] {
            let forged = Page {
                client: page.client.clone(),
                csrf: csrf.to_owned(),
                me: Value::Null,
            };
            forged
                .refused(method.clone(), path, json!({}), 403, "csrf")
                .await;
        }
    }
}

#[tokio::test]
async fn a_change_needs_recent_proof_and_says_so_by_a_word() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    app.advance(Duration::from_mins(10));
    for (method, path) in acts() {
        page.refused(method, path, json!({}), 403, "stale_authentication")
            .await;
    }
    assert_eq!(page.read("/users").await["has_more"], false);

    let org = json!({ "name": "Later" });
    let proof = confirm(&page).await;
    let proven = |proof: &str| Page {
        client: page.client.with("x-vestibule-confirmed", proof),
        csrf: page.csrf.clone(),
        me: Value::Null,
    };
    proven(&proof).post("/orgs", org.clone()).await;
    // Neither another session's nor one with another stamp.
    let other = confirm(&console(&app).await).await;
    for bad in ["", "1.x", &other, &format!("9{proof}")] {
        let refused = proven(bad);
        refused
            .refused(
                Method::POST,
                "/orgs",
                org.clone(),
                403,
                "stale_authentication",
            )
            .await;
    }
    app.advance(Duration::from_mins(10));
    proven(&proof)
        .refused(Method::POST, "/orgs", org, 403, "stale_authentication")
        .await;
}

#[tokio::test]
async fn a_session_that_a_secret_key_made_is_no_proof_and_the_password_is() {
    let app = TestApp::spawn();
    let token = app.token("tsadmin").await;
    let reply = app.anon().redeem(&[("auth_token", &token)]).await;
    let mut client = app.anon();
    client.keep(&reply);
    let page = Page::open(client).await;
    assert_eq!(page.me["fresh_until"], 0);
    let org = json!({ "name": "Later" });
    page.refused(
        Method::POST,
        "/orgs",
        org.clone(),
        403,
        "stale_authentication",
    )
    .await;
    let proof = confirm(&page).await;
    let proven = Page {
        client: page.client.with("x-vestibule-confirmed", &proof),
        ..page
    };
    proven.post("/orgs", org).await;
}

#[tokio::test]
async fn a_wrong_password_confirms_nothing_and_guessing_is_slowed_down() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let wrong = json!({ "password": "not it" });
    for _ in 0..5 {
        page.refused(
            Method::POST,
            "/confirm",
            wrong.clone(),
            401,
            "wrong_password",
        )
        .await;
    }
    let right = json!({ "password": ADMIN_PASSWORD });
    page.refused(Method::POST, "/confirm", right, 429, "too_many_requests")
        .await;
    assert_eq!(app.trail.words()[1], "password_refused");
    // The session itself is as good as before.
    assert_eq!(page.get("/me").await.status, 200);
}

#[tokio::test]
async fn a_bad_body_is_the_callers_fault_in_every_call() {
    let app = TestApp::shared();
    let page = console(&app).await;
    for (method, path) in [
        (Method::POST, "/users"),
        (Method::POST, "/users/import"),
        (Method::POST, "/users/bob/memberships"),
        (Method::POST, "/users/bob/password"),
        (Method::POST, "/groups"),
        (Method::POST, "/orgs"),
        (Method::POST, "/keys"),
        (Method::POST, "/sessions/revoke"),
        (Method::PUT, "/trusted"),
        (Method::POST, "/redirect/check"),
        (Method::POST, "/confirm"),
    ] {
        page.refused(method.clone(), path, json!({}), 400, "bad_request")
            .await;
        page.refused(method, path, json!([1]), 400, "bad_request")
            .await;
    }
    for (method, path) in acts() {
        let request = page.client.request(method, &format!("{BASE}{path}"));
        let request = request.header("x-vestibule-csrf", &page.csrf);
        let request = request.header("content-type", "text/plain").body("{}");
        let reply = page.client.send(request).await;
        assert_eq!(reply.status, 415, "{path}");
    }
    for path in ["/users?status=odd", "/users?limit=x", "/audit?from=x"] {
        expect(&page.get(path).await, 400, "bad_request", path);
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_the_consoles_words() {
    let app = TestApp::shared();
    let page = console(&app).await;
    expect(&page.get("/nothing").await, 404, "not_found", "a path");
    expect(&page.get("/users/nobody").await, 404, "not_found", "a user");
    let put = page.send(Method::PUT, "/users", &json!({})).await;
    expect(&put, 405, "method_not_allowed", "PUT");
}

#[tokio::test]
async fn me_says_who_and_how_far_and_hands_out_no_secret() {
    let app = TestApp::shared();
    let page = console(&app).await;
    assert_eq!(page.me["user"]["name"], "tsadmin");
    assert_eq!(page.me["scope"], "server");
    let text = page.me.to_string();
    let cookie = page.client.cookie();
    assert!(!text.contains(&cookie[cookie.len() - 43..]), "{text}");
}

#[tokio::test]
async fn the_page_may_be_framed_by_nobody_and_runs_its_own_files_only() {
    let app = TestApp::with(|settings| {
        settings.embed.origins = vec!["https://embed.example".to_owned()];
    });
    for path in ["!/console", "!/console/"] {
        let page = app.anon().get(path).await;
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        let text = page.text();
        assert!(
            !text.contains("style=") && !text.contains("onclick"),
            "{text}"
        );
    }
    assert_eq!(app.anon().get("!/console/main.js").await.status, 200);
    assert_eq!(app.anon().get("!/console/nothing.js").await.status, 404);
}
