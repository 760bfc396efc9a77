//! What browsers enforce for us: cross-origin reads (case 48) and cross-site writes (decision 3).

use crate::support::{Client, PASSWORD, Reply, TestApp};
use reqwest::Method;
use serde_json::json;
use vestibule::settings::AtLimitSetting;

const EMBED: &str = "https://embed.example";
const ROUTES: [(&str, &str); 12] = [
    ("POST", "/session/login"),
    ("POST", "/session/auth/token"),
    ("POST", "/session/login/token"),
    ("GET", "/session/login/token"),
    ("POST", "/session/logout"),
    ("GET", "/session/isactive"),
    ("GET", "/session/info"),
    ("GET", "/session/orgs"),
    ("PUT", "/session/orgs"),
    ("GET", "/metadata/listvizheaders"),
    ("POST", "/user/session/invalidate"),
    ("GET", "!/prism/preauth/info"),
];
/// Origins that look like the one that is listed, or like nothing.
const STRANGERS: [&str; 12] = [
    "null",
    "https://evil.example",
    "http://embed.example",
    "https://embed.example:8443",
    "https://embed.example:443",
    "https://embed.example.evil.example",
    "https://evilembed.example",
    "https://embed.example/",
    "https://EMBED.example",
    "https://embed.example, https://evil.example",
    "https://embed.examplf",
    "*",
];

fn app() -> TestApp {
    TestApp::with(|settings| {
        settings.embed.origins = vec![EMBED.to_owned(), "http://localhost:3000".to_owned()];
        settings.redirects.allow = vec!["https://good.example".to_owned()];
    })
}

async fn preflight(client: &Client, origin: &str, method: &str, path: &str) -> Reply {
    let request = client
        .with("origin", origin)
        .request(Method::OPTIONS, path)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "authorization,content-type,x-requested-by",
        );
    client.send(request).await
}

fn is_open_to(reply: &Reply, origin: &str) {
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    assert_eq!(
        reply.header("access-control-allow-credentials"),
        Some("true")
    );
    varies(reply);
}

fn is_closed(reply: &Reply, origin: &str) {
    for (name, _) in &reply.headers {
        assert!(
            !name.as_str().starts_with("access-control-"),
            "{origin}: {name}"
        );
    }
    varies(reply);
}

fn varies(reply: &Reply) {
    let vary = reply.header_list("vary").to_ascii_lowercase();
    assert!(vary.split(", ").any(|name| name == "origin"), "{vary:?}");
}

#[tokio::test]
async fn case_48_every_route_answers_a_preflight_of_an_embedding_page_without_a_session() {
    let app = app();
    for (method, path) in ROUTES {
        for prefix in ["/callosum/v1/tspublic/v1", "/callosum/v1", "/tspublic/v1"] {
            let client = app.anon().under(prefix);
            let reply = preflight(&client, EMBED, method, path).await;
            assert_eq!((reply.status, reply.body.len()), (204, 0), "{path}");
            is_open_to(&reply, EMBED);
            let methods = reply.header("access-control-allow-methods").unwrap();
            assert!(methods.contains(method), "{methods}");
            let headers = reply.header("access-control-allow-headers").unwrap();
            for name in ["authorization", "content-type", "x-requested-by"] {
                assert!(headers.contains(name), "{headers}");
            }
        }
    }
}

#[tokio::test]
async fn case_48_a_stranger_gets_nothing_from_a_preflight() {
    let app = app();
    for origin in STRANGERS {
        let reply = preflight(&app.anon(), origin, "POST", "/session/login").await;
        is_closed(&reply, origin);
    }
}

/// A reply of each kind: 200, 204, 302, 400, 401, 403, 404, 405, 413, 415, 429.
async fn one_of_each(app: &TestApp, origin: &str) -> Vec<Reply> {
    let alice = app.alice().await.with("origin", origin);
    let anon = app.anon().with("origin", origin);
    let token = app.token("alice").await;
    let fields = [
        ("auth_token", token.as_str()),
        ("redirect_url", "https://good.example/"),
    ];
    let mut replies = vec![
        alice.info().await,
        alice.get("/session/isactive").await,
        anon.redeem(&fields).await,
        anon.redeem(&[]).await,
        anon.info().await,
        alice.with_bearer(&token).switch_org(99).await,
        alice.get("/nowhere").await,
        alice.get("!/nowhere").await,
        alice.get("/session/login").await,
        anon.post_raw("/session/login", "x".repeat(1024 * 1024 + 1))
            .await,
        anon.send(anon.request(Method::POST, "/session/login").json(&1))
            .await,
        anon.get("!/").await,
        anon.get("!/health/live").await,
    ];
    for _ in 0..6 {
        replies.push(anon.post_login("nobody", "wrong password").await);
    }
    replies
}

