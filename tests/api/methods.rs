//! A 405 names the methods there are, of the console, the pages and single sign-on too, and names them truly.

use crate::support::TestApp;
use reqwest::Method;
use std::collections::BTreeSet;

const CONSOLE: &str = include_str!("../../docs/console.md");
const SSO: &str = include_str!("../../docs/dialects/sso.md");
/// The pages and their files, which no table lists with methods.
const PAGES: [&str; 11] = [
    "/",
    "/v2/",
    "/sign-in",
    "/sign-in/org",
    "/sign-out",
    "/sessions",
    "/sessions/end",
    "/static/app.css",
    "/robots.txt",
    "/console",
    "/console/main.js",
];
const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// The paths of a table of routes, of every row that begins with a method.
fn paths(page: &str, prefix: &str) -> Vec<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let routes = rows.filter_map(|row| row.split('`').next()?.split_once(' '));
    routes
        .filter(|(method, path)| method.parse::<Method>().is_ok() && path.starts_with('/'))
        .filter(|(method, _)| METHODS.iter().any(|known| known.as_str() == *method))
        .map(|(_, path)| {
            format!(
                "{prefix}{}",
                path.replace("{id}", "0").replace("{name}", "x")
            )
        })
        .collect()
}

#[tokio::test]
async fn allow_names_exactly_the_methods_that_are_taken() {
    let app = TestApp::shared();
    let client = app.anon();
    let mut all: BTreeSet<String> = PAGES.map(str::to_owned).into();
    all.extend(paths(CONSOLE, "/callosum/v1/vestibule/admin"));
    all.extend(paths(SSO, ""));
    assert!(all.len() > 45, "{all:?}");
    for path in all {
        let mut taken = Vec::new();
        let mut told = BTreeSet::new();
        for method in METHODS {
            let request = client.request(method.clone(), &format!("!{path}"));
            let reply = client.send(request).await;
            if reply.status == 405 {
                told.insert(reply.header("allow").unwrap_or_default().to_owned());
            } else {
                // Without a provider there is no metadata; any other path is really one.
                let is_there = reply.status != 404 || path.ends_with("/saml/metadata");
                assert!(is_there, "{method} {path}");
                taken.push(method.to_string());
            }
        }
        let order =
            |list: &str| -> BTreeSet<String> { list.split(", ").map(str::to_owned).collect() };
        assert_eq!(told.len(), 1, "{path}: {told:?}");
        let told = told.first().unwrap();
        assert_eq!(order(told), taken.into_iter().collect(), "{path}");
    }
}

#[test]
fn no_route_is_added_past_those_that_know_their_methods() {
    for source in [
        include_str!("../../src/api/pages.rs"),
        include_str!("../../src/api/sso/mod.rs"),
        include_str!("../../src/api/admin/mod.rs"),
        include_str!("../../src/api/admin/page.rs"),
        include_str!("../../src/api/microstrategy/mod.rs"),
        include_str!("../../src/api/openapi/mod.rs"),
        include_str!("../../src/api/openapi/page.rs"),
    ] {
        let added = source.lines().find(|line| line.contains(".route("));
        assert_eq!(added, None, "its 405 would name no method");
    }
}

#[tokio::test]
async fn options_without_a_preflight_tells_the_methods_and_needs_nobody() {
    let app = TestApp::shared();
    for (path, methods) in [
        ("/callosum/v1/session/login", "POST, OPTIONS"),
        ("/callosum/v1/session/orgs", "GET, PUT, HEAD, OPTIONS"),
        ("/tspublic/v1/session/isactive", "GET, HEAD, OPTIONS"),
        (
            "/api/rest/2.0/auth/session/user",
            "GET, POST, HEAD, OPTIONS",
        ),
        ("/prism/preauth/info", "GET, HEAD, OPTIONS"),
        ("/MicroStrategyLibrary/api/auth/login", "POST, OPTIONS"),
        (
            "/MicroStrategyLibrary/api/sessions",
            "GET, PUT, HEAD, OPTIONS",
        ),
        ("/sign-in", "GET, POST, HEAD, OPTIONS"),
        ("/health/live", "GET, HEAD, OPTIONS"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
    ] {
        // One with an origin and no method asked for is no preflight either.
        for client in [app.anon(), app.anon().with("origin", "https://a.example")] {
            let request = client.request(Method::OPTIONS, &format!("!{path}"));
            let reply = client.send(request).await;
            assert_eq!((reply.status, reply.body.len()), (204, 0), "{path}");
            assert_eq!(reply.header("allow"), Some(methods), "{path}");
            assert_eq!(reply.header("access-control-allow-methods"), None);
        }
    }
    for path in ["!/nowhere", "!/MicroStrategyLibrary/api/nonsense"] {
        let request = app.anon().request(Method::OPTIONS, path);
        assert_eq!(app.anon().send(request).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn head_is_answered_wherever_a_page_or_the_description_is_read() {
    let app = TestApp::shared();
    for path in [
        "/api/openapi.json",
        "/api/docs/",
        "/api/docs/swagger-ui.css",
        "/MicroStrategyLibrary/auth/login-dialog.jsp?callback-origin=http://localhost:3000",
    ] {
        let read = app.anon().get(&format!("!{path}")).await;
        let request = app.anon().request(Method::HEAD, &format!("!{path}"));
        let asked = app.anon().send(request).await;
        assert_eq!(asked.status, read.status, "{path}");
        assert_eq!(asked.header("content-type"), read.header("content-type"));
        assert!(asked.body.is_empty());
    }
    let request = app.anon().request(Method::HEAD, "!/api/docs");
    assert_eq!(app.anon().send(request).await.status, 308);
}
