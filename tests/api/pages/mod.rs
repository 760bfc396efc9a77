//! The pages that are rendered by the server, as a browser without scripts uses them.

mod branding;
mod my_sessions;
mod org_choice;
mod sign_in;
mod sign_in_refused;
mod targets;

use crate::support::{Client, Reply, TestApp};
use reqwest::Method;

/// A browser: it keeps every cookie, and says where its forms come from.
pub struct Browser {
    client: Client,
    cookies: Vec<(String, String)>,
    origin: Option<String>,
}

impl Browser {
    /// One with nothing to show.
    pub fn new(app: &TestApp) -> Self {
        Self {
            client: app.anon(),
            cookies: Vec::new(),
            origin: Some(format!("http://{}", app.address)),
        }
    }

    /// The same with a further header.
    pub fn with(self, name: &str, value: &str) -> Self {
        Self {
            client: self.client.with(name, value),
            ..self
        }
    }

    /// The same, whose forms come from elsewhere; none sends no `Origin`, as before there was one.
    pub fn from(self, origin: Option<&str>) -> Self {
        Self {
            origin: origin.map(str::to_owned),
            ..self
        }
    }

    /// What it would send of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Has it hold that cookie.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(own, _)| own != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Reply {
        let request = self.client().request(Method::GET, &format!("!{path}"));
        self.send(request).await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Reply {
        let mut request = self.client().request(Method::POST, &format!("!{path}"));
        if let Some(origin) = &self.origin {
            request = request.header("origin", origin);
        }
        self.send(request.form(form)).await
    }

    /// Opens the sign-in page and sends its form with these fields besides the hidden ones.
    pub async fn sign_in(&mut self, to: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.get(&sign_in_path(to)).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let hidden = hidden_fields(&page.text());
        let hidden = hidden.iter().filter(|(name, _)| name != "plain");
        let mut form: Vec<(&str, &str)> = hidden
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        form.extend_from_slice(fields);
        self.post("/sign-in", &form).await
    }

    fn client(&self) -> Client {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if pairs.is_empty() {
            self.client.clone()
        } else {
            self.client.with_cookie(&pairs.join("; "))
        }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Reply {
        let reply = self.client.send(request).await;
        for cookie in reply.cookies() {
            if cookie.has("Max-Age=0") {
                self.cookies.retain(|(name, _)| *name != cookie.name);
            } else {
                self.set_cookie(&cookie.name, &cookie.value);
            }
        }
        reply
    }
}

/// `/sign-in`, with a target unless it is empty.
pub fn sign_in_path(to: &str) -> String {
    if to.is_empty() {
        return "/sign-in".to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("to", to)
        .finish();
    format!("/sign-in?{query}")
}

/// Names and values of the hidden fields of a page, in their order.
pub fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let fields = page.split("<input type=\"hidden\" name=\"").skip(1);
    fields
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            let (value, _) = rest.split_once('"').unwrap();
            (name.to_owned(), unescaped(value))
        })
        .collect()
}

/// The value of one hidden field.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    let fields = hidden_fields(page);
    fields
        .into_iter()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value)
}

/// Text as a browser reads it out of an attribute.
fn unescaped(text: &str) -> String {
    [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escaped, plain)| {
        text.replace(escaped, plain)
    })
}

/// Refuses a page that scripts of others could run in, or that anybody may frame.
pub fn assert_guarded(reply: &Reply) {
    let policy = reply.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{part} is not in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let cache = reply.header("cache-control").unwrap();
    assert!(cache.contains("no-store"), "{cache}");
    assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
    let page = reply.text();
    let ours = page
        .matches("<script type=\"module\" src=\"/static/")
        .count();
    assert_eq!(page.matches("<script").count(), ours, "{page}");
}
