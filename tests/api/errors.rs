//! Refusals, whole: status, headers and body of each kind, and the incident that ties them to the log.

use crate::support::{Reply, TestApp};
use insta::assert_snapshot;
use reqwest::Method;
use std::collections::BTreeSet;
use std::path::Path;
use vestibule::settings::{Loaded, Sources};

#[tokio::test]
async fn every_kind_of_refusal_reads_as_written_down() {
    let app = TestApp::with(|settings| settings.server.max_body_bytes = 2_000);
    let (anon, alice) = (app.anon(), app.alice().await);
    let token = app.token("alice").await;
    let shown = |reply: Reply| reply.transcript();

    assert_snapshot!("400", shown(anon.post("/session/login", &[]).await));
    assert_snapshot!("401_nothing", shown(anon.info().await));
    assert_snapshot!(
        "401_password",
        shown(anon.post_login("alice", "wrong").await)
    );
    assert_snapshot!(
        "401_token",
        shown(anon.redeem(&[("auth_token", "dead")]).await)
    );
    let key = [("secret_key", "wrong wrong wrong"), ("username", "alice")];
    assert_snapshot!(
        "401_key",
        shown(anon.post("/session/auth/token", &key).await)
    );
    let dead = anon.with_cookie("JSESSIONID=dead");
    assert_snapshot!("401_session", shown(dead.info().await));
    assert_snapshot!("403", shown(alice.switch_org(99).await));
    assert_snapshot!("404", shown(alice.get("/nowhere").await));
    assert_snapshot!("404_outside", shown(anon.get("!/no<where>").await));
    assert_snapshot!("405", shown(alice.get("/session/login").await));
    let large = "x".repeat(2_001);
    assert_snapshot!("413", shown(anon.post_raw("/session/login", large).await));
    let json = anon.request(Method::POST, "/session/login").json(&1);
    assert_snapshot!("415", shown(anon.send(json).await));
    for _ in 0..5 {
        anon.post_login("bob", "wrong").await;
    }
    assert_snapshot!("429", shown(anon.post_login("bob", "wrong").await));
    app.services.trusted.switch(false, BTreeSet::new());
    assert_snapshot!("500", shown(anon.mint(&[("username", "alice")]).await));
    assert_snapshot!("302_to_compare", {
        let fields = [
            ("auth_token", token.as_str()),
            ("redirect_url", "http://localhost:9/"),
        ];
        let reply = anon.redeem_by_get(&fields).await;
        let mut text = reply.transcript();
        for cookie in reply.cookies() {
            text = text.replace(&cookie.value, "[value]");
        }
        text
    });
}

#[tokio::test]
async fn the_incident_is_the_same_in_header_body_log_and_trail() {
    let app = TestApp::spawn();
    let reply = app.anon().post_login("alice", "wrong password").await;
    let incident = reply.incident();
    for name in ["x-callosum-incident-id", "x-callosum-trace-id"] {
        assert_eq!(reply.header(name), Some(incident.as_str()));
    }
    assert_eq!(reply.json()["trace_id_guid"], incident.as_str());
    assert!(reply.json()["debug"].as_str().unwrap().contains(&incident));
    assert_eq!(app.trail.last().client.incident, incident);
    let log = app.log();
    let line = log
        .lines()
        .find(|line| line.contains(&incident) && line.contains("status=401"));
    assert!(
        line.is_some_and(|line| line.contains("path=\"/callosum/v1/tspublic/v1/session/login\""))
    );
    // Each refusal is an incident of its own.
    assert_ne!(app.anon().info().await.incident(), incident);
}

#[tokio::test]
async fn no_body_holds_the_words_that_clients_take_for_maintenance() {
    let app = TestApp::shared();
    let pages = [
        app.anon().get("!/").await,
        app.anon().info().await,
        app.anon().get("!/nowhere").await,
        app.anon().post_login("alice", "wrong").await,
        app.alice().await.info().await,
    ];
    for page in pages {
        assert!(!page.text().to_ascii_lowercase().contains("maintenance"));
    }
}

