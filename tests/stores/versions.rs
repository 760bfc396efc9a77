//! Versions side by side: what older programs wrote is read, what later ones wrote is left alone.

use crate::support::{
    START, TestRedis, at, file_in, open_file, session, session_id, token, token_digest,
};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::{Clock, ManualClock};
use vestibule::domain::directory::OrgId;
use vestibule::domain::session::{
    AtLimit, Check, EndReason, Method, Opening, SessionId, SessionLimit, SessionStore,
};
use vestibule::domain::token::{FoundToken, Spending, TokenDigest, TokenStore};
use vestibule::stores::embedded::EmbeddedStore;

/// What the first programs wrote.
fn frozen() -> Value {
    serde_json::from_str(include_str!("../data/records_v1.json")).unwrap()
}

fn id(of: &Value) -> SessionId {
    SessionId::parse(of.as_str().unwrap()).unwrap()
}

fn digest(of: &Value) -> TokenDigest {
    let hex = of.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap();
    TokenDigest(std::array::from_fn(byte))
}

async fn write(path: &Path, statements: &[String]) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut db = SqliteConnection::connect(&url).await.unwrap();
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe(statement.as_str()))
            .execute(&mut db)
            .await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    db.close().await.unwrap();
}

async fn reads_what_the_first_programs_wrote<S: SessionStore + TokenStore>(store: &S) {
    let frozen = frozen();
    let live = id(&frozen["sessions"]["live"]);
    let Check::Live(found) = store.check(&live, at(1_000)).await.unwrap() else {
        panic!("it must live");
    };
    assert_eq!(
        (found.user_name.as_str(), found.method),
        ("alice", Method::Password)
    );
    assert_eq!((found.org, found.opened_at), (OrgId(2), START));
    let listed = store.list(live.tag(), at(1_000)).await.unwrap();
    assert_eq!(
        listed.len(),
        1,
        "listed from its first use on at the latest"
    );

    let revoked = id(&frozen["sessions"]["revoked"]);
    let found = store.check(&revoked, START).await.unwrap();
    assert!(
        matches!(found, Check::JustEnded(EndReason::Revoked, _)),
        "{found:?}"
    );
    let over = id(&frozen["sessions"]["over"]);
    assert_eq!(
        store.check(&over, START).await.unwrap(),
        Check::Ended(EndReason::Logout)
    );

    let good = digest(&frozen["tokens"]["live"]);
    let FoundToken::Live(record) = store.find(&good, START).await.unwrap() else {
        panic!("it must be good");
    };
    assert_eq!(record.minted_for, "Alice");
    assert_eq!(store.spend(&good, START).await.unwrap(), Spending::First);
    let dead = digest(&frozen["tokens"]["dead"]);
    assert_eq!(store.find(&dead, START).await.unwrap(), FoundToken::Dead);

    assert!(store.set_org(&live, OrgId(3)).await.unwrap());
    let closed = store
        .close(&live, EndReason::Logout, at(2_000))
        .await
        .unwrap();
    assert_eq!(closed.map(|was| was.org), Some(OrgId(3)));
}

#[tokio::test]
async fn case_60_what_the_first_programs_wrote_to_redis_is_read() {
    let server = TestRedis::start(&[]).await;
    for command in frozen()["redis"].as_array().unwrap() {
        let mut words: Vec<String> = serde_json::from_value(command.clone()).unwrap();
        words[1].insert_str(0, "a:");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = server.command(&words);
        assert!(!said.contains("ERR"), "{words:?}: {said}");
    }
    let store = server.open("a:").await.unwrap();
    reads_what_the_first_programs_wrote(&store).await;
}

#[tokio::test]
async fn case_60_what_the_first_programs_wrote_to_a_file_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let statements: Vec<String> = serde_json::from_value(frozen()["sqlite"].clone()).unwrap();
    write(&file_in(&dir), &statements).await;
    let store = open_file(&file_in(&dir)).await.unwrap();
    reads_what_the_first_programs_wrote(&store).await;
    drop(store);
    // What is written now can be read again, beside what they wrote.
    let store = open_file(&file_in(&dir)).await.unwrap();
    let over = id(&frozen()["sessions"]["over"]);
    assert_eq!(
        store.check(&over, START).await.unwrap(),
        Check::Ended(EndReason::Logout)
    );
}

