//! A client that sends what it is told and nothing else.

use crate::support::{Reply, SECRET_KEY};
use reqwest::{Method, RequestBuilder, redirect};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vestibule::api::services::Services;

/// Whoever is not answered within this long says so, and what it had asked for.
const PATIENCE: Duration = Duration::from_mins(2);
/// The documented prefix.
const PREFIX: &str = "/callosum/v1/tspublic/v1";

/// A client: at most one session cookie, at most one Bearer, any further headers.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    prefix: String,
    cookie: Option<String>,
    bearer: Option<String>,
    headers: Vec<(String, String)>,
    secrets: Arc<Mutex<Vec<String>>>,
    nodes: Arc<[Arc<Services>]>,
}

impl Client {
    /// A client with nothing to show, with connections of its own.
    pub fn new(
        address: SocketAddr,
        secrets: Arc<Mutex<Vec<String>>>,
        nodes: Arc<[Arc<Services>]>,
    ) -> Self {
        let mut http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .no_proxy();
        if nodes.len() > 1 {
            // A connection leads to one node, so each request takes a new one.
            http = http.pool_max_idle_per_host(0);
        }
        let http = http.build().unwrap();
        Self {
            http,
            base: format!("http://{address}"),
            prefix: PREFIX.to_owned(),
            cookie: None,
            bearer: None,
            headers: Vec::new(),
            secrets,
            nodes,
        }
    }

    /// The same under another prefix.
    pub fn under(&self, prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            ..self.clone()
        }
    }

    /// The same with a further header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        Self {
            headers,
            ..self.clone()
        }
    }

    /// The same with that whole `Cookie` header.
    pub fn with_cookie(&self, cookie: &str) -> Self {
        Self {
            cookie: Some(cookie.to_owned()),
            ..self.clone()
        }
    }

    /// The same with that Bearer.
    pub fn with_bearer(&self, token: &str) -> Self {
        Self {
            bearer: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Its `Cookie` header.
    pub fn cookie(&self) -> &str {
        self.cookie.as_deref().expect("no cookie")
    }

    /// Takes the session cookie that a reply sets, as a browser does; a cleared one is thrown away.
    pub fn keep(&mut self, reply: &Reply) {
        if let Some(cookie) = reply.session_cookie() {
            self.cookie = (cookie != "JSESSIONID=").then_some(cookie);
        }
    }

    /// A request on that path under the prefix; one that begins with a slash too many stays as it is.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.strip_prefix('!') {
            Some(whole) => format!("{}{whole}", self.base),
            None => format!("{}{}{path}", self.base, self.prefix),
        };
        let mut request = self.http.request(method, url);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(token) = &self.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }

    /// Sends a request. Session cookies and tokens that come back are secrets from then on.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().unwrap();
        let saving = [
            "/configure",
            "/iserver/settings",
            "/library/auth",
            "/admin/security",
            "/admin/trusted",
        ];
        let path = request.url().path();
        let is_saved =
            request.method() != Method::GET && saving.iter().any(|end| path.ends_with(end));
        let reply = Reply::read(self.http.execute(request).await.unwrap()).await;
        if is_saved && self.nodes.len() > 1 {
            // What is saved at run time is on the other nodes after some seconds, which pass here.
            for node in &*self.nodes {
                node.refresh_live().await.unwrap();
            }
        }
        let mut secrets = self.secrets.lock().unwrap();
        if let Some(cookie) = reply.session_cookie().filter(|c| c.len() > 60) {
            // Signature, tag and secret; the tag alone may be logged.
            secrets.push(cookie["JSESSIONID=".len()..].to_owned());
            secrets.push(cookie[cookie.len() - 43..].to_owned());
        }
        if reply
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain"))
        {
            secrets.push(reply.text());
        }
        reply
    }

    /// GET. A path that begins with `!` is taken as a whole, without the prefix.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST of a form.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.send(self.request(Method::POST, path).form(form)).await
    }

    /// POST of a body written by hand, as a form.
    pub async fn post_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        self.send(request).await
    }

    /// `session/login`.
    pub async fn post_login(&self, user: &str, password: &str) -> Reply {
        self.post(
            "/session/login",
            &[("username", user), ("password", password)],
        )
        .await
    }

    /// `session/auth/token` with the server's own key.
    pub async fn mint(&self, form: &[(&str, &str)]) -> Reply {
        let mut all = vec![("secret_key", SECRET_KEY)];
        all.extend_from_slice(form);
        self.post("/session/auth/token", &all).await
    }

    /// `session/login/token` by POST.
    pub async fn redeem(&self, form: &[(&str, &str)]) -> Reply {
        self.post("/session/login/token", form).await
    }

    /// `session/login/token` by GET.
    pub async fn redeem_by_get(&self, query: &[(&str, &str)]) -> Reply {
        let request = self
            .request(Method::GET, "/session/login/token")
            .query(query);
        self.send(request).await
    }

    /// `session/info`.
    pub async fn info(&self) -> Reply {
        self.get("/session/info").await
    }

    /// The status of `session/isactive`.
    pub async fn is_active(&self) -> u16 {
        self.get("/session/isactive").await.status
    }

    /// `session/logout`.
    pub async fn log_out(&self) -> Reply {
        self.send(self.request(Method::POST, "/session/logout"))
            .await
    }

    /// `PUT session/orgs`.
    pub async fn switch_org(&self, org: i64) -> Reply {
        let form = [("orgid", org.to_string())];
        self.send(self.request(Method::PUT, "/session/orgs").form(&form))
            .await
    }
}
