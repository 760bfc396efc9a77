//! Real Redis servers on free ports: one alone, three behind three sentinels, or a Cluster of six.

use crate::ports::{free_port, free_ports};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

/// How long something may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(45);
/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// What the sentinels call the master.
pub const MASTER: &str = "mymaster";
/// The slots of the three masters, and a text whose slot each has.
const SHARDS: [(&str, &str); 3] = [("0-5460", "b"), ("5461-10922", "c"), ("10923-16383", "a")];

/// The user that guarded servers know, and the one that guarded sentinels know.
pub const USER: &str = "vestibule";
/// The password of both, which needs care in a URL.
pub const PASSWORD: &str = "p1anted/w:rd";
/// What the documentation says that the user needs.
const RIGHTS: &str = "resetkeys ~g:* -@all +@read +@write +@scripting +@connection +info +time +role +wait \
    +cluster|nodes +asking";
const SENTINEL_RIGHTS: &str = "-@all +sentinel|get-master-addr-by-name +ping +client";

/// Certificate files of servers that speak TLS only and ask for a password.
pub struct Guard {
    /// Who signed the certificate.
    pub authority: PathBuf,
    /// The certificate, good for 127.0.0.1.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Guard {
    fn words(&self) -> Vec<String> {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let mut words: Vec<String> = vec![
            "--tls-cert-file".into(),
            path(&self.certificate),
            "--tls-key-file".into(),
            path(&self.key),
            "--tls-ca-cert-file".into(),
            path(&self.authority),
        ];
        words.extend(["--tls-auth-clients", "no", "--tls-replication", "yes"].map(str::to_owned));
        words
    }
}

/// A `redis-server` process; killed when dropped.
pub struct Node {
    /// Where it listens.
    pub port: u16,
    folder: TempDir,
    words: Vec<String>,
    /// How `redis-cli` gets in.
    entry: Vec<String>,
    child: Mutex<Child>,
}

impl Node {
    fn start(port: u16, folder: TempDir, mut words: Vec<String>, guard: Option<&Guard>) -> Self {
        let mut entry = vec!["-p".to_owned(), port.to_string()];
        if let Some(guard) = guard {
            words.extend(guard.words());
            words.extend(["--port", "0", "--tls-port"].map(str::to_owned));
            words.push(port.to_string());
            entry.extend(["--tls", "--cacert"].map(str::to_owned));
            entry.push(guard.authority.to_str().unwrap().to_owned());
        }
        let child = Mutex::new(spawn(&folder, &words, &[]));
        Self {
            port,
            folder,
            words,
            entry,
            child,
        }
    }

    /// A server that keeps what it acknowledged, with further words of configuration.
    fn server(port: u16, folder: TempDir, more: &[String], guard: Option<&Guard>) -> Self {
        let mut words: Vec<String> = [
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendfsync",
            "always",
            "--enable-debug-command",
            "local",
            "--repl-diskless-sync-delay",
            "0",
            "--repl-ping-replica-period",
            "1",
            "--port",
        ]
        .map(str::to_owned)
        .to_vec();
        words.push(port.to_string());
        words.extend_from_slice(more);
        let node = Self::start(port, folder, words, guard);
        if guard.is_some() {
            until("a server is up", || node.is_up());
            let password = format!(">{PASSWORD}");
            let user = ["ACL", "SETUSER", USER, "reset", "on", &password];
            let words: Vec<&str> = user.into_iter().chain(RIGHTS.split_whitespace()).collect();
            assert_eq!(node.command(&words), "OK");
        }
        node
    }

    /// What it answers to a command, as text; empty when it does not.
    pub fn command(&self, words: &[&str]) -> String {
        // A server that hangs must not hang the test.
        let output = Command::new("timeout")
            .args(["-s", "KILL", "1", "redis-cli"])
            .args(&self.entry)
            .args(words)
            .output()
            .expect("timeout and redis-cli");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.lock().unwrap().id().to_string();
        let sent = Command::new("kill")
            .args([format!("-{name}"), pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// From now on it runs only where nobody else wants to.
    pub fn yield_to_others(&self) {
        let pid = self.child.lock().unwrap().id().to_string();
        let sent = Command::new("renice")
            .args(["-n", "10", "-p", &pid])
            .stdout(Stdio::null())
            .status();
        assert!(sent.unwrap().success());
    }

    /// Kills it without notice.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Starts it again where it was, for this time with further words.
    pub fn start_again(&self, more: &[&str]) {
        self.kill();
        *self.child.lock().unwrap() = spawn(&self.folder, &self.words, more);
    }

    fn is_up(&self) -> bool {
        self.command(&["PING"]) == "PONG"
    }

    fn is_master(&self) -> bool {
        self.command(&["ROLE"]).starts_with("master")
    }

    fn info(&self, section: &str, line: &str) -> bool {
        self.command(&["INFO", section]).contains(line)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &TempDir, words: &[String], more: &[&str]) -> Child {
    Command::new("redis-server")
        .args(words)
        .args(more)
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server must be installed for these tests: run `make setup`")
}

/// Waits until something is so.
#[expect(
    clippy::disallowed_methods,
    reason = "waits for processes, which follow no clock of ours"
)]
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    let came = loop {
        if is_so() {
            break true;
        }
        if began.elapsed() > PATIENCE {
            break false;
        }
        std::thread::sleep(PAUSE);
    };
    assert!(came, "{what}");
}

/// How servers stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One.
    Single,
    /// A master and two replicas, with three sentinels.
    Sentinel,
    /// Three masters with a replica each.
    Cluster,
}

