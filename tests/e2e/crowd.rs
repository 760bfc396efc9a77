//! Many connections of few addresses, silent, idle or never read from: what they cost, and that others do not notice.

use crate::support::{Home, Server, Start, until};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

/// How many files the server of the silent ones may have open: of its connections one address may hold 286.
const FEW: usize = 700;
const ONE_MAY_HOLD: usize = 286;
const SILENT: usize = 400;
/// A handshake that does not come is waited for for longer than this.
const SOON: Duration = Duration::from_secs(2);
/// As many idle connections as are to be had, and as would do.
const MANY: usize = 10_000;
const ENOUGH: usize = 2_000;
/// What each may cost the server, in KiB: some 20, and slack for an unoptimised program.
const KIB_EACH: usize = 40;
const NEIGHBOURS: u8 = 8;

fn address_of(url: &str) -> SocketAddr {
    url.split_once("://").unwrap().1.parse().unwrap()
}

/// A connection that comes from 127.0.0.`last`.
async fn connect_from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    socket.bind(SocketAddr::new(from, 0)).unwrap();
    socket.connect(to).await.unwrap()
}

/// Whether the other side has ended it.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.try_read(&mut [0; 16]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_53_silence_before_the_handshake_is_counted_and_keeps_nobody_out_of_either_listener() {
    let home = Home::new();
    let limit = format!("--nofile={FEW}:{FEW}");
    let server = Start::new(&home)
        .planted()
        .with("--set server.workers=1")
        .through(&["prlimit", &limit])
        .start();
    // Also sees to the provider of TLS that the other client wants.
    assert_eq!(server.visitor().get("/health/live").await.status(), 200);
    let other = reqwest::Client::builder()
        .no_proxy()
        .local_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)))
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();

    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(
            TcpStream::connect(address_of(server.https()))
                .await
                .unwrap(),
        );
    }
    for base in [server.https(), server.http()] {
        let began = Instant::now();
        let reply = other.get(format!("{base}/health/live")).send().await;
        assert_eq!(reply.unwrap().status(), 200);
        let took = began.elapsed();
        assert!(took < SOON, "{base}: {took:?}");
    }
    let closed = || silent.iter().filter(|one| is_closed(one)).count();
    until("who has too many is turned away", async || {
        closed() >= SILENT - ONE_MAY_HOLD
    })
    .await;
    let warnings = server
        .log()
        .matches("this address holds as many connections as one may")
        .count();
    assert_eq!(warnings, 1);
    drop(silent);
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_53_a_reply_that_nobody_reads_ends_its_connection() {
    let home = Home::new();
    let server = Start::new(&home)
        .planted()
        .with("--set server.reply_timeout=2s")
        .start();
    let visitor = server.visitor();
    assert_eq!(visitor.get("/health/live").await.status(), 200);
    let before = server.descriptors();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let stream = socket.connect(address_of(server.http())).await.unwrap();
    until("it is accepted", async || server.descriptors() > before).await;
    let (reading, mut writing) = stream.into_split();
    let asking = tokio::spawn(async move {
        let request = "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500);
        // The server reads no further than it answers.
        let _ended_meanwhile = writing.write_all(request.as_bytes()).await;
        writing
    });
    until("the server gives up", async || {
        server.descriptors() <= before
    })
    .await;
    drop((reading, asking));
    assert_eq!(visitor.get("/health/live").await.status(), 200);
    assert!(server.stop().success());
}

/// The memory the server has in use, in KiB.
fn resident(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

/// A connection whose only request was answered.
async fn idle(last: u8, to: SocketAddr) -> TcpStream {
    let mut stream = connect_from(last, to).await;
    let request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut reply = [0; 2_048];
    let read = stream.read(&mut reply).await.unwrap();
    assert!(reply[..read].starts_with(b"HTTP/1.1 200 "));
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_53_thousands_of_idle_connections_cost_little_and_keep_nobody_out() {
    // Both this process and the server, which inherits its limit, need a descriptor for each.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let most = limit
        .current
        .map_or(MANY, |most| usize::try_from(most).unwrap());
    let many = most.saturating_sub(500).min(MANY);
    assert!(
        many >= ENOUGH,
        "{most} open files are too few for this test"
    );

    let home = Home::new();
    let server = Start::new(&home).planted().start();
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    let address = address_of(server.http());
    for _ in 0..50 {
        drop(idle(2, address).await);
    }
    let before = resident(&server);
    let mut all = Vec::new();
    while all.len() < many {
        let some = (0..NEIGHBOURS).flat_map(|n| [idle(2 + n, address), idle(2 + n, address)]);
        all.extend(futures_util::future::join_all(some).await);
    }
    for _ in 0..20 {
        assert_eq!(visitor.check(&cookies).await, 204);
    }
    let each = resident(&server).saturating_sub(before) / all.len();
    println!("{} idle connections, {each} KiB each", all.len());
    assert!(each <= KIB_EACH, "{each} KiB each");
    assert!(server.descriptors() > many, "they are gone already");
    drop(all);
    assert_eq!(visitor.check(&cookies).await, 204);
    assert!(server.stop().success());
}
