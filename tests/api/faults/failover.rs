//! The master dies under load and a replica takes over: nobody sees anything but 503, and what was
//! acknowledged is so still, because replicas were waited for.

use crate::faults::asks::{is_active, token};
use crate::faults::{SOON, app_on};
use crate::servers::{Kind, Topology};
use crate::support::{Client, TestApp};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a failover may take: the servers' own timeouts are one and a half seconds here.
const FAILOVER_WITHIN: Duration = Duration::from_secs(40);

/// Sessions that each user opens before, and after.
const ENOUGH: usize = 10;

/// Who comes and goes: on which shards of a Cluster they are is chance, and may be one and the same.
const USERS: [&str; 3] = ["alice", "bob", "tsadmin"];

/// What one user did.
#[derive(Default)]
struct Done {
    open: Vec<Client>,
    closed: Vec<Client>,
    refused: usize,
}

/// Signs in over and over, and out again every third time.
async fn come_and_go(app: &TestApp, user: &str, stop: &AtomicBool, opened: &AtomicUsize) -> Done {
    let token = token(app, user).await;
    let mut done = Done::default();
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let mut client = app.anon();
        let began = Instant::now();
        let reply = client.redeem(&[("auth_token", &token)]).await;
        // Far below a hang, far above what a machine under load takes.
        assert!(began.elapsed() < SOON * 4, "took {:?}", began.elapsed());
        if reply.status == 503 {
            done.refused += 1;
        } else {
            assert_eq!(reply.status, 204, "{}", reply.text());
            client.keep(&reply);
            opened.fetch_add(1, Ordering::Relaxed);
            if turn % 3 == 0 {
                let reply = client.log_out().await;
                match reply.status {
                    204 => done.closed.push(client),
                    // Written or not: nobody was told.
                    503 => done.refused += 1,
                    other => panic!("{other}: {}", reply.text()),
                }
            } else {
                done.open.push(client);
            }
        }
        sleep(Duration::from_millis(15)).await;
    }
    done
}

/// Asked on another thread, so that the load goes on.
async fn serves(servers: &Arc<Topology>) -> bool {
    let servers = Arc::clone(servers);
    let ask = tokio::task::spawn_blocking(move || servers.serves());
    ask.await.unwrap()
}

/// What happens to the master.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accident {
    /// It ends.
    Killed,
    /// It stands still until another has taken over, and then believes to be the master for a while.
    Hangs,
}

async fn fail_over(kind: Kind, accident: Accident) {
    let servers = Arc::new(Topology::start(kind));
    let app = app_on(&servers, 1);
    let stop = AtomicBool::new(false);
    let opened: [AtomicUsize; USERS.len()] = std::array::from_fn(|_| AtomicUsize::new(0));
    let users = USERS.iter().zip(&opened);
    let load = join_all(users.map(|(user, opened)| come_and_go(&app, user, &stop, opened)));
    let happening = async {
        while opened.iter().any(|of| of.load(Ordering::Relaxed) < ENOUGH) {
            sleep(Duration::from_millis(50)).await;
        }
        // One that keeps sessions.
        let masters = servers.masters();
        let victim = masters
            .into_iter()
            .find(|node| !node.command(&["KEYS", "*s:{*"]).is_empty())
            .unwrap();
        match accident {
            Accident::Killed => victim.kill(),
            Accident::Hangs => victim.signal("STOP"),
        }
        let replaced = timeout(FAILOVER_WITHIN, async {
            sleep(Duration::from_secs(1)).await;
            while !serves(&servers).await {
                sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(
            replaced.await.is_ok(),
            "no failover within {FAILOVER_WITHIN:?}"
        );
        // Whoever looks after it brings it back, as a replica. A shard of a Cluster has no other one, so
        // until then nobody confirms a write there, and its users are told to try later.
        match accident {
            Accident::Killed => tokio::task::block_in_place(|| victim.start_again(&[])),
            Accident::Hangs => victim.signal("CONT"),
        }
        let before: Vec<usize> = opened.iter().map(|of| of.load(Ordering::Relaxed)).collect();
        let all_open_more = || {
            let mut now = opened.iter().zip(&before);
            now.all(|(of, before)| of.load(Ordering::Relaxed) >= before + ENOUGH)
        };
        let back = timeout(FAILOVER_WITHIN, async {
            while !all_open_more() {
                sleep(Duration::from_millis(50)).await;
            }
        });
        let is_back = back.await.is_ok();
        if accident == Accident::Hangs {
            // Long enough to have believed to be the master, and to have learnt better.
            sleep(Duration::from_secs(3)).await;
        }
        sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
        assert!(is_back, "not everybody can sign in again");
    };
    let (done, ()) = futures_util::future::join(load, happening).await;

    let (open, closed) = (
        done.iter().map(|one| one.open.len()).sum::<usize>(),
        done.iter().map(|one| one.closed.len()).sum::<usize>(),
    );
    let refused: usize = done.iter().map(|one| one.refused).sum();
    println!("{open} opened, {closed} closed, {refused} refused");
    assert!(open > ENOUGH && closed > 0);
    assert!(refused > 0, "nobody noticed anything");
    for client in done.iter().flat_map(|one| &one.open) {
        assert_eq!(
            is_active(client).await,
            204,
            "an acknowledged session is lost"
        );
    }
    for client in done.iter().flat_map(|one| &one.closed) {
        assert_eq!(is_active(client).await, 401, "an ended session lives again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_33_nothing_acknowledged_is_lost_when_sentinel_replaces_a_killed_master() {
    fail_over(Kind::Sentinel, Accident::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_33_nothing_acknowledged_is_lost_when_a_cluster_replaces_a_killed_master() {
    fail_over(Kind::Cluster, Accident::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_33_nothing_acknowledged_is_lost_when_sentinel_replaces_a_hung_master_that_wakes() {
    fail_over(Kind::Sentinel, Accident::Hangs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_33_nothing_acknowledged_is_lost_when_a_cluster_replaces_a_hung_master_that_wakes() {
    fail_over(Kind::Cluster, Accident::Hangs).await;
}
