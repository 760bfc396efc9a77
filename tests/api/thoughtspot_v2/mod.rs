//! REST API v2.0: sessions, tokens and settings, the directory, and what an administrator of one Org cannot do.

mod auth_configure;
mod auth_session;
mod auth_token;
mod auth_token_custom;
mod derived;
mod families;
mod groups;
mod org_administrator;
mod org_administrator_groups;
mod org_key;
mod orgs;
mod passwords;
mod system;
mod users;
mod users_search;

use crate::support::{Client, PASSWORD, Reply, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

/// POST of JSON below `/api/rest/2.0/`.
pub async fn post(client: &Client, path: &str, body: Value) -> Reply {
    let url = format!("!/api/rest/2.0/{path}");
    client
        .send(client.request(Method::POST, &url).json(&body))
        .await
}

/// The same, which must be done; gives back the body.
pub async fn done(client: &Client, path: &str, body: Value) -> Value {
    let reply = post(client, path, body).await;
    match reply.status {
        204 => {
            assert!(reply.body.is_empty(), "{path}");
            Value::Null
        }
        status => {
            assert_eq!(status, 200, "{path}: {}", reply.text());
            reply.json()
        }
    }
}

/// The same, which must be refused with that status; a word of the message must be told too.
pub async fn refused(client: &Client, path: &str, body: Value, status: u16, word: &str) {
    let what = format!("{path} {body}");
    let reply = post(client, path, body).await;
    assert_eq!(reply.status, status, "{what}: {}", reply.text());
    let error = &reply.json()["error"]["message"]["debug"];
    let text = error["debug"].as_str().unwrap();
    let lines: Vec<String> = serde_json::from_str(text).unwrap();
    assert!(lines[0].contains(word), "{what}: {lines:?} lacks {word:?}");
}

/// The names in a list.
fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

/// Olga, who administers the Org "Sales", at work there.
async fn org_administrator(app: &TestApp) -> Client {
    let admin = app
        .admin()
        .await
        .with("x-thoughtspot-orgs", &app.sales.to_string());
    let group = json!({
        "name": "Sales admins", "display_name": "Sales admins", "privileges": ["ADMINISTRATION"],
    });
    done(&admin, "groups/create", group).await;
    let olga = json!({
        "name": "olga", "display_name": "Olga", "email": "olga@example.com", "password": PASSWORD,
        "org_identifiers": ["Sales"], "group_identifiers": ["Sales admins"],
    });
    done(&admin, "users/create", olga).await;
    app.signed_in("olga", PASSWORD).await
}

#[tokio::test]
async fn every_call_of_the_directory_needs_somebody_signed_in_and_most_an_administrator() {
    let app = TestApp::shared();
    let bob = app.bob().await;
    for path in [
        "orgs/create",
        "orgs/0/update",
        "orgs/0/delete",
        "users/create",
        "users/bob/update",
        "users/bob/delete",
        "users/reset-password",
        "users/force-logout",
        "groups/create",
        "groups/Analysts/update",
        "groups/Analysts/delete",
    ] {
        refused(&app.anon(), path, json!({}), 401, "sign in").await;
        refused(&bob, path, json!({}), 403, "administrator").await;
        let wrong = bob.get(&format!("!/api/rest/2.0/{path}")).await;
        assert_eq!(wrong.status, 405, "{path}");
    }
    for path in [
        "orgs/search",
        "users/search",
        "groups/search",
        "roles/search",
        "users/change-password",
    ] {
        refused(&app.anon(), path, json!({}), 401, "sign in").await;
        let limited = [
            ("username", "tsadmin"),
            ("access_level", "REPORT_BOOK_VIEW"),
            ("id", crate::support::LIVEBOARD),
        ];
        let token = app.anon().mint(&limited).await.text();
        let limited = app.anon().with_bearer(&token);
        refused(&limited, path, json!({}), 403, "one object").await;
        refused(&limited, "users/create", json!({}), 403, "administrator").await;
    }
    assert_eq!(done(&bob, "roles/search", json!({})).await, json!([]));
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_and_neither_does_a_form() {
    let app = TestApp::shared();
    let admin = app.admin().await;
    let foreign = admin.with("origin", "https://evil.example");
    refused(&foreign, "users/bob/delete", json!({}), 403, "another site").await;
    let form = admin
        .post_raw("!/api/rest/2.0/users/create", "name=x")
        .await;
    assert_eq!(form.status, 415);
    assert!(app.find_user("bob").await.is_some());
}
