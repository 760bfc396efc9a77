//! How many sessions live in Redis: counted by one node, known to all.

use crate::redis::{Kind, Topology};
use crate::support::{START, TestRedis, at, open_on, session, session_id};
use vestibule::domain::session::{EndReason, SessionStore};
use vestibule::stores::redis::RedisStore;

async fn open_three_and_end_one(store: &RedisStore) {
    for user in 1..=3 {
        let id = session_id(user);
        store.open(&id, &session(user, START), None).await.unwrap();
        if user == 2 {
            store.close(&id, EndReason::Logout, at(1)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn one_node_counts_what_is_open_and_the_other_knows() {
    let server = TestRedis::start(&[]).await;
    let (one, two) = (
        server.open("a:").await.unwrap(),
        server.open("a:").await.unwrap(),
    );
    let foreign = server.open("a:i:").await.unwrap();
    // Whoever starts takes over what there is, which is nothing yet.
    one.take_over_count().await.unwrap();
    assert_eq!(one.live_sessions(), None);
    open_three_and_end_one(&one).await;
    open_three_and_end_one(&foreign).await;
    one.count_live(at(2)).await.unwrap();
    assert_eq!(one.live_sessions(), Some(2));
    // Within the minute nobody counts again; the number is the same everywhere.
    one.open(&session_id(4), &session(4, START), None)
        .await
        .unwrap();
    two.count_live(at(3)).await.unwrap();
    assert_eq!(two.live_sessions(), Some(2));
    let third = server.open("a:").await.unwrap();
    third.take_over_count().await.unwrap();
    assert_eq!(third.live_sessions(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_master_of_a_cluster_is_counted() {
    let servers = Topology::forgetful(Kind::Cluster);
    let store = open_on(&servers, "a:").await.unwrap();
    for user in 1..=30 {
        let id = session_id(user);
        store.open(&id, &session(user, START), None).await.unwrap();
    }
    store.count_live(at(1)).await.unwrap();
    assert_eq!(store.live_sessions(), Some(30));
}
