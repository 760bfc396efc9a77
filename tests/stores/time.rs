//! What the nodes that share a Redis take the time for.

use crate::redis::{Kind, Topology};
use crate::support::{TestRedis, open_on};
use std::time::Duration;
use vestibule::stores::redis::RedisStore;

/// `own` readings ahead of Redis's clock stand for one that was set back since they were taken.
async fn assert_time_does_not_go_back(one: &RedisStore, late: &RedisStore) {
    let (first, clock) = one.agree_on_time(None).await.unwrap();
    assert_eq!(first, clock, "there is nothing to go on from");

    let seen = clock.plus(Duration::from_hours(1));
    let (agreed, clock) = one.agree_on_time(Some(seen)).await.unwrap();
    assert_eq!(agreed, seen);
    assert!(agreed.since(clock) > Duration::from_mins(59));
    // A node that has only just started takes up there, and one that is behind is taken along.
    let (agreed, _) = late.agree_on_time(None).await.unwrap();
    assert_eq!(agreed, seen);
    let (agreed, _) = late.agree_on_time(Some(first)).await.unwrap();
    assert_eq!(agreed, seen);

    let absurd = clock.plus(Duration::from_hours(26));
    let (agreed, _) = one.agree_on_time(Some(absurd)).await.unwrap();
    assert_eq!(agreed, seen, "a clock that was a day wrong is not believed");
}

#[tokio::test]
async fn case_33_a_clock_of_redis_that_is_set_back_takes_no_node_back() {
    let server = TestRedis::start(&[]).await;
    let (one, late) = (
        server.open("a:").await.unwrap(),
        server.open("a:").await.unwrap(),
    );
    assert_time_does_not_go_back(&one, &late).await;
    let (elsewhere, clock) = server
        .open("b:")
        .await
        .unwrap()
        .agree_on_time(None)
        .await
        .unwrap();
    assert_eq!(elsewhere, clock, "another installation has its own time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_33_a_clock_of_a_cluster_that_is_set_back_takes_no_node_back() {
    let servers = Topology::forgetful(Kind::Cluster);
    let one = open_on(&servers, "a:").await.unwrap();
    let late = open_on(&servers, "a:").await.unwrap();
    assert_time_does_not_go_back(&one, &late).await;
}
