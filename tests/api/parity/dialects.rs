//! How each dialect asks for the same, and what a refusal looks like in it.

use crate::microstrategy::{self, Held};
use crate::parity::Told;
use crate::parity::situations::Situation;
use crate::support::{ALICE_PASSWORD, Client, Reply, TestApp};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

/// A dialect as its clients speak it.
pub trait Dialect {
    const NAME: &'static str;

    /// Whether that can happen in this dialect.
    fn has(_: Situation) -> bool {
        true
    }

    /// Alice, signed in.
    async fn alice(app: &TestApp) -> Client {
        app.alice().await
    }

    /// Whom that reply to a login let in.
    fn let_in(app: &TestApp, reply: &Reply) -> Client {
        let mut client = app.anon();
        client.keep(reply);
        client
    }

    /// A password for a session, in the user's last Org or in that one.
    fn log_in(client: &Client, user: &str, password: &str, org: Option<i64>) -> RequestBuilder;

    /// A secret key for a token.
    fn mint(client: &Client, key: &str, user: &str, org: Option<i64>) -> RequestBuilder;

    /// A token for a session.
    fn redeem(client: &Client, token: &str) -> RequestBuilder;

    /// Something that needs somebody signed in.
    fn ask_who(client: &Client) -> RequestBuilder;

    /// The end of a session.
    fn log_out(client: &Client) -> RequestBuilder;

    /// The error object of a reply, where it has one in this dialect's shape and nothing else.
    fn error(body: Value) -> Option<Map<String, Value>>;

    /// The status of trusted authentication switched off: the dialects disagree.
    const SWITCHED_OFF: u16;

    fn status(told: Told) -> u16 {
        match told {
            Told::BadRequest => 400,
            Told::SignInFirst | Told::DeadToken => 401,
            Told::Forbidden => 403,
            Told::TryLater => 429,
            Told::SwitchedOff => Self::SWITCHED_OFF,
            Told::Away => 503,
        }
    }

    /// Whether a refusal names its incident where this dialect's clients look.
    fn names_incident(reply: &Reply) -> bool {
        reply
            .header("x-callosum-incident-id")
            .is_some_and(|incident| reply.text().contains(incident))
    }

    fn is_refusal(reply: &Reply) -> bool {
        let is_json = reply
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/json"));
        let body = serde_json::from_slice(&reply.body).unwrap_or_default();
        let error = Self::error(body).unwrap_or_default();
        let names: Vec<&str> = error.keys().map(String::as_str).collect();
        let debug = error.get("debug").and_then(Value::as_str);
        // An array in a string: clients parse it twice.
        let lines: Vec<String> =
            serde_json::from_str(debug.unwrap_or_default()).unwrap_or_default();
        is_json
            && names == ["code", "debug", "incident_id_guid", "trace_id_guid"]
            && error["code"].as_i64().is_some_and(|code| code >= 10_000)
            && lines
                .first()
                .is_some_and(|line| line.contains("Error Message: "))
    }
}

/// REST v1: forms, and the error object as it is.
pub struct V1;

/// A form with the Org where one is asked for.
fn form<'a>(fields: &[(&'a str, &'a str)], org: Option<i64>) -> Vec<(&'a str, String)> {
    let mut form: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    form.extend(org.map(|org| ("orgid", org.to_string())));
    form
}

impl Dialect for V1 {
    const NAME: &'static str = "REST v1";
    const SWITCHED_OFF: u16 = 500;

    fn log_in(client: &Client, user: &str, password: &str, org: Option<i64>) -> RequestBuilder {
        let fields = form(&[("username", user), ("password", password)], org);
        client.request(Method::POST, "/session/login").form(&fields)
    }

    fn mint(client: &Client, key: &str, user: &str, org: Option<i64>) -> RequestBuilder {
        let fields = form(&[("secret_key", key), ("username", user)], org);
        client
            .request(Method::POST, "/session/auth/token")
            .form(&fields)
    }

    fn redeem(client: &Client, token: &str) -> RequestBuilder {
        client
            .request(Method::POST, "/session/login/token")
            .form(&[("auth_token", token)])
    }

    fn ask_who(client: &Client) -> RequestBuilder {
        client.request(Method::GET, "/session/info")
    }

    fn log_out(client: &Client) -> RequestBuilder {
        client.request(Method::POST, "/session/logout")
    }

