//! Copying the directory to PostgreSQL at the console: what arrives, who may write meanwhile, and what failures leave.

use crate::admin::{Page, console, expect, org_console};
use crate::microstrategy;
use crate::postgres::Postgres;
use crate::support::{ADMIN_PASSWORD, ALICE_PASSWORD, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use vestibule::domain::audit::Act;
use vestibule::settings::DirectoryStoreSetting;

const COPY: &str = "/directory/copy";
const REOPEN: &str = "/directory/reopen";

/// A server whose directory may be copied there, its sessions in its own folder whatever other tests run on.
fn copies_to(url: &str) -> TestApp {
    TestApp::alone(|settings| settings.directory.copy_to = Some(url.into()))
}

/// A server that is started with the copy.
fn started_on(url: &str) -> TestApp {
    TestApp::alone(|settings| {
        settings.directory.store = DirectoryStoreSetting::Postgres(url.into());
    })
}

async fn begin(page: &Page) -> Value {
    let begun = page.send(Method::POST, COPY, &json!({})).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    begun.json()
}

/// What came of the copy under way.
async fn outcome(page: &Page) -> Value {
    loop {
        let state = page.read(COPY).await;
        if state["run"]["is_running"] == false {
            return state;
        }
    }
}

async fn rename_org(page: &Page, app: &TestApp, name: &str) -> u16 {
    let path = format!("/orgs/{}", app.sales);
    let body = json!({ "description": name });
    page.send(Method::PATCH, &path, &body).await.status
}

/// What was audited of copies, in order, with its target.
fn audited(app: &TestApp) -> Vec<(&'static str, String)> {
    let events = app.trail.events().into_iter();
    let of_copies = events.filter_map(|event| match event.act {
        Act::DirectoryChanged { what, target } if what.starts_with("directory_") => {
            assert_eq!(event.user_name.as_deref(), Some("tsadmin"), "{what}");
            assert_eq!(event.client.dialect, "admin", "{what}");
            Some((what, target))
        }
        _ => None,
    });
    of_copies.collect()
}

fn words(app: &TestApp) -> Vec<&'static str> {
    audited(app).into_iter().map(|(what, _)| what).collect()
}

/// Reading goes on, and whatever would write is refused in every dialect's own words; nobody is signed out.
async fn is_read_only(app: &TestApp, page: &Page, why: &str) {
    let bob = app.bob().await;
    app.token("alice").await;
    let form = [
        ("name", "bob"),
        ("currentpassword", PASSWORD),
        ("password", "another word"),
    ];
    let v1 = bob.post("/user/updatepassword", &form).await;
    v1.expect_error(503, 10000, why);
    assert_eq!(v1.header("retry-after"), Some("10"));
    let mint = [("username", "fresh"), ("autocreate", "true")];
    app.anon().mint(&mint).await.expect_error(503, 10000, why);
    assert_eq!(bob.is_active().await, 204);

    let body = json!({ "name": "fresh", "display_name": "Fresh", "email": "f@example.com" });
    let admin = app.admin().await;
    let request = admin.request(Method::POST, "!/api/rest/2.0/users/create");
    let v2 = admin.send(request.json(&body)).await;
    assert_eq!((v2.status, v2.header("retry-after")), (503, Some("10")));
    assert!(v2.text().contains(why), "{}", v2.text());

    let held = microstrategy::log_in(app, "alice", ALICE_PASSWORD).await;
    let client = held.client(app);
    let request = microstrategy::ask(&client, Method::POST, "auth/apiTokens");
    let refused = client.send(request.json(&json!({}))).await;
    microstrategy::expect_error(&refused, 503, "ERR0016");
    assert_eq!(refused.header("retry-after"), Some("10"));
    assert!(refused.text().contains(why), "{}", refused.text());
    assert_eq!(microstrategy::status(app, &held).await, 200);

    let body = json!({ "name": "fresh" });
    let reply = page.send(Method::POST, "/orgs", &body).await;
    expect(&reply, 503, "read_only", "/orgs");
    assert!(reply.text().contains(why), "{}", reply.text());
    // Ending sessions takes no write of the directory.
    page.post("/sessions/revoke", json!({ "user": "carol" }))
        .await;

    // What `vestibule org create` runs while the server does.
    let (administration, by) = app.administration();
    let refused = administration.create_org("fresh", "", &by).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains(why), "{refused}");
    assert!(app.find_user("fresh").await.is_none());
}