#[tokio::test]
async fn case_48_an_embedding_page_may_read_every_kind_of_answer() {
    let app = app();
    for origin in [EMBED, "http://localhost:3000"] {
        let replies = one_of_each(&app, origin).await;
        let mut kinds: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(
            kinds,
            [200, 204, 302, 400, 401, 403, 404, 405, 413, 415, 429]
        );
        for reply in &replies {
            is_open_to(reply, origin);
            let exposed = reply.header("access-control-expose-headers").unwrap();
            assert!(exposed.contains("x-callosum-incident-id"));
        }
        app.advance(std::time::Duration::from_hours(1));
    }
}

#[tokio::test]
async fn case_48_nobody_else_may_read_any_and_without_an_origin_it_still_varies() {
    let app = app();
    for reply in one_of_each(&app, "https://evil.example").await {
        is_closed(&reply, "https://evil.example");
    }
    let alice = app.alice().await;
    for origin in STRANGERS {
        is_closed(&alice.with("origin", origin).info().await, origin);
    }
    is_closed(&alice.info().await, "none");
}

#[tokio::test]
async fn decision_3_only_our_own_and_embedding_pages_write_by_cookie() {
    let app = app();
    let own = format!("http://{}", app.address);
    let localhost = own.replace("127.0.0.1", "localhost");
    let alice = app.alice().await;
    for origin in [
        EMBED,
        "http://localhost:3000",
        own.as_str(),
        localhost.as_str(),
    ] {
        let client = alice
            .with("origin", origin)
            .with("sec-fetch-site", "cross-site");
        assert_eq!(client.switch_org(0).await.status, 204, "{origin}");
    }
    for origin in STRANGERS {
        for site in ["cross-site", "same-site", "same-origin"] {
            // The origin decides where there is one.
            let client = alice.with("origin", origin).with("sec-fetch-site", site);
            client
                .switch_org(0)
                .await
                .expect_error(403, 10023, "embed.origins");
        }
    }
    let reply = alice
        .with("sec-fetch-site", "cross-site")
        .switch_org(0)
        .await;
    reply.expect_error(403, 10023, "another site");
    for site in ["same-origin", "same-site", "none"] {
        assert_eq!(
            alice
                .with("sec-fetch-site", site)
                .switch_org(0)
                .await
                .status,
            204
        );
    }
    assert_eq!(alice.switch_org(0).await.status, 204, "curl sends neither");
}

#[tokio::test]
async fn decision_3_reading_and_signing_in_need_no_particular_origin() {
    let app = app();
    let alice = app.alice().await.with("origin", "https://evil.example");
    assert_eq!(alice.info().await.status, 200, "though no page can read it");
    let client = app.anon().with("sec-fetch-site", "cross-site");
    let reply = client.post_login("bob", PASSWORD).await;
    assert_eq!(reply.status, 204);
    // An iframe's navigation says where it comes from, and must open its session all the same.
    let token = app.token("alice").await;
    assert_eq!(
        client.redeem_by_get(&[("auth_token", &token)]).await.status,
        204
    );
}

#[tokio::test]
async fn x_requested_by_is_never_required_and_never_enough() {
    let app = app();
    let alice = app.alice().await.with("x-requested-by", "ThoughtSpot");
    assert_eq!(alice.switch_org(0).await.status, 204);
    let forged = alice.with("origin", "https://evil.example");
    assert_eq!(forged.switch_org(0).await.status, 403);
}

