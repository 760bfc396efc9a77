//! What the cases share: stores to test, a real Redis server, sessions and tokens to put in.

use crate::ports::free_port;
use crate::redis::Topology;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Mutex;
use vestibule::domain::clock::{Clock, ManualClock, Timestamp};
use vestibule::domain::directory::{KeyId, OrgId, UserId};
use vestibule::domain::failure::StoreError;
use vestibule::domain::random::{SystemRandom, uuid};
use vestibule::domain::session::{
    Lifetime, Method, Revocations, Session, SessionId, SessionNotes, SessionStore, UserTag,
};
use vestibule::domain::sso::FlowStore;
use vestibule::domain::token::{
    Access, Attributes, Filter, Purpose, TokenDigest, TokenMint, TokenRecord, TokenStore,
};
use vestibule::stores::embedded::EmbeddedStore;
use vestibule::stores::redis::{RedisOptions, RedisStore};

/// When every case begins.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Idle timeout of test sessions.
pub const IDLE: Duration = Duration::from_mins(30);
/// Absolute timeout of test sessions.
pub const ABSOLUTE: Duration = Duration::from_hours(24);

/// The moment that many milliseconds after the start.
pub fn at(millis: u64) -> Timestamp {
    START.plus(Duration::from_millis(millis))
}

/// One store under test, and what it stands on.
pub struct Room {
    pub sessions: Arc<dyn SessionStore>,
    pub tokens: Arc<dyn TokenStore>,
    pub flows: Arc<dyn FlowStore>,
    pub revocations: Arc<dyn Revocations>,
    again: Again,
}

enum Again {
    Embedded(TempDir),
    Redis(Arc<TestRedis>, String),
    Several(Arc<Topology>, String),
}

impl Room {
    fn of<S>(store: S, again: Again) -> Self
    where
        S: SessionStore + TokenStore + FlowStore + Revocations + 'static,
    {
        let store = Arc::new(store);
        Self {
            sessions: Arc::clone(&store) as _,
            tokens: Arc::clone(&store) as _,
            flows: Arc::clone(&store) as _,
            revocations: store,
            again,
        }
    }

    /// A second node on the same store; none where a store is one process's own.
    pub async fn another_node(&self) -> Option<Self> {
        match &self.again {
            Again::Embedded(_) => None,
            Again::Redis(server, prefix) => {
                let store = server.open(prefix).await.unwrap();
                Some(Self::of(
                    store,
                    Again::Redis(Arc::clone(server), prefix.clone()),
                ))
            }
            Again::Several(servers, prefix) => Some(several(servers, prefix).await),
        }
    }

    /// The same room after a restart of the program.
    pub async fn restart(self) -> Self {
        let Self {
            sessions,
            tokens,
            flows,
            revocations,
            again,
        } = self;
        drop((sessions, tokens, flows, revocations));
        match again {
            Again::Embedded(dir) => {
                let store = open_file(&dir.path().join("sessions.db")).await;
                Self::of(store.unwrap(), Again::Embedded(dir))
            }
            Again::Redis(server, prefix) => {
                let store = server.open(&prefix).await.unwrap();
                Self::of(store, Again::Redis(server, prefix))
            }
            Again::Several(servers, prefix) => {
                let store = open_on(&servers, &prefix).await.unwrap();
                Self::of(store, Again::Several(servers, prefix))
            }
        }
    }
}

/// An embedded store in a fresh folder.
pub async fn embedded() -> Room {
    let dir = tempfile::tempdir().unwrap();
    let store = open_file(&dir.path().join("sessions.db")).await;
    Room::of(store.unwrap(), Again::Embedded(dir))
}

/// Opens a session file with a clock that stands at the start.
pub async fn open_file(path: &Path) -> Result<EmbeddedStore, StoreError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(START));
    EmbeddedStore::open(path, clock).await
}

/// A store in the shared Redis, under a prefix of its own.
pub async fn redis() -> Room {
    static SHARED: Mutex<Weak<TestRedis>> = Mutex::const_new(Weak::new());
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut shared = SHARED.lock().await;
    let server = match shared.upgrade() {
        Some(server) => server,
        None => Arc::new(TestRedis::start(&[]).await),
    };
    *shared = Arc::downgrade(&server);
    drop(shared);
    let prefix = format!("test{}:", NEXT.fetch_add(1, Ordering::Relaxed));
    let store = server.open(&prefix).await.unwrap();
    Room::of(store, Again::Redis(server, prefix))
}

/// A store on several servers, under a prefix of its own.
pub async fn several(servers: &Arc<Topology>, prefix: &str) -> Room {
    let store = open_on(servers, prefix).await.unwrap();
    Room::of(
        store,
        Again::Several(Arc::clone(servers), prefix.to_owned()),
    )
}

/// Opens a store on several servers.
pub async fn open_on(servers: &Topology, prefix: &str) -> Result<RedisStore, StoreError> {
    RedisStore::open(RedisOptions {
        url: servers.url().into(),
        ..options(0, prefix)
    })
    .await
}

/// Runs each case over every store that is one server.
macro_rules! over_single_stores {
    ($($case:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::support::embedded().await).await; })+
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::support::redis().await).await; })+
        }
    };
}
pub(crate) use over_single_stores;

/// Runs each case over every store; those on several servers one after another, as starting these takes a while.
macro_rules! over_every_store {
    ($($case:ident),+ $(,)?) => {
        crate::support::over_single_stores! { $($case),+ }
        crate::support::over_several_servers! { sentinel Sentinel $($case),+ }
        crate::support::over_several_servers! { cluster Cluster $($case),+ }
    };
}
pub(crate) use over_every_store;