/// Servers of one kind.
pub struct Topology {
    /// How they stand together.
    pub kind: Kind,
    /// Those that keep data.
    pub nodes: Vec<Node>,
    /// Those that watch them.
    pub sentinels: Vec<Node>,
}

impl Topology {
    /// Starts them and waits until they serve and replicate.
    pub fn start(kind: Kind) -> Self {
        Self::with(kind, &["--appendonly", "yes"], None)
    }

    /// The same over TLS only, with a user who may do just what is needed.
    pub fn guarded(kind: Kind, guard: &Guard) -> Self {
        Self::with(kind, &["--tls-cluster", "yes"], Some(guard))
    }

    /// The same without files, which is faster: what they hold is lost with them.
    pub fn forgetful(kind: Kind) -> Self {
        let started = Self::with(kind, &["--appendonly", "no"], None);
        // A machine that stalls for two seconds must not make an empty server the master.
        started.be_patient();
        started
    }

    fn with(kind: Kind, more: &[&str], guard: Option<&Guard>) -> Self {
        let more: Vec<String> = more.iter().map(|&word| word.to_owned()).collect();
        let started = match kind {
            Kind::Single => Self::single(&more, guard),
            Kind::Sentinel => Self::sentinel(&more, guard),
            Kind::Cluster => Self::cluster(&more, guard),
        };
        until("every server is up", || {
            started.nodes.iter().all(Node::is_up)
        });
        started.wait_until_whole();
        started
    }

    fn single(more: &[String], guard: Option<&Guard>) -> Self {
        let port = free_port();
        Self {
            kind: Kind::Single,
            nodes: vec![Node::server(
                port,
                tempfile::tempdir().unwrap(),
                more,
                guard,
            )],
            sentinels: Vec::new(),
        }
    }

