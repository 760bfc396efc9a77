//! The embedded store's file: crashes, damage, strangers, growth.

use crate::support::{
    ABSOLUTE, IDLE, START, at, file_in, open_file, session, session_id, tag, token, token_digest,
    user_id,
};
use sqlx::{Connection, SqliteConnection};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::{Clock, ManualClock};
use vestibule::domain::directory::OrgId;
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::{
    Check, EndReason, Revocations, RevokeScope, SessionId, SessionStore,
};
use vestibule::domain::token::{FoundToken, TokenStore};
use vestibule::stores::embedded::EmbeddedStore;

const CHILD_FILE: &str = "VESTIBULE_TEST_FILE";

/// Changes the file behind the store's back, once the store has let go of it.
async fn alter(path: &Path, statement: &'static str) {
    let url = format!("sqlite://{}", path.display());
    for _ in 0..100 {
        let mut db = SqliteConnection::connect(&url).await.unwrap();
        if sqlx::query(statement).execute(&mut db).await.is_ok() {
            db.close().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{statement}");
}

#[tokio::test]
async fn case_60_what_a_killed_process_acknowledged_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "files::acknowledges_until_killed", "--nocapture"])
        .args(["--ignored", "--test-threads=1"])
        .env(CHILD_FILE, file_in(&dir))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while said.len() < 300 {
        let line = lines.next().unwrap().unwrap();
        // The harness may have written the test's name before the first word.
        said.extend(line.split_once('@').map(|(_, said)| said.to_owned()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What the pipe still held was acknowledged as well.
    for line in lines.map_while(Result::ok) {
        said.extend(line.split_once('@').map(|(_, said)| said.to_owned()));
    }

    let store = open_file(&file_in(&dir)).await.unwrap();
    let mut last_word = std::collections::HashMap::new();
    for line in &said {
        if let Some((word, id)) = line.split_once(' ') {
            last_word.insert(id, word);
        }
    }
    for (id, word) in last_word {
        let id = SessionId::parse(id).unwrap();
        let found = store.check(&id, START).await.unwrap();
        match word {
            "open" => assert!(
                matches!(found, Check::Live(_) | Check::Ended(EndReason::Logout)),
                "{found:?}"
            ),
            "close" => assert_eq!(found, Check::Ended(EndReason::Logout)),
            "revoke" => assert!(
                matches!(
                    found,
                    Check::Ended(EndReason::Revoked) | Check::JustEnded(EndReason::Revoked, _)
                ),
                "{found:?}"
            ),
            other => panic!("{other}"),
        }
    }
}

/// The child of the test above; does nothing on its own.
#[tokio::test]
#[ignore = "run by case_60_what_a_killed_process_acknowledged_is_there"]
async fn acknowledges_until_killed() {
    let Some(path) = std::env::var_os(CHILD_FILE) else {
        return;
    };
    let store = open_file(Path::new(&path)).await.unwrap();
    let say = |word: &str, id: &SessionId| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "@{word} {}", &*id.expose()).unwrap();
        out.flush().unwrap();
    };
    for turn in 0u128.. {
        let id = session_id(turn);
        store.open(&id, &session(turn, START), None).await.unwrap();
        say("open", &id);
        if turn % 3 == 0 {
            store.close(&id, EndReason::Logout, START).await.unwrap();
            say("close", &id);
        }
        if turn % 3 == 1 {
            let scope = RevokeScope::User(user_id(turn), tag(turn));
            store.revoke(scope, START).await.unwrap();
            say("revoke", &id);
        }
    }
}

#[tokio::test]
async fn a_copy_of_the_files_taken_at_any_moment_holds_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_file(&file_in(&dir)).await.unwrap();
    let ids: Vec<_> = (0..50).map(|_| session_id(1)).collect();
    for id in &ids {
        store.open(id, &session(1, START), None).await.unwrap();
    }
    store
        .close(&ids[7], EndReason::Logout, START)
        .await
        .unwrap();
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let copied = open_file(&file_in(&copy)).await.unwrap();
    for (turn, id) in ids.iter().enumerate() {
        let found = copied.check(id, START).await.unwrap();
        assert_eq!(matches!(found, Check::Live(_)), turn != 7, "{found:?}");
    }
}

#[tokio::test]
async fn last_uses_reach_the_file_by_a_flush() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_file(&file_in(&dir)).await.unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    store.check(&id, at(60_000)).await.unwrap();
    store.flush().await.unwrap();
    drop(store);
    let store = open_file(&file_in(&dir)).await.unwrap();
    let Check::Live(session) = store.check(&id, at(50_000)).await.unwrap() else {
        panic!("the session must live");
    };
    assert_eq!(session.last_seen_at, at(60_000));
}

