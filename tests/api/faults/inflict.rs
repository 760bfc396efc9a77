//! What befalls the servers, and how it passes.

use crate::servers::{Kind, Node, Topology, until};
use std::process::{Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What befalls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All processes end without notice.
    Killed,
    /// All processes stand still.
    Hung,
    /// All have been started again and read their files.
    Loading,
    /// The masters have become replicas; in a Cluster they miss theirs.
    ReadOnly,
    /// No memory is left.
    Full,
    /// No answer comes before seconds have passed.
    Slow,
    /// Each runs a script that does not end.
    Busy,
    /// In their place stands something that sends everybody elsewhere.
    Moved,
}

/// What no longer works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Everything.
    NothingWorks,
    /// Writes; what only reads may work.
    SomeWritesFail,
}

/// Longer than all that is asked meanwhile.
const SLOW_FOR: &str = "5000";
/// Keys to read, each taking as long: some seconds altogether.
const PADDING: usize = 2_500;
const LOAD_SLOWLY: [&str; 4] = [
    "--key-load-delay",
    "1500",
    "--loading-process-events-interval-bytes",
    "1024",
];

impl Fault {
    /// Begins.
    pub async fn befall(self, servers: &Topology) -> Harm {
        match self {
            Self::Killed => servers.nodes.iter().for_each(Node::kill),
            Self::Hung => servers.nodes.iter().for_each(|node| node.signal("STOP")),
            Self::Loading => tokio::task::block_in_place(|| load(servers)),
            Self::ReadOnly => {
                for node in servers.masters() {
                    let words: &[&str] = match servers.kind {
                        Kind::Cluster => &["CONFIG", "SET", "min-replicas-to-write", "9"],
                        _ => &["REPLICAOF", "127.0.0.1", "1"],
                    };
                    assert_eq!(node.command(words), "OK");
                }
                return Harm::SomeWritesFail;
            }
            Self::Full => {
                for node in servers.masters() {
                    assert_eq!(node.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
                }
                return Harm::SomeWritesFail;
            }
            Self::Slow => {
                for node in &servers.nodes {
                    let words = ["CLIENT", "PAUSE", SLOW_FOR, "ALL"];
                    assert_eq!(node.command(&words), "OK");
                }
            }
            Self::Busy => {
                let masters = servers.masters();
                for node in &masters {
                    let words = ["CONFIG", "SET", "busy-reply-threshold", "50"];
                    until("it is told", || node.command(&words) == "OK");
                    // Three that spin on a small machine leave the server under test nothing to answer with.
                    node.yield_to_others();
                    let mut endless = Command::new("redis-cli");
                    endless
                        .args(["-p", &node.port.to_string()])
                        .args(["EVAL", "while true do end", "0"])
                        .stdout(Stdio::null())
                        .stderr(Stdio::null());
                    // Comes back with the script's end.
                    std::thread::spawn(move || endless.status());
                }
                tokio::task::block_in_place(|| {
                    // On each of them: one that is not there yet would still answer.
                    until("scripts run", || {
                        let mut masters = masters.iter();
                        masters.all(|node| node.command(&["PING"]).contains("BUSY"))
                    });
                });
            }
            Self::Moved => {
                for node in &servers.nodes {
                    node.kill();
                    stand_in(node.port).await;
                }
            }
        }
        Harm::NothingWorks
    }

    /// Whether it lasts only for a while.
    pub fn passes_by_itself(self) -> bool {
        matches!(self, Self::Slow | Self::Loading)
    }

    /// Ends.
    pub async fn pass(self, servers: &Topology) {
        match self {
            Self::Killed => servers.nodes.iter().for_each(|node| node.start_again(&[])),
            Self::Hung => servers.nodes.iter().for_each(|node| node.signal("CONT")),
            Self::Loading | Self::Slow => {}
            Self::ReadOnly => {
                let words: &[&str] = match servers.kind {
                    Kind::Cluster => &["CONFIG", "SET", "min-replicas-to-write", "0"],
                    _ => &["REPLICAOF", "NO", "ONE"],
                };
                let count = if servers.kind == Kind::Cluster { 6 } else { 1 };
                for node in &servers.nodes[..count] {
                    assert_eq!(node.command(words), "OK");
                }
            }
            Self::Full => {
                for node in &servers.nodes {
                    assert_eq!(node.command(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
                }
            }
            Self::Busy => {
                for node in &servers.nodes {
                    node.command(&["SCRIPT", "KILL"]);
                }
            }
            Self::Moved => {
                STAND_INS.lock().await.shutdown().await;
                servers.nodes.iter().for_each(|node| node.start_again(&[]));
            }
        }
    }
}

fn load(servers: &Topology) {
    servers.pad(PADDING);
    for node in &servers.nodes {
        node.command(&["BGREWRITEAOF"]);
    }
    for node in &servers.nodes {
        until("files are written", || {
            let info = node.command(&["INFO", "persistence"]);
            info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
        });
        node.kill();
    }
    for node in &servers.nodes {
        node.start_again(&LOAD_SLOWLY);
    }
    until("a master reads its files", || {
        let loading = "loading:1";
        let mut nodes = servers.nodes.iter();
        nodes.any(|node| node.command(&["INFO", "persistence"]).contains(loading))
    });
}

static STAND_INS: std::sync::LazyLock<tokio::sync::Mutex<JoinSet<()>>> =
    std::sync::LazyLock::new(tokio::sync::Mutex::default);

/// Answers every command by sending the asker to a server that is not there.
async fn stand_in(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    STAND_INS.lock().await.spawn(async move {
        let mut peers = JoinSet::new();
        while let Ok((mut peer, _)) = listener.accept().await {
            peers.spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(read @ 1..) = peer.read(&mut buffer).await {
                    // Each command is an array, and no argument of ours begins a line with a star.
                    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    let commands = text.lines().filter(|line| line.starts_with('*')).count();
                    let answer = "-MOVED 1 127.0.0.1:1\r\n".repeat(commands);
                    if peer.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
}
