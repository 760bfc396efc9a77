//! Sessions: open, check, move, end, revoke.

use crate::support::{
    ABSOLUTE, IDLE, Room, START, at, key_id, over_every_store, session, session_id, tag, user_id,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::OrgId;
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::{Check, EndReason, RevokeScope, Session, SessionId};

over_every_store! {
    a_session_reads_back_as_it_was_opened,
    an_unknown_id_is_unknown_to_every_operation,
    use_slides_the_idle_timeout_and_never_the_absolute_one,
    the_last_use_never_moves_backwards,
    case_34_a_session_ends_idle_and_says_so_again,
    case_34_a_session_ends_at_its_absolute_timeout_however_busy,
    a_closed_session_says_why_and_what_it_was_once,
    closing_what_is_over_tells_of_no_session_and_keeps_the_first_reason,
    case_29_nothing_in_flight_revives_a_closed_session,
    an_id_that_was_used_is_not_used_again,
    case_26_a_replaced_session_ends_with_the_new_one,
    replacing_ends_another_users_session_too,
    switching_org_keeps_the_session_and_is_seen_at_once,
    revoking_ends_what_began_at_or_before_and_nothing_later,
    the_org_that_counts_is_the_one_worked_in_now,
    leaving_a_revoked_org_does_not_save_the_session,
    epochs_only_grow,
    a_revocation_long_ago_ends_nothing_of_today,
    case_33_everything_survives_a_restart,
    two_hundred_checks_at_once_all_live,
    the_store_says_that_it_works,
}

async fn opened(room: &Room, user: u128, when: Timestamp) -> SessionId {
    let id = session_id(user);
    room.sessions
        .open(&id, &session(user, when), None)
        .await
        .unwrap();
    id
}

async fn check(room: &Room, id: &SessionId, now: Timestamp) -> Check {
    match room.sessions.check(id, now).await.unwrap() {
        // Who is the first to hear of it is the business of one case only.
        Check::JustEnded(reason, _) => Check::Ended(reason),
        found => found,
    }
}

async fn live(room: &Room, id: &SessionId, now: Timestamp) -> Session {
    match check(room, id, now).await {
        Check::Live(session) => *session,
        other => panic!("expected a live session, found {other:?}"),
    }
}

async fn ends_with(room: &Room, id: &SessionId, now: Timestamp, reason: EndReason) {
    assert_eq!(check(room, id, now).await, Check::Ended(reason));
}

async fn a_session_reads_back_as_it_was_opened(room: Room) {
    let id = opened(&room, 1, START).await;
    assert_eq!(live(&room, &id, START).await, session(1, START));
}

async fn an_unknown_id_is_unknown_to_every_operation(room: Room) {
    let id = session_id(1);
    assert_eq!(check(&room, &id, START).await, Check::Unknown);
    assert!(!room.sessions.set_org(&id, OrgId(2)).await.unwrap());
    let closed = room.sessions.close(&id, EndReason::Logout, START).await;
    assert_eq!(closed.unwrap(), None);
    assert_eq!(check(&room, &id, START).await, Check::Unknown);
}

async fn use_slides_the_idle_timeout_and_never_the_absolute_one(room: Room) {
    let id = opened(&room, 1, START).await;
    let first = START.plus(IDLE);
    assert_eq!(live(&room, &id, first).await.last_seen_at, first);
    let second = first.plus(IDLE);
    let session = live(&room, &id, second).await;
    assert_eq!(session.opened_at, START);
    assert_eq!(session.expires_at(), second.plus(IDLE));
}

async fn the_last_use_never_moves_backwards(room: Room) {
    let id = opened(&room, 1, START).await;
    live(&room, &id, at(60_000)).await;
    assert_eq!(live(&room, &id, at(10_000)).await.last_seen_at, at(60_000));
    live(&room, &id, at(60_000).plus(IDLE)).await;
}

async fn case_34_a_session_ends_idle_and_says_so_again(room: Room) {
    let id = opened(&room, 1, START).await;
    let late = START.plus(IDLE).plus(Duration::from_millis(1));
    ends_with(&room, &id, late, EndReason::IdleTimeout).await;
    // Nor does a node whose clock is behind see it alive.
    ends_with(&room, &id, START, EndReason::IdleTimeout).await;
}

async fn case_34_a_session_ends_at_its_absolute_timeout_however_busy(room: Room) {
    let id = opened(&room, 1, START).await;
    let mut now = START;
    while now.plus(IDLE) < START.plus(ABSOLUTE) {
        now = now.plus(IDLE);
        live(&room, &id, now).await;
    }
    live(&room, &id, START.plus(ABSOLUTE)).await;
    let late = START.plus(ABSOLUTE).plus(Duration::from_millis(1));
    ends_with(&room, &id, late, EndReason::AbsoluteTimeout).await;
}

async fn a_closed_session_says_why_and_what_it_was_once(room: Room) {
    let id = opened(&room, 1, START).await;
    let closed = room.sessions.close(&id, EndReason::Logout, at(500)).await;
    assert_eq!(closed.unwrap(), Some(session(1, START)));
    ends_with(&room, &id, at(600), EndReason::Logout).await;
    let again = room.sessions.close(&id, EndReason::Revoked, at(700)).await;
    assert_eq!(again.unwrap(), None);
    ends_with(&room, &id, at(800), EndReason::Logout).await;
}

async fn closing_what_is_over_tells_of_no_session_and_keeps_the_first_reason(room: Room) {
    let id = opened(&room, 1, START).await;
    let late = START.plus(IDLE).plus(Duration::from_secs(1));
    let closed = room.sessions.close(&id, EndReason::Logout, late).await;
    assert_eq!(closed.unwrap(), None);
    ends_with(&room, &id, late, EndReason::IdleTimeout).await;
}

async fn case_29_nothing_in_flight_revives_a_closed_session(room: Room) {
    let room = Arc::new(room);
    for _ in 0..10 {
        let id = opened(&room, 1, START).await;
        let is_closed = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0u64..8)
            .map(|turn| {
                let (room, id) = (Arc::clone(&room), id.clone());
                let is_closed = Arc::clone(&is_closed);
                tokio::spawn(async move {
                    for step in 1..20 {
                        let was_closed = is_closed.load(Ordering::SeqCst);
                        let found = check(&room, &id, at(step * 2_000 + turn)).await;
                        let org = OrgId(i64::try_from(step).unwrap());
                        let moved = room.sessions.set_org(&id, org).await.unwrap();
                        if was_closed {
                            assert_eq!(found, Check::Ended(EndReason::Logout));
                            assert!(!moved);
                        }
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let closed = room.sessions.close(&id, EndReason::Logout, at(1)).await;
        assert!(closed.unwrap().is_some());
        is_closed.store(true, Ordering::SeqCst);
        ends_with(&room, &id, at(1), EndReason::Logout).await;
        for writer in writers {
            writer.await.unwrap();
        }
        ends_with(&room, &id, at(1), EndReason::Logout).await;
    }
}

async fn an_id_that_was_used_is_not_used_again(room: Room) {
    let id = opened(&room, 1, START).await;
    let again = room.sessions.open(&id, &session(2, START), None).await;
    assert!(matches!(again, Err(StoreError::Corrupt(_))), "{again:?}");
    assert_eq!(live(&room, &id, START).await.user_id, user_id(1));
    room.sessions
        .close(&id, EndReason::Logout, START)
        .await
        .unwrap();
    let again = room.sessions.open(&id, &session(1, START), None).await;
    assert!(matches!(again, Err(StoreError::Corrupt(_))), "{again:?}");
    ends_with(&room, &id, START, EndReason::Logout).await;
}

async fn case_26_a_replaced_session_ends_with_the_new_one(room: Room) {
    let old = opened(&room, 1, START).await;
    let new = session_id(1);
    let next = session(1, at(5));
    room.sessions.open(&new, &next, Some(&old)).await.unwrap();
    ends_with(&room, &old, at(5), EndReason::Replaced).await;
    assert_eq!(live(&room, &new, at(5)).await, next);
}

async fn replacing_ends_another_users_session_too(room: Room) {
    let old = opened(&room, 1, START).await;
    let new = session_id(2);
    room.sessions
        .open(&new, &session(2, START), Some(&old))
        .await
        .unwrap();
    ends_with(&room, &old, START, EndReason::Replaced).await;
    assert_eq!(live(&room, &new, START).await.user_id, user_id(2));
    // An id nobody knows is no reason to refuse a login.
    let third = session_id(3);
    room.sessions
        .open(&third, &session(3, START), Some(&session_id(9)))
        .await
        .unwrap();
    live(&room, &third, START).await;
}

async fn switching_org_keeps_the_session_and_is_seen_at_once(room: Room) {
    let id = opened(&room, 1, START).await;
    assert!(room.sessions.set_org(&id, OrgId(-7)).await.unwrap());
    let mut expected = session(1, START);
    expected.org = OrgId(-7);
    assert_eq!(live(&room, &id, START).await, expected);
    let closed = room.sessions.close(&id, EndReason::Logout, START).await;
    assert_eq!(closed.unwrap(), Some(expected));
    assert!(!room.sessions.set_org(&id, OrgId(1)).await.unwrap());
    ends_with(&room, &id, START, EndReason::Logout).await;
}

async fn revoking_ends_what_began_at_or_before_and_nothing_later(room: Room) {
    let scopes = [
        RevokeScope::User(user_id(1), tag(1)),
        RevokeScope::Org(OrgId(1)),
        RevokeScope::Key(key_id(5)),
        RevokeScope::All,
    ];
    for (turn, scope) in (1u64..).zip(scopes) {
        let epoch = at(turn * 10_000);
        let before = opened(&room, 1, at(turn * 10_000 - 1)).await;
        let same = opened(&room, 1, epoch).await;
        let after = opened(&room, 1, at(turn * 10_000 + 1)).await;
        let mut other = session(2, epoch);
        (other.org, other.key) = (OrgId(2), None);
        let other_id = session_id(2);
        room.sessions.open(&other_id, &other, None).await.unwrap();

        room.revocations.revoke(scope, epoch).await.unwrap();
        ends_with(&room, &before, epoch, EndReason::Revoked).await;
        ends_with(&room, &same, epoch, EndReason::Revoked).await;
        live(&room, &after, at(turn * 10_000 + 1)).await;
        let found = check(&room, &other_id, epoch).await;
        let is_hit = scope == RevokeScope::All;
        assert_eq!(
            found == Check::Ended(EndReason::Revoked),
            is_hit,
            "{scope:?}"
        );
        // What is revoked is not closed by its owner any more.
        let late = room.sessions.close(&same, EndReason::Logout, epoch).await;
        assert_eq!(late.unwrap(), None);
    }
}

async fn the_org_that_counts_is_the_one_worked_in_now(room: Room) {
    let moved = opened(&room, 1, START).await;
    let stayed = opened(&room, 1, START).await;
    room.sessions.set_org(&moved, OrgId(2)).await.unwrap();
    room.revocations
        .revoke(RevokeScope::Org(OrgId(1)), at(5))
        .await
        .unwrap();
    live(&room, &moved, at(6)).await;
    ends_with(&room, &stayed, at(6), EndReason::Revoked).await;
    room.revocations
        .revoke(RevokeScope::Org(OrgId(2)), at(5))
        .await
        .unwrap();
    ends_with(&room, &moved, at(7), EndReason::Revoked).await;
}

async fn leaving_a_revoked_org_does_not_save_the_session(room: Room) {
    let id = opened(&room, 1, START).await;
    room.revocations
        .revoke(RevokeScope::Org(OrgId(1)), at(5))
        .await
        .unwrap();
    assert!(!room.sessions.set_org(&id, OrgId(2)).await.unwrap());
    ends_with(&room, &id, at(6), EndReason::Revoked).await;
}

async fn epochs_only_grow(room: Room) {
    let id = opened(&room, 1, at(50)).await;
    let scopes = [
        RevokeScope::User(user_id(1), tag(1)),
        RevokeScope::Org(OrgId(1)),
        RevokeScope::Key(key_id(5)),
        RevokeScope::All,
    ];
    for scope in scopes {
        room.revocations.revoke(scope, at(100)).await.unwrap();
        room.revocations.revoke(scope, at(10)).await.unwrap();
        let other = opened(&room, 1, at(50)).await;
        ends_with(&room, &other, at(100), EndReason::Revoked).await;
    }
    ends_with(&room, &id, at(100), EndReason::Revoked).await;
}

async fn a_revocation_long_ago_ends_nothing_of_today(room: Room) {
    let id = opened(&room, 1, START).await;
    for millis in [0, 1] {
        room.revocations
            .revoke(RevokeScope::All, Timestamp::from_millis(millis))
            .await
            .unwrap();
        live(&room, &id, START).await;
    }
}

async fn case_33_everything_survives_a_restart(room: Room) {
    let lives = opened(&room, 1, START).await;
    room.sessions.set_org(&lives, OrgId(3)).await.unwrap();
    let closed = opened(&room, 1, START).await;
    room.sessions
        .close(&closed, EndReason::Logout, START)
        .await
        .unwrap();
    let replaced = opened(&room, 1, START).await;
    let new = session_id(1);
    room.sessions
        .open(&new, &session(1, START), Some(&replaced))
        .await
        .unwrap();
    let scopes = [
        RevokeScope::User(user_id(2), tag(2)),
        RevokeScope::Org(OrgId(20)),
        RevokeScope::Key(key_id(50)),
    ];
    let mut revoked = Vec::new();
    for scope in scopes {
        let id = session_id(2);
        let mut one = session(if scope == scopes[0] { 2 } else { 4 }, START);
        let id = if scope == scopes[0] {
            id
        } else {
            session_id(4)
        };
        match scope {
            RevokeScope::Org(org) => one.org = org,
            RevokeScope::Key(key) => one.key = Some(key),
            _ => {}
        }
        room.sessions.open(&id, &one, None).await.unwrap();
        room.revocations.revoke(scope, START).await.unwrap();
        revoked.push(id);
    }

    let room = room.restart().await;
    assert_eq!(live(&room, &lives, START).await.org, OrgId(3));
    live(&room, &new, START).await;
    ends_with(&room, &closed, START, EndReason::Logout).await;
    ends_with(&room, &replaced, START, EndReason::Replaced).await;
    for id in &revoked {
        ends_with(&room, id, START, EndReason::Revoked).await;
    }
    room.revocations
        .revoke(RevokeScope::All, START)
        .await
        .unwrap();
    let room = room.restart().await;
    ends_with(&room, &lives, START, EndReason::Revoked).await;
}

async fn two_hundred_checks_at_once_all_live(room: Room) {
    let room = Arc::new(room);
    let id = opened(&room, 1, START).await;
    let checks: Vec<_> = (0..200u64)
        .map(|turn| {
            let (room, id) = (Arc::clone(&room), id.clone());
            tokio::spawn(async move { live(&room, &id, at(turn * 100)).await })
        })
        .collect();
    for check in checks {
        assert_eq!(check.await.unwrap().user_name, "user 1");
    }
    let last = live(&room, &id, at(30_000)).await;
    assert_eq!(last.last_seen_at, at(30_000));
}

async fn the_store_says_that_it_works(room: Room) {
    room.sessions.ping().await.unwrap();
}
