//! A browser at the provider: keeps cookies, follows redirects, fills in forms, and stops where the provider sends it away.

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use std::time::Duration;
use url::Url;

/// Whoever is not answered within this long says so, and what it had asked for.
const PATIENCE: Duration = Duration::from_mins(2);

/// A browser with its cookies.
pub struct Browser {
    client: Client,
}

impl Browser {
    pub fn new() -> Self {
        // The client insists on a provider even for plain HTTP.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .timeout(PATIENCE)
            .cookie_store(true)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { client }
    }

    /// Goes there, signs in as that person if asked to, and comes back with where the provider sent it; the second
    /// says whether it was asked.
    pub async fn visit(&self, url: &str, person: &str) -> (Url, bool) {
        let start: Url = url.parse().unwrap();
        let mut reply = self.client.get(start.clone()).send().await.unwrap();
        let mut was_asked = false;
        for _ in 0..10 {
            if reply.status().is_redirection() {
                let next = location(&reply);
                if next.origin() != start.origin() {
                    return (next, was_asked);
                }
                reply = self.client.get(next).send().await.unwrap();
                continue;
            }
            assert!(reply.status().is_success(), "{reply:?}");
            let page = reply.url().clone();
            let html = reply.text().await.unwrap();
            let form = html.split("<form").nth(1).expect("a form");
            let action = page.join(attribute(form, "action")).unwrap();
            let fields = if form.contains("name=\"xsrf\"") {
                let xsrf = form.split("name=\"xsrf\"").nth(1).unwrap();
                vec![("xsrf", attribute(xsrf, "value")), ("logout", "yes")]
            } else {
                was_asked = true;
                vec![("prompt", "login"), ("login", person), ("password", "any")]
            };
            let posted = self.client.post(action).form(&fields);
            reply = posted.send().await.unwrap();
        }
        panic!("no end of pages")
    }
}

/// A parameter of an address.
pub fn query(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let (_, value) = pairs.find(|(key, _)| key == name)?;
    Some(value.into_owned())
}

fn location(reply: &Response) -> Url {
    let location = reply.headers()["location"].to_str().unwrap();
    reply.url().join(location).unwrap()
}

fn attribute<'a>(html: &'a str, name: &str) -> &'a str {
    let rest = html.split(&format!("{name}=\"")).nth(1).unwrap();
    rest.split('"').next().unwrap()
}