#[tokio::test]
async fn everything_is_copied_while_people_sign_in_and_the_server_starts_anew_on_the_copy() {
    let postgres = Arc::new(Postgres::start());
    let url = postgres.database("moved");
    let app = copies_to(&url);
    let page = console(&app).await;
    let before = page.read("/directory").await;
    assert_eq!(
        before["census"],
        json!({ "users": 5, "orgs": 2, "keys": 1 }),
        "{before}"
    );
    assert_eq!(before["copy"]["destination"]["database"], "moved");
    assert_eq!(before["copy"]["destination"]["host"], "127.0.0.1");
    assert!(!before.to_string().contains("postgres:p1anted"), "{before}");
    assert_eq!(before["copy"]["run"], Value::Null);
    page.refused(Method::POST, REOPEN, json!({}), 409, "conflict")
        .await;

    let held = postgres.hold("moved");
    let begun = begin(&page).await;
    assert_eq!(begun["run"]["is_running"], true);
    page.refused(Method::POST, COPY, json!({}), 409, "conflict")
        .await;
    page.refused(Method::POST, REOPEN, json!({}), 409, "conflict")
        .await;
    is_read_only(&app, &page, "is being copied").await;
    // Another administrator's page sees it too.
    let other = console(&app).await;
    let seen = other.read(COPY).await;
    assert_eq!(seen["run"]["by"], "tsadmin");
    assert_eq!(seen["read_only"], "being_copied");
    drop(held);

    let state = outcome(&page).await;
    assert_eq!(state["run"]["failure"], Value::Null, "{state}");
    assert_eq!(state["read_only"], "copied");
    let tables = state["run"]["tables"].as_array().unwrap();
    for table in tables {
        let name = table["table"].as_str().unwrap();
        let there = postgres.sql("moved", &format!("SELECT count(*) FROM {name}"));
        assert_eq!(there, table["rows"].to_string(), "{name}");
        assert_eq!(table["checksum"].as_str().unwrap().len(), 64, "{name}");
    }
    let sum: u64 = tables.iter().map(|one| one["rows"].as_u64().unwrap()).sum();
    assert_eq!(state["run"]["done"], sum);
    assert_eq!(state["run"]["total"], sum);
    is_read_only(&app, &page, "has been copied").await;
    page.refused(Method::POST, COPY, json!({}), 409, "conflict")
        .await;
    let expected = [
        "directory_copy_begun",
        "directory_copy_refused",
        "directory_copied",
        "directory_copy_refused",
    ];
    assert_eq!(words(&app), expected);
    let (_, target) = audited(&app).remove(0);
    assert!(target.starts_with("127.0.0.1:") && target.ends_with("/moved"));

    let new = started_on(&url);
    new.alice().await;
    new.token("bob").await;
    let page = console(&new).await;
    let shown = page.read("/directory").await;
    assert_eq!(shown["copy"]["destination"], Value::Null);
    assert_eq!(rename_org(&page, &new, "written").await, 204);
    assert_eq!(
        new.user("alice").await.id,
        app.user("alice").await.id,
        "the same person"
    );
}

#[tokio::test]
async fn an_administrator_may_go_on_with_the_old_directory_and_the_copy_is_out_of_date() {
    let postgres = Postgres::start();
    let app = copies_to(&postgres.database("stale"));
    let page = console(&app).await;
    begin(&page).await;
    assert_eq!(outcome(&page).await["read_only"], "copied");
    assert_eq!(rename_org(&page, &app, "refused").await, 503);
    let state = page.post(REOPEN, json!({})).await;
    assert_eq!(state["read_only"], Value::Null);
    assert_eq!(rename_org(&page, &app, "written").await, 204);
    page.refused(Method::POST, REOPEN, json!({}), 409, "conflict")
        .await;
    // The old copy stands in the way of a new one, and nothing is read-only for longer than it takes to find out.
    begin(&page).await;
    let state = outcome(&page).await;
    let why = state["run"]["failure"].as_str().unwrap();
    assert!(why.contains("the target is not empty"), "{why}");
    assert_eq!(rename_org(&page, &app, "again").await, 204);
    let expected = [
        "directory_copy_begun",
        "directory_copied",
        "directory_reopened",
        "directory_copy_begun",
        "directory_copy_failed",
    ];
    assert_eq!(words(&app), expected);
}

