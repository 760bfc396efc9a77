//! The master dies under load and a replica takes over: nobody sees anything but 503, and what was
//! acknowledged is so still, because replicas were waited for.

use crate::faults::{SOON, app_on};
use crate::servers::{Kind, Topology};
use crate::support::{Client, TestApp};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a failover may take: the servers' own timeouts are one and a half seconds here.
const FAILOVER_WITHIN: Duration = Duration::from_secs(40);

/// What one user did.
#[derive(Default)]
struct Done {
    open: Vec<Client>,
    closed: Vec<Client>,
    refused: usize,
}

/// Signs in over and over, and out again every third time.
async fn come_and_go(app: &TestApp, user: &str, stop: &AtomicBool, opened: &AtomicBool) -> Done {
    let token = app.token(user).await;
    let mut done = Done::default();
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let mut client = app.anon();
        let began = Instant::now();
        let reply = client.redeem(&[("auth_token", &token)]).await;
        assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
        if reply.status == 503 {
            done.refused += 1;
        } else {
            assert_eq!(reply.status, 204, "{}", reply.text());
            client.keep(&reply);
            opened.store(true, Ordering::Relaxed);
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
    let (stop, opened) = (AtomicBool::new(false), AtomicBool::new(false));
    let load =
        join_all(["alice", "bob", "tsadmin"].map(|user| come_and_go(&app, user, &stop, &opened)));
    let happening = async {
        sleep(Duration::from_secs(2)).await;
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
        // Until as many succeed as there are users: all shards are back.
        let back = timeout(FAILOVER_WITHIN, async {
            sleep(Duration::from_secs(1)).await;
            while !serves(&servers).await {
                sleep(Duration::from_millis(50)).await;
            }
            opened.store(false, Ordering::Relaxed);
            while !opened.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(50)).await;
            }
        });
        let came_back = back.await.is_ok();
        if accident == Accident::Hangs {
            victim.signal("CONT");
            sleep(Duration::from_secs(3)).await;
        }
        sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
        assert!(came_back, "no failover within {FAILOVER_WITHIN:?}");
    };
    let (done, ()) = futures_util::future::join(load, happening).await;

    let (open, closed) = (
        done.iter().map(|one| one.open.len()).sum::<usize>(),
        done.iter().map(|one| one.closed.len()).sum::<usize>(),
    );
    let refused: usize = done.iter().map(|one| one.refused).sum();
    println!("{open} opened, {closed} closed, {refused} refused");
    assert!(open > 20 && closed > 5 && refused > 0);
    for client in done.iter().flat_map(|one| &one.open) {
        assert_eq!(
            client.is_active().await,
            204,
            "an acknowledged session is lost"
        );
    }
    for client in done.iter().flat_map(|one| &one.closed) {
        assert_eq!(
            client.is_active().await,
            401,
            "an ended session lives again"
        );
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
