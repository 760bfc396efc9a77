//! A whole server in this process, on a free port, with a clock that stands still until it is turned.

mod client;
mod logs;
mod nodes;
mod people;
mod raw;
mod redis;
mod reply;
mod trail;

use crate::postgres::POSTGRES_PASSWORD;
pub use client::Client;
pub use raw::{exchange, split};
pub use redis::{Redis, on_redis};
pub use reply::Reply;
pub use trail::Trail;

use actix_web::dev::ServerHandle;
use nodes::{Front, Leading};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use vestibule::api::admin::AuditHistory;
use vestibule::api::services::Services;
use vestibule::domain::administration::{Actor, Administration, MembershipDraft, NewUser};
use vestibule::domain::audit::AuditSink;
use vestibule::domain::authn::{PasswordHash, PasswordPool};
use vestibule::domain::clock::{Clock, ManualClock, Timestamp};
use vestibule::domain::directory::OrgId;
use vestibule::domain::random::{Random, SystemRandom};
use vestibule::server::addresses::Addresses;
use vestibule::server::assemble::{self, Ground};
use vestibule::server::demo;
use vestibule::server::listen::{Sockets, listen};
use vestibule::server::meters::{CountedAudit, Meters};
use vestibule::settings::{Loaded, SessionStoreSetting, Settings, Sources};
use vestibule::stores::measured::StoreObserver;
use vestibule::stores::{self, Stores};

/// Where the clock starts: 2026-03-01T12:00:00Z.
pub const START: u64 = 1_772_366_400_000;
/// The password of `tsadmin`.
pub const ADMIN_PASSWORD: &str = "tsadmin: correct horse";
/// The password of `alice`: every character of it needs care in a form.
pub const ALICE_PASSWORD: &str = "pa ss+w&rd=1";
/// The password of everybody else.
pub const PASSWORD: &str = "battery staple";
/// The secret key of the whole server.
pub const SECRET_KEY: &str = "7b1f3f0e-53c1-4c35-9b5c-6a1f3f2d9e01";
/// The Liveboard there is, and its first visualization.
pub const LIVEBOARD: &str = "d084c256-e284-4fc4-b80c-111cb606449a";
/// The first visualization of the Liveboard.
pub const VISUALIZATION: &str = "3f1c2f0a-8f0e-4d3c-9d5e-6f8f5f1d0a01";

/// Name, password, memberships: Org and group.
type Person = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const PEOPLE: [Person; 4] = [
    (
        "alice",
        ALICE_PASSWORD,
        &[("Primary", "Analysts"), ("Sales", "Sales team")],
    ),
    ("bob", PASSWORD, &[("Primary", "Analysts")]),
    ("carol", PASSWORD, &[("Sales", "Sales team")]),
    ("dora", PASSWORD, &[("Primary", "Analysts")]),
];

/// A running server.
pub struct TestApp {
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// What it audited.
    pub trail: Arc<Trail>,
    /// Its services, to do what an administrator would; of several nodes, the first one's.
    pub services: Arc<Services>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The number of the Org "Sales".
    pub sales: OrgId,
    secrets: Arc<Mutex<Vec<String>>>,
    log_from: usize,
    nodes: Vec<Node>,
    _front: Option<Leading>,
    folder: TempDir,
}

/// One process's worth of server: its own settings, stores and services, in a thread of its own.
struct Node {
    running: Running,
    thread: Option<JoinHandle<()>>,
}

/// What a node's thread hands over once it listens.
struct Running {
    services: Arc<Services>,
    stores: Stores,
    address: SocketAddr,
    sales: OrgId,
    handle: ServerHandle,
}

impl Node {
    /// Starts a node whose clients find it at `front`, where there is one.
    fn start(
        settings: Settings,
        clock: &Arc<ManualClock>,
        trail: &Arc<Trail>,
        front: Option<SocketAddr>,
    ) -> Self {
        let (tell, told) = channel();
        let (clock, trail) = (Arc::clone(clock), Arc::clone(trail));
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(run(settings, clock, trail, front, tell));
        });
        Self {
            running: told.recv().expect("the server did not start"),
            thread: Some(thread),
        }
    }
}

impl TestApp {
    /// A server with its settings as they come.
    pub fn spawn() -> Self {
        Self::with(|_| {})
    }