#[tokio::test]
async fn what_is_over_is_forgotten_after_an_hour_on_disk_too() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let store = EmbeddedStore::open(&file_in(&dir), Arc::clone(&clock) as Arc<dyn Clock>)
        .await
        .unwrap();
    let closed = session_id(1);
    for turn in 0..1_200 {
        let id = if turn == 0 {
            closed.clone()
        } else {
            session_id(1)
        };
        store.open(&id, &session(1, START), None).await.unwrap();
    }
    let digest = token_digest();
    store
        .put(&digest, &token(1, None, START), false)
        .await
        .unwrap();
    store
        .close(&closed, EndReason::Logout, START)
        .await
        .unwrap();
    clock.advance(Duration::from_mins(59));
    store.purge().await.unwrap();
    assert_eq!(store.held_sessions(), 1_200);
    clock.advance(Duration::from_mins(2));
    store.purge().await.unwrap();
    assert_eq!(
        store.check(&closed, clock.now()).await.unwrap(),
        Check::Unknown
    );
    assert_eq!(store.held_sessions(), 1_199);
    clock.advance(IDLE);
    store.purge().await.unwrap();
    assert_eq!(store.held_sessions(), 0);
    clock.advance(ABSOLUTE);
    store.purge().await.unwrap();
    let found = store.find(&digest, START).await.unwrap();
    assert_eq!(found, FoundToken::Unknown);
    drop(store);
    let store = open_file(&file_in(&dir)).await.unwrap();
    assert_eq!(store.held_sessions(), 0);
}

#[tokio::test]
async fn a_flood_of_sessions_and_tokens_is_bounded_and_ends_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let store = EmbeddedStore::open(&file_in(&dir), Arc::clone(&clock) as Arc<dyn Clock>)
        .await
        .unwrap()
        .bounded(100);
    let first = session_id(1);
    store.open(&first, &session(1, START), None).await.unwrap();
    let (mut opened, mut minted) = (1, 0);
    for user in 2..150 {
        let new = session(user, START);
        let id = session_id(user);
        match store.open(&id, &new, None).await {
            Ok(()) => opened += 1,
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
        }
        let new = token(user, None, START);
        let put = store.put(&token_digest(), &new, false).await;
        minted += u32::from(put.is_ok());
    }
    assert_eq!((opened, minted, store.held_sessions()), (100, 100, 100));
    let found = store.check(&first, START).await.unwrap();
    assert!(
        matches!(found, Check::Live(_)),
        "nobody is ended to make room"
    );

    // What is over makes room, an hour after its end.
    clock.advance(ABSOLUTE + Duration::from_mins(61));
    store.purge().await.unwrap();
    assert_eq!(store.held_sessions(), 0);
    let new = session(1, clock.now());
    store.open(&session_id(1), &new, None).await.unwrap();
    let new = token(1, None, clock.now());
    store.put(&token_digest(), &new, false).await.unwrap();
}

#[tokio::test]
async fn a_store_full_of_tokens_has_room_again_once_whoever_filled_it_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let store = EmbeddedStore::open(&file_in(&dir), Arc::clone(&clock) as Arc<dyn Clock>)
        .await
        .unwrap()
        .bounded(100);
    let (mut culprits, mut kept) = (Vec::new(), Vec::new());
    for turn in 0..100 {
        let (user, digests) = if turn % 2 == 0 {
            (1, &mut culprits)
        } else {
            (2, &mut kept)
        };
        let digest = token_digest();
        let new = token(user, Some(5), START);
        store.put(&digest, &new, false).await.unwrap();
        digests.push(digest);
    }
    let new = token(3, Some(5), START);
    let full = store.put(&token_digest(), &new, false).await;
    assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
    let scope = RevokeScope::User(user_id(1), tag(1));
    store.revoke(scope, START).await.unwrap();
    // A full store looks every few seconds, not for every token.
    clock.advance(Duration::from_secs(5));
    for _ in 0..50 {
        store.put(&token_digest(), &new, false).await.unwrap();
    }
    let full = store.put(&token_digest(), &new, false).await;
    assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
    for digest in kept {
        let found = store.find(&digest, START).await.unwrap();
        assert!(matches!(found, FoundToken::Live(_)), "{found:?}");
    }
}