#[tokio::test]
async fn a_failure_leaves_the_directory_writable_and_says_why_without_the_password() {
    let postgres = Postgres::start();
    let good = postgres.database("good");
    let wrong = good.replace("p1anted-pg-word", "p1anted-other-word");
    let missing = postgres.url("nowhere");
    let away = "postgres://vestibule:p1anted-away-word@127.0.0.1:1/directory".to_owned();
    for (url, words) in [
        (wrong, "password authentication failed"),
        (missing, "\"nowhere\" does not exist"),
        (away, "Connection refused"),
    ] {
        let app = copies_to(&url);
        for secret in ["p1anted-other-word", "p1anted-away-word"] {
            app.plant(secret);
        }
        let page = console(&app).await;
        begin(&page).await;
        let state = outcome(&page).await;
        let why = state["run"]["failure"].as_str().unwrap();
        assert!(why.contains(words), "{why}");
        assert_eq!(why.matches(words).count(), 1, "{why}");
        assert!(!state.to_string().contains("p1anted"), "{state}");
        assert_eq!(state["read_only"], Value::Null);
        assert_eq!(state["run"]["tables"], Value::Null);
        assert_eq!(rename_org(&page, &app, "written").await, 204);
        assert_eq!(
            self::words(&app),
            ["directory_copy_begun", "directory_copy_failed"]
        );
    }
    assert_eq!(
        postgres.sql(
            "good",
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ),
        "0"
    );
}

#[tokio::test]
async fn without_a_place_to_copy_to_there_is_nothing_to_press() {
    let app = TestApp::shared();
    let page = console(&app).await;
    let shown = page.read("/directory").await;
    assert_eq!(
        (&shown["copy"]["destination"], &shown["census"]),
        (&Value::Null, &Value::Null)
    );
    for path in [COPY, REOPEN] {
        let reply = page.send(Method::POST, path, &json!({})).await;
        expect(&reply, 409, "conflict", path);
        assert!(reply.text().contains("directory.copy_to"));
    }
}

#[tokio::test]
async fn only_administrators_of_the_server_copy_and_only_with_recent_proof() {
    let app = TestApp::alone(|settings| {
        // Nobody gets as far as to knock there.
        settings.directory.copy_to = Some("postgres://h.invalid/d".into());
    });
    let olga = org_console(&app).await;
    let reply = olga.get(COPY).await;
    expect(&reply, 403, "forbidden", COPY);
    let page = console(&app).await;
    let forged = Page {
        client: page.client.clone(),
        csrf: "x".to_owned(),
        me: page.me.clone(),
    };
    for path in [COPY, REOPEN] {
        olga.refused(Method::POST, path, json!({}), 403, "forbidden")
            .await;
        forged
            .refused(Method::POST, path, json!({}), 403, "csrf")
            .await;
    }
    app.advance(std::time::Duration::from_mins(11));
    for path in [COPY, REOPEN] {
        page.refused(Method::POST, path, json!({}), 403, "stale_authentication")
            .await;
    }
    assert_eq!(page.read(COPY).await["run"], Value::Null);
    assert_eq!(words(&app), [""; 0]);
    // With the password once more it begins.
    let body = json!({ "password": ADMIN_PASSWORD });
    let proof = page.post("/confirm", body).await;
    let proven = Page {
        client: page.client.with(
            "x-vestibule-confirmed",
            proof["confirmed"].as_str().unwrap(),
        ),
        ..page
    };
    begin(&proven).await;
    assert_eq!(outcome(&proven).await["read_only"], Value::Null);
}