    fn sentinel(more: &[String], guard: Option<&Guard>) -> Self {
        let [master, one, two, ports @ ..] = free_ports::<6>();
        let replica = |port| {
            let of = ["--replicaof", "127.0.0.1", &master.to_string()].map(str::to_owned);
            let words = [more, &of].concat();
            Node::server(port, tempfile::tempdir().unwrap(), &words, guard)
        };
        let first = Node::server(master, tempfile::tempdir().unwrap(), more, guard);
        let nodes = vec![first, replica(one), replica(two)];
        // Each is told of the others, so that nobody has to wait until they have met.
        let sentinels = ports.map(|port| {
            let mut text = format!(
                "port {port}\nbind 127.0.0.1\nsentinel myid {}\n\
                 sentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {MASTER} 1000\n\
                 sentinel failover-timeout {MASTER} 3000\n\
                 sentinel known-replica {MASTER} 127.0.0.1 {one}\n\
                 sentinel known-replica {MASTER} 127.0.0.1 {two}\n",
                name_of(port)
            );
            for other in ports.into_iter().filter(|other| *other != port) {
                let id = name_of(other);
                writeln!(
                    text,
                    "sentinel known-sentinel {MASTER} 127.0.0.1 {other} {id}"
                )
                .unwrap();
            }
            if guard.is_some() {
                let rights = SENTINEL_RIGHTS;
                // They speak among themselves as somebody else, who may do everything.
                writeln!(text, "user {USER} on >{PASSWORD} {rights}").unwrap();
            }
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("sentinel.conf"), text).unwrap();
            let words = ["sentinel.conf", "--sentinel"].map(str::to_owned).to_vec();
            Node::start(port, folder, words, guard)
        });
        Self {
            kind: Kind::Sentinel,
            nodes,
            sentinels: sentinels.into(),
        }
    }

    fn cluster(more: &[String], guard: Option<&Guard>) -> Self {
        let every: [u16; 12] = free_ports();
        let (ports, buses) = every.split_at(6);
        // Each is told of the others, so that nobody has to wait until they have met.
        let line = |at: usize, own: usize| {
            let (port, bus) = (ports[at], buses[at]);
            let myself = if at == own { "myself," } else { "" };
            let (id, epoch) = (name_of(port), at % 3 + 1);
            let rest = if at < 3 {
                format!("master - 0 0 {epoch} connected {}", SHARDS[at].0)
            } else {
                let master = name_of(ports[at - 3]);
                format!("slave {master} 0 0 {epoch} connected")
            };
            format!("{id} 127.0.0.1:{port}@{bus} {myself}{rest}\n")
        };
        let nodes = (0..6).map(|own| {
            let mut text: String = (0..6).map(|at| line(at, own)).collect();
            text += "vars currentEpoch 3 lastVoteEpoch 0\n";
            let words = [
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1500",
                "--cluster-replica-validity-factor",
                "0",
                "--cluster-port",
                &buses[own].to_string(),
            ]
            .map(str::to_owned);
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("nodes.conf"), text).unwrap();
            Node::server(ports[own], folder, &[more, &words].concat(), guard)
        });
        Self {
            kind: Kind::Cluster,
            nodes: nodes.collect(),
            sentinels: Vec::new(),
        }
    }

    /// From now on they put up with an outage for minutes before they make another server the master.
    pub fn be_patient(&self) {
        for sentinel in &self.sentinels {
            let set = [
                "SENTINEL",
                "SET",
                MASTER,
                "down-after-milliseconds",
                "120000",
            ];
            assert_eq!(sentinel.command(&set), "OK");
        }
        if self.kind == Kind::Cluster {
            for node in &self.nodes {
                let set = ["CONFIG", "SET", "cluster-node-timeout", "120000"];
                assert_eq!(node.command(&set), "OK");
            }
        }
    }

    /// Writes keys to every master that are of no use, thousands of them.
    pub fn pad(&self, count: usize) {
        let count = count.to_string();
        for master in self.masters() {
            // The one that has the slot takes them; whoever has not says so.
            for (_, text) in SHARDS {
                let key = format!("{{{text}}}");
                let is_here = master.command(&["GET", &key]).is_empty();
                if is_here {
                    let words = ["DEBUG", "POPULATE", &count, &key];
                    assert_eq!(master.command(&words), "OK");
                    break;
                }
            }
        }
    }

    /// How the store finds them.
    pub fn url(&self) -> String {
        let list = |nodes: &[Node]| {
            let hosts = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
            hosts.collect::<Vec<_>>().join(",")
        };
        match self.kind {
            Kind::Single => format!("redis://{}/0", list(&self.nodes)),
            Kind::Sentinel => format!("redis-sentinel://{}/{MASTER}", list(&self.sentinels)),
            Kind::Cluster => format!("redis-cluster://{}", list(&self.nodes[..3])),
        }
    }

    /// Those that are written to: as sentinels or the servers themselves say.
    pub fn masters(&self) -> Vec<&Node> {
        match self.kind {
            Kind::Sentinel => {
                let ask = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
                let mut said: Vec<_> = self.sentinels.iter().map(|one| one.command(&ask)).collect();
                said.dedup();
                let port = said[0].lines().nth(1).unwrap_or_default();
                let mut nodes = self.nodes.iter();
                let named = nodes.find(|node| node.port.to_string() == port && node.is_master());
                // Sentinels that disagree have not finished.
                named.filter(|_| said.len() == 1).into_iter().collect()
            }
            Kind::Single | Kind::Cluster => {
                self.nodes.iter().filter(|node| node.is_master()).collect()
            }
        }
    }

    /// Whether every key can be read and written.
    pub fn serves(&self) -> bool {
        let masters = self.masters();
        match self.kind {
            Kind::Single | Kind::Sentinel => {
                masters.len() == 1 && masters[0].command(&["SET", "serves", "1", "PX", "1"]) == "OK"
            }
            Kind::Cluster => SHARDS.iter().all(|(_, text)| {
                let key = format!("{{{text}}}serves");
                let mut masters = masters.iter();
                masters.any(|node| node.command(&["SET", &key, "1", "PX", "1"]) == "OK")
            }),
        }
    }

    /// Waits until they serve and every server that is to replicate does.
    pub fn wait_until_whole(&self) {
        until("it serves", || self.serves());
        let replicas = match self.kind {
            Kind::Single => "connected_slaves:0",
            Kind::Sentinel => "connected_slaves:2",
            Kind::Cluster => "connected_slaves:1",
        };
        until("replicas replicate", || {
            let masters = self.masters();
            !masters.is_empty()
                && masters
                    .iter()
                    .all(|node| node.info("replication", replicas))
                && self
                    .nodes
                    .iter()
                    .all(|node| !node.info("replication", "master_link_status:down"))
        });
        // A replica that has only just come answers for nothing yet.
        let wanted = replicas.rsplit(':').next().unwrap_or_default();
        until("replicas answer for what is written", || {
            let mut masters = self.masters().into_iter();
            masters.all(|master| master.command(&["WAIT", wanted, "500"]) == wanted)
        });
    }
}

/// A name of forty hexadecimal digits.
fn name_of(port: u16) -> String {
    format!("{port:040x}")
}
