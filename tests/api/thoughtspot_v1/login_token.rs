//! `session/login/token` by POST and GET: what a token opens, and when it does not.

use crate::support::{Client, Reply, TestApp};
use reqwest::Method;

const TARGET: &str = "https://app.example.com/?embedApp=true#/embed/viz/a%2Fb";

fn app_with_target() -> TestApp {
    TestApp::with(|settings| settings.redirects.allow = vec!["https://app.example.com".into()])
}

/// The same fields by POST and by GET.
async fn both(client: &Client, fields: &[(&str, &str)]) -> [Reply; 2] {
    [
        client.redeem(fields).await,
        client.redeem_by_get(fields).await,
    ]
}

#[tokio::test]
async fn a_redirect_goes_to_exactly_the_target_with_both_cookies() {
    let app = app_with_target();
    let token = app.token("alice").await;
    let fields = [
        ("username", "alice"),
        ("auth_token", token.as_str()),
        ("redirect_url", TARGET),
    ];
    for reply in both(&app.anon(), &fields).await {
        assert_eq!(reply.status, 302, "{}", reply.text());
        assert_eq!(reply.header("location"), Some(TARGET));
        assert_eq!(reply.body, b"");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        let names: Vec<String> = reply.cookies().into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["JSESSIONID", "clientId"]);
        let session = app.anon().with_cookie(&reply.session_cookie().unwrap());
        assert_eq!(session.info().await.json()["userName"], "alice");
    }
}

#[tokio::test]
async fn without_a_target_or_when_told_to_stay_it_answers_204() {
    let app = app_with_target();
    let token = app.token("alice").await;
    let token = ("auth_token", token.as_str());
    let cases: [&[(&str, &str)]; 4] = [
        &[],
        &[("no_url_redirection", "true")],
        &[("redirect_url", TARGET), ("no_url_redirection", "true")],
        &[("redirect_url", "")],
    ];
    for rest in cases {
        let fields = [&[token], rest].concat();
        for reply in both(&app.anon(), &fields).await {
            assert_eq!(reply.status, 204, "{rest:?}");
            assert_eq!(reply.header("location"), None);
            assert!(reply.session_cookie().is_some());
        }
    }
}

#[tokio::test]
async fn case_23_no_url_redirection_reads_true_and_false_in_any_case_and_nothing_else() {
    let app = app_with_target();
    let token = app.token("alice").await;
    for (text, status) in [
        ("true", 204),
        ("TRUE", 204),
        ("True", 204),
        ("1", 204),
        ("false", 302),
        ("False", 302),
        ("0", 302),
        ("", 302),
        ("yes", 400),
        ("true,false", 400),
        ("2", 400),
    ] {
        let fields = [
            ("auth_token", token.as_str()),
            ("redirect_url", TARGET),
            ("no_url_redirection", text),
        ];
        for reply in both(&app.anon(), &fields).await {
            assert_eq!(reply.status, status, "{text:?}");
        }
        // Whatever it says, a bad target is refused.
        let fields = [
            fields[0],
            ("redirect_url", "https://evil.example/"),
            fields[2],
        ];
        for reply in both(&app.anon(), &fields).await {
            assert_eq!(
                (reply.status, reply.header("location")),
                (400, None),
                "{text:?}"
            );
            assert_eq!(reply.cookies(), []);
        }
    }
}

#[tokio::test]
async fn case_32_a_token_is_good_for_exactly_the_name_it_was_minted_for() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    for (name, status) in [
        ("alice", 204),
        ("", 204),
        ("bob", 401),
        ("Alice", 401),
        ("alice ", 401),
        ("alice\0", 401),
        ("\u{ff41}lice", 401),
        ("alic\u{435}", 401),
    ] {
        let fields = [("username", name), ("auth_token", token.as_str())];
        for reply in both(&app.anon(), &fields).await {
            assert_eq!(reply.status, status, "{name:?}");
            if status == 401 {
                reply.expect_error(401, 10003, "token");
            }
        }
    }
    // The spelling used at minting is good as well as the user's own.
    let token = app.token("ALICE").await;
    for name in ["ALICE", "alice"] {
        let fields = [("username", name), ("auth_token", token.as_str())];
        assert_eq!(app.anon().redeem(&fields).await.status, 204, "{name}");
    }
}

#[tokio::test]
async fn a_token_opens_many_sessions_under_any_prefix_each_its_own() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let mut cookies = Vec::new();
    for prefix in ["/callosum/v1/tspublic/v1", "/callosum/v1", "/tspublic/v1"] {
        for reply in both(&app.anon().under(prefix), &[("auth_token", &token)]).await {
            assert_eq!(reply.status, 204, "{prefix}");
            cookies.push(reply.session_cookie().unwrap());
        }
    }
    for (at, cookie) in cookies.iter().enumerate() {
        assert!(!cookies[..at].contains(cookie));
        assert_eq!(app.anon().with_cookie(cookie).is_active().await, 204);
    }
}

