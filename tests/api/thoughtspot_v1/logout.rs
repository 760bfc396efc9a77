//! `POST session/logout`: case 30, decision 1, and case 29's slow request.

use crate::support::TestApp;
use futures_util::future::join_all;
use reqwest::Method;

#[tokio::test]
async fn a_live_session_ends_and_its_cookies_are_cleared_as_they_were_set() {
    let app = TestApp::spawn();
    let mut alice = app.anon();
    let login = alice
        .post_login("alice", crate::support::ALICE_PASSWORD)
        .await;
    alice.keep(&login);
    let reply = alice.log_out().await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let (set, cleared) = (login.cookies(), reply.cookies());
    assert_eq!(cleared.len(), 2);
    for (set, cleared) in set.iter().zip(&cleared) {
        assert_eq!(set.name, cleared.name);
        assert_eq!(cleared.value, "");
        assert!(cleared.has("Max-Age=0"));
        assert_eq!(cleared.attributes[..set.attributes.len()], set.attributes);
    }
    assert_eq!(alice.is_active().await, 401);
    assert_eq!(app.trail.words(), ["login", "logout"]);
}

#[tokio::test]
async fn case_30_a_second_logout_and_one_with_nothing_are_401() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    assert_eq!(alice.log_out().await.status, 204);
    let reply = alice.log_out().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["code"], 10097);
    // The dead cookie is of no use any more, so the browser is told to drop it.
    assert_eq!(reply.cookies().len(), 2);
    assert!(reply.cookies()[0].has("Max-Age=0"));

    let reply = app.anon().log_out().await;
    reply.expect_error(401, 10097, "sign in");
    for foreign in ["JSESSIONID=abc", "JSESSIONID=", "other=1"] {
        let reply = app.anon().with_cookie(foreign).log_out().await;
        assert_eq!(reply.status, 401, "{foreign}");
    }
    assert_eq!(app.trail.words(), ["login", "logout"]);
}

#[tokio::test]
async fn a_bearer_alone_is_204_and_lives_on() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let bearer = app.anon().with_bearer(&token);
    let reply = bearer.log_out().await;
    assert_eq!((reply.status, reply.cookies().len()), (204, 0));
    assert_eq!(bearer.is_active().await, 204);
    let reply = app.anon().with_bearer("dead").log_out().await;
    reply.expect_error(401, 10003, "token");
}

#[tokio::test]
async fn with_cookie_and_bearer_the_session_ends_and_the_token_lives() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let alice = app.alice().await;
    let reply = alice.with_bearer(&token).log_out().await;
    assert_eq!(reply.status, 204);
    assert!(reply.cookies()[0].has("Max-Age=0"));
    assert_eq!(alice.is_active().await, 401);
    assert_eq!(app.anon().with_bearer(&token).is_active().await, 204);
    // A dead cookie beside a live token: nothing to end but nothing wrong either.
    assert_eq!(alice.with_bearer(&token).log_out().await.status, 204);
    // A dead token does not keep a live session from ending.
    let bob = app.bob().await;
    assert_eq!(bob.with_bearer("dead").log_out().await.status, 204);
    assert_eq!(bob.is_active().await, 401);
}

#[tokio::test]
async fn any_content_type_and_body_will_do_under_every_prefix() {
    let app = TestApp::spawn();
    for (prefix, kind, body) in [
        ("/callosum/v1/tspublic/v1", "application/json", ""),
        ("/callosum/v1", "application/json", "{}"),
        ("/tspublic/v1", "text/plain", "x"),
        (
            "/callosum/v1",
            "application/x-www-form-urlencoded",
            "a=%ff&a=1",
        ),
    ] {
        let alice = app.alice().await;
        let request = alice
            .under(prefix)
            .request(Method::POST, "/session/logout")
            .header("content-type", kind)
            .body(body);
        assert_eq!(alice.send(request).await.status, 204, "{kind}");
        assert_eq!(alice.is_active().await, 401);
    }
}

#[tokio::test]
async fn case_30_only_post_logs_out() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let request = alice.request(method.clone(), "/session/logout");
        let reply = alice.send(request).await;
        assert_eq!((reply.status, reply.cookies().len()), (405, 0), "{method}");
    }
    assert_eq!(alice.is_active().await, 204);
}

#[tokio::test]
async fn case_30_a_page_of_another_site_cannot_log_out() {
    let app =
        TestApp::with(|settings| settings.embed.origins = vec!["https://embed.example".into()]);
    let alice = app.alice().await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://embed.example.evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let reply = alice.with(name, value).log_out().await;
        reply.expect_error(403, 10023, "another site");
        assert_eq!(alice.is_active().await, 204, "the session lives");
    }
    let own = format!("http://{}", app.address);
    for origin in [own.as_str(), "https://embed.example"] {
        let client = app.alice().await;
        assert_eq!(client.with("origin", origin).log_out().await.status, 204);
    }
    // A program outside a browser sends neither header, and needs no other one.
    assert_eq!(alice.log_out().await.status, 204);
}

#[tokio::test]
async fn case_29_a_request_in_flight_does_not_bring_the_session_back() {
    let app = TestApp::with(|settings| settings.server.workers = 2);
    for _ in 0..5 {
        let alice = app.alice().await;
        let sales = app.sales.0;
        let checks = join_all((0..20).map(|_| alice.is_active()));
        let moves = join_all((0..10).map(|_| alice.switch_org(sales)));
        let (_, reply, _) = futures_util::future::join3(checks, alice.log_out(), moves).await;
        assert_eq!(reply.status, 204);
        for _ in 0..3 {
            assert_eq!(alice.is_active().await, 401);
        }
        assert_eq!(alice.switch_org(0).await.status, 401);
    }
}

#[tokio::test]
async fn logging_out_ends_one_session_of_the_user() {
    let app = TestApp::spawn();
    let (here, there) = (app.alice().await, app.alice().await);
    assert_eq!(here.log_out().await.status, 204);
    assert_eq!(there.is_active().await, 204);
}

#[tokio::test]
async fn two_logouts_at_once_end_it_once() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let mut codes: Vec<u16> = join_all((0..8).map(|_| alice.log_out()))
        .await
        .iter()
        .map(|reply| reply.status)
        .collect();
    codes.sort_unstable();
    assert_eq!(codes[..2], [204, 401]);
    assert_eq!(app.trail.words(), ["login", "logout"]);
}