#[tokio::test]
async fn case_60_damaged_records_are_errors_and_stay_on_disk() {
    for damage in [
        "UPDATE sessions SET record = x'00ff'",
        "UPDATE sessions SET ended = 'because'",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let id = session_id(1);
        let store = open_file(&file_in(&dir)).await.unwrap();
        store.open(&id, &session(1, START), None).await.unwrap();
        drop(store);
        alter(&file_in(&dir), damage).await;
        for _ in 0..2 {
            let late = Arc::new(ManualClock::at(START.plus(Duration::from_hours(9_999))));
            let store = EmbeddedStore::open(&file_in(&dir), late).await.unwrap();
            let found = store.check(&id, START).await;
            assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
            let moved = store.set_org(&id, OrgId(2)).await;
            assert!(matches!(moved, Err(StoreError::Corrupt(_))), "{moved:?}");
        }
        let store = open_file(&file_in(&dir)).await.unwrap();
        let closed = store.close(&id, EndReason::Logout, START).await.unwrap();
        assert_eq!(closed, None);
        let found = store.check(&id, START).await.unwrap();
        assert_eq!(found, Check::Ended(EndReason::Logout));
    }
}

#[tokio::test]
async fn a_file_that_is_damaged_foreign_or_newer_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        file_in(&dir),
        "this is no database, just some text".repeat(99),
    )
    .unwrap();
    let before = std::fs::read(file_in(&dir)).unwrap();
    let error = open_file(&file_in(&dir)).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert!(
        error.to_string().contains("sessions.db is damaged"),
        "{error}"
    );
    assert_eq!(std::fs::read(file_in(&dir)).unwrap(), before);

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(file_in(&dir), "").unwrap();
    alter(&file_in(&dir), "CREATE TABLE users (id INTEGER)").await;
    let error = open_file(&file_in(&dir)).await.unwrap_err();
    assert!(error.to_string().contains("not one of sessions"), "{error}");

    for (damage, says) in [
        ("PRAGMA user_version = 2", "version 2"),
        ("INSERT INTO epochs VALUES ('org:x', 1)", "revocation"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        drop(open_file(&file_in(&dir)).await.unwrap());
        alter(&file_in(&dir), damage).await;
        let error = open_file(&file_in(&dir)).await.unwrap_err();
        let is_kind = match says {
            "version 2" => matches!(error, StoreError::OtherVersion(_)),
            _ => matches!(error, StoreError::Corrupt(_)),
        };
        assert!(is_kind, "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_file_in_use_is_not_shared() {
    let dir = tempfile::tempdir().unwrap();
    let first = open_file(&file_in(&dir)).await.unwrap();
    let error = open_file(&file_in(&dir)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
    first.ping().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = open_file(&file_in(&dir)).await.unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
        let bytes = std::fs::read(entry.path()).unwrap();
        let secret = id.expose();
        let secret = secret[8..].as_bytes();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret));
    }
}

#[tokio::test]
async fn many_logins_at_once_share_commits() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open_file(&file_in(&dir)).await.unwrap());
    let logins: Vec<_> = (0..500u128)
        .map(|user| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let id = session_id(user);
                store.open(&id, &session(user, START), None).await.unwrap();
                let found = store.check(&id, START).await.unwrap();
                assert!(matches!(found, Check::Live(_)), "{found:?}");
            })
        })
        .collect();
    for login in logins {
        login.await.unwrap();
    }
}

#[tokio::test]
async fn a_file_of_the_first_programs_is_read_and_its_sessions_are_listed_from_their_next_use() {
    let dir = tempfile::tempdir().unwrap();
    let path = file_in(&dir);
    let (lives, revoked) = (session_id(1), session_id(2));
    let store = open_file(&path).await.unwrap();
    for (id, user) in [(&lives, 1), (&revoked, 2)] {
        store.open(id, &session(user, START), None).await.unwrap();
    }
    let scope = RevokeScope::User(user_id(2), tag(2));
    let reason = EndReason::PasswordChanged;
    store.revoke_for(scope, reason, START).await.unwrap();
    drop(store);
    for statement in [
        "UPDATE sessions SET record = CAST(json_remove(CAST(record AS TEXT), '$.g') AS BLOB)",
        "DROP TABLE epoch_reasons",
        "DROP TABLE spent_tokens",
    ] {
        alter(&path, statement).await;
    }

    let store = open_file(&path).await.unwrap();
    assert!(store.list(tag(1), START).await.unwrap().is_empty());
    let found = store.check(&lives, START).await.unwrap();
    assert!(matches!(found, Check::Live(_)), "{found:?}");
    assert_eq!(store.list(tag(1), START).await.unwrap().len(), 1);
    let found = store.check(&revoked, START).await.unwrap();
    assert!(
        matches!(found, Check::JustEnded(EndReason::Revoked, _)),
        "{found:?}"
    );
}
