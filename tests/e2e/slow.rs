//! Connections that are slow, idle or greedy: whoever is in a hurry does not notice them.

use crate::support::{Home, Start};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Of each kind; with three kinds as many as a small machine's process may have open, and many more than workers.
const MANY: usize = 300;
/// The server gives a head ten seconds; a busy machine gets slack.
const HEAD_WITHIN: Duration = Duration::from_secs(25);
const PIPELINED: usize = 1_000;
/// What a body of the test is given, and what a busy machine gets.
const BODY_TIMEOUT: &str = "--set server.body_timeout=2s";
const BODY_WITHIN: Duration = Duration::from_secs(20);

async fn open(address: &str, beginning: &str) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..MANY {
        let mut one = TcpStream::connect(address).await.unwrap();
        one.write_all(beginning.as_bytes()).await.unwrap();
        all.push(one);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_53_slow_and_idle_connections_by_the_hundred_keep_nobody_out() {
    let home = Home::new();
    let server = Start::new(&home).planted().start();
    let address = server
        .http()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;

    let idle = open(address, "").await;
    let mut heads = open(address, "GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    let bodies = open(
        address,
        "POST /callosum/v1/session/login HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=",
    )
    .await;
    for _ in 0..50 {
        assert_eq!(visitor.check(&cookies).await, 204);
    }

    // One byte now and then does not prolong it.
    for one in &mut heads {
        let _already_ended = one.write_all(b"a").await;
    }
    for one in &mut heads {
        let mut rest = Vec::new();
        let ended = timeout(HEAD_WITHIN, one.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a head may take for ever");
        let said = String::from_utf8_lossy(&rest);
        assert!(said.is_empty() || said.contains(" 408 "), "{said}");
    }
    assert_eq!(visitor.check(&cookies).await, 204);
    drop((idle, bodies));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_53_a_thousand_requests_in_one_go_are_answered_in_their_order() {
    let home = Home::new();
    let server = Start::new(&home).planted().start();
    let address = server
        .http()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    let asking = tokio::spawn(async move {
        let request = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut all = request.repeat(PIPELINED);
        all.push_str("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        writing.write_all(all.as_bytes()).await.unwrap();
        writing
    });
    let mut said = Vec::new();
    let read = timeout(Duration::from_secs(30), reading.read_to_end(&mut said)).await;
    read.expect("no end").unwrap();
    drop(asking.await.unwrap());
    let said = String::from_utf8_lossy(&said);
    assert_eq!(said.matches("HTTP/1.1 200 OK").count(), PIPELINED + 1);
}

/// Sends the head and then a byte of the body now and then; what was answered, once the connection has ended.
async fn dribble(address: &str, head: &str, bytes: &str) -> String {
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    writing.write_all(head.as_bytes()).await.unwrap();
    let bytes = bytes.to_owned();
    let sending = tokio::spawn(async move {
        for byte in bytes.bytes().cycle() {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if writing.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    });
    let mut said = Vec::new();
    let ended = timeout(BODY_WITHIN, reading.read_to_end(&mut said)).await;
    sending.abort();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(ended.is_ok(), "it may take for ever: {head} {said}");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_53_a_body_that_dribbles_in_is_408_and_its_connection_ends() {
    let home = Home::new();
    let server = Start::new(&home).planted().with(BODY_TIMEOUT).start();
    let address = server.http().trim_start_matches("http://");
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    for (path, kind, bytes, words) in [
        ("/callosum/v1/session/login", form, "a", "\"code\":10002"),
        (
            "/api/rest/2.0/auth/session/login",
            json,
            " ",
            "\"code\":10002",
        ),
        ("/MicroStrategyLibrary/api/auth/login", json, " ", "ERR006"),
        ("/sign-in", form, "a", "took too long"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 900000\r\n\r\n"
        );
        let said = dribble(address, &head, bytes).await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{path}: {said}");
        assert!(said.contains(words), "{path}: {said}");
        assert!(said.contains("connection: close"), "{path}: {said}");
    }
    // In chunks, which a connection would otherwise wait for after the reply, and where nobody reads them.
    for (path, status) in [("session/login", 408), ("session/logout", 401)] {
        let head = format!(
            "POST /callosum/v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {form}\r\n\
             Transfer-Encoding: chunked\r\n\r\nffff\r\n"
        );
        let said = dribble(address, &head, "a").await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
    }
    // One that takes a while and is whole in time is like any other.
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    assert_eq!(visitor.check(&cookies).await, 204);
}