    fn error(body: Value) -> Option<Map<String, Value>> {
        body.as_object().cloned()
    }
}

/// REST v2.0: JSON, and the same error object three levels down.
pub struct V2;

/// A path of v2.0.
fn at(client: &Client, method: Method, path: &str) -> RequestBuilder {
    client.request(method, &format!("!/api/rest/2.0/{path}"))
}

impl Dialect for V2 {
    const NAME: &'static str = "REST v2.0";
    const SWITCHED_OFF: u16 = 403;

    fn log_in(client: &Client, user: &str, password: &str, org: Option<i64>) -> RequestBuilder {
        let body = json!({ "username": user, "password": password, "org_identifier": org });
        at(client, Method::POST, "auth/session/login").json(&body)
    }

    fn mint(client: &Client, key: &str, user: &str, org: Option<i64>) -> RequestBuilder {
        let body = json!({ "username": user, "secret_key": key, "org_id": org });
        at(client, Method::POST, "auth/token/full").json(&body)
    }

    fn redeem(client: &Client, token: &str) -> RequestBuilder {
        at(
            &client.with_bearer(token),
            Method::POST,
            "auth/session/login",
        )
    }

    fn ask_who(client: &Client) -> RequestBuilder {
        at(client, Method::GET, "auth/session/user")
    }

    fn log_out(client: &Client) -> RequestBuilder {
        at(client, Method::POST, "auth/session/logout")
    }

    fn error(body: Value) -> Option<Map<String, Value>> {
        let error = &body["error"]["message"]["debug"];
        let whole = json!({ "error": { "message": { "debug": error } } });
        error.as_object().filter(|_| body == whole).cloned()
    }
}

/// `MicroStrategy`: token and cookie together, and no trusted authentication.
pub struct MicroStrategy;

impl Dialect for MicroStrategy {
    const NAME: &'static str = "MicroStrategy";
    const SWITCHED_OFF: u16 = 401;

    fn has(situation: Situation) -> bool {
        use Situation as S;
        matches!(
            situation,
            S::UnknownUser
                | S::WrongPassword
                | S::DisabledUserWithAWrongPassword
                | S::DisabledUserWithTheRightPassword
                | S::TooManyGuesses
                | S::StoreAwayAtALogin
                | S::StoreAwayAtACheck
                | S::StoreAwayAtALogout
                | S::CookieOfAnEndedSession
                | S::CookieDamaged
                | S::NothingPresented
                | S::LogoutOfNobody
        )
    }

    async fn alice(app: &TestApp) -> Client {
        let held = microstrategy::log_in(app, "alice", ALICE_PASSWORD).await;
        held.client(app)
    }

    fn let_in(app: &TestApp, reply: &Reply) -> Client {
        Held::of(app, reply).client(app)
    }

    fn log_in(client: &Client, user: &str, password: &str, _: Option<i64>) -> RequestBuilder {
        let body = json!({ "loginMode": 1, "username": user, "password": password });
        microstrategy::ask(client, Method::POST, "auth/login").json(&body)
    }

    fn mint(_: &Client, _: &str, _: &str, _: Option<i64>) -> RequestBuilder {
        unreachable!("no trusted authentication here")
    }

    fn redeem(_: &Client, _: &str) -> RequestBuilder {
        unreachable!("no trusted authentication here")
    }

    fn ask_who(client: &Client) -> RequestBuilder {
        microstrategy::ask(client, Method::GET, "sessions/userInfo")
    }

    fn log_out(client: &Client) -> RequestBuilder {
        microstrategy::ask(client, Method::POST, "auth/logout")
    }

    fn error(body: Value) -> Option<Map<String, Value>> {
        body.as_object().cloned()
    }

    fn names_incident(reply: &Reply) -> bool {
        let ticket = reply.json()["ticketId"].as_str().map(str::len);
        ticket == Some(32) && reply.header("x-callosum-incident-id").is_none()
    }

    fn is_refusal(reply: &Reply) -> bool {
        let body = serde_json::from_slice(&reply.body).unwrap_or_default();
        let error = Self::error(body).unwrap_or_default();
        let mut names: Vec<&str> = error.keys().map(String::as_str).collect();
        names.retain(|name| *name != "iServerCode");
        reply.header("content-type") == Some("application/json")
            && names == ["code", "message", "ticketId"]
            && error["code"]
                .as_str()
                .is_some_and(|code| code.starts_with("ERR0"))
    }
}
