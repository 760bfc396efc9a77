//! The `MicroStrategy` dialect, one file for each group of its paths.
//!
//! Tests named `thing_N_…` hold the ten things of docs/dialects/microstrategy.md that decide whether clients work.

mod auth_api_tokens;
mod auth_login;
mod auth_login_modes;
mod auth_logout;
mod auth_token;
mod delegate;
mod errors;
mod server;
mod sessions;
mod timeouts;

use crate::support::{Client, Reply, TestApp};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// The context path as it comes.
pub const BASE: &str = "/MicroStrategyLibrary";

/// A path below `api/`.
pub fn path(below: &str) -> String {
    format!("!{BASE}/api/{below}")
}

/// A request on a path below `api/`.
pub fn ask(client: &Client, method: Method, below: &str) -> RequestBuilder {
    client.request(method, &path(below))
}

/// A session as a client of this dialect holds it.
#[derive(Clone)]
pub struct Held {
    /// `X-MSTR-AuthToken`.
    pub token: String,
    /// `JSESSIONID=…`, alone.
    pub cookie: String,
}

impl Held {
    /// What a login handed out; secrets from now on.
    pub fn of(app: &TestApp, reply: &Reply) -> Self {
        assert_eq!(reply.status, 204, "{}", reply.text());
        let held = Self {
            token: reply.header("x-mstr-authtoken").unwrap().to_owned(),
            cookie: reply.session_cookie().unwrap(),
        };
        app.plant(&held.token);
        app.plant(&held.cookie["JSESSIONID=".len()..]);
        held
    }

    /// A client that shows both.
    pub fn client(&self, app: &TestApp) -> Client {
        app.anon()
            .with_cookie(&self.cookie)
            .with("X-MSTR-AuthToken", &self.token)
    }
}

/// A login with that JSON body.
pub async fn log_in_with(client: &Client, body: &Value) -> Reply {
    let request = ask(client, Method::POST, "auth/login").json(body);
    client.send(request).await
}

/// A standard login.
pub async fn log_in(app: &TestApp, user: &str, password: &str) -> Held {
    let body = json!({ "loginMode": 1, "username": user, "password": password });
    Held::of(app, &log_in_with(&app.anon(), &body).await)
}

/// Sends a request without a body.
pub async fn call(client: &Client, method: Method, below: &str) -> Reply {
    client.send(ask(client, method, below)).await
}

/// The status of `GET sessions`.
pub async fn status(app: &TestApp, held: &Held) -> u16 {
    call(&held.client(app), Method::GET, "sessions")
        .await
        .status
}

/// Refuses anything but this error in this dialect's shape.
pub fn expect_error(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    assert_eq!(body["code"], code, "{body}");
    assert!(!body["message"].as_str().unwrap().is_empty(), "{body}");
    let ticket = body["ticketId"].as_str().unwrap();
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!(ticket.len() == 32 && ticket.bytes().all(is_hex), "{body}");
    assert_eq!(reply.cookies(), [], "a refusal sets no cookie");
    assert_eq!(reply.header("x-mstr-authtoken"), None);
}
