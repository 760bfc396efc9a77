//! `/api/openapi.json` against what is mounted, and the page at `/api/docs/`.

use crate::support::{Client, TestApp};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("patch", Method::PATCH),
    ("delete", Method::DELETE),
];
/// What REST API v1 answers under besides its documented prefix.
const DOCUMENTED: &str = "/callosum/v1/tspublic/v1/";
/// What is under one of these prefixes only, being nothing of the vendor's.
const OWN: &str = "/callosum/v1/vestibule/";
const OTHERS: [&str; 2] = ["/callosum/v1/", "/tspublic/v1/"];
/// Pages for people, and what only one of them calls: no endpoints to describe.
const PAGES: [&str; 5] = ["pages.rs", "pages", "openapi", "admin", "sso"];

async fn description(client: &Client) -> Value {
    client.get("!/api/openapi.json").await.json()
}

/// Method and path of every operation, without a slash at the end.
fn described(description: &Value) -> BTreeSet<String> {
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(|method| route(method, path))
    });
    operations.collect()
}

fn route(method: &str, path: &str) -> String {
    format!("{method} {}", path.trim_end_matches('/'))
}

/// Every path that a file which mounts routes may mean: each of its texts, alone and after what may be a prefix.
fn candidates() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
    let mut folders = vec![api];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if PAGES.contains(&name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            // The description's own attributes name paths too, which would prove nothing.
            let code = source.split("#[utoipa::path(").enumerate();
            let code = code.map(|(index, part)| match index {
                0 => part,
                _ => part.split_once("\n)]").map_or("", |(_, rest)| rest),
            });
            if source.contains("&mut web::ServiceConfig") {
                found.extend(candidates_of(&code.collect::<String>()));
            }
        }
    }
    found
}

fn candidates_of(code: &str) -> Vec<String> {
    let mut prefixes = vec![String::new()];
    let mut paths = Vec::new();
    for line in code.lines() {
        let texts = line.split('"').skip(1).step_by(2);
        for text in texts.filter(|text| text.is_empty() || text.starts_with('/')) {
            let text = text.replace("{probe:(?i)isactive}", "isactive");
            // A constant may be either.
            if line.contains("const ") || line.contains("scope(") {
                prefixes.push(text.clone());
            }
            paths.push(text.replace("{id}", "0"));
        }
    }
    let all = prefixes.iter();
    all.flat_map(|prefix| paths.iter().map(move |path| format!("{prefix}{path}")))
        .collect()
}

/// Whether the path takes the method: a stranger gets anything but "no such path" and "no such method".
async fn is_mounted(client: &Client, method: &Method, path: &str) -> bool {
    let request = client.request(method.clone(), &format!("!{path}"));
    !matches!(client.send(request).await.status, 404 | 405)
}

#[tokio::test]
async fn every_route_that_is_mounted_is_described_and_every_described_one_is_mounted() {
    let app = TestApp::shared();
    let client = app.anon();
    let described: BTreeSet<String> = described(&description(&client).await)
        .into_iter()
        .map(|route| route.replace("{id}", "0"))
        .collect();
    assert!(described.len() > 50, "{described:?}");

    let mut mounted = BTreeSet::new();
    let mut paths = candidates();
    paths.extend(described.iter().map(|route| {
        let (_, path) = route.split_once(' ').unwrap();
        path.to_owned()
    }));
    // The page of the root is for people.
    for path in paths.iter().filter(|path| !path.is_empty() && *path != "/") {
        for (name, method) in &METHODS {
            if is_mounted(&client, method, path).await {
                mounted.insert(route(name, path));
            }
        }
    }
    let documented = |route: &String| {
        let (method, path) = route.split_once(' ').unwrap();
        let is_other = !path.starts_with(DOCUMENTED) && !path.starts_with(OWN);
        let rest = OTHERS.iter().find_map(|other| path.strip_prefix(other));
        match rest.filter(|_| is_other) {
            Some(rest) => format!("{method} {DOCUMENTED}{rest}"),
            None => route.clone(),
        }
    };
    for other in OTHERS {
        let under = |prefix: &str| -> BTreeSet<String> {
            let routes = mounted.iter().filter(|route| {
                let (_, path) = route.split_once(' ').unwrap();
                !path.starts_with(OWN)
                    && path.starts_with(prefix)
                    && (prefix == DOCUMENTED || !path.starts_with(DOCUMENTED))
            });
            routes.map(documented).collect()
        };
        assert_eq!(under(other), under(DOCUMENTED), "{other}");
    }
    let mounted: BTreeSet<String> = mounted.iter().map(documented).collect();
    let only = |these: &BTreeSet<String>, those| -> Vec<String> {
        these.difference(those).cloned().collect()
    };
    let differences = (only(&mounted, &described), only(&described, &mounted));
    assert_eq!(
        differences,
        (vec![], vec![]),
        "mounted only, described only"
    );
}

