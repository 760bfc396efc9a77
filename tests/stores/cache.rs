//! Checks answered from memory: only while that is right, on whatever Redis and whichever node.

use crate::redis::{Kind, Topology};
use crate::support::{START, TestRedis, at, key_id, options, session, session_id, user_id};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use vestibule::domain::directory::OrgId;
use vestibule::domain::session::{
    AtLimit, Check, EndReason, Revocations, RevokeScope, SessionId, SessionLimit, SessionStore,
};
use vestibule::stores::redis::{RedisOptions, RedisStore};

/// Longer than a message takes on the busiest machine. The clock of these cases stands still, so a session whose end
/// is missed would be answered for ever.
const HEARD_WITHIN: Duration = Duration::from_secs(30);

async fn node(url: &str, cache: bool) -> RedisStore {
    RedisStore::open(RedisOptions {
        url: url.to_owned().into(),
        cache,
        ..options(0, "a:")
    })
    .await
    .unwrap()
}

async fn opened(store: &RedisStore, user: u128) -> SessionId {
    let id = session_id(user);
    store.open(&id, &session(user, START), None).await.unwrap();
    id
}

async fn is_live(store: &RedisStore, id: &SessionId) -> bool {
    matches!(store.check(id, at(10)).await.unwrap(), Check::Live(_))
}

