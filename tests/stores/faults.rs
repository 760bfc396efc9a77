//! Redis away, hung, restarted, refusing, or holding what it should not.

use crate::ports::free_port;
use crate::support::{START, TestRedis, at, options, session, session_id, token, token_digest};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::OrgId;
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::{Check, EndReason, Revocations, RevokeScope, SessionStore};
use vestibule::domain::token::TokenStore;
use vestibule::stores::redis::RedisStore;

/// The promise is 250 ms; a busy machine gets some slack on top.
const SOON: Duration = Duration::from_millis(900);
/// Before every test.
const LONG_AGO: Timestamp = Timestamp::from_millis(0);
/// The promise is one second.
const BACK: Duration = Duration::from_secs(3);

#[expect(clippy::disallowed_methods, reason = "measures how long a call takes")]
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let result = work.await;
    (result, began.elapsed())
}

fn assert_away<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(
        matches!(result, Err(StoreError::Unavailable(_))),
        "{result:?}"
    );
}

async fn assert_every_operation_is_soon_unavailable(store: &RedisStore) {
    let (id, digest) = (session_id(1), token_digest());
    let (result, took) = timed(store.check(&id, START)).await;
    assert_away(&result);
    assert!(took < SOON, "check took {took:?}");
    let (result, took) = timed(store.open(&id, &session(1, START), Some(&session_id(2)))).await;
    assert_away(&result);
    assert!(took < SOON, "open took {took:?}");
    let (result, took) = timed(store.close(&id, EndReason::Logout, START)).await;
    assert_away(&result);
    assert!(took < SOON, "close took {took:?}");
    let (result, took) = timed(store.set_org(&id, OrgId(2))).await;
    assert_away(&result);
    assert!(took < SOON, "set_org took {took:?}");
    let (result, took) = timed(store.revoke(RevokeScope::All, LONG_AGO)).await;
    assert_away(&result);
    assert!(took < SOON, "revoke took {took:?}");
    let (result, took) = timed(store.put(&digest, &token(1, Some(5), START), true)).await;
    assert_away(&result);
    assert!(took < SOON, "put took {took:?}");
    let (result, took) = timed(store.find(&digest, START)).await;
    assert_away(&result);
    assert!(took < SOON, "find took {took:?}");
    let (result, took) = timed(store.revoke_token(&digest)).await;
    assert_away(&result);
    assert!(took < SOON, "revoke_token took {took:?}");
    let (result, took) = timed(store.ping()).await;
    assert_away(&result);
    assert!(took < SOON, "ping took {took:?}");
    let (result, took) = timed(store.store_time()).await;
    assert_away(&result);
    assert!(took < SOON, "store_time took {took:?}");
}

async fn assert_soon_back(store: &RedisStore) {
    let answer = async {
        while store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (answer, took) = timed(tokio::time::timeout(BACK, answer)).await;
    assert!(answer.is_ok(), "not back after {took:?}");
}

#[tokio::test]
async fn case_59_a_redis_that_is_killed_is_soon_unavailable_and_soon_back() {
    let server = TestRedis::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let store = server.open("a:").await.unwrap();
    let (lives, closed, revoked) = (session_id(1), session_id(1), session_id(2));
    for (id, user) in [(&lives, 1), (&closed, 1), (&revoked, 2)] {
        store.open(id, &session(user, START), None).await.unwrap();
    }
    store
        .close(&closed, EndReason::Logout, START)
        .await
        .unwrap();
    let scope = RevokeScope::User(session(2, START).user_id, revoked.tag());
    store.revoke(scope, START).await.unwrap();

    server.kill();
    assert_every_operation_is_soon_unavailable(&store).await;
    // Long enough for many failed attempts: their number must not make the way back longer.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_every_operation_is_soon_unavailable(&store).await;
    server.start_again().await;
    assert_soon_back(&store).await;

    let live = store.check(&lives, at(1)).await.unwrap();
    assert!(matches!(live, Check::Live(_)), "{live:?}");
    let ended = store.check(&closed, at(1)).await.unwrap();
    assert_eq!(ended, Check::Ended(EndReason::Logout));
    // The epoch outlived the server, not only what was noted at a check.
    let ended = store.check(&revoked, at(1)).await.unwrap();
    assert!(
        matches!(ended, Check::JustEnded(EndReason::Revoked, _)),
        "{ended:?}"
    );
}

#[tokio::test]
async fn case_59_a_redis_that_hangs_is_soon_unavailable_and_soon_back() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    server.signal("STOP");
    assert_every_operation_is_soon_unavailable(&store).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_every_operation_is_soon_unavailable(&store).await;
    server.signal("CONT");
    assert_soon_back(&store).await;
    let live = store.check(&id, at(1)).await.unwrap();
    assert!(matches!(live, Check::Live(_)), "{live:?}");
}

#[tokio::test]
async fn two_hundred_checks_of_a_hung_redis_all_return_soon() {
    let server = TestRedis::start(&[]).await;
    let store = std::sync::Arc::new(server.open("a:").await.unwrap());
    server.signal("STOP");
    let checks: Vec<_> = (0..200)
        .map(|_| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move { timed(store.check(&session_id(1), START)).await })
        })
        .collect();
    for check in checks {
        let (result, took) = check.await.unwrap();
        assert_away(&result);
        assert!(took < SOON, "check took {took:?}");
    }
    server.signal("CONT");
    assert_soon_back(&store).await;
}