    /// A server that tests may share as long as they change nothing.
    ///
    /// It ends with its last user, because a value in a static would never be cleaned up.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<TestApp>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let app = Arc::new(Self::spawn());
            if nodes::are_wanted() {
                // Its connections to the database belong to the runtime of the test that made them.
                return app;
            }
            *shared = Arc::downgrade(&app);
            app
        })
    }

    /// A server with other settings.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(nodes::of_this_test(), nodes::are_wanted(), change)
    }

    /// One node with everything in its own folder, whatever the other tests run on.
    pub fn alone(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(1, false, change)
    }

    /// Two nodes, whatever the other tests run on.
    pub fn two_nodes() -> Self {
        Self::on(2, true, |_| {})
    }

    fn on(many: usize, is_shared: bool, change: impl FnOnce(&mut Settings)) -> Self {
        let log_from = logs::capture();
        // The second time it says that it was installed before, which is fine.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::defaults();
        settings.data_dir = folder.path().to_path_buf();
        settings.server.http = Some("127.0.0.1:0".parse().unwrap());
        settings.server.https = None;
        settings.server.workers = 1;
        settings.bootstrap.admin_password = Some(ADMIN_PASSWORD.into());
        settings.bootstrap.secret_key = Some(SECRET_KEY.into());
        if is_shared {
            nodes::share(&mut settings);
        } else {
            default_store(&mut settings);
        }
        change(&mut settings);
        if many > 1 {
            nodes::refuse_lonely_stores(&settings);
        }

        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
        let trail = Arc::new(Trail::open(&folder.path().join("audit.jsonl")));
        let front = (many > 1).then(Front::bind);
        let seen_at = front.as_ref().map(|front| front.address);
        let nodes: Vec<Node> = (1..=many)
            .map(|number| {
                let mut settings = settings.clone();
                if many > 1 {
                    settings.data_dir.push(format!("node{number}"));
                    std::fs::create_dir(&settings.data_dir).unwrap();
                }
                Node::start(settings, &clock, &trail, seen_at)
            })
            .collect();
        let addresses = nodes.iter().map(|node| node.running.address).collect();
        let front = front.map(|front| front.lead_to(addresses));
        let first = &nodes[0].running;
        trail.clear();
        let secrets = [
            ADMIN_PASSWORD,
            ALICE_PASSWORD,
            PASSWORD,
            SECRET_KEY,
            POSTGRES_PASSWORD,
        ];
        Self {
            clock,
            trail,
            services: Arc::clone(&first.services),
            address: seen_at.unwrap_or(first.address),
            sales: first.sales,
            secrets: Arc::new(Mutex::new(secrets.into_iter().map(str::to_owned).collect())),
            log_from,
            nodes,
            _front: front,
            folder,
        }
    }

    /// Turns the clock.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Turns the clock by as little as sets two events apart.
    pub fn tick(&self) {
        self.advance(Duration::from_millis(1));
    }

    /// A client with nothing to show.
    pub fn anon(&self) -> Client {
        let nodes = self
            .nodes
            .iter()
            .map(|node| Arc::clone(&node.running.services));
        Client::new(self.address, Arc::clone(&self.secrets), nodes.collect())
    }

    /// A client with nothing to show that asks one node only, the first being 0.
    pub fn at_node(&self, number: usize) -> Client {
        let node = &self.nodes[number].running;
        let nodes = Arc::from([Arc::clone(&node.services)]);
        Client::new(node.address, Arc::clone(&self.secrets), nodes)
    }

    /// The services of one node.
    pub fn services_at(&self, number: usize) -> &Services {
        &self.nodes[number].running.services
    }

    /// A client with a session of that user.
    pub async fn signed_in(&self, user: &str, password: &str) -> Client {
        let mut client = self.anon();
        let reply = client.post_login(user, password).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        client.keep(&reply);
        client
    }

    /// Alice, signed in.
    pub async fn alice(&self) -> Client {
        self.signed_in("alice", ALICE_PASSWORD).await
    }

    /// Bob, signed in.
    pub async fn bob(&self) -> Client {
        self.signed_in("bob", PASSWORD).await
    }

    /// The administrator, signed in.
    pub async fn admin(&self) -> Client {
        self.signed_in("tsadmin", ADMIN_PASSWORD).await
    }

    /// A token for that user by the server's secret key.
    pub async fn token(&self, user: &str) -> String {
        let reply = self.anon().mint(&[("username", user)]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    }

    /// The acts of an administrator, and the operator to do them.
    pub fn administration(&self) -> (&Administration, Actor) {
        let administration = &*self.services.administration;
        (administration, administration.operator())
    }

    /// The stores of one node.
    pub fn stores_at(&self, number: usize) -> &Stores {
        &self.nodes[number].running.stores
    }

    /// Something that must never turn up in the log or the audit trail.
    pub fn plant(&self, secret: &str) {
        self.secrets.lock().unwrap().push(secret.to_owned());
    }

    /// The log since this server started, with that of others that ran meanwhile.
    pub fn log(&self) -> String {
        logs::since(self.log_from)
    }

    /// Secrets that turned up in the log or the audit trail.
    pub fn leaks(&self) -> Vec<String> {
        let log = self.log();
        let trail = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        let secrets = self.secrets.lock().unwrap();
        let leaked = secrets
            .iter()
            .filter(|secret| log.contains(*secret) || trail.contains(*secret));
        leaked.cloned().collect()
    }
}