/// Waits until checks of that session are answered from memory: until a change that nobody tells goes unnoticed.
async fn wait_until_cached(servers: &Servers, store: &RedisStore) {
    for _ in 0..200 {
        let id = opened(store, 99).await;
        assert!(is_live(store, &id).await);
        servers.remove(&id);
        if is_live(store, &id).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing is answered from memory")
}

async fn wait_until_over(store: &RedisStore, id: &SessionId) {
    let over = async {
        while is_live(store, id).await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let over = tokio::time::timeout(HEARD_WITHIN, over).await;
    assert!(over.is_ok(), "still answered from memory");
}

/// One server or several.
enum Servers {
    One(TestRedis),
    Several(Topology),
}

impl Servers {
    fn url(&self) -> String {
        match self {
            Self::One(server) => server.url(),
            Self::Several(servers) => servers.url(),
        }
    }

    /// Says something to every master.
    fn tell(&self, words: &[&str]) {
        match self {
            Self::One(server) => {
                server.command(words);
            }
            Self::Several(servers) => {
                for master in servers.masters() {
                    master.command(words);
                }
            }
        }
    }

    /// Sends the one server a signal.
    fn signal(&self, name: &str) {
        match self {
            Self::One(server) => server.signal(name),
            Self::Several(_) => unreachable!("one server"),
        }
    }

    /// Takes a session away behind everybody's back.
    fn remove(&self, id: &SessionId) {
        let mut digest = String::new();
        for byte in id.digest() {
            write!(digest, "{byte:02x}").unwrap();
        }
        let key = format!("a:s:{{{}}}:{digest}", id.tag().to_text());
        self.tell(&["DEL", &key]);
    }
}

async fn every_change_is_heard(servers: Servers) {
    let url = servers.url();
    let (here, there) = (node(&url, true).await, node(&url, false).await);
    wait_until_cached(&servers, &here).await;

    for turn in 0..200 {
        let id = opened(&there, 1).await;
        assert!(is_live(&here, &id).await, "{turn}");
        assert!(is_live(&here, &id).await, "{turn}");
        let was = there.close(&id, EndReason::Logout, at(11)).await.unwrap();
        assert!(was.is_some(), "{turn}");
        wait_until_over(&here, &id).await;
        assert_eq!(
            here.check(&id, at(12)).await.unwrap(),
            Check::Ended(EndReason::Logout)
        );
    }
    for scope in [
        RevokeScope::User(user_id(2), session_id(2).tag()),
        RevokeScope::Org(OrgId(1)),
        RevokeScope::Key(key_id(5)),
        RevokeScope::All,
    ] {
        let id = session_id(2);
        // After the epochs of the scopes before.
        let opened_at = at(20);
        let session = session(2, opened_at);
        let other = RedisStore::open(RedisOptions {
            key_prefix: format!("{scope:?}:").replace(['{', '}', '"', ' '], ""),
            url: url.clone().into(),
            cache: true,
            ..options(0, "")
        });
        let other = other.await.unwrap();
        other.open(&id, &session, None).await.unwrap();
        for _ in 0..50 {
            other.check(&id, opened_at).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        other.revoke(scope, opened_at).await.unwrap();
        // By the node's own doing: at once.
        let found = other.check(&id, opened_at).await.unwrap();
        assert!(matches!(found, Check::JustEnded(..)), "{scope:?} {found:?}");
    }

    let id = opened(&there, 3).await;
    assert!(is_live(&here, &id).await);
    there.set_org(&id, OrgId(7)).await.unwrap();
    let moved = async {
        loop {
            match here.check(&id, at(10)).await.unwrap() {
                Check::Live(session) if session.org == OrgId(7) => break,
                Check::Live(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(HEARD_WITHIN, moved).await.unwrap();

    let limit = SessionLimit {
        most: 1,
        at_limit: AtLimit::Evict,
    };
    let next = session_id(3);
    there
        .open_within(&next, &session(3, at(5)), None, Some(limit))
        .await
        .unwrap();
    wait_until_over(&here, &id).await;
    assert!(is_live(&here, &next).await);
    let last = session_id(3);
    there
        .open(&last, &session(3, at(6)), Some(&next))
        .await
        .unwrap();
    wait_until_over(&here, &next).await;

    let id = opened(&there, 4).await;
    assert!(is_live(&here, &id).await);
    there
        .revoke(RevokeScope::User(user_id(4), id.tag()), at(10))
        .await
        .unwrap();
    wait_until_over(&here, &id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_29_whatever_ends_or_changes_a_session_is_heard_on_one_server() {
    every_change_is_heard(Servers::One(TestRedis::start(&[]).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_29_whatever_ends_or_changes_a_session_is_heard_behind_sentinel() {
    every_change_is_heard(Servers::Several(Topology::forgetful(Kind::Sentinel))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_29_whatever_ends_or_changes_a_session_is_heard_in_a_cluster() {
    every_change_is_heard(Servers::Several(Topology::forgetful(Kind::Cluster))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_node_ends_itself_is_over_at_once() {
    let servers = Servers::One(TestRedis::start(&[]).await);
    let store = node(&servers.url(), true).await;
    wait_until_cached(&servers, &store).await;
    for turn in 0..100 {
        let id = opened(&store, 1).await;
        assert!(is_live(&store, &id).await, "{turn}");
        store.close(&id, EndReason::Logout, at(11)).await.unwrap();
        assert!(!is_live(&store, &id).await, "{turn}");
    }
    let id = opened(&store, 1).await;
    assert!(is_live(&store, &id).await);
    store.set_org(&id, OrgId(9)).await.unwrap();
    let Check::Live(found) = store.check(&id, at(10)).await.unwrap() else {
        panic!("it lives");
    };
    assert_eq!(found.org, OrgId(9));
    store.revoke(RevokeScope::All, at(10)).await.unwrap();
    assert!(!is_live(&store, &id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_subscription_a_node_asks_redis_every_time() {
    let servers = Servers::One(TestRedis::start(&[]).await);
    let store = node(&servers.url(), true).await;
    for _ in 0..3 {
        wait_until_cached(&servers, &store).await;
        let id = opened(&store, 1).await;
        assert!(is_live(&store, &id).await);
        servers.tell(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        servers.remove(&id);
        wait_until_over(&store, &id).await;
    }
    // A user who may not subscribe is served all the same.
    servers.tell(&["ACL", "SETUSER", "default", "resetchannels"]);
    servers.tell(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    let id = opened(&store, 1).await;
    wait_until_asked(&servers, &store).await;
    assert!(is_live(&store, &id).await);
    assert!(
        store
            .close(&id, EndReason::Logout, at(11))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        store.check(&id, at(12)).await.unwrap(),
        Check::Ended(EndReason::Logout)
    );
}

/// The window that the documents give.
const WINDOW: Duration = Duration::from_millis(250);

/// The middle one of some.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_29_what_another_node_ends_is_over_here_within_the_documented_window() {
    let servers = Servers::One(TestRedis::start(&[]).await);
    let (here, there) = (
        node(&servers.url(), true).await,
        node(&servers.url(), true).await,
    );
    wait_until_cached(&servers, &here).await;
    let mut took = Vec::new();
    for turn in 0..20 {
        // Somebody else each time: what a revocation ended stays so at this moment.
        let user = 1_000 + turn;
        let id = opened(&there, user).await;
        for _ in 0..3 {
            assert!(is_live(&here, &id).await, "{turn}");
        }
        if turn % 2 == 0 {
            there.close(&id, EndReason::Logout, at(11)).await.unwrap();
        } else {
            let scope = RevokeScope::User(user_id(user), id.tag());
            there.revoke(scope, START).await.unwrap();
        }
        let ended = Instant::now();
        wait_until_over(&here, &id).await;
        took.push(ended.elapsed());
    }
    println!("{took:?}");
    assert!(median(took.clone()) < WINDOW, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_29_a_redis_that_hangs_is_answered_for_from_memory_no_longer_than_documented() {
    let redis = TestRedis::start(&[]).await;
    let url = redis.url();
    let servers = Servers::One(redis);
    let store = node(&url, true).await;
    let mut lasted = Vec::new();
    for _ in 0..3 {
        wait_until_cached(&servers, &store).await;
        let id = opened(&store, 1).await;
        assert!(is_live(&store, &id).await);
        servers.signal("STOP");
        let began = Instant::now();
        let mut last = Duration::ZERO;
        // Whoever has to ask Redis waits.
        let soon = Duration::from_millis(50);
        while let Ok(Ok(Check::Live(_))) = timeout(soon, store.check(&id, at(10))).await {
            last = began.elapsed();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        servers.signal("CONT");
        lasted.push(last);
    }
    println!("{lasted:?}");
    assert!(median(lasted.clone()) < WINDOW, "{lasted:?}");
    assert!(
        *lasted.iter().max().unwrap() > Duration::ZERO,
        "never from memory"
    );
}

/// Waits until a change that nobody tells is noticed at once.
async fn wait_until_asked(servers: &Servers, store: &RedisStore) {
    for _ in 0..200 {
        let id = opened(store, 99).await;
        assert!(is_live(store, &id).await);
        servers.remove(&id);
        if !is_live(store, &id).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is still answered from memory")
}
