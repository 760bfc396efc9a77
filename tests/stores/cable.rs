//! The way to Redis: half-open, cut in the middle of an answer; and a Redis that was flushed (case 59).

use crate::support::{START, TestRedis, at, options, session, session_id, token, token_digest};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::{Check, EndReason, SessionId, SessionStore};
use vestibule::domain::token::{FoundToken, TokenStore};
use vestibule::stores::redis::{RedisOptions, RedisStore};

const WHOLE: u8 = 0;
/// Takes everything and hands on nothing; nobody is told.
const HALF_OPEN: u8 = 1;
/// Hands on half of an answer and ends.
const CUT: u8 = 2;

/// Between a store and its Redis.
struct Cable {
    port: u16,
    state: Arc<AtomicU8>,
}

impl Cable {
    async fn to(redis: &TestRedis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(AtomicU8::new(WHOLE));
        let (of_all, redis) = (Arc::clone(&state), redis.port());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", redis)).await.unwrap();
                let ((from_near, to_near), (from_far, to_far)) =
                    (near.into_split(), far.into_split());
                let state = Arc::clone(&of_all);
                tokio::spawn(carry(from_near, to_far, Arc::clone(&state), false));
                tokio::spawn(carry(from_far, to_near, state, true));
            }
        });
        Self { port, state }
    }

    fn is_now(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }

    /// A store in the hurry of the settings as they come.
    async fn store(&self) -> RedisStore {
        let options = RedisOptions {
            answer_within: Duration::from_millis(200),
            ..options(self.port, "a:")
        };
        RedisStore::open(options).await.unwrap()
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: Arc<AtomicU8>,
    is_answer: bool,
) {
    let mut buffer = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let sent = match state.load(Ordering::SeqCst) {
            HALF_OPEN => continue,
            CUT if is_answer => {
                // Whatever comes of it, the connection ends here.
                let _ = to.write_all(&buffer[..read / 2]).await;
                return;
            }
            _ => to.write_all(&buffer[..read]).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

fn assert_away<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(
        matches!(result, Err(StoreError::Unavailable(_))),
        "{result:?}"
    );
}

/// What a check says once there is an answer.
async fn settled(store: &RedisStore, id: &SessionId) -> Check {
    for _ in 0..500 {
        match store.check(id, at(1)).await {
            Err(StoreError::Unavailable(_)) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => return answer.unwrap(),
        }
    }
    panic!("no answer")
}

async fn harmed(state: u8) {
    let redis = TestRedis::start(&[]).await;
    let cable = Cable::to(&redis).await;
    let store = cable.store().await;
    let (lives, ended) = (session_id(1), session_id(2));
    store.open(&lives, &session(1, START), None).await.unwrap();
    store.open(&ended, &session(2, START), None).await.unwrap();
    store.close(&ended, EndReason::Logout, START).await.unwrap();
    for _ in 0..3 {
        cable.is_now(state);
        for _ in 0..5 {
            assert_away(&store.check(&lives, at(1)).await);
            assert_away(&store.check(&ended, at(1)).await);
            assert_away(&store.check(&session_id(3), at(1)).await);
            let new = session(3, START);
            assert_away(&store.open(&session_id(3), &new, None).await);
        }
        cable.is_now(WHOLE);
        let live = settled(&store, &lives).await;
        assert!(matches!(live, Check::Live(_)), "{live:?}");
        let over = settled(&store, &ended).await;
        assert_eq!(over, Check::Ended(EndReason::Logout));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_59_a_half_open_connection_is_an_outage_and_soon_replaced() {
    harmed(HALF_OPEN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_59_an_answer_cut_in_two_is_an_outage_and_never_taken_for_one() {
    harmed(CUT).await;
}

#[tokio::test]
async fn case_59_a_flushed_redis_knows_nobody_and_serves_whoever_comes_next() {
    let redis = TestRedis::start(&[]).await;
    let store = redis.open("a:").await.unwrap();
    let (lives, ended) = (session_id(1), session_id(1));
    store.open(&lives, &session(1, START), None).await.unwrap();
    store.open(&ended, &session(1, START), None).await.unwrap();
    store.close(&ended, EndReason::Logout, START).await.unwrap();
    let (kept, revoked) = (token_digest(), token_digest());
    for digest in [&kept, &revoked] {
        let record = token(1, None, START);
        store.put(digest, &record, false).await.unwrap();
    }
    store.revoke_token(&revoked).await.unwrap();

    redis.command(&["FLUSHALL"]);
    for id in [&lives, &ended] {
        assert_eq!(store.check(id, at(1)).await.unwrap(), Check::Unknown);
    }
    for digest in [&kept, &revoked] {
        let found = store.find(digest, at(1)).await.unwrap();
        assert!(matches!(found, FoundToken::Unknown), "{found:?}");
    }
    let next = session_id(1);
    store.open(&next, &session(1, at(2)), None).await.unwrap();
    let live = store.check(&next, at(3)).await.unwrap();
    assert!(matches!(live, Check::Live(_)), "{live:?}");
}