#[tokio::test]
async fn case_45_anything_that_is_no_live_token_of_ours_is_401() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let swapped = format!(
        "{}{}",
        &token[..122],
        if token.ends_with('A') { 'B' } else { 'A' }
    );
    for bad in [
        "x",
        &token[..122],
        &format!("{token}A"),
        &format!(" {token}"),
        &token.to_lowercase(),
        &"A".repeat(123),
        &"\u{e9}".repeat(61),
        &swapped,
        crate::support::SECRET_KEY,
    ] {
        for reply in both(&app.anon(), &[("auth_token", bad)]).await {
            // A last character that decodes to the same bytes would be a second spelling of one token.
            reply.expect_error(401, 10003, "token");
        }
    }
    for fields in [&[][..], &[("auth_token", "")], &[("username", "alice")]] {
        for reply in both(&app.anon(), fields).await {
            reply.expect_error(400, 10002, "auth_token");
        }
    }
    let words = app.trail.words();
    assert!(
        words.contains(&"login_refused unknown_token".to_owned()),
        "{words:?}"
    );
}

#[tokio::test]
async fn case_21_a_parameter_given_twice_is_refused() {
    let app = app_with_target();
    let token = app.token("alice").await;
    for name in [
        "redirect_url",
        "auth_token",
        "username",
        "no_url_redirection",
    ] {
        let mut fields = vec![("auth_token", token.as_str()), ("redirect_url", TARGET)];
        fields.extend([(name, "alice"), (name, "alice")]);
        for reply in both(&app.anon(), &fields).await {
            assert_eq!(reply.status, 400, "{name}");
            assert_eq!(reply.cookies(), []);
        }
        fields[2].0 = "a";
    }
}

#[tokio::test]
async fn case_21_body_and_query_do_not_mix_and_other_spellings_are_other_names() {
    let app = app_with_target();
    let token = app.token("alice").await;
    let good = [("auth_token", token.as_str()), ("redirect_url", TARGET)];
    let request = app
        .anon()
        .request(Method::POST, "/session/login/token")
        .query(&[("redirect_url", "https://evil.example/")])
        .form(&good);
    let reply = app.anon().send(request).await;
    assert_eq!(
        reply.header("location"),
        Some(TARGET),
        "POST reads its body alone"
    );

    let request = app
        .anon()
        .request(Method::POST, "/session/login/token")
        .query(&good);
    let reply = app.anon().send(request).await;
    reply.expect_error(400, 10002, "auth_token");

    for name in ["redirect_url[]", "Redirect_Url", " redirect_url"] {
        let fields = [good[0], (name, "https://evil.example/")];
        for reply in both(&app.anon(), &fields).await {
            assert_eq!(
                (reply.status, reply.header("location")),
                (204, None),
                "{name}"
            );
        }
    }
    // An escaped name is that name.
    let body = format!("auth_token={token}&redirect%5furl=https%3A%2F%2Fevil.example%2F");
    let reply = app.anon().post_raw("/session/login/token", body).await;
    reply.expect_error(400, 10002, "redirect_url");
}

#[tokio::test]
async fn login_by_get_can_be_switched_off() {
    let app = TestApp::with(|settings| settings.tokens.login_by_get = false);
    let token = app.token("alice").await;
    for fields in [
        &[("auth_token", token.as_str())][..],
        &[],
        &[("a", "1"), ("a", "2")],
    ] {
        let reply = app.anon().redeem_by_get(fields).await;
        reply.expect_error(405, 10002, "method");
    }
    assert_eq!(
        app.anon().redeem(&[("auth_token", &token)]).await.status,
        204
    );
}

#[tokio::test]
async fn case_30_a_head_request_opens_nothing() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    app.trail.clear();
    let request = app
        .anon()
        .request(Method::HEAD, "/session/login/token")
        .query(&[("auth_token", &token)]);
    let reply = app.anon().send(request).await;
    assert_eq!((reply.status, reply.cookies().len()), (405, 0));
    assert_eq!(app.trail.words(), [""; 0]);
}

#[tokio::test]
async fn case_56_a_token_in_the_query_is_in_no_log_and_no_audit_line() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let fields = [("username", "alice"), ("auth_token", token.as_str())];
    assert_eq!(app.anon().redeem_by_get(&fields).await.status, 204);
    let fields = [("username", "bob"), ("auth_token", token.as_str())];
    assert_eq!(app.anon().redeem_by_get(&fields).await.status, 401);
    let log = app.log();
    assert!(log.contains("/session/login/token"), "the path is logged");
    assert!(!log.contains("auth_token="), "the query is not");
    assert_eq!(app.leaks(), [""; 0]);
}

#[tokio::test]
async fn a_login_by_token_is_audited_with_its_key() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    app.anon().redeem(&[("auth_token", &token)]).await;
    let event = app.trail.last();
    assert_eq!(event.act.name(), "login");
    assert_eq!(event.user_name.as_deref(), Some("alice"));
    let text = format!("{:?}", event.act);
    assert!(
        text.contains("TrustedToken") && text.contains("key: Some("),
        "{text}"
    );
}
