//! What happens when the disk refuses: a full file, and one that cannot be written for a while.

use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::directory::{OrgId, UserId};
use crate::domain::failure::StoreError;
use crate::domain::random::SystemRandom;
use crate::domain::session::{
    Check, EndReason, Lifetime, Method, Revocations, RevokeScope, Session, SessionId, SessionNotes,
    SessionStore, UserTag,
};
use crate::domain::token::{Access, Attributes};
use crate::stores::embedded::counted::Counted;
use crate::stores::embedded::journal::Journal;
use crate::stores::embedded::writer::Queue;
use crate::stores::embedded::{Core, EmbeddedStore, Swept};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const START: Timestamp = Timestamp::from_millis(1_000_000);

/// A store without background work, whose connection was first told something.
async fn open(path: &Path, told: &[&'static str]) -> EmbeddedStore {
    let mut journal = Journal::open(path).await.unwrap();
    for &statement in told {
        sqlx::query(statement)
            .execute(&mut journal.connection)
            .await
            .unwrap();
    }
    let memory = Arc::new(journal.load().await.unwrap());
    let core = Core {
        queue: Queue::start(journal, Arc::clone(&memory)),
        memory,
        clock: Arc::new(ManualClock::at(START)),
    };
    EmbeddedStore {
        latest: START,
        most: usize::MAX,
        counted: Counted::default(),
        swept: Swept::default(),
        core: Arc::new(core),
        sweeper: tokio::spawn(async {}),
    }
}

fn id() -> SessionId {
    let user = UserId(uuid::Uuid::nil());
    SessionId::fresh(UserTag::of(user, b"key"), &SystemRandom::open().unwrap())
}

fn session(agent: &str) -> Session {
    Session {
        user_id: UserId(uuid::Uuid::nil()),
        user_name: "alice".to_owned(),
        org: OrgId(1),
        method: Method::Password,
        key: None,
        access: Access::Full,
        attributes: Attributes::default(),
        opened_at: START,
        last_seen_at: START,
        lifetime: Lifetime {
            idle: Duration::from_mins(30),
            absolute: Duration::from_hours(24),
        },
        is_remembered: false,
        address: String::new(),
        agent: agent.to_owned(),
        notes: SessionNotes::default(),
    }
}

async fn assert_just_revoked(store: &EmbeddedStore, id: &SessionId) {
    let found = store.check(id, START).await.unwrap();
    assert!(
        matches!(found, Check::JustEnded(EndReason::Revoked, _)),
        "{found:?}"
    );
}

fn assert_away<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(
        matches!(result, Err(StoreError::Unavailable(_))),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_login_that_finds_the_disk_full_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("s.db"), &["PRAGMA max_page_count = 40"]).await;
    let heavy = session(&"x".repeat(30_000));
    let mut kept = Vec::new();
    let refused = loop {
        let new = id();
        let opened = store.open(&new, &heavy, None).await;
        if opened.is_err() {
            assert_away(&opened);
            break new;
        }
        kept.push(new);
    };
    assert_eq!(store.check(&refused, START).await.unwrap(), Check::Unknown);
    for one in &kept {
        let found = store.check(one, START).await.unwrap();
        assert!(matches!(found, Check::Live(_)), "{found:?}");
    }
    // A logout still works, and makes room.
    let closed = store.close(&kept[0], EndReason::Logout, START).await;
    assert!(closed.unwrap().is_some());
    store.open(&id(), &heavy, None).await.unwrap();
}

#[tokio::test]
async fn an_end_that_could_not_be_written_holds_at_once_and_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let (closed, replaced, moved, revoked) = (id(), id(), id(), id());
    let store = open(&path, &[]).await;
    for one in [&closed, &replaced, &moved, &revoked] {
        store.open(one, &session(""), None).await.unwrap();
    }
    drop(store);
    // Refuses for longer than even a machine that stalls takes over what comes next, then no more.
    let store = open(
        &path,
        &[
            "CREATE TEMP TABLE until AS SELECT unixepoch('now') + 9 AS at",
            "CREATE TEMP TRIGGER no_sessions BEFORE UPDATE ON main.sessions \
             WHEN unixepoch('now') < (SELECT at FROM until) \
             BEGIN SELECT RAISE(ABORT, 'the disk refuses'); END",
            "CREATE TEMP TRIGGER no_epochs BEFORE INSERT ON main.epochs \
             WHEN unixepoch('now') < (SELECT at FROM until) \
             BEGIN SELECT RAISE(ABORT, 'the disk refuses'); END",
        ],
    )
    .await;
    let new = id();
    assert_away(&store.open(&new, &session(""), Some(&replaced)).await);
    assert_eq!(store.check(&new, START).await.unwrap(), Check::Unknown);
    let kept = store.check(&replaced, START).await.unwrap();
    assert!(matches!(kept, Check::Live(_)), "{kept:?}");

    assert_away(&store.set_org(&moved, OrgId(2)).await);
    let Check::Live(back) = store.check(&moved, START).await.unwrap() else {
        panic!("the session must live");
    };
    assert_eq!(back.org, OrgId(1));

    assert_away(&store.close(&closed, EndReason::Logout, START).await);
    let ended = Check::Ended(EndReason::Logout);
    assert_eq!(store.check(&closed, START).await.unwrap(), ended);
    // A second try is not told that all is well while the first is still owed.
    assert_away(&store.close(&closed, EndReason::Logout, START).await);

    // It is told apart from what did not happen: the sessions are over.
    let revoked_all = store.revoke(RevokeScope::Org(OrgId(1)), START).await;
    assert!(
        matches!(revoked_all, Err(StoreError::Unwritten(_))),
        "{revoked_all:?}"
    );
    let over = Check::Ended(EndReason::Revoked);
    assert_just_revoked(&store, &revoked).await;
    assert_eq!(store.check(&revoked, START).await.unwrap(), over);

    let recovered = async {
        while store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), recovered)
        .await
        .unwrap();
    drop(store);
    let store = open(&path, &[]).await;
    assert_eq!(store.check(&closed, START).await.unwrap(), ended);
    assert_eq!(store.check(&revoked, START).await.unwrap(), over);
    assert_just_revoked(&store, &moved).await;
}
