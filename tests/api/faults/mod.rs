//! The fault matrix: each fault of Redis × each topology × each dialect, against real servers.
//!
//! Whatever befalls Redis, everybody is soon told to try later, in the dialect's own words, keeps the
//! cookie, and is signed in again soon after Redis is back; nobody revoked gets in meanwhile.

mod asks;
mod failover;
mod inflict;

use crate::faults::asks::{Apart, DIALECTS, People, is_active, settled};
use crate::faults::inflict::{Fault, Harm};
use crate::parity::dialects::{Dialect, MicroStrategy};
use crate::servers::{Kind, Topology, until};
use crate::support::TestApp;
use futures_util::future::join_all;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use vestibule::settings::{SessionStoreSetting, Settings};

/// The promise is 250 ms, which the end-to-end tests hold; a machine that does much else at the same time gets slack.
const SOON: Duration = Duration::from_millis(1_500);
/// The promise is one second.
const BACK: Duration = Duration::from_secs(3);

/// How long a check may be answered from memory.
const FROM_MEMORY: Duration = Duration::from_millis(250);

/// A server on them, with more than one worker.
fn app_on(servers: &Topology, wait_replicas: usize) -> TestApp {
    app_with(servers, |settings| {
        settings.sessions.wait_replicas = wait_replicas;
    })
}

fn app_with(servers: &Topology, change: impl FnOnce(&mut Settings)) -> TestApp {
    TestApp::with(|settings| {
        settings.sessions.store = SessionStoreSetting::Redis(servers.url().into());
        // As it is by default: elsewhere tests are more patient.
        settings.sessions.answer_within = Settings::defaults().sessions.answer_within;
        settings.server.workers = 2;
        change(settings);
    })
}

/// Everybody asks for everything at once.
async fn assert_all_are_told_to_try_later(people: &People<'_>, harm: Harm) {
    for dialect in DIALECTS {
        for (what, reply, took) in dialect(people).await {
            // A password is hashed before Redis is asked, which takes a busy machine long.
            let soon = if what.contains("log in") {
                SOON * 6
            } else {
                SOON
            };
            assert!(took < soon, "{what} took {took:?}");
            let is_leaving = what.contains("log out");
            let has_left = if what.starts_with(MicroStrategy::NAME) {
                &people.apart.has_left
            } else {
                &people.has_left
            };
            let is_over = what.contains("ended") || is_leaving && has_left.load(Ordering::Relaxed);
            let is_right = match reply.status {
                200..300 => !is_over || is_leaving,
                401 => is_over,
                _ => false,
            };
            // What still works may answer, as long as it is right.
            if harm == Harm::SomeWritesFail && is_right {
                continue;
            }
            assert_eq!(reply.status, 503, "{what}: {}", reply.text());
            assert_eq!(reply.header("retry-after"), Some("1"), "{what}");
            assert_eq!(reply.header("set-cookie"), None, "{what}");
        }
    }
}