#[tokio::test]
async fn a_name_in_an_error_is_escaped_at_both_levels() {
    let app = TestApp::shared();
    let field = "\"],\"x\":[\"</script>\u{7}";
    let form = [(field, "1"), (field, "2"), ("autocreate", field)];
    let reply = app.anon().mint(&form).await;
    assert_eq!(reply.status, 400);
    assert!(reply.message().contains("expected"));
    let reply = app.alice().await.get("/%22%5D%0A%3Cscript%3E").await;
    assert_eq!(reply.status, 404);
    assert!(!reply.message().contains('\n'));
}

#[tokio::test]
async fn who_mistypes_an_address_gets_a_page_and_a_program_gets_json() {
    let app = TestApp::shared();
    let chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let browser = app.anon().with("accept", chromium);
    for path in ["/login", "/admin", "/sign-in/", "/nope", "/v1/nope"] {
        let page = browser.get(&format!("!{path}")).await;
        assert_eq!(page.status, 404, "{path}");
        let kind = page.header("content-type").unwrap();
        assert_eq!(kind, "text/html; charset=utf-8", "{path}");
        assert!(page.text().contains("href=\"/\""), "{path}");
        assert!(page.header("content-security-policy").is_some());
        // What was asked for is not said again.
        assert!(!page.text().contains(path.trim_matches('/')), "{path}");
        let request = browser.request(Method::HEAD, &format!("!{path}"));
        let asked = browser.send(request).await;
        assert_eq!((asked.status, asked.body.len()), (404, 0));

        for program in [app.anon(), app.anon().with("accept", "application/json")] {
            let reply = program.get(&format!("!{path}")).await;
            reply.expect_error(404, 10002, "Not found");
        }
        let request = browser.request(Method::POST, &format!("!{path}"));
        let posted = browser.send(request).await;
        posted.expect_error(404, 10002, "Not found");
    }
    // Among files too, where a program gets JSON just the same.
    for path in ["/static/nope.js", "/console/nope.js"] {
        let page = browser.get(&format!("!{path}")).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(
            page.text().contains("There is no such page here."),
            "{path}"
        );
        let reply = app.anon().get(&format!("!{path}")).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.json().is_object(), "{path}");
    }
    for path in [
        "/callosum/v1/nope",
        "/callosum/v2/nope",
        "/api/nope",
        "/api/rest/2.0/nope",
        "/tspublic/nope",
        "/prism/nope",
        "/MicroStrategyLibrary/nope",
    ] {
        let reply = browser.get(&format!("!{path}")).await;
        assert_eq!(reply.status, 404, "{path}");
        let kind = reply.header("content-type").unwrap();
        assert!(kind.starts_with("application/json"), "{path}: {kind}");
    }
}

/// The paths that stand in the sources of the API, with something in place of what is in braces.
fn paths_in_sources() -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let literals = text.split('"').filter(|part| part.starts_with('/'));
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.{}".contains(c);
            let literals = literals.filter(|part| part.chars().all(is_plain));
            paths.extend(literals.map(|part| part.replace(['{', '}'], "")));
        }
    }
    paths
}

#[tokio::test]
async fn microstrategys_base_path_is_refused_wherever_something_else_is() {
    let app = TestApp::with(|settings| settings.microstrategy.enabled = false);
    let browser = app.anon().with("accept", "text/html");
    let mut taken = BTreeSet::new();
    for path in paths_in_sources() {
        let reply = browser.get(&format!("!{path}")).await;
        // A page that takes POST only is there as well.
        if reply.status != 404 || !reply.text().contains("There is no such page here.") {
            taken.extend(path.split('/').nth(1).map(str::to_owned));
        }
    }
    taken.remove("");
    for known in ["console", "robots.txt", "health", "sign-out", "callosum"] {
        assert!(taken.contains(known), "{known}: {taken:?}");
    }
    for first in taken {
        for base in [format!("/{first}"), format!("/{first}/below")] {
            let flags = vec![("microstrategy.base_path".to_owned(), base)];
            let sources = Sources {
                flags,
                ..Sources::default()
            };
            assert!(Loaded::load(&sources).is_err(), "{first} is taken");
        }
    }
}