#[tokio::test]
async fn the_page_may_be_framed_by_embedding_origins_alone() {
    let app = app();
    let reply = app.anon().get("!/").await;
    let policy = reply.header("content-security-policy").unwrap();
    let ancestors = policy
        .split("; ")
        .find(|part| part.starts_with("frame-ancestors"));
    assert_eq!(
        ancestors,
        Some("frame-ancestors 'self' https://embed.example http://localhost:3000")
    );
    for part in ["object-src 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
}

/// The same browser as a page has it ask; what is empty is not sent.
fn sent_from(client: &Client, origin: &str, site: &str, mode: &str) -> Client {
    [
        ("origin", origin),
        ("sec-fetch-site", site),
        ("sec-fetch-mode", mode),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .fold(client.with("accept", "*/*"), |client, (name, value)| {
        client.with(name, value)
    })
}

#[tokio::test]
async fn case_30_a_login_made_by_another_sites_page_does_not_end_the_visitors_session() {
    let app = app();
    let token = app.token("bob").await;
    let bob = json!({ "username": "bob", "password": PASSWORD });
    for (origin, site, mode, is_replaced) in [
        ("https://evil.example", "cross-site", "navigate", false),
        ("https://evil.example", "cross-site", "no-cors", false),
        ("null", "cross-site", "navigate", false),
        ("", "cross-site", "navigate", false),
        (EMBED, "cross-site", "cors", true),
        ("", "same-origin", "cors", true),
        ("", "", "", true),
    ] {
        let from = |client| sent_from(client, origin, site, mode);
        let mut live = Vec::new();
        let alice = app.alice().await;
        let signed_in = from(&alice).post_login("bob", PASSWORD).await;
        assert_eq!(signed_in.status, 204);
        live.push(alice.is_active().await);

        let alice = app.alice().await;
        let signed_in = from(&alice).redeem(&[("auth_token", &token)]).await;
        assert_eq!(signed_in.status, 204);
        live.push(alice.is_active().await);

        let alice = app.alice().await;
        let theirs = from(&alice);
        let request = theirs
            .request(Method::POST, "!/api/rest/2.0/auth/session/login")
            .json(&bob);
        assert_eq!(theirs.send(request).await.status, 204);
        live.push(alice.is_active().await);

        let expected = if is_replaced { 401 } else { 204 };
        assert_eq!(live, [expected; 3], "{origin} {site} {mode}");
    }
}

#[tokio::test]
async fn case_26_each_view_of_an_embedding_page_takes_the_place_of_the_one_before() {
    let app = TestApp::with(|settings| {
        settings.embed.origins = vec![EMBED.to_owned()];
        settings.redirects.allow = vec!["https://good.example".to_owned()];
        settings.sessions.max_per_user = 2;
        settings.sessions.at_limit = AtLimitSetting::Refuse;
    });
    let token = app.token("alice").await;
    let query = [
        ("auth_token", token.as_str()),
        ("redirect_url", "https://good.example/"),
    ];
    // Neither a frame nor a link says who embeds; a form or a script of somebody else's says so.
    for (origin, mode) in [
        ("", "navigate"),
        ("https://evil.example", "navigate"),
        ("https://evil.example", "cors"),
    ] {
        let mut browser = app.alice().await;
        for view in 0..5 {
            let before = browser.clone();
            let page = sent_from(&browser, origin, "cross-site", mode);
            let reply = match origin {
                "" => page.redeem_by_get(&query).await,
                _ => page.redeem(&query).await,
            };
            assert_eq!(reply.status, 302, "{origin} {mode}: view {view}");
            browser.keep(&reply);
            assert_ne!(browser.cookie(), before.cookie());
            assert_eq!(before.is_active().await, 401, "{origin} {mode}");
            assert_eq!(browser.is_active().await, 204);
        }
        assert_eq!(browser.log_out().await.status, 204);
    }
}

#[tokio::test]
async fn case_30_a_picture_on_another_sites_page_signs_nobody_in_or_out() {
    let app = app();
    let token = app.token("bob").await;
    let query = [("auth_token", token.as_str())];
    for (origin, site, mode, status) in [
        ("", "cross-site", "no-cors", 403),
        ("https://evil.example", "cross-site", "cors", 403),
        // Frames and links of any page, and what the pages of embedding origins fetch.
        ("", "cross-site", "navigate", 204),
        (EMBED, "cross-site", "cors", 204),
        ("", "same-origin", "no-cors", 204),
    ] {
        let alice = app.alice().await;
        let theirs = sent_from(&alice, origin, site, mode);
        let reply = theirs.redeem_by_get(&query).await;
        assert_eq!(reply.status, status, "{origin} {site} {mode}");
        assert_eq!(reply.cookies().is_empty(), status == 403, "{mode}");
        let is_theirs = site == "same-origin" || origin == EMBED;
        let left = if is_theirs { 401 } else { 204 };
        assert_eq!(alice.is_active().await, left, "{origin} {site} {mode}");
    }
}