/// Waits until somebody is let in, and then expects it of everybody, from every worker.
async fn assert_all_are_back(people: &People<'_>) {
    let back = Instant::now();
    while people.good.is_active().await != 204 {
        assert!(back.elapsed() < BACK, "no good answer yet");
        sleep(Duration::from_millis(20)).await;
    }
    let fresh = join_all((0..8).map(|_| async {
        // A connection of its own, so that another worker answers.
        let client = people.app.anon().with_cookie(people.good.cookie());
        is_active(&client).await
    }));
    assert_eq!(fresh.await, [204; 8]);
    let status = |has_left: &AtomicBool, lives| {
        let has_left = has_left.load(Ordering::Relaxed);
        if has_left { 401 } else { lives }
    };
    let left = status(&people.has_left, 204);
    assert_eq!(is_active(&people.leaver).await, left);
    assert_eq!(is_active(&people.ended).await, 401, "revoked is revoked");
    assert_eq!(is_active(&people.revoked).await, 401, "revoked is revoked");
    let apart = &people.apart;
    let left = status(&apart.has_left, 200);
    for (client, status, who) in [
        (&apart.good, 200, "signed in"),
        (&apart.leaver, left, "left"),
        (&apart.ended, 401, "revoked is revoked"),
        (&apart.revoked, 401, "revoked is revoked"),
    ] {
        let what = format!("{}: {who}", MicroStrategy::NAME);
        assert_eq!(Apart::status(client).await, status, "{what}");
    }
    let bearer = people.app.anon().with_bearer(&people.token);
    let reply = settled(|| bearer.info()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

async fn endure(kind: Kind, fault: Fault) {
    endure_with(kind, fault, false).await;
}

/// The same where checks may be answered from memory.
async fn endure_with(kind: Kind, fault: Fault, is_cached: bool) {
    let servers = Topology::start(kind);
    servers.be_patient();
    let app = app_with(&servers, |settings| settings.sessions.cache = is_cached);
    let people = People::meet(&app).await;
    if is_cached {
        // Long enough to be heard of and kept.
        for _ in 0..20 {
            assert_eq!(is_active(&people.good).await, 204);
            sleep(Duration::from_millis(10)).await;
        }
    }

    let harm = fault.befall(&servers).await;
    if is_cached {
        // From then on nothing proves that memory is right.
        sleep(FROM_MEMORY).await;
    }
    assert_all_are_told_to_try_later(&people, harm).await;
    // Long enough for many attempts to reconnect.
    sleep(Duration::from_secs(1)).await;
    if !fault.passes_by_itself() {
        assert_all_are_told_to_try_later(&people, harm).await;
    }
    fault.pass(&servers).await;
    tokio::task::block_in_place(|| until("it serves again", || servers.serves()));
    assert_all_are_back(&people).await;
}

macro_rules! over_every_topology {
    ($($fault:ident),+ $(,)?) => {
        mod single { $(over_every_topology!(@ $fault Single);)+ }
        mod sentinel { $(over_every_topology!(@ $fault Sentinel);)+ }
        mod cluster { $(over_every_topology!(@ $fault Cluster);)+ }
    };
    (@ $fault:ident $kind:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fault() {
            super::$fault(super::Kind::$kind).await;
        }
    };
}

over_every_topology! {
    case_59_killed_is_503_and_soon_back,
    case_59_hung_is_503_and_soon_back,
    case_59_loading_is_503_and_soon_back,
    case_59_refusing_writes_is_503_and_soon_back,
    case_59_full_is_503_and_soon_back,
    case_59_slow_is_503_and_soon_back,
    case_59_busy_with_a_script_is_503_and_soon_back,
    case_59_redirecting_to_nowhere_is_503_and_soon_back,
}

async fn case_59_killed_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::Killed).await;
}

async fn case_59_hung_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::Hung).await;
}

async fn case_59_loading_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::Loading).await;
}

async fn case_59_refusing_writes_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::ReadOnly).await;
}

async fn case_59_full_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::Full).await;
}

async fn case_59_slow_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::Slow).await;
}

async fn case_59_busy_with_a_script_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::Busy).await;
}

async fn case_59_redirecting_to_nowhere_is_503_and_soon_back(kind: Kind) {
    endure(kind, Fault::Moved).await;
}

mod cached {
    use super::{Fault, Kind, endure_with};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn case_59_with_checks_from_memory_a_killed_redis_is_503_and_soon_back() {
        endure_with(Kind::Single, Fault::Killed, true).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn case_59_with_checks_from_memory_a_hung_redis_is_503_and_soon_back() {
        endure_with(Kind::Single, Fault::Hung, true).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn case_59_with_checks_from_memory_a_hung_cluster_is_503_and_soon_back() {
        endure_with(Kind::Cluster, Fault::Hung, true).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn case_59_with_checks_from_memory_killed_servers_of_sentinel_are_503_and_soon_back() {
        endure_with(Kind::Sentinel, Fault::Killed, true).await;
    }
}

/// A minute of it makes the way back no longer. All topologies in one test, as all it does is wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn case_59_after_a_minute_away_everybody_is_soon_back() {
    // Tasks of their own: what one waits for would else count as the other's answer.
    let kinds = [Kind::Single, Kind::Sentinel, Kind::Cluster];
    for done in join_all(kinds.map(|kind| tokio::spawn(a_minute_away(kind)))).await {
        done.unwrap();
    }
}

async fn a_minute_away(kind: Kind) {
    let servers = tokio::task::block_in_place(|| Topology::start(kind));
    servers.be_patient();
    let app = app_on(&servers, 0);
    let people = People::meet(&app).await;
    let fault = Fault::Killed;
    let harm = fault.befall(&servers).await;
    sleep(Duration::from_mins(1)).await;
    assert_all_are_told_to_try_later(&people, harm).await;
    fault.pass(&servers).await;
    tokio::task::block_in_place(|| until("it serves again", || servers.serves()));
    assert_all_are_back(&people).await;
}