macro_rules! over_several_servers {
    ($room:ident $kind:ident $($case:ident),+) => {
        mod $room {
            use crate::redis::{Kind, Topology};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn every_case() {
                let servers = std::sync::Arc::new(Topology::forgetful(Kind::$kind));
                $({
                    println!("{}", stringify!($case));
                    let prefix = concat!(stringify!($case), ":");
                    super::$case(crate::support::several(&servers, prefix).await).await;
                })+
            }
        }
    };
}
pub(crate) use over_several_servers;

/// A real Redis server of our own; killed when dropped.
pub struct TestRedis {
    port: u16,
    dir: TempDir,
    extra: Vec<String>,
    child: std::sync::Mutex<Child>,
}

impl TestRedis {
    /// Starts a server on a free port.
    pub async fn start(extra: &[&str]) -> Self {
        let extra: Vec<String> = extra.iter().map(|&arg| arg.to_owned()).collect();
        for _ in 0..10 {
            let port = free_port();
            let dir = tempfile::tempdir().unwrap();
            let child = spawn(port, dir.path(), &extra);
            let server = Self {
                port,
                dir,
                extra: extra.clone(),
                child: std::sync::Mutex::new(child),
            };
            // If not, somebody else took the port in between.
            if server.is_up().await {
                return server;
            }
        }
        panic!("redis-server did not start")
    }

    async fn is_up(&self) -> bool {
        for _ in 0..500 {
            if self.command(&["PING"]) == "PONG" {
                return true;
            }
            if self.child.lock().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// How the store finds it.
    pub fn options(&self, prefix: &str) -> RedisOptions {
        options(self.port, prefix)
    }

    /// Where it listens on this machine.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// A store in it.
    pub async fn open(&self, prefix: &str) -> Result<RedisStore, StoreError> {
        RedisStore::open(self.options(prefix)).await
    }

    /// What the server answers to a command, as text.
    pub fn command(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-p", &port])
            .args(words)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Sends the server a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.lock().unwrap().id().to_string();
        let sent = Command::new("kill")
            .args([format!("-{name}"), pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Kills the server.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again on the same port and folder.
    pub async fn start_again(&self) {
        *self.child.lock().unwrap() = spawn(self.port, self.dir.path(), &self.extra);
        assert!(self.is_up().await);
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// How the store finds a server on a port of this machine.
pub fn options(port: u16, prefix: &str) -> RedisOptions {
    RedisOptions {
        url: format!("redis://127.0.0.1:{port}/").into(),
        ca_file: None,
        key_prefix: prefix.to_owned(),
        // Most cases are not about time, and a machine that stalls is no Redis that is away.
        answer_within: Duration::from_secs(5),
        wait_replicas: 0,
        cache: false,
        sentinel_user: None,
        sentinel_password: None,
    }
}

fn spawn(port: u16, dir: &Path, extra: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(dir)
        .args(extra)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server must be installed for these tests")
}

/// A user's tag.
pub fn tag(user: u128) -> UserTag {
    UserTag::of(user_id(user), b"test")
}

/// A user's id.
pub fn user_id(user: u128) -> UserId {
    UserId(uuid::Uuid::from_u128(user))
}

/// A secret key's id.
pub fn key_id(key: u128) -> KeyId {
    KeyId(uuid::Uuid::from_u128(key))
}

/// A fresh session id of a user.
pub fn session_id(user: u128) -> SessionId {
    SessionId::fresh(tag(user), &SystemRandom::open().unwrap())
}

/// A session of a user, opened at that moment.
pub fn session(user: u128, opened_at: Timestamp) -> Session {
    Session {
        user_id: user_id(user),
        user_name: format!("user {user}"),
        org: OrgId(1),
        method: Method::TrustedToken,
        key: Some(key_id(5)),
        access: Access::Full,
        attributes: attributes(),
        opened_at,
        last_seen_at: opened_at,
        lifetime: Lifetime {
            idle: IDLE,
            absolute: ABSOLUTE,
        },
        is_remembered: false,
        address: "192.0.2.1".to_owned(),
        agent: "test".to_owned(),
        notes: SessionNotes::default(),
    }
}

fn attributes() -> Attributes {
    Attributes {
        filters: vec![Filter {
            column: "région".to_owned(),
            operator: "IN".to_owned(),
            values: vec!["\"a\"\r\n".to_owned(), "\0".to_owned()],
        }],
        ..Attributes::default()
    }
}

/// A token's digest, fresh.
pub fn token_digest() -> TokenDigest {
    let mint = TokenMint::new(vec![1; 32].into());
    mint.fresh(&SystemRandom::open().unwrap()).1
}

/// A token of a user and key, minted at that moment, good for a day.
pub fn token(user: u128, key: Option<u128>, minted_at: Timestamp) -> TokenRecord {
    TokenRecord {
        user_id: user_id(user),
        user_tag: tag(user),
        user_name: format!("user {user}"),
        minted_for: format!("User {user}"),
        org: OrgId(1),
        purpose: Purpose::Access,
        session: None,
        is_bound: false,
        access: Access::Object(uuid(&SystemRandom::open().unwrap())),
        attributes: attributes(),
        key: key.map(key_id),
        minted_at,
        expires_at: minted_at.plus(ABSOLUTE),
        lineage: None,
    }
}

/// A file of the folder, by name.
pub fn file_in(dir: &TempDir) -> PathBuf {
    dir.path().join("sessions.db")
}
