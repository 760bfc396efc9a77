//! Below the handlers: paths that mean to slip by (case 49), smuggled requests (case 52), slow and early ends.

use crate::support::{SECRET_KEY, TestApp, exchange, split};

/// Sends one request written by hand and returns its status, its head and whether the server then closed.
async fn ask(app: &TestApp, request: &str) -> (u16, String, bool) {
    let (answer, is_closed) = exchange(app.address, request.as_bytes()).await;
    let (status, head) = split(&answer);
    (status, head, is_closed)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn case_49_no_spelling_of_a_path_reaches_a_handler_with_fewer_checks() {
    let app = TestApp::spawn();
    for path in [
        "/callosum/v1//session/info",
        "//callosum/v1/session/info",
        "/callosum/v1/./session/info",
        "/callosum/v1/session/../session/info",
        "/callosum/v1/health/../session/info",
        "/health/live/../../callosum/v1/session/info",
        "/callosum/v1/session/info;x=y",
        "/callosum/v1;x=y/session/info",
        "/callosum/v1/session/info;/health/live",
        "/callosum/v1/session%2finfo",
        "/callosum/v1/session%2Finfo",
        "/callosum/v1/%73ession/info",
        "/callosum/v1/session/inf%6f",
        "/callosum/v1/session%252finfo",
        "/callosum/v1/session/%2e/info",
        "/callosum/v1/session/%2e%2e/session/info",
        "/callosum/v1/session\\info",
        "/callosum/v1/session%5cinfo",
        "/CALLOSUM/v1/session/info",
        "/callosum/v1/session/INFO",
        "/callosum/v1/session/info.",
        "/callosum/v1/session/info/",
        "/callosum/v1/session/info%00",
        "/callosum/v1/session/info%20",
        "/callosum/v1/session/info%0a",
        "/callosum/v1/session/%",
        "/callosum/v1/session/%zz",
        "/callosum/v1/session/info%",
        "/callosum/v1/tspublic/v1/../session/info",
        "/tspublic/v1/tspublic/v1/session/info",
        "/prism/../callosum/v1/session/info",
        "/prism/preauth/info/",
        "http://x/callosum/v1/session/info",
        "*",
    ] {
        let (status, head, _) = ask(&app, &get(path)).await;
        assert!([400, 401, 404].contains(&status), "{path}: {head}");
        assert!(
            !head.contains("set-cookie") && !head.contains("location"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn case_49_a_spelling_that_does_reach_a_handler_meets_the_same_checks() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let cookie = alice.cookie();
    for (path, body) in [
        ("/callosum/v1/user/session/%69nvalidate", ""),
        (
            "/callosum/v1/%75ser/session/invalidate",
            "username=[\"bob\"]",
        ),
        ("/callosum/v1/user//session/invalidate", ""),
        ("/callosum/v1/user/session/invalidate/", ""),
        ("/callosum/v1/user/session/Invalidate", ""),
    ] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, _, _) = ask(&app, &request).await;
        assert!([403, 404].contains(&status), "{path}: {status}");
    }
    assert_eq!(alice.is_active().await, 204);
}

#[tokio::test]
async fn methods_that_no_route_has_are_405_and_open_nothing() {
    let app = TestApp::spawn();
    for method in [
        "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "X",
    ] {
        let request = format!(
            "{method} /callosum/v1/session/info HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        );
        let (status, head, _) = ask(&app, &request).await;
        assert!([400, 404, 405].contains(&status), "{method}: {head}");
    }
}

/// A login whose framing two readers could understand differently, followed by what might be smuggled.
fn ambiguous(framing: &str, body: &str) -> String {
    format!(
        "POST /callosum/v1/session/logout HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n{body}\
         GET /callosum/v1/session/isactive HTTP/1.1\r\nhost: x\r\nx-smuggled: 1\r\n\r\n"
    )
}

#[tokio::test]
async fn case_52_ambiguous_framing_is_refused_once_and_the_connection_closed() {
    let app = TestApp::spawn();
    for (framing, body) in [
        ("content-length: 5\r\ncontent-length: 6", "aaaaa"),
        ("content-length: 5, 6", "aaaaa"),
        ("content-length: 5, 5", "aaaaa"),
        ("content-length: +5", "aaaaa"),
        ("content-length: -5", "aaaaa"),
        ("content-length: 0x5", "aaaaa"),
        ("content-length: 5 5", "aaaaa"),
        ("content-length: 99999999999999999999", "aaaaa"),
        (
            "content-length: 5\r\ntransfer-encoding: chunked",
            "0\r\n\r\n",
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 5",
            "0\r\n\r\n",
        ),
        (
            "transfer-encoding: identity, chunked, identity",
            "0\r\n\r\n",
        ),
        ("transfer-encoding: chunked, chunked", "0\r\n\r\n"),
        ("transfer-encoding: chunked, identity", "0\r\n\r\n"),
        ("transfer-encoding: xchunked", "0\r\n\r\n"),
        ("transfer-encoding: gzip", "aaaaa"),
        ("transfer-encoding : chunked", "0\r\n\r\n"),
        ("content-length : 5", "aaaaa"),
        ("x: 1\r\n transfer-encoding: chunked", "0\r\n\r\n"),
        ("transfer-encoding:\r\n chunked", "0\r\n\r\n"),
        ("x\0: 1\r\ncontent-length: 0", ""),
        ("content-length: 0\r\nx: \0", ""),
        ("content-length: 0\r\n: 1", ""),
    ] {
        let (answer, is_closed) = exchange(app.address, ambiguous(framing, body).as_bytes()).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        let (status, _) = split(&answer);
        assert!(
            status == 400 || (answers == 0 && is_closed),
            "{framing:?}: {answer}"
        );
        assert!(
            answers <= 1 && is_closed,
            "{framing:?}: {answers} answers, closed: {is_closed}"
        );
    }
}

#[tokio::test]
async fn case_52_bad_chunks_end_the_connection_with_nothing_done() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    for body in [
        "x\r\n\r\n",
        "-1\r\n\r\n",
        "fffffffffffffffff\r\n",
        "5\r\naaaaaX0\r\n\r\n",
        "5\naaaaa\n0\n\n",
        "5;\na\r\naaaaa\r\n0\r\n\r\n",
    ] {
        let request = format!(
            "PUT /callosum/v1/session/orgs HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n{body}\
             GET /callosum/v1/session/isactive HTTP/1.1\r\nhost: x\r\n\r\n",
            alice.cookie()
        );
        let (answer, is_closed) = exchange(app.address, request.as_bytes()).await;
        assert!(
            answer.matches("HTTP/1.1 ").count() <= 1,
            "{body:?}: {answer}"
        );
        assert!(is_closed, "{body:?}");
        let (status, _) = split(&answer);
        assert!([0, 400].contains(&status), "{body:?}: {answer}");
    }
}

#[tokio::test]
async fn case_52_well_formed_requests_in_one_go_are_answered_in_their_order() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let one = |path: &str, cookie: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n")
    };
    let mut requests = String::new();
    for _ in 0..50 {
        requests += &one("/callosum/v1/session/isactive", alice.cookie());
        requests += &one("/callosum/v1/session/isactive", "a=1");
    }
    let (answer, _) = exchange(app.address, requests.as_bytes()).await;
    let codes: Vec<&str> = answer
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &answer[at + 9..at + 12])
        .collect();
    // One client's credentials never count for the next request on its connection.
    assert_eq!(codes, ["204", "401"].repeat(50));
}

#[tokio::test]
async fn a_head_too_large_or_too_many_headers_are_refused() {
    let app = TestApp::spawn();
    let large = "x".repeat(256 * 1024);
    let many = "h: 1\r\n".repeat(500);
    for head in [
        format!("GET /{large} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: x\r\nbig: {large}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
    ] {
        let (answer, is_closed) = exchange(app.address, head.as_bytes()).await;
        let (status, _) = split(&answer);
        assert!([0, 400, 414, 431].contains(&status), "{status}");
        assert!(is_closed);
    }
    assert_eq!(app.anon().is_active().await, 401, "and the server goes on");
}

#[tokio::test]
async fn a_body_that_breaks_off_does_nothing() {
    let app = TestApp::spawn();
    app.trail.clear();
    let request = format!(
        "POST /callosum/v1/session/auth/token HTTP/1.1\r\nhost: x\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 5000\r\n\r\n\
         secret_key={SECRET_KEY}&username=fresh&autocreate=true"
    );
    let (answer, _) = exchange(app.address, request.as_bytes()).await;
    assert_eq!(answer, "", "it waits for the rest");
    assert!(app.find_user("fresh").await.is_none());
    assert_eq!(app.trail.words(), [""; 0]);
}