/// Case 56 after every test: nothing that the test presented or was given may be in the log.
impl Drop for TestApp {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // Nobody polls this future; asking is enough to stop.
            drop(node.running.handle.stop(false));
            if let Some(thread) = node.thread.take() {
                let _ = thread.join();
            }
        }
        self.trail.close();
        let leaks = self.leaks();
        if !std::thread::panicking() {
            assert!(leaks.is_empty(), "secrets in the log: {leaks:?}");
        }
    }
}

/// Which store tests run on; `VESTIBULE_TEST_STORE=redis` or `embedded` chooses.
fn default_store(settings: &mut Settings) {
    let wanted = std::env::var("VESTIBULE_TEST_STORE").unwrap_or_else(|_| "embedded".to_owned());
    if wanted == "redis" {
        on_redis(settings, Redis::shared());
    } else {
        assert_eq!(wanted, "embedded", "VESTIBULE_TEST_STORE");
        settings.sessions.store = SessionStoreSetting::Embedded;
    }
}

async fn run(
    settings: Settings,
    clock: Arc<ManualClock>,
    trail: Arc<Trail>,
    front: Option<SocketAddr>,
    tell: Sender<Running>,
) {
    let clock = clock as Arc<dyn Clock>;
    let sockets = Sockets::bind(&settings.server).unwrap();
    let address = sockets.addresses().http;
    // Browsers know the front only, so that is what a node takes for its own origin.
    let addresses = Addresses {
        http: front.or(address),
        ..sockets.addresses()
    };
    let meters = Arc::new(Meters::off());
    let stores = stores::open(&settings, Arc::clone(&clock)).await.unwrap();
    let ground = Ground {
        stores: stores.measured(&(Arc::clone(&meters) as Arc<dyn StoreObserver>)),
        random: Arc::new(SystemRandom::open().unwrap()) as Arc<dyn Random>,
        history: Arc::clone(trail.file()) as Arc<dyn AuditHistory>,
        loaded: Some(Loaded::load(&Sources::default()).unwrap()),
        audit: Arc::new(CountedAudit {
            inner: trail as Arc<dyn AuditSink>,
            meters: Arc::clone(&meters),
        }),
        clock,
        meters,
    };
    let services = assemble::services(&settings, &ground, &addresses)
        .await
        .unwrap();
    let services = Arc::new(services);
    let sales = furnish(&services, &settings).await;
    let server = listen(sockets, None, &settings.server, Arc::clone(&services)).unwrap();
    let running = Running {
        services,
        stores: ground.stores.clone(),
        address: address.unwrap(),
        sales,
        handle: server.handle(),
    };
    tell.send(running).ok();
    server.await.unwrap();
    ground.stores.close().await.unwrap();
}

/// Hashing is dear on purpose, and the same few passwords serve every server.
async fn hash_of(password: &'static str) -> PasswordHash {
    static HASHES: tokio::sync::Mutex<BTreeMap<&str, PasswordHash>> =
        tokio::sync::Mutex::const_new(BTreeMap::new());
    let mut hashes = HASHES.lock().await;
    if let Some(hash) = hashes.get(password) {
        return hash.clone();
    }
    let pool = PasswordPool::new(1).unwrap();
    let hash = pool.hash(&password.into()).await.unwrap();
    hashes.insert(password, hash.clone());
    hash
}

/// The first start, then people, groups and the Liveboard; a second node finds all of it there.
async fn furnish(services: &Services, settings: &Settings) -> OrgId {
    let administration = &services.administration;
    if let Ok(sales) = administration.require_org("Sales").await {
        return sales.id;
    }
    let by = administration.operator();
    administration
        .bootstrap(
            settings.bootstrap.admin_password.clone(),
            settings.bootstrap.secret_key.clone(),
        )
        .await
        .unwrap();
    let sales = administration.create_org("Sales", "", &by).await.unwrap();
    for (name, password, groups) in PEOPLE {
        let memberships = groups.iter().map(|(org, group)| MembershipDraft {
            org: (*org).to_owned(),
            groups: vec![(*group).to_owned()],
        });
        let user = NewUser {
            email: Some(format!("{name}@example.com")),
            memberships: memberships.collect(),
            create_groups: true,
            ..NewUser::named(name)
        };
        let user = administration.create_user(user, &by).await.unwrap();
        let hash = hash_of(password).await;
        services
            .directory
            .set_password(user.id, Some(&hash))
            .await
            .unwrap();
    }
    let mut disabled = administration.disable_user("dora", &by).await;
    // Replicas that have only just come may answer later than a revocation waits for them.
    for _ in 0..50 {
        if disabled.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        disabled = administration.disable_user("dora", &by).await;
    }
    disabled.unwrap();
    let now = Timestamp::from_millis(START);
    demo::add(administration, &*services.directory, &by, now)
        .await
        .unwrap();
    sales.id
}
