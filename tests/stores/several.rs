//! What only several servers have: replicas to wait for, slots that move, epochs in a slot of their own.

use crate::redis::{Kind, Node, Topology, until};
use crate::support::{
    START, TestRedis, at, open_on, options, session, session_id, tag, token, token_digest, user_id,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vestibule::domain::directory::OrgId;
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::{Check, EndReason, Revocations, RevokeScope, SessionStore};
use vestibule::domain::token::{FoundToken, TokenStore};
use vestibule::stores::redis::{RedisOptions, RedisStore};

async fn waiting_for(replicas: usize, url: String) -> RedisStore {
    RedisStore::open(RedisOptions {
        url: url.into(),
        wait_replicas: replicas,
        answer_within: Duration::from_secs(1),
        ..options(0, "w:")
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_too_few_replicas_confirm_is_not_acknowledged() {
    let servers = Topology::forgetful(Kind::Sentinel);
    // Replicas that have only just come confirm nothing for a while, online or not.
    until("both replicas have confirmed something", || {
        let masters = servers.masters();
        masters[0].command(&["SET", "come", "1", "PX", "1"]);
        let info = masters[0].command(&["INFO", "replication"]);
        let replicas = info.lines().filter(|line| line.starts_with("slave"));
        replicas.filter(|line| !line.contains("offset=0,")).count() == 2
    });
    let enough = waiting_for(2, servers.url()).await;
    let id = session_id(1);
    enough.open(&id, &session(1, START), None).await.unwrap();
    assert!(enough.revoke(RevokeScope::All, START).await.is_ok());
    let too_many = waiting_for(3, servers.url()).await;
    let opened = too_many
        .open(&session_id(1), &session(1, START), None)
        .await;
    assert!(
        matches!(opened, Err(StoreError::Unavailable(_))),
        "{opened:?}"
    );
    let closed = too_many.close(&id, EndReason::Logout, START);
    assert!(matches!(closed.await, Err(StoreError::Unavailable(_))));
    // To look takes no replica.
    assert!(too_many.check(&id, at(1)).await.is_ok());
}

#[tokio::test]
async fn one_server_alone_confirms_nothing() {
    let server = TestRedis::start(&[]).await;
    let url = server.command(&["CONFIG", "GET", "port"]);
    let port = url.lines().last().unwrap();
    let store = waiting_for(1, format!("redis://127.0.0.1:{port}/")).await;
    let opened = store.open(&session_id(1), &session(1, START), None).await;
    assert!(
        matches!(opened, Err(StoreError::Unavailable(_))),
        "{opened:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_a_revocation_by_one_node_counts_at_once_on_another() {
    let servers = Topology::forgetful(Kind::Cluster);
    let one = open_on(&servers, "e:").await.unwrap();
    let other = open_on(&servers, "e:").await.unwrap();
    for turn in 1..20 {
        let began = at(turn * 10);
        let (id, digest) = (session_id(turn.into()), token_digest());
        let user = u128::from(turn);
        one.open(&id, &session(user, began), None).await.unwrap();
        one.put(&digest, &token(user, Some(5), began), false)
            .await
            .unwrap();
        // Both know the epochs before.
        for store in [&one, &other] {
            let found = store.check(&id, began).await.unwrap();
            assert!(matches!(found, Check::Live(_)), "{found:?}");
            let found = store.find(&digest, began).await.unwrap();
            assert!(matches!(found, FoundToken::Live(_)), "{found:?}");
        }
        let scope = match turn % 3 {
            0 => RevokeScope::All,
            1 => RevokeScope::Org(OrgId(1)),
            _ => RevokeScope::User(user_id(user), tag(user)),
        };
        one.revoke_for(scope, EndReason::KeyRetired, began)
            .await
            .unwrap();
        let found = other.find(&digest, began).await.unwrap();
        assert_eq!(found, FoundToken::Dead, "{scope:?}");
        let found = other.check(&id, began).await.unwrap();
        assert!(
            matches!(found, Check::JustEnded(EndReason::KeyRetired, _)),
            "{found:?}"
        );
        let found = one.check(&id, began).await.unwrap();
        assert_eq!(found, Check::Ended(EndReason::KeyRetired));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epochs_that_carry_no_stamp_are_read_all_the_same() {
    let servers = Topology::forgetful(Kind::Cluster);
    let store = open_on(&servers, "e:").await.unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    store
        .revoke(RevokeScope::Org(OrgId(9)), START)
        .await
        .unwrap();
    store.check(&id, START).await.unwrap();
    // As an older program leaves it.
    let on_owner = |words: &[&str]| {
        let mut masters = servers.masters().into_iter();
        let done = masters.any(|node| node.command(words) == "1");
        assert!(done, "{words:?}");
    };
    on_owner(&["HDEL", "e:g", "stamp"]);
    on_owner(&["HSET", "e:g", "all", &START.millis().to_string()]);
    let found = store.check(&id, START).await.unwrap();
    assert!(
        matches!(found, Check::JustEnded(EndReason::Revoked, _)),
        "{found:?}"
    );
}

/// The slot, and the servers that have it and are to have it.
fn slot_of<'a>(servers: &'a Topology, key: &str) -> (String, &'a Node, &'a Node) {
    let masters = servers.masters();
    let slot = masters[0].command(&["CLUSTER", "KEYSLOT", key]);
    let has = |node: &&&Node| !node.command(&["GET", key]).starts_with("MOVED");
    let from = masters.iter().find(has).unwrap();
    let to = masters.iter().find(|node| node.port != from.port).unwrap();
    (slot, from, to)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_on_the_move_costs_nobody_a_session() {
    let servers = Topology::forgetful(Kind::Cluster);
    let store = Arc::new(open_on(&servers, "m:").await.unwrap());
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let checks = {
        let (store, stop, id) = (Arc::clone(&store), Arc::clone(&stop), id.clone());
        tokio::spawn(async move {
            let mut good = 0;
            while !stop.load(Ordering::Relaxed) {
                match store.check(&id, at(5_000)).await {
                    Ok(Check::Live(_)) => good += 1,
                    // Half of the keys here, half there: "try again" for longer than a call has.
                    Err(StoreError::Unavailable(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
            good
        })
    };
    let tag = format!("{{{}}}", tag(1).to_text());
    tokio::task::block_in_place(|| {
        let (slot, from, to) = slot_of(&servers, &tag);
        let name = |node: &Node| node.command(&["CLUSTER", "MYID"]);
        let (source, target) = (name(from), name(to));
        let set = |node: &Node, words: &[&str]| {
            let words = [&["CLUSTER", "SETSLOT", &slot], words].concat();
            assert_eq!(node.command(&words), "OK", "{words:?}");
        };
        set(to, &["IMPORTING", &source]);
        set(from, &["MIGRATING", &target]);
        let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
        let port = to.port.to_string();
        for key in keys.lines() {
            let words = ["MIGRATE", "127.0.0.1", &port, key, "0", "1000"];
            assert_eq!(from.command(&words), "OK");
        }
        for node in [to, from] {
            set(node, &["NODE", &target]);
        }
    });
    let before = Arc::clone(&store);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let found = before.check(&id, at(5_000)).await;
        assert!(matches!(found, Ok(Check::Live(_))), "{found:?}");
    }
    stop.store(true, Ordering::Relaxed);
    let good = checks.await.unwrap();
    assert!(good > 10, "{good} good answers");
}