#[tokio::test]
async fn a_redis_restarted_while_nobody_looked_costs_no_request() {
    let server = TestRedis::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let store = server.open("a:").await.unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    server.kill();
    server.start_again().await;
    // The keeper notices by its own pings.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let live = store.check(&id, at(1)).await.unwrap();
    assert!(matches!(live, Check::Live(_)), "{live:?}");
}

#[tokio::test]
async fn opening_without_a_redis_or_with_a_silent_one_is_soon_unavailable() {
    let (result, took) = timed(RedisStore::open(options(free_port(), "a:"))).await;
    assert_away(&result);
    assert!(took < SOON, "took {took:?}");
    // Accepts and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (result, took) = timed(RedisStore::open(options(port, "a:"))).await;
    assert_away(&result);
    assert!(took < SOON, "took {took:?}");
}

#[tokio::test]
async fn case_59_a_redis_that_became_a_replica_or_is_full_is_unavailable_until_it_is_not() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();

    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_away(&store.ping().await);
    assert_away(&store.close(&id, EndReason::Logout, START).await);
    server.command(&["REPLICAOF", "NO", "ONE"]);
    assert_soon_back(&store).await;

    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_away(&store.ping().await);
    assert_away(&store.open(&session_id(1), &session(1, START), None).await);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_soon_back(&store).await;

    server.command(&["CONFIG", "SET", "requirepass", "other"]);
    server.command(&["-a", "other", "CLIENT", "KILL", "TYPE", "normal"]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_away(&store.check(&id, START).await);
    server.command(&["-a", "other", "CONFIG", "SET", "requirepass", ""]);
    assert_soon_back(&store).await;
    let live = store.check(&id, at(1)).await.unwrap();
    assert!(matches!(live, Check::Live(_)), "{live:?}");
}

#[tokio::test]
async fn case_59_whatever_error_redis_answers_is_unavailable() {
    for error in [
        "LOADING Redis is loading the dataset in memory",
        "READONLY You can't write against a read only replica.",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "NOAUTH Authentication required.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "MOVED 3999 127.0.0.1:6381",
        "ASK 3999 127.0.0.1:6381",
        "CLUSTERDOWN The cluster is down",
        "BUSY Redis is busy running a script.",
        "MASTERDOWN Link with MASTER is down",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOSCRIPT No matching script.",
        "ERR max number of clients reached",
    ] {
        let port = refusing(error).await;
        let store = RedisStore::open(options(port, "a:")).await;
        let Ok(store) = store else {
            assert_away(&store);
            continue;
        };
        assert_every_operation_is_soon_unavailable(&store).await;
    }
}

/// A server that answers every command with one error.
async fn refusing(error: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(read @ 1..) = peer.read(&mut buffer).await {
                    // Each command is an array, and no argument of ours begins a line with a star.
                    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    let commands = text.lines().filter(|line| line.starts_with('*')).count();
                    let answer = format!("-{error}\r\n").repeat(commands);
                    if peer.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn case_60_a_damaged_record_is_an_error_and_no_session() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    let damages: [&[&str]; 6] = [
        &["HSET", "r", "{\"v\":1"],
        &["HSET", "r", "\u{1}"],
        &["HSET", "b", "soon"],
        &["HDEL", "o"],
        &["HDEL", "v"],
        &["HSET", "x", "because"],
    ];
    for damage in damages {
        let id = session_id(1);
        store.open(&id, &session(1, START), None).await.unwrap();
        let key = server.command(&["KEYS", "a:s:*"]);
        let words: Vec<&str> = [&damage[..1], &[key.as_str()], &damage[1..]].concat();
        server.command(&words);
        let found = store.check(&id, START).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
        server.command(&["SET", &key, "of another type"]);
        let found = store.check(&id, START).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
        server.command(&["DEL", &key]);
    }
}

#[tokio::test]
async fn a_flushed_script_cache_is_loaded_again_without_notice() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    server.command(&["SCRIPT", "FLUSH"]);
    let live = store.check(&id, at(1)).await.unwrap();
    assert!(matches!(live, Check::Live(_)), "{live:?}");
}

#[tokio::test]
async fn no_id_is_kept_in_the_clear_and_every_key_but_the_epochs_expires() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    let (id, old) = (session_id(1), session_id(1));
    store.open(&old, &session(1, START), None).await.unwrap();
    store
        .open(&id, &session(1, START), Some(&old))
        .await
        .unwrap();
    let record = token(1, Some(5), START);
    store.put(&token_digest(), &record, true).await.unwrap();
    let scope = RevokeScope::User(record.user_id, record.user_tag);
    store.revoke(scope, LONG_AGO).await.unwrap();
    store.revoke(RevokeScope::All, LONG_AGO).await.unwrap();
    let keys = server.command(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 8, "{keys}");
    let secret = id.expose();
    for key in keys.lines() {
        assert!(key.starts_with("a:"), "{key}");
        let dump = server.command(&["DUMP", key]);
        assert!(!key.contains(&secret[8..]) && !dump.contains(&secret[8..]));
        let ttl: i64 = server.command(&["TTL", key]).parse().unwrap();
        assert_eq!(ttl < 0, key == "a:g", "{key} has TTL {ttl}");
    }
    let shown = format!("{store:?}");
    assert!(!shown.contains("127.0.0.1"), "{shown}");
}

#[tokio::test]
async fn the_stores_clock_can_be_read() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    let time = store.store_time().await.unwrap();
    let said = server.command(&["TIME"]);
    let seconds: u64 = said.lines().next().unwrap().parse().unwrap();
    assert!(time.seconds().abs_diff(seconds) <= 2);
}
