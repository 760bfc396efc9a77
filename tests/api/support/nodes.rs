//! The same suite on several nodes: `VESTIBULE_TEST_NODES=2` has every server of the tests run twice, on one
//! Redis and one PostgreSQL database, behind an address that leads each connection to the next node.
//!
//! Bytes pass through as they are, so nothing a test sends or reads is changed on the way. Clients of the
//! tests make a connection per request, so requests that follow one another meet different nodes.

use crate::postgres::Postgres;
use crate::support::{Redis, on_redis};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use vestibule::settings::{DirectoryStoreSetting, SessionStoreSetting, Settings};

/// Tests that run on one node all the same, and why.
const ON_ONE_NODE: [(&str, &str); 2] = [
    (
        "secrets::case_56_no_secret_is_in_the_log_or_the_trail_on_the_embedded_store",
        "sessions in a data folder are one process's own; its twin in the same file covers Redis",
    ),
    (
        "thoughtspot_v1::auth_token_lifetime::switching_trusted_authentication_off_stops_minting",
        "turns the switch inside one node by hand; thoughtspot_v2::auth_configure turns it as administrators do",
    ),
];

/// Whether the tests are to run on several nodes.
pub fn are_wanted() -> bool {
    match std::env::var("VESTIBULE_TEST_NODES").as_deref() {
        Err(_) | Ok("1") => false,
        Ok("2") => true,
        Ok(other) => panic!("VESTIBULE_TEST_NODES={other}: expected 1 or 2"),
    }
}

/// On how many nodes the test of this thread runs.
pub fn of_this_test() -> usize {
    if !are_wanted() || is_on_one_node() {
        return 1;
    }
    2
}

fn is_on_one_node() -> bool {
    let name = std::env::var("NEXTEST_TEST_NAME").ok();
    let name = name.or_else(|| std::thread::current().name().map(str::to_owned));
    let name = name.unwrap_or_default();
    ON_ONE_NODE.iter().any(|(listed, _)| *listed == name)
}

/// Refuses a test that keeps its sessions to one node without being listed.
pub fn refuse_lonely_stores(settings: &Settings) {
    let is_lonely = matches!(settings.sessions.store, SessionStoreSetting::Embedded);
    assert!(
        !is_lonely,
        "such a test must be among those that run on one node"
    );
}

/// Has the nodes share what nodes share, before a test has its say.
///
/// Each server of the tests has a schema of its own in one database, which is made faster than a database.
pub fn share(settings: &mut Settings) {
    static SERVER: LazyLock<&Postgres> = LazyLock::new(|| {
        let server = Postgres::start();
        server.trust();
        server.keep()
    });
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("nodes_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    SERVER.sql("postgres", &format!("CREATE SCHEMA {name}"));
    let url = SERVER.url("postgres") + "?options=-csearch_path%3D" + &name;
    settings.directory.store = DirectoryStoreSetting::Postgres(url.into());
    on_redis(settings, Redis::shared());
}

/// The address that all nodes are behind.
pub struct Front {
    /// Where clients find it.
    pub address: SocketAddr,
    listener: std::net::TcpListener,
}

impl Front {
    /// Takes an address; nobody is let in yet.
    pub fn bind() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            listener,
        }
    }

    /// Leads each connection to the next of those.
    pub fn lead_to(self, nodes: Vec<SocketAddr>) -> Leading {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(self.listener).unwrap();
                tokio::select! {
                    () = accept(listener, nodes) => {}
                    _ = stopped => {}
                }
            });
        });
        Leading {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

async fn accept(listener: TcpListener, nodes: Vec<SocketAddr>) {
    for node in nodes.iter().cycle() {
        let Ok((mut client, _)) = listener.accept().await else {
            return;
        };
        let node = *node;
        tokio::spawn(async move {
            // A node that has stopped closes the connection, as a proxy without a page of its own would.
            if let Ok(mut server) = TcpStream::connect(node).await {
                let _ = server.set_nodelay(true);
                let _ = client.set_nodelay(true);
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

/// A front at work; stops when dropped.
pub struct Leading {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Leading {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
