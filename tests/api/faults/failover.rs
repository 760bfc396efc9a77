//! The master dies under load and a replica takes over: nobody sees anything but 503, and what was
//! acknowledged is so still, because replicas were waited for.

use crate::faults::asks::{is_active, settled, signed_in, token};
use crate::faults::{SOON, app_on};
use crate::parity::dialects::{Dialect, MicroStrategy, V1, V2};
use crate::servers::{Kind, Topology};
use crate::support::{ADMIN_PASSWORD, Client, PASSWORD, Reply, TestApp};
use futures_util::future::{join, join3};
use reqwest::RequestBuilder;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a failover may take: the servers' own timeouts are one and a half seconds here.
const FAILOVER_WITHIN: Duration = Duration::from_secs(40);

/// Sessions that each user opens before, and after.
const ENOUGH: usize = 10;

/// How many come and go, one in each dialect and one who is revoked: on which shards of a Cluster they are is chance,
/// and may be one and the same.
const USERS: usize = 4;

/// What one user did.
struct Done {
    ask_who: fn(&Client) -> RequestBuilder,
    open: Vec<Client>,
    closed: Vec<Client>,
    refused: usize,
}

/// Asks; none where one is told to try later.
async fn asked<D: Dialect>(client: &Client, request: RequestBuilder, status: u16) -> Option<Reply> {
    let began = Instant::now();
    let reply = client.send(request).await;
    // Far below a hang, far above what a machine under load takes.
    assert!(began.elapsed() < SOON * 4, "took {:?}", began.elapsed());
    if reply.status == 503 {
        assert!(D::is_refusal(&reply), "{}: {}", D::NAME, reply.text());
        return None;
    }
    assert_eq!(reply.status, status, "{}: {}", D::NAME, reply.text());
    Some(reply)
}

/// Signs in over and over, and out again every third time.
async fn come_and_go<D: Dialect>(
    app: &TestApp,
    enter: impl Fn(&Client) -> RequestBuilder,
    stop: &AtomicBool,
    opened: &AtomicUsize,
) -> Done {
    let mut done = Done {
        ask_who: D::ask_who,
        open: Vec::new(),
        closed: Vec::new(),
        refused: 0,
    };
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let anon = app.anon();
        match asked::<D>(&anon, enter(&anon), 204).await {
            None => done.refused += 1,
            Some(reply) => {
                let client = D::let_in(app, &reply);
                opened.fetch_add(1, Ordering::Relaxed);
                if turn % 3 != 0 {
                    done.open.push(client);
                } else if asked::<D>(&client, D::log_out(&client), 204)
                    .await
                    .is_some()
                {
                    done.closed.push(client);
                } else {
                    // Written or not: nobody was told.
                    done.refused += 1;
                }
            }
        }
        sleep(Duration::from_millis(15)).await;
    }
    done
}

/// Lets Carol in by a token and has an administrator end all that is hers, over and over: cookie and token of each
/// time that this was acknowledged.
async fn revoke(app: &TestApp, stop: &AtomicBool, times: &AtomicUsize) -> Vec<(Client, String)> {
    let admin = signed_in(app, "tsadmin", ADMIN_PASSWORD).await;
    let mut revoked = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(15)).await;
        // What comes after a revocation is not of the same moment.
        app.tick();
        let mut carol = app.anon();
        let minted = carol.mint(&[("username", "carol")]).await;
        if minted.status != 200 {
            assert_eq!(minted.status, 503, "{}", minted.text());
            continue;
        }
        let token = minted.text();
        let Some(reply) = asked::<V1>(&carol, V1::redeem(&carol, &token), 204).await else {
            continue;
        };
        carol.keep(&reply);
        let form = [("username", r#"["carol"]"#)];
        let request = admin.request(reqwest::Method::POST, "/user/session/invalidate");
        if asked::<V1>(&admin, request.form(&form), 204)
            .await
            .is_some()
        {
            revoked.push((carol, token));
            times.fetch_add(1, Ordering::Relaxed);
        }
    }
    revoked
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
    let opened: [AtomicUsize; USERS] = std::array::from_fn(|_| AtomicUsize::new(0));
    let token = token(&app, "alice").await;
    let load = join3(
        come_and_go::<V1>(&app, |anon| V1::redeem(anon, &token), &stop, &opened[0]),
        come_and_go::<V2>(
            &app,
            |anon| V2::log_in(anon, "tsadmin", ADMIN_PASSWORD, None),
            &stop,
            &opened[1],
        ),
        come_and_go::<MicroStrategy>(
            &app,
            |anon| MicroStrategy::log_in(anon, "bob", PASSWORD, None),
            &stop,
            &opened[2],
        ),
    );
    let load = join(load, revoke(&app, &stop, &opened[3]));
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
    let (((one, two, three), revoked), ()) = join(load, happening).await;

    assert!(
        one.refused + two.refused + three.refused > 0,
        "nobody noticed anything"
    );
    for done in [one, two, three] {
        let (open, closed, refused) = (done.open.len(), done.closed.len(), done.refused);
        println!("{open} opened, {closed} closed, {refused} refused");
        assert!(open > 0 && closed > 0);
        let status = async |client: &Client| {
            let ask = || client.send((done.ask_who)(client));
            settled(ask).await.status
        };
        for client in &done.open {
            assert_eq!(status(client).await, 200, "an acknowledged session is lost");
        }
        for client in &done.closed {
            assert_eq!(status(client).await, 401, "an ended session lives again");
        }
    }
    for (carol, token) in &revoked {
        assert_eq!(is_active(carol).await, 401, "revoked is revoked");
        let bearer = app.anon().with_bearer(token);
        let reply = settled(|| bearer.info()).await;
        assert_eq!(reply.status, 401, "a revoked token lives again");
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