#[tokio::test]
async fn the_description_is_complete_in_itself() {
    let app = TestApp::shared();
    let text = app.anon().get("!/api/openapi.json").await.text();
    let description: Value = serde_json::from_str(&text).unwrap();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(description.pointer(pointer).is_some(), "{pointer}");
    }
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let responses = operation["responses"].as_object().unwrap();
            let is_open = operation["security"][0]
                .as_object()
                .is_some_and(serde_json::Map::is_empty);
            // A stranger is refused everywhere else.
            assert!(is_open || responses.contains_key("401"), "{id}");
            let reads_body = operation.get("requestBody").is_some();
            for status in ["400", "413", "415"] {
                assert!(
                    !reads_body || responses.contains_key(status),
                    "{id} {status}"
                );
            }
            let names_something = path.contains('{');
            assert!(!names_something || responses.contains_key("404"), "{id}");
        }
    }
}

/// Case 56 for the description: what holds a secret is marked, so that no tool shows or keeps it.
#[tokio::test]
async fn every_secret_of_a_request_is_described_as_a_password() {
    const SECRETS: [&str; 7] = [
        "password",
        "secret_key",
        "auth_token",
        "currentpassword",
        "current_password",
        "new_password",
        "token",
    ];
    let app = TestApp::shared();
    let description = description(&app.anon()).await;
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let is_request = |name: &str| {
        let marks = ["Form", "Request", "GivenToken"];
        marks.iter().any(|mark| name.ends_with(mark))
    };
    let mut count = 0;
    for (name, schema) in schemas.iter().filter(|(name, _)| is_request(name)) {
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (field, property) in properties.filter(|(field, _)| SECRETS.contains(&field.as_str())) {
            assert_eq!(property["format"], "password", "{name}.{field}");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

#[tokio::test]
async fn the_page_asks_nobody_else_and_runs_no_inline_script() {
    let app = TestApp::shared();
    let client = app.anon();
    let page = client.get("!/api/docs/").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!policy.contains("http"), "{policy}");
    let html = page.text();
    assert!(!html.contains("://"), "{html}");
    for link in html.split("src=\"").chain(html.split("href=\"")).skip(1) {
        let Some((file, _)) = link.split_once('"').filter(|_| !link.starts_with('<')) else {
            continue;
        };
        let file = file.trim_start_matches("./");
        let reply = client.get(&format!("!/api/docs/{file}")).await;
        assert_eq!(reply.status, 200, "{file}");
        assert_eq!(reply.header("content-security-policy"), Some(policy));
    }
    let start = client.get("!/api/docs/swagger-initializer.js").await.text();
    assert!(start.contains("\"/api/openapi.json\""), "{start}");
    assert!(start.contains("\"validatorUrl\": \"none\""), "{start}");
}

#[tokio::test]
async fn the_page_is_found_without_its_slash_and_holds_no_other_files() {
    let app = TestApp::shared();
    let client = app.anon();
    let reply = client.get("!/api/docs").await;
    assert_eq!(reply.status, 308);
    assert_eq!(reply.header("location"), Some("/api/docs/"));
    for missing in ["no-such.js", "a/b", "%5c..%5cindex.html"] {
        let reply = client.get(&format!("!/api/docs/{missing}")).await;
        reply.expect_error(404, 10002, "");
    }
}

#[tokio::test]
async fn a_405_names_the_methods_there_are() {
    let app = TestApp::shared();
    let client = app.anon();
    for (path, allowed) in [
        ("!/callosum/v1/session/orgs", "GET, PUT"),
        ("!/tspublic/v1/session/isActive", "GET"),
        ("!/prism", "POST"),
        ("!/api/rest/2.0/users/x/update", "POST"),
    ] {
        let reply = client.send(client.request(Method::DELETE, path)).await;
        assert_eq!(reply.status, 405, "{path}");
        assert_eq!(reply.header("allow"), Some(allowed), "{path}");
    }
}
