//! A client that shows cookies only when it is told to.

use crate::support::{ADMIN, PASSWORD, SECRET_KEY};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use std::time::Duration;

/// What a `Cookie` header carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies(pub String);

/// Talks to one server's v1 API.
#[derive(Clone)]
pub struct Visitor {
    client: Client,
    base: String,
}

impl Visitor {
    pub fn of(base: &str) -> Self {
        // The client wants a provider even where it meets no TLS.
        let _installed_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            client,
            base: base.to_owned(),
        }
    }

    fn api(&self, path: &str) -> String {
        format!("{}/callosum/v1/tspublic/v1/{path}", self.base)
    }

    /// `GET` of a path of the server's own, without cookies.
    pub async fn get(&self, path: &str) -> Response {
        let url = format!("{}{path}", self.base);
        self.client.get(url).send().await.unwrap()
    }

    /// The same with cookies.
    pub async fn get_as(&self, cookies: &Cookies, path: &str) -> Response {
        let url = format!("{}{path}", self.base);
        let request = self.client.get(url).header(COOKIE, &cookies.0);
        request.send().await.unwrap()
    }

    pub async fn try_sign_in(&self, user: &str, password: &str) -> Response {
        self.sign_in_if_there(user, password).await.unwrap()
    }

    /// Signs in at a server that may be about to go; none when there was no answer.
    pub async fn sign_in_if_there(&self, user: &str, password: &str) -> Option<Response> {
        let request = self.client.post(self.api("session/login"));
        let form = [("username", user), ("password", password)];
        request.form(&form).send().await.ok()
    }

    /// Signs in with a password; it must go well.
    pub async fn sign_in(&self, user: &str, password: &str) -> Cookies {
        cookies_of(&self.try_sign_in(user, password).await)
    }

    /// Signs in as the planted administrator.
    pub async fn sign_in_as_admin(&self) -> Cookies {
        self.sign_in(ADMIN, PASSWORD).await
    }

    pub async fn try_mint(&self, key: &str, user: &str) -> Response {
        self.client
            .post(self.api("session/auth/token"))
            .form(&[("secret_key", key), ("username", user)])
            .send()
            .await
            .unwrap()
    }

    /// A token for a user, by the planted secret key.
    pub async fn mint(&self, user: &str) -> String {
        let reply = self.try_mint(SECRET_KEY, user).await;
        assert_eq!(reply.status(), StatusCode::OK);
        reply.text().await.unwrap()
    }

    pub async fn try_redeem(&self, token: &str) -> Response {
        self.client
            .post(self.api("session/login/token"))
            .form(&[("auth_token", token)])
            .send()
            .await
            .unwrap()
    }

    /// Signs in with a token; it must go well.
    pub async fn redeem(&self, token: &str) -> Cookies {
        cookies_of(&self.try_redeem(token).await)
    }

    /// Signs in with a token at a server that may be about to go; none when there was no answer.
    pub async fn redeem_if_there(&self, token: &str) -> Option<Cookies> {
        let request = self.client.post(self.api("session/login/token"));
        let reply = request.form(&[("auth_token", token)]).send().await;
        Some(cookies_of(&reply.ok()?))
    }

    /// The same for the check of a session.
    pub async fn check_if_there(&self, cookies: &Cookies) -> Option<StatusCode> {
        let request = self.client.get(self.api("session/isactive"));
        let reply = request.header(COOKIE, &cookies.0).send().await;
        Some(reply.ok()?.status())
    }

    /// The same for signing out.
    pub async fn sign_out_if_there(&self, cookies: &Cookies) -> Option<StatusCode> {
        let request = self.client.post(self.api("session/logout"));
        let reply = request.header(COOKIE, &cookies.0).send().await;
        Some(reply.ok()?.status())
    }

    pub async fn try_check(&self, cookies: &Cookies) -> Response {
        let request = self.client.get(self.api("session/isactive"));
        request.header(COOKIE, &cookies.0).send().await.unwrap()
    }

    /// What the check of a session answers: 204 or 401.
    pub async fn check(&self, cookies: &Cookies) -> StatusCode {
        self.try_check(cookies).await.status()
    }

    pub async fn sign_out(&self, cookies: &Cookies) -> StatusCode {
        let request = self.client.post(self.api("session/logout"));
        let reply = request.header(COOKIE, &cookies.0).send().await.unwrap();
        reply.status()
    }
}

/// The cookies of a reply that must have signed somebody in.
fn cookies_of(reply: &Response) -> Cookies {
    assert_eq!(reply.status(), StatusCode::NO_CONTENT, "{reply:?}");
    let set = reply.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .collect();
    assert!(pairs[0].starts_with("JSESSIONID="), "{pairs:?}");
    Cookies(pairs.join("; "))
}

/// A reply's status and JSON body.
pub async fn reply_of(reply: Response) -> (u16, serde_json::Value) {
    let status = reply.status().as_u16();
    (status, reply.json().await.unwrap())
}
