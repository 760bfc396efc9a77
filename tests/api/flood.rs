//! More logins than the machine can hash: the rest is told when to come back, and sessions do not feel it.

use crate::support::{ALICE_PASSWORD, Client, PASSWORD, Reply, TestApp};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use vestibule::domain::authn::PasswordHash;

/// One hash at a time and few waiting, so that a handful of clients is a flood.
fn narrow() -> TestApp {
    TestApp::with(|settings| {
        settings.passwords.hash_at_a_time = 1;
        settings.passwords.queue = 4;
    })
}

/// As many logins at once, each of another user, so that no pause of one user's comes in between.
async fn burst(client: &Client, logins: usize) -> Vec<Reply> {
    static SO_FAR: AtomicU32 = AtomicU32::new(0);
    let login = async |_| {
        let name = format!("nobody-{}", SO_FAR.fetch_add(1, Ordering::Relaxed));
        client.post_login(&name, "wrong horse battery").await
    };
    join_all((0..logins).map(login)).await
}

#[tokio::test]
async fn when_the_queue_is_full_a_login_is_503_with_retry_after() {
    let app = narrow();
    let replies = burst(&app.anon(), 30).await;
    let (refused, judged): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 503);
    assert!(refused.len() > 10, "{} refused", refused.len());
    for reply in refused {
        reply.expect_error(503, 10000, "too many ask at once");
        let after: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&after), "{after}");
        assert!(reply.session_cookie().is_none());
    }
    assert!(judged.len() >= 5, "one is hashed and four wait");
    assert!(judged.iter().all(|reply| reply.status == 401));
    let overloaded = "login_refused overloaded".to_owned();
    assert!(app.trail.words().contains(&overloaded));
}

#[tokio::test]
async fn being_turned_away_counts_as_no_failed_attempt() {
    let app = narrow();
    let client = app.anon();
    let mut turned_away = 0;
    while turned_away < 12 {
        // The right password all along: were a refusal counted, a pause (429) would follow the fifth.
        let bob = client.post_login("bob", PASSWORD);
        let (_, bob) = tokio::join!(burst(&client, 20), bob);
        assert!(matches!(bob.status, 204 | 503), "{}", bob.status);
        turned_away += u32::from(bob.status == 503);
    }
    assert_eq!(client.post_login("bob", PASSWORD).await.status, 204);
}

/// How long checks of a session took, sorted.
async fn checks(client: &Client, times: usize) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        assert_eq!(client.is_active().await, 204);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_checks_keep_their_pace_while_logins_flood() {
    let app = narrow();
    let alice = app.alice().await;
    checks(&alice, 20).await;
    let quiet = checks(&alice, 200).await;

    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let flood = (0..8).map(|number| {
        let (client, stop, answered) = (app.anon(), Arc::clone(&stop), Arc::clone(&answered));
        tokio::spawn(async move {
            let mut attempt = 0;
            while !stop.load(Ordering::Relaxed) {
                attempt += 1;
                let name = format!("nobody-{number}-{attempt}");
                let reply = client.post_login(&name, "wrong horse battery").await;
                assert!(matches!(reply.status, 401 | 503), "{}", reply.status);
                answered.fetch_add(1, Ordering::Relaxed);
                if reply.status == 503 {
                    // A client with manners would wait longer; one without would measure itself, not us.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    while answered.load(Ordering::Relaxed) < 8 {
        tokio::task::yield_now().await;
    }
    let flooded = checks(&alice, 200).await;
    stop.store(true, Ordering::Relaxed);
    for client in flood {
        client.await.unwrap();
    }
    let at = |times: &[Duration], percent: usize| times[times.len() * percent / 100];
    println!(
        "check of a session: quiet p50 {:?} p99 {:?}, flooded p50 {:?} p99 {:?}",
        at(&quiet, 50),
        at(&quiet, 99),
        at(&flooded, 50),
        at(&flooded, 99)
    );
    // Behind the queue a check would take several hashes. The factor is for machines that do other things as well.
    let bound = at(&quiet, 50) * 10 + Duration::from_millis(10);
    assert!(at(&flooded, 50) < bound, "{bound:?}");
    // Nobody else was let wait: a right password still gets in once there is room.
    assert_eq!(
        app.anon().post_login("alice", ALICE_PASSWORD).await.status,
        204
    );
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_renewed_by_the_right_password_only() {
    let app = TestApp::with(|settings| {
        settings.passwords.memory_kib = 7_168;
        settings.passwords.iterations = 5;
    });
    let bob = app.user("bob").await.id;
    let hash = async || -> PasswordHash {
        let hash = app.services.directory.password_hash(bob).await.unwrap();
        hash.unwrap()
    };
    let is_renewed = async || hash().await.expose_phc().contains("m=7168,t=5,p=1");
    assert!(!is_renewed().await);
    assert_eq!(
        app.anon().post_login("bob", "wrong horse").await.status,
        401
    );
    assert!(!is_renewed().await);
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 204);
    assert!(is_renewed().await);
    let renewed = hash().await;
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 204);
    assert_eq!(
        app.anon().post_login("bob", "wrong horse").await.status,
        401
    );
    let after = hash().await;
    assert_eq!(after.expose_phc(), renewed.expose_phc(), "once is enough");
}