/// What a record of a later version is to a node of this one: nothing it knows, touches or ends by itself.
async fn leaves_alone(
    store: &(impl SessionStore + TokenStore),
    later: &SessionId,
    later_token: &TokenDigest,
) {
    for now in [START, START.plus(Duration::from_hours(1_000))] {
        assert_eq!(store.check(later, now).await.unwrap(), Check::Unknown);
        assert!(!store.set_org(later, OrgId(2)).await.unwrap());
        assert!(store.list(later.tag(), now).await.unwrap().is_empty());
        assert_eq!(
            store.find(later_token, now).await.unwrap(),
            FoundToken::Unknown
        );
        assert_eq!(
            store.spend(later_token, now).await.unwrap(),
            Spending::NotGood
        );
    }
}

async fn can_be_closed(store: &impl SessionStore, later: &SessionId) {
    let closed = store.close(later, EndReason::Logout, START).await.unwrap();
    assert_eq!(closed, None, "it cannot be read");
    let found = store.check(later, START).await.unwrap();
    assert_eq!(found, Check::Ended(EndReason::Logout));
}

#[tokio::test]
async fn case_60_a_later_record_in_redis_is_unknown_and_stays_but_can_be_closed() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("a:").await.unwrap();
    let (later, later_token) = (session_id(1), token_digest());
    store.open(&later, &session(1, START), None).await.unwrap();
    store
        .put(&later_token, &token(1, None, START), false)
        .await
        .unwrap();
    let key = server.command(&["KEYS", "a:s:*"]);
    let token_key = server.command(&["KEYS", "a:t:*"]);
    // A later program's idea of them: another version, another record, fields we never heard of.
    server.command(&[
        "HSET",
        &key,
        "v",
        "2",
        "b",
        "later",
        "r",
        "\u{1}\u{2}",
        "z",
        "new",
    ]);
    server.command(&["HSET", &token_key, "v", "2", "r", "\u{1}\u{2}", "z", "new"]);
    // Redis tells a hash's fields in any order.
    let fields = |key: &str| {
        let held = server.command(&["HGETALL", key]);
        let lines: Vec<String> = held.lines().map(str::to_owned).collect();
        let mut pairs: Vec<[String; 2]> = lines
            .chunks(2)
            .map(|pair| [pair[0].clone(), pair.get(1).cloned().unwrap_or_default()])
            .collect();
        pairs.sort();
        pairs
    };
    let dump = || {
        let index = server.command(&["KEYS", "a:i:*"]);
        let listed = server.command(&["ZRANGE", &index, "0", "-1"]);
        (fields(&key), fields(&token_key), listed)
    };
    let before = dump();
    leaves_alone(&store, &later, &later_token).await;
    assert_eq!(dump(), before);

    // It counts where sessions are limited: it is alive as far as we know.
    let (mine, new) = (session_id(1), session(1, at(5)));
    for (most, is_room) in [(1, false), (2, true)] {
        let limit = Some(SessionLimit {
            most,
            at_limit: AtLimit::Evict,
        });
        let opening = store.open_within(&mine, &new, None, limit).await.unwrap();
        assert_eq!(opening != Opening::AtLimit, is_room, "{most}");
    }
    assert_eq!(fields(&key), before.0);
    can_be_closed(&store, &later).await;
}

#[tokio::test]
async fn case_60_a_later_record_in_a_file_is_unknown_and_stays_but_can_be_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (later, later_token) = (session_id(1), token_digest());
    let store = open_file(&file_in(&dir)).await.unwrap();
    store.open(&later, &session(1, START), None).await.unwrap();
    store
        .put(&later_token, &token(1, None, START), false)
        .await
        .unwrap();
    drop(store);
    let alter = ["sessions", "tokens"]
        .map(|table| format!("UPDATE {table} SET record = '{{\"v\":2,\"new\":true}}'"));
    write_once_free(&file_in(&dir), &alter).await;
    for _ in 0..2 {
        // Long after anything of ours would have been swept away.
        let late: Arc<dyn Clock> =
            Arc::new(ManualClock::at(START.plus(Duration::from_hours(9_999))));
        let store = EmbeddedStore::open(&file_in(&dir), late).await.unwrap();
        leaves_alone(&store, &later, &later_token).await;
    }
    let store = open_file(&file_in(&dir)).await.unwrap();
    can_be_closed(&store, &later).await;
}

/// Once the store before it has let go of the file, which it does in the background.
async fn write_once_free(path: &Path, statements: &[String]) {
    drop(open_file(path).await.unwrap());
    let url = format!("sqlite://{}", path.display());
    for _ in 0..500 {
        let mut db = SqliteConnection::connect(&url).await.unwrap();
        let free = sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut db)
            .await
            .is_ok();
        db.close().await.unwrap();
        if free {
            return write(path, statements).await;
        }
        // Another thread of ours lets go of it: no clock can be turned for that.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the file is still in use")
}
