//! Bodies that unpack to a thousand times their size: who sends them costs the server no more than anybody else.

use crate::support::{Home, Start};
use std::fs::read_to_string;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What one unpacks to.
const UNPACKED: usize = 256 << 20;
/// How many come at a time.
const MANY: usize = 8;
/// How much more memory the server may ever have used; one bomb alone took more.
const MOST_KIB: u64 = 100 << 10;

fn bomb() -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .args(["-9", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let writing = thread::spawn(move || {
        let piece = vec![b'a'; 1 << 20];
        for _ in 0..UNPACKED / piece.len() {
            input.write_all(&piece).unwrap();
        }
    });
    let output = gzip.wait_with_output().unwrap();
    writing.join().unwrap();
    output.stdout
}

/// The most memory the process has ever used, in KiB.
fn peak(process: u32) -> u64 {
    let status = read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap()
}

async fn send(address: &str, path: &str, kind: &str, bomb: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let length = bomb.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Encoding: gzip\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // It may answer before it has everything, and close.
    let _not_read = connection.write_all(bomb).await;
    let mut said = Vec::new();
    let _reset = connection.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_47_packed_bodies_cost_no_memory() {
    let home = Home::new();
    let server = Start::new(&home).planted().start();
    let address = server.http().trim_start_matches("http://");
    server.visitor().sign_in_as_admin().await;
    let bomb = bomb();
    assert!(bomb.len() < 1 << 20, "larger than any body may be");
    let before = peak(server.process());
    for (path, kind) in [
        (
            "/callosum/v1/session/login",
            "application/x-www-form-urlencoded",
        ),
        ("/api/rest/2.0/auth/session/login", "application/json"),
        ("/MicroStrategyLibrary/api/auth/login", "application/json"),
    ] {
        let all = (0..MANY).map(|_| send(address, path, kind, &bomb));
        for said in futures_util::future::join_all(all).await {
            let is_refused = said.starts_with("HTTP/1.1 4");
            assert!(said.is_empty() || is_refused, "{path}: {said}");
        }
    }
    let grown = peak(server.process()) - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
    assert_eq!(
        server.visitor().get("/health/live").await.status(),
        200,
        "and it goes on"
    );
}
