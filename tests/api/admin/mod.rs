//! The console's own API: who is let in, what each call does, and how far an administrator of one Org gets.

mod audit;
mod copying;
mod desk;
mod directory;
mod health;
mod import;
mod maintenance;
mod org_administrator;
mod security;
mod sessions;
mod trends;
mod trial;
mod users;

use crate::support::{ADMIN_PASSWORD, Client, PASSWORD, Reply, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

/// Where the API is.
const BASE: &str = "!/callosum/v1/vestibule/admin";

/// An administrator's page: a client with its session's token against forgery.
pub struct Page {
    /// The browser behind it.
    pub client: Client,
    /// The token.
    pub csrf: String,
    /// What `me` says.
    pub me: Value,
}

impl Page {
    /// Opens the console in that browser.
    pub async fn open(client: Client) -> Self {
        let reply = client.get(&format!("{BASE}/me")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let me = reply.json();
        let csrf = me["csrf"].as_str().unwrap().to_owned();
        Self { client, csrf, me }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.client.get(&format!("{BASE}{path}")).await
    }

    /// GET, which must be answered.
    pub async fn read(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// A change.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        let request = self.client.request(method, &format!("{BASE}{path}"));
        let request = request.header("x-vestibule-csrf", &self.csrf).json(body);
        self.client.send(request).await
    }

    /// A change that must be made; gives back the body.
    pub async fn done(&self, method: Method, path: &str, body: Value) -> Value {
        let reply = self.send(method, path, &body).await;
        match reply.status {
            204 => Value::Null,
            200 | 201 => reply.json(),
            status => panic!("{path} {body}: {status} {}", reply.text()),
        }
    }

    /// POST that must be done.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.done(Method::POST, path, body).await
    }

    /// A change that must be refused so.
    pub async fn refused(&self, method: Method, path: &str, body: Value, status: u16, error: &str) {
        let reply = self.send(method, path, &body).await;
        expect(&reply, status, error, path);
    }
}

/// Refuses any answer but that one.
pub fn expect(reply: &Reply, status: u16, error: &str, what: &str) {
    assert_eq!(reply.status, status, "{what}: {}", reply.text());
    let body = reply.json();
    assert_eq!(body["error"], error, "{what}: {body}");
    assert!(!body["message"].as_str().unwrap().is_empty(), "{body}");
    assert_eq!(body["incident"].as_str().unwrap().len(), 36, "{body}");
    assert_eq!(reply.cookies(), [], "a refusal sets no cookie");
}

/// The names in a list.
pub fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

/// The console of the administrator of the server.
pub async fn console(app: &TestApp) -> Page {
    Page::open(app.admin().await).await
}

/// The administrator's page on the first node: each has some things to itself.
pub async fn on_one_node(app: &TestApp) -> Page {
    let page = console(app).await;
    Page {
        client: app.at_node(0).with_cookie(page.client.cookie()),
        ..page
    }
}

/// The console of Olga, who administers the Org "Sales".
pub async fn org_console(app: &TestApp) -> Page {
    let admin = console(app).await;
    let group = json!({ "org": "Sales", "name": "Sales admins", "privileges": ["ADMINISTRATION"] });
    admin.post("/groups", group).await;
    let olga = json!({
        "name": "olga", "password": PASSWORD, "orgs": ["Sales"], "groups": ["Sales admins"],
    });
    admin.post("/users", olga).await;
    Page::open(app.signed_in("olga", PASSWORD).await).await
}

/// Proves once more who sits there; gives back the proof.
pub async fn confirm(page: &Page) -> String {
    let body = json!({ "password": ADMIN_PASSWORD });
    let answer = page.post("/confirm", body).await;
    answer["confirmed"].as_str().unwrap().to_owned()
}
