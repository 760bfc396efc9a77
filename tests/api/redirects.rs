//! Every payload of the data file through `session/login/token`, as a browser's parser reads the answer.

use crate::support::{Client, Reply, TestApp};
use futures_util::future::join_all;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;
use url::Url;
use vestibule::settings::Settings;

const DATA: &str = include_str!("../data/redirects.json");
/// How many requests are under way at a time.
const AT_A_TIME: usize = 8;
/// The longest query that fits into a request line; what is longer never reaches a handler by GET.
const LONGEST_QUERY: usize = 24 * 1024;

/// How often a payload is percent-encoded beyond what a form needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// As it is, but for what would end the parameter.
    Bare,
    Once,
    Twice,
}

fn data() -> Value {
    serde_json::from_str(DATA).unwrap()
}

fn listed(data: &Value, source: &str) -> Vec<String> {
    let origins = data["policy"][source].as_array().unwrap().iter();
    origins
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// The policy of the data file; `server` is our own public address, which closes loopback too.
fn policy(data: &Value, settings: &mut Settings, allow_loopback: bool) {
    if allow_loopback {
        settings.redirects.allow = listed(data, "server");
    } else {
        settings.server.public_url = Some(Url::parse(&listed(data, "server")[0]).unwrap());
    }
    // Room for the longest payload encoded twice: here the policy is to refuse it.
    settings.server.max_body_bytes = 8 * 1024 * 1024;
    settings.embed.origins = listed(data, "embed.origins");
    settings
        .redirects
        .allow
        .extend(listed(data, "redirects.allow"));
}

/// A payload and the `Location` it must end in, if any.
struct Case {
    payload: String,
    location: Option<String>,
}

fn cases(list: &Value) -> Vec<Case> {
    let case = |case: &Value| {
        let times = case["pad"]["times"].as_u64().unwrap_or(0);
        let text = case["pad"]["text"].as_str().unwrap_or_default();
        let padding = text.repeat(usize::try_from(times).unwrap());
        let location = case["expect"]["location"].as_str();
        Case {
            payload: format!("{}{padding}", case["payload"].as_str().unwrap()),
            location: location.map(|location| format!("{location}{padding}")),
        }
    };
    list.as_array().unwrap().iter().map(case).collect()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The parameter's value as it goes over the wire; a bare payload that a form cannot carry is encoded where it must be.
fn on_the_wire(payload: &str, encoding: Encoding) -> String {
    match encoding {
        Encoding::Once => encoded(payload),
        Encoding::Twice => encoded(&encoded(payload)),
        Encoding::Bare => payload
            .chars()
            .map(|c| match c {
                '&' | '#' | '%' | '+' => encoded(&c.to_string()),
                c if c.is_ascii_graphic() => c.to_string(),
                c => encoded(&c.to_string()),
            })
            .collect(),
    }
}

async fn send(client: &Client, method: &Method, token: &str, value: &str) -> Reply {
    let fields = format!("auth_token={token}&redirect_url={value}");
    if *method == Method::POST {
        return client.post_raw("/session/login/token", fields).await;
    }
    client.get(&format!("/session/login/token?{fields}")).await
}

/// What must hold of every answer, whatever was asked.
fn oracle(reply: &Reply, expected: Option<&str>, hosts: fn(&Url) -> bool) -> Result<(), String> {
    let location = reply.header("location");
    if let Some(location) = location {
        let page = Url::parse("https://good.example/callosum/v1/session/").unwrap();
        let seen = page.join(location).map_err(|error| error.to_string())?;
        if !hosts(&seen) || !seen.username().is_empty() || seen.password().is_some() {
            return Err(format!("a browser goes to {seen}"));
        }
    }
    if location != expected {
        return Err(format!(
            "{} {location:?} instead of {expected:?}",
            reply.status
        ));
    }
    match expected {
        Some(_) if reply.status != 302 || reply.session_cookie().is_none() => {
            Err(format!("{} with {:?}", reply.status, reply.cookies()))
        }
        None if reply.status != 400 || !reply.cookies().is_empty() => {
            Err(format!("{} with {:?}", reply.status, reply.cookies()))
        }
        None if !reply.message().contains("redirect_url") => Err(reply.message()),
        _ => Ok(()),
    }
}

fn is_listed(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let label = host.strip_suffix(".wild.example");
    match url.port_or_known_default() {
        Some(443) if url.scheme() == "https" => {
            host == "good.example"
                || label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
        }
        Some(8443) => url.scheme() == "https" && host == "app.good.example",
        _ => false,
    }
}

fn is_listed_or_loopback(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_loopback || is_listed(url)
}

/// Sends every case in every encoding by both methods; returns what went wrong and how many were sent.
async fn drive(app: &TestApp, cases: &[Case], hosts: fn(&Url) -> bool) -> (Vec<String>, usize) {
    let token = app.token("alice").await;
    let client = app.anon();
    let mut requests = Vec::new();
    for case in cases {
        for encoding in [Encoding::Bare, Encoding::Once, Encoding::Twice] {
            for method in [Method::GET, Method::POST] {
                let value = on_the_wire(&case.payload, encoding);
                // An empty parameter is an absent one: 204, without a redirect (decision 5).
                if !value.is_empty() && (method == Method::POST || value.len() < LONGEST_QUERY) {
                    requests.push((case, encoding, method, value));
                }
            }
        }
    }
    let mut wrong = Vec::new();
    for batch in requests.chunks(AT_A_TIME) {
        let sent = batch
            .iter()
            .map(|(_, _, method, value)| send(&client, method, &token, value));
        for (reply, (case, encoding, method, _)) in join_all(sent).await.iter().zip(batch) {
            // Encoded twice a target is a relative text after one decoding, unless nothing needed encoding.
            let is_other = *encoding == Encoding::Twice && encoded(&case.payload) != case.payload;
            let expected = case.location.as_deref().filter(|_| !is_other);
            if let Err(why) = oracle(reply, expected, hosts) {
                let shown: String = case.payload.chars().take(100).collect();
                wrong.push(format!("{method} {encoding:?} {shown:?}: {why}"));
            }
        }
    }
    (wrong, requests.len())
}

#[tokio::test]
async fn cases_01_to_25_every_payload_bare_encoded_once_and_twice_by_get_and_post() {
    let data = data();
    let app = TestApp::with(|settings| policy(&data, settings, false));
    let cases = cases(&data["cases"]);
    let (wrong, count) = drive(&app, &cases, is_listed).await;
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 1_000, "{count}");

    // As many sessions as redirects, and nothing else was audited as a login.
    let allowed = cases.iter().filter(|case| case.location.is_some()).count();
    let logins = app
        .trail
        .words()
        .iter()
        .filter(|word| *word == "login")
        .count();
    assert!(
        (allowed..=allowed * 4).contains(&logins),
        "{logins} for {allowed}"
    );
    assert!(
        app.trail
            .words()
            .iter()
            .all(|word| word == "login" || word == "token_issued")
    );
}

#[tokio::test]
async fn case_16_on_a_loopback_server_the_loopback_payloads_too() {
    let data = data();
    let app = TestApp::with(|settings| policy(&data, settings, true));
    let cases = cases(&data["loopback"]["cases"]);
    let (wrong, count) = drive(&app, &cases, is_listed_or_loopback).await;
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn a_refused_target_leaves_a_live_session_and_the_token_as_they_were() {
    let app = TestApp::spawn();
    let token = app.token("bob").await;
    let alice = app.alice().await;
    let fields = [
        ("auth_token", token.as_str()),
        ("redirect_url", "https://evil.example/"),
    ];
    let reply = alice.redeem(&fields).await;
    reply.expect_error(
        400,
        10002,
        "https://evil.example is not an allowed redirect target",
    );
    assert_eq!(alice.info().await.json()["userName"], "alice");
    assert_eq!(app.anon().with_bearer(&token).is_active().await, 204);
    // The target is judged before the token: a dead one tells nothing about the list's neighbours.
    let fields = [
        ("auth_token", "dead"),
        ("redirect_url", "https://evil.example/"),
    ];
    app.anon()
        .redeem(&fields)
        .await
        .expect_error(400, 10002, "redirect_url");
}

#[tokio::test]
async fn case_25_a_refused_target_comes_back_escaped_and_never_as_html() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    for target in [
        "https://<script>alert(1)</script>/",
        "javascript:alert('\"')",
        "https://evil\u{2028}.example/",
        "https://\"onload=alert(1).example/",
        "<img>:x",
    ] {
        let fields = [("auth_token", token.as_str()), ("redirect_url", target)];
        let reply = app.anon().redeem(&fields).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert!(!reply.text().contains('\u{2028}'));
        // It parses at both levels, whatever quotes it holds.
        assert!(
            reply
                .message()
                .starts_with("Invalid parameter values redirect_url")
        );
    }
}

#[tokio::test]
async fn case_22_no_other_door_redirects_and_a_trailing_slash_does_not_either() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let evil = "redirect_url=https%3A%2F%2Fevil.example%2F&targetURLPath=%2F%2Fevil.example";
    let form = format!("username=bob&password=battery+staple&{evil}");
    let reply = app.anon().post_raw("/session/login", form).await;
    assert_eq!((reply.status, reply.header("location")), (204, None));
    let reply = alice.post_raw("/session/logout", evil).await;
    assert_eq!((reply.status, reply.header("location")), (204, None));
    for path in [
        "!/callosum/v1/session/login/",
        "!//evil.example/%2e%2e",
        "!/callosum/v1//evil.example",
        "!/callosum",
        "!/v2/?x=//evil.example",
        "!/static/../..//evil.example",
    ] {
        let reply = app.anon().get(path).await;
        assert_eq!(reply.header("location"), None, "{path}");
    }
}

#[tokio::test]
async fn case_24_a_target_of_any_length_is_whole_or_refused() {
    let app =
        TestApp::with(|settings| settings.redirects.allow = vec!["https://good.example".into()]);
    let token = app.token("alice").await;
    for length in [1024, 8 * 1024, 64 * 1024, 1000 * 1024] {
        let target = format!("https://good.example/{}", "x".repeat(length - 21));
        let fields = [
            ("auth_token", token.as_str()),
            ("redirect_url", target.as_str()),
        ];
        let reply = app.anon().redeem(&fields).await;
        if length <= 8 * 1024 {
            assert_eq!(reply.header("location"), Some(target.as_str()));
        } else {
            reply.expect_error(400, 10002, "longer");
        }
        if length >= 64 * 1024 {
            let request = format!(
                "GET /callosum/v1/session/login/token?auth_token={token}&redirect_url={target} \
                HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            );
            let (answer, _) = crate::support::exchange(app.address, request.as_bytes()).await;
            let (status, head) = crate::support::split(&answer);
            assert!([0, 400, 414, 431].contains(&status), "{status}");
            assert!(!head.contains("location:"));
        }
    }
}
