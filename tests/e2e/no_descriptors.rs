//! More connections than files may be open, and none left at all (case 60).

use crate::support::{Cookies, Home, PASSWORD, Redis, Server, Start, Visitor, until};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How many files the server may have open.
const FEW: usize = 200;
const LOGIN: &str = "POST /callosum/v1/tspublic/v1/session/login";
const CHECK: &str = "GET /callosum/v1/tspublic/v1/session/isactive";

async fn connect(server: &Server) -> TcpStream {
    let address = server.http().trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

async fn idle(server: &Server, many: usize) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..many {
        all.push(connect(server).await);
    }
    all
}

/// One connection that is never let go of, as a client's pool may or may not do.
struct Held(BufReader<TcpStream>);

impl Held {
    async fn to(server: &Server) -> Self {
        Self(BufReader::new(connect(server).await))
    }

    /// The status and the head of the reply.
    async fn ask(&mut self, what: &str, cookies: &str, form: &str) -> (u16, String) {
        let length = form.len();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
        );
        self.0.write_all(request.as_bytes()).await.unwrap();
        let answered = timeout(Duration::from_secs(30), self.reply()).await;
        answered.unwrap_or_else(|_| panic!("no answer: {what}"))
    }

    async fn reply(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
        self.0
            .read_exact(&mut vec![0; length.unwrap_or(0)])
            .await
            .unwrap();
        (head[9..12].parse().unwrap(), head)
    }

    async fn sign_in(&mut self) {
        let password = PASSWORD.replace('+', "%2B").replace('&', "%26");
        let form = format!("username=tsadmin&password={}", password.replace('=', "%3D"));
        let (status, _) = self.ask(LOGIN, "", &form).await;
        assert_eq!(status, 204);
    }

    async fn check(&mut self, cookies: &Cookies) -> u16 {
        self.ask(CHECK, &cookies.0, "").await.0
    }
}

/// A server that would accept as fast as it can, in vain, burns a whole core.
async fn assert_at_rest(server: &Server) {
    let before = server.worked();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let worked = server.worked().saturating_sub(before);
    assert!(worked < Duration::from_secs(1), "{worked:?} of 2 s");
}

/// Somebody who has no connection yet; waits for as long as it takes to get one.
async fn newcomer_is_served(server: &Server) {
    let visitor = Visitor::of(server.http());
    assert_eq!(visitor.get("/health/live").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_connections_beyond_the_limit_wait_and_take_nothing_from_the_stores() {
    let home = Home::new();
    let limit = format!("--nofile={FEW}:{FEW}");
    let server = Start::new(&home)
        .planted()
        .through(&["prlimit", &limit])
        .start();
    let cookies = server.visitor().sign_in_as_admin().await;
    let mut client = Held::to(&server).await;
    assert_eq!(client.check(&cookies).await, 204);

    let many = idle(&server, 2 * FEW).await;
    for _ in 0..20 {
        assert_eq!(client.check(&cookies).await, 204);
    }
    // All of this opens, reads and writes files.
    client.sign_in().await;
    home.run("user create carol --no-password").good();
    assert_eq!(client.ask("GET /health/ready", "", "").await.0, 200);
    assert!(server.descriptors() < FEW, "{}", server.descriptors());
    assert_at_rest(&server).await;
    drop(many);
    newcomer_is_served(&server).await;
    assert_eq!(client.check(&cookies).await, 204);
    let log = server.log();
    assert!(!log.contains("Too many open files"), "{log}");
    assert!(
        log.contains("as many connections are served at a time"),
        "{log}"
    );
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_without_a_descriptor_left_nobody_is_signed_out_and_the_next_one_is_used() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    let server = Start::new(&home).planted().start();
    let cookies = server.visitor().sign_in_as_admin().await;
    let mut client = Held::to(&server).await;
    assert_eq!(client.check(&cookies).await, 204);

    // Fewer than are open: whatever is asked for next is refused.
    server.limit("--nofile=10:");
    redis.cut_off_clients();
    until("the store is away", async || {
        let (status, head) = client.ask(CHECK, &cookies.0, "").await;
        assert!(!head.contains("set-cookie"), "{head}");
        assert!(status == 204 || status == 503, "{head}");
        assert_eq!(head.contains("\r\nretry-after: "), status == 503);
        status == 503
    })
    .await;
    let many = idle(&server, 50).await;
    assert_eq!(client.ask("GET /health/live", "", "").await.0, 200);
    assert_at_rest(&server).await;

    server.limit("--nofile=1000:");
    until("the store is back", async || {
        client.check(&cookies).await == 204
    })
    .await;
    newcomer_is_served(&server).await;
    drop(many);
    assert!(server.log().contains("Too many open files"));
    assert!(server.stop().success());
}
