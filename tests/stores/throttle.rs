//! Attempts to sign in: every store counts by the one rule, at once and together.

use crate::support::{START, TestRedis, at};
use futures_util::future::join_all;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::NameKey;
use vestibule::domain::throttle::{Admission, Bucket, FORGET_AFTER, ThrottleStore, Tries};
use vestibule::stores::embedded::AttemptCounts;

fn bucket(user: &str) -> Bucket {
    let address = Some([192, 0, 2, 1].into());
    Bucket::of(b"key", Some(&NameKey::new(user).unwrap()), address)
}

async fn admitted(store: &dyn ThrottleStore, bucket: &Bucket, now: Timestamp) -> bool {
    store.admit(bucket, now).await.unwrap() == Admission::Admitted
}

/// What may happen to a bucket.
#[derive(Clone, Debug)]
enum Step {
    Attempt(u64),
    TakeBack,
    Forget,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => prop_oneof![Just(0), 1..3_000_u64, 100_000..400_000_u64].prop_map(Step::Attempt),
        1 => Just(Step::Attempt(1_800_001)),
        2 => Just(Step::TakeBack),
        1 => Just(Step::Forget),
    ];
    proptest::collection::vec(step, 40)
}

#[tokio::test]
async fn every_store_counts_in_one_step_and_anew_in_the_next_window() {
    let server = TestRedis::start(&[]).await;
    let redis = server.open("a:").await.unwrap();
    let local = AttemptCounts::bounded(3);
    let stores: [&dyn ThrottleStore; 2] = [&redis, &local];
    let until = START.plus(Duration::from_mins(1));
    for store in stores {
        let one = bucket("one");
        let counts = join_all((0..20).map(|_| store.count(&one, until, START))).await;
        let mut counts: Vec<u64> = counts.into_iter().map(Result::unwrap).collect();
        counts.sort_unstable();
        assert_eq!(counts, (1..=20).collect::<Vec<u64>>());
        assert_eq!(store.count(&bucket("two"), until, START).await.unwrap(), 1);
    }
    // The embedded one holds so many and no more, and lets go of all of them with the window.
    assert_eq!(
        local.count(&bucket("three"), until, START).await.unwrap(),
        1
    );
    let turned_away = local.count(&bucket("four"), until, START).await;
    assert_eq!(turned_away.unwrap(), u64::MAX);
    assert_eq!(local.count(&bucket("two"), until, START).await.unwrap(), 2);
    let next = until.plus(Duration::from_mins(1));
    assert_eq!(local.count(&bucket("four"), next, until).await.unwrap(), 1);
}

#[tokio::test]
async fn every_store_follows_the_rule_whatever_happens() {
    let server = TestRedis::start(&[]).await;
    let redis = server.open("a:").await.unwrap();
    let local = AttemptCounts::default();
    let stores: [&dyn ThrottleStore; 2] = [&redis, &local];
    let mut runner = TestRunner::deterministic();
    for round in 0..60 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let bucket = bucket(&format!("user {round}"));
        let mut rule: Option<Tries> = None;
        let mut now = START;
        for step in &steps {
            let mut expected = None;
            match step {
                Step::Attempt(after) => {
                    now = now.plus(Duration::from_millis(*after));
                    expected = Some(match Tries::admit(rule, now) {
                        Ok(tries) => {
                            rule = Some(tries);
                            Admission::Admitted
                        }
                        Err(pause) => Admission::Wait(pause),
                    });
                }
                Step::TakeBack => {
                    rule = rule.and_then(|Tries { count, last }| {
                        (count > 1).then_some(Tries {
                            count: count - 1,
                            last,
                        })
                    });
                }
                Step::Forget => rule = None,
            }
            for store in stores {
                match step {
                    Step::Attempt(_) => {
                        let found = store.admit(&bucket, now).await.unwrap();
                        assert_eq!(Some(found), expected, "{store:?} {steps:?}");
                    }
                    Step::TakeBack => store.take_back(&bucket).await.unwrap(),
                    Step::Forget => store.forget(&bucket).await.unwrap(),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_43_parallel_guesses_do_not_slip_past_the_limit() {
    let server = TestRedis::start(&[]).await;
    let (one, other) = (
        server.open("a:").await.unwrap(),
        server.open("a:").await.unwrap(),
    );
    let nodes: [Arc<dyn ThrottleStore>; 2] = [Arc::new(one), Arc::new(other)];
    let local: Arc<dyn ThrottleStore> = Arc::new(AttemptCounts::default());
    for stores in [&nodes[..], &[local]] {
        let guesses = (0..100).map(|n| {
            let store = Arc::clone(&stores[n % stores.len()]);
            tokio::spawn(async move { admitted(&*store, &bucket("alice"), START).await })
        });
        let let_in = join_all(guesses)
            .await
            .into_iter()
            .filter(|one| *one.as_ref().unwrap());
        assert_eq!(let_in.count(), 5);
        // A success, told to either, counts for both.
        stores[0].forget(&bucket("alice")).await.unwrap();
        for store in stores {
            assert!(admitted(&**store, &bucket("alice"), at(1)).await);
        }
    }
}

#[tokio::test]
async fn redis_is_told_no_name_and_no_address_and_forgets_by_itself() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    assert!(admitted(&store, &bucket("alice"), START).await);
    let key = server.command(&["KEYS", "*"]);
    assert!(key.starts_with("a:f:") && key.len() == 4 + 64, "{key}");
    let held = server.command(&["HGETALL", &key]);
    assert!(
        !held.contains("alice") && !held.contains("192.0.2.1"),
        "{held}"
    );
    let left: u128 = server.command(&["PTTL", &key]).parse().unwrap();
    assert!(left > 0 && left <= FORGET_AFTER.as_millis(), "{left}");
}

#[tokio::test]
async fn a_flood_of_made_up_names_is_bounded_and_does_not_wipe_a_fresh_count() {
    let store = AttemptCounts::bounded(1_000);
    for n in 0..20_000_u64 {
        // The attack that the flood would hide goes on meanwhile.
        if n % 400 == 0 {
            let _ = store.admit(&bucket("alice"), at(n)).await.unwrap();
        }
        assert!(admitted(&store, &bucket(&format!("made up {n}")), at(n)).await);
        assert!(store.held() <= 1_000, "{}", store.held());
    }
    assert!(!admitted(&store, &bucket("alice"), at(20_000)).await);
}
