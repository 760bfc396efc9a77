//! Sessions: listed, ended by their handle, limited per user, and why each ended.

use crate::support::{
    ABSOLUTE, IDLE, Room, START, TestRedis, at, key_id, over_every_store, session, session_id, tag,
    user_id,
};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::OrgId;
use vestibule::domain::session::{
    AtLimit, Check, EndReason, Opening, Revocations, RevokeScope, SessionHandle, SessionId,
    SessionLimit, SessionStore,
};

over_every_store! {
    a_list_shows_what_lives_the_oldest_first_and_touches_nothing,
    what_is_over_is_on_no_list,
    everybodys_sessions_are_listed_in_pages,
    lists_survive_a_restart,
    a_session_is_ended_by_its_handle,
    the_first_check_of_an_ended_session_says_so_once,
    a_revocation_says_why_and_the_latest_counts,
    case_33_a_reason_survives_a_restart,
    at_the_limit_the_oldest_goes,
    at_the_limit_a_login_may_be_refused,
    what_is_over_or_replaced_leaves_room,
    case_35_parallel_logins_never_exceed_the_limit,
    case_35_parallel_logins_are_refused_beyond_the_limit,
    a_limit_lowered_later_ends_all_that_is_too_many,
}

/// How long all sessions of one user may take to end.
const ALL_END_WITHIN: Duration = Duration::from_millis(5);
/// How often that is tried; the best counts.
const TRIES: u64 = 20;

mod many {
    use super::case_36_ten_thousand_sessions_end_as_fast_as_one;

    // Not on several servers: three copies of everything are more than a small machine writes in time.
    crate::support::over_single_stores! { case_36_ten_thousand_sessions_end_as_fast_as_one }
}

async fn opened(room: &Room, user: u128, when: Timestamp) -> SessionId {
    let id = session_id(user);
    let new = session(user, when);
    room.sessions.open(&id, &new, None).await.unwrap();
    id
}

async fn opened_within(
    room: &Room,
    user: u128,
    when: Timestamp,
    limit: SessionLimit,
) -> (SessionId, Opening) {
    let id = session_id(user);
    let new = session(user, when);
    let opening = room.sessions.open_within(&id, &new, None, Some(limit));
    let opening = opening.await.unwrap();
    (id, opening)
}

async fn handles(room: &Room, user: u128, now: Timestamp) -> Vec<SessionHandle> {
    let listed = room.sessions.list(tag(user), now).await.unwrap();
    listed.into_iter().map(|one| one.handle).collect()
}

/// Why it is over; none while it lives.
async fn why(room: &Room, id: &SessionId, now: Timestamp) -> Option<EndReason> {
    match room.sessions.check(id, now).await.unwrap() {
        Check::Live(_) => None,
        Check::JustEnded(reason, _) | Check::Ended(reason) => Some(reason),
        Check::Unknown => panic!("the session must be known"),
    }
}

const fn evict(most: usize) -> SessionLimit {
    let at_limit = AtLimit::Evict;
    SessionLimit { most, at_limit }
}

const fn refuse(most: usize) -> SessionLimit {
    let at_limit = AtLimit::Refuse;
    SessionLimit { most, at_limit }
}

async fn a_list_shows_what_lives_the_oldest_first_and_touches_nothing(room: Room) {
    assert!(handles(&room, 1, START).await.is_empty());
    let second = opened(&room, 1, at(2)).await;
    let first = opened(&room, 1, at(1)).await;
    opened(&room, 2, at(3)).await;
    room.sessions.set_org(&second, OrgId(-7)).await.unwrap();
    room.sessions.check(&second, at(5_000)).await.unwrap();

    let listed = room.sessions.list(tag(1), at(9_000)).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|one| one.handle).collect();
    assert_eq!(ids, [&first, &second].map(SessionHandle::of));
    assert_eq!(listed[0].session, session(1, at(1)));
    assert_eq!(listed[1].session.org, OrgId(-7));
    assert_eq!(listed[1].session.last_seen_at, at(5_000));
    assert_eq!(listed[1].session.agent, "test");
    // Being looked at is not being used.
    let late = at(1).plus(IDLE).plus(Duration::from_millis(1));
    assert_eq!(why(&room, &first, late).await, Some(EndReason::IdleTimeout));
}

async fn what_is_over_is_on_no_list(room: Room) {
    let closed = opened(&room, 1, START).await;
    let reason = EndReason::Logout;
    room.sessions.close(&closed, reason, START).await.unwrap();
    let old = opened(&room, 1, START).await;
    let new = session_id(1);
    let next = session(1, at(1));
    room.sessions.open(&new, &next, Some(&old)).await.unwrap();
    assert_eq!(handles(&room, 1, at(1)).await, [SessionHandle::of(&new)]);
    let late = at(1).plus(IDLE).plus(Duration::from_millis(1));
    assert!(handles(&room, 1, late).await.is_empty());
    let scope = RevokeScope::Org(OrgId(1));
    room.revocations.revoke(scope, at(1)).await.unwrap();
    assert!(handles(&room, 1, at(1)).await.is_empty());
    let after = opened(&room, 1, at(2)).await;
    assert_eq!(handles(&room, 1, at(2)).await, [SessionHandle::of(&after)]);
}

async fn everybodys_sessions_are_listed_in_pages(room: Room) {
    let mut expected = HashSet::new();
    for user in 1..=300 {
        for turn in 0..5 {
            let id = opened(&room, user, at(turn)).await;
            expected.insert(SessionHandle::of(&id));
        }
    }
    room.sessions
        .close(&opened(&room, 1, START).await, EndReason::Logout, START)
        .await
        .unwrap();
    let (mut found, mut from, mut pages) = (HashSet::new(), None, 0);
    loop {
        let page = room.sessions.list_all(from, at(10)).await.unwrap();
        found.extend(page.sessions.iter().map(|one| one.handle));
        assert!(page.sessions.iter().all(|one| one.session.agent == "test"));
        pages += 1;
        match page.next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    assert_eq!(found, expected);
    assert!(pages > 1);
}

async fn lists_survive_a_restart(room: Room) {
    let stays = opened(&room, 1, at(1)).await;
    let other = opened(&room, 1, at(2)).await;
    let gone = opened(&room, 1, at(3)).await;
    let reason = EndReason::Logout;
    room.sessions.close(&gone, reason, at(3)).await.unwrap();
    let room = room.restart().await;
    let both = [&stays, &other].map(SessionHandle::of);
    assert_eq!(handles(&room, 1, at(3)).await, both);
    let (third, opening) = opened_within(&room, 1, at(4), evict(2)).await;
    let evicted = vec![SessionHandle::of(&stays)];
    assert_eq!(opening, Opening::Opened { evicted });
    let room = room.restart().await;
    let both = [&other, &third].map(SessionHandle::of);
    assert_eq!(handles(&room, 1, at(4)).await, both);
    assert_eq!(why(&room, &stays, at(4)).await, Some(EndReason::Evicted));
}

async fn a_session_is_ended_by_its_handle(room: Room) {
    let stays = opened(&room, 1, START).await;
    let ended = opened(&room, 1, START).await;
    let handle = SessionHandle::of(&ended);
    let reason = EndReason::Revoked;
    let end = || room.sessions.close_by_handle(&handle, reason, at(1));
    assert_eq!(end().await.unwrap(), Some(session(1, START)));
    assert_eq!(end().await.unwrap(), None);
    assert_eq!(why(&room, &ended, at(1)).await, Some(reason));
    assert_eq!(why(&room, &stays, at(1)).await, None);
    let unknown = SessionHandle::of(&session_id(1));
    let nobody = room.sessions.close_by_handle(&unknown, reason, at(1));
    assert_eq!(nobody.await.unwrap(), None);
}

async fn the_first_check_of_an_ended_session_says_so_once(room: Room) {
    let id = opened(&room, 1, START).await;
    let late = START.plus(ABSOLUTE).plus(Duration::from_millis(1));
    let found = room.sessions.check(&id, late).await.unwrap();
    let was = Box::new(session(1, START));
    let reason = EndReason::AbsoluteTimeout;
    assert_eq!(found, Check::JustEnded(reason, was));
    let found = room.sessions.check(&id, late).await.unwrap();
    assert_eq!(found, Check::Ended(reason));
    // Who ended it by hand knows already.
    let id = opened(&room, 1, START).await;
    let reason = EndReason::Logout;
    room.sessions.close(&id, reason, START).await.unwrap();
    let found = room.sessions.check(&id, START).await.unwrap();
    assert_eq!(found, Check::Ended(reason));
}

async fn a_revocation_says_why_and_the_latest_counts(room: Room) {
    let cases = [
        (
            RevokeScope::User(user_id(1), tag(1)),
            EndReason::PasswordChanged,
        ),
        (RevokeScope::Org(OrgId(1)), EndReason::OrgDisabled),
        (RevokeScope::Key(key_id(5)), EndReason::KeyRetired),
        (RevokeScope::All, EndReason::Revoked),
    ];
    for (turn, (scope, reason)) in (1u64..).zip(cases) {
        let epoch = at(turn * 1_000);
        let id = opened(&room, 1, epoch).await;
        let raise = |reason, at| room.revocations.revoke_for(scope, reason, at);
        raise(reason, epoch).await.unwrap();
        raise(EndReason::Logout, at(1)).await.unwrap();
        assert_eq!(why(&room, &id, epoch).await, Some(reason), "{scope:?}");
    }
    // A user is switched off, then deleted, in the same millisecond.
    let scope = RevokeScope::User(user_id(1), tag(1));
    let id = opened(&room, 1, at(9_000)).await;
    for reason in [EndReason::UserDisabled, EndReason::UserDeleted] {
        let raised = room.revocations.revoke_for(scope, reason, at(9_000));
        raised.await.unwrap();
    }
    assert!(!room.sessions.set_org(&id, OrgId(2)).await.unwrap());
    let told = why(&room, &id, at(9_000)).await;
    assert_eq!(told, Some(EndReason::UserDeleted));
}

async fn case_33_a_reason_survives_a_restart(room: Room) {
    let id = opened(&room, 1, START).await;
    let by_key = opened(&room, 2, START).await;
    let user = RevokeScope::User(user_id(1), tag(1));
    let key = RevokeScope::Key(key_id(5));
    for (scope, reason) in [
        (user, EndReason::UserDisabled),
        (key, EndReason::KeyRetired),
    ] {
        let raised = room.revocations.revoke_for(scope, reason, START);
        raised.await.unwrap();
    }
    let room = room.restart().await;
    let told = why(&room, &id, START).await;
    assert_eq!(told, Some(EndReason::UserDisabled));
    let told = why(&room, &by_key, START).await;
    assert_eq!(told, Some(EndReason::KeyRetired));
}

async fn at_the_limit_the_oldest_goes(room: Room) {
    let first = opened(&room, 1, at(1)).await;
    let second = opened(&room, 1, at(2)).await;
    let other = opened(&room, 2, at(1)).await;
    let (third, opening) = opened_within(&room, 1, at(3), evict(2)).await;
    let evicted = vec![SessionHandle::of(&first)];
    assert_eq!(opening, Opening::Opened { evicted });
    assert_eq!(why(&room, &first, at(3)).await, Some(EndReason::Evicted));
    for lives in [&second, &third, &other] {
        assert_eq!(why(&room, lives, at(3)).await, None);
    }
    let (only, _) = opened_within(&room, 1, at(4), evict(1)).await;
    assert_eq!(handles(&room, 1, at(4)).await, [SessionHandle::of(&only)]);
}

async fn at_the_limit_a_login_may_be_refused(room: Room) {
    let first = opened(&room, 1, at(1)).await;
    let (refused, opening) = opened_within(&room, 1, at(2), refuse(1)).await;
    assert_eq!(opening, Opening::AtLimit);
    let found = room.sessions.check(&refused, at(2)).await.unwrap();
    assert_eq!(found, Check::Unknown);
    assert_eq!(why(&room, &first, at(2)).await, None);
    // Another user's session that would have been replaced lives on as well.
    let mine = opened(&room, 2, at(1)).await;
    let (id, new) = (session_id(1), session(1, at(2)));
    let opening = room
        .sessions
        .open_within(&id, &new, Some(&mine), Some(refuse(1)));
    assert_eq!(opening.await.unwrap(), Opening::AtLimit);
    assert_eq!(why(&room, &mine, at(2)).await, None);
}

async fn what_is_over_or_replaced_leaves_room(room: Room) {
    let first = opened(&room, 1, START).await;
    let (id, new) = (session_id(1), session(1, at(1)));
    let opening = room
        .sessions
        .open_within(&id, &new, Some(&first), Some(refuse(1)));
    let nobody = Opening::Opened { evicted: vec![] };
    assert_eq!(opening.await.unwrap(), nobody);
    assert_eq!(why(&room, &first, at(1)).await, Some(EndReason::Replaced));
    let late = at(1).plus(IDLE).plus(Duration::from_millis(1));
    let (_, opening) = opened_within(&room, 1, late, refuse(1)).await;
    assert_eq!(opening, nobody);
    assert_eq!(why(&room, &id, late).await, Some(EndReason::IdleTimeout));
    let scope = RevokeScope::Org(OrgId(1));
    room.revocations.revoke(scope, late).await.unwrap();
    let later = late.plus(Duration::from_millis(1));
    let (_, opening) = opened_within(&room, 1, later, refuse(1)).await;
    assert_eq!(opening, nobody);
}

/// What two hundred logins of one user at once came to.
async fn race(room: &Arc<Room>, limit: SessionLimit) -> Vec<(SessionId, Opening)> {
    let logins: Vec<_> = (0..200u64)
        .map(|turn| {
            let room = Arc::clone(room);
            tokio::spawn(async move { opened_within(&room, 1, at(turn % 7), limit).await })
        })
        .collect();
    let mut done = Vec::new();
    for login in logins {
        done.push(login.await.unwrap());
        let now = handles(room, 1, at(9)).await.len();
        assert!(now <= limit.most, "{now} live");
    }
    done
}

async fn case_35_parallel_logins_never_exceed_the_limit(room: Room) {
    let room = Arc::new(room);
    let done = race(&room, evict(5)).await;
    let mut evicted = HashSet::new();
    for (_, opening) in &done {
        let Opening::Opened { evicted: gone } = opening else {
            panic!("nobody is refused");
        };
        for handle in gone {
            assert!(evicted.insert(*handle), "evicted twice");
        }
    }
    assert_eq!(evicted.len(), 195);
    let listed: HashSet<_> = handles(&room, 1, at(9)).await.into_iter().collect();
    assert_eq!(listed.len(), 5);
    for (id, _) in &done {
        let is_listed = listed.contains(&SessionHandle::of(id));
        let expected = (!is_listed).then_some(EndReason::Evicted);
        assert_eq!(why(&room, id, at(9)).await, expected);
    }
}

async fn case_35_parallel_logins_are_refused_beyond_the_limit(room: Room) {
    let room = Arc::new(room);
    let done = race(&room, refuse(5)).await;
    let let_in = done.iter().filter(|(_, one)| *one != Opening::AtLimit);
    assert_eq!(let_in.count(), 5);
    assert_eq!(handles(&room, 1, at(9)).await.len(), 5);
}

async fn a_limit_lowered_later_ends_all_that_is_too_many(room: Room) {
    for turn in 0..20 {
        opened(&room, 1, at(turn)).await;
    }
    let (_, opening) = opened_within(&room, 1, at(30), refuse(3)).await;
    assert_eq!(opening, Opening::AtLimit);
    let (_, opening) = opened_within(&room, 1, at(30), evict(3)).await;
    let Opening::Opened { evicted } = opening else {
        panic!("room is made");
    };
    assert_eq!(evicted.len(), 18);
    assert_eq!(handles(&room, 1, at(30)).await.len(), 3);
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long a real server takes"
)]
async fn case_36_ten_thousand_sessions_end_as_fast_as_one(room: Room) {
    let room = Arc::new(room);
    let one = opened(&room, 1, START).await;
    let mut many = Vec::new();
    for _ in 0..100 {
        let batch = (0..100).map(|_| {
            let room = Arc::clone(&room);
            tokio::spawn(async move { opened(&room, 2, START).await })
        });
        for login in batch.collect::<Vec<_>>() {
            many.push(login.await.unwrap());
        }
    }
    // Where several nodes share a store the others are told by nobody, and know at once all the same.
    let nodes = [
        Some(Arc::clone(&room)),
        room.another_node().await.map(Arc::new),
    ];
    let nodes: Vec<Arc<Room>> = nodes.into_iter().flatten().collect();
    for node in &nodes {
        assert_eq!(why(node, &many[0], START).await, None);
    }
    let mut took = [Duration::MAX; 2];
    for turn in 0..TRIES {
        for (user, best) in [1, 2].into_iter().zip(&mut took) {
            let scope = RevokeScope::User(user_id(user), tag(user));
            let began = Instant::now();
            room.revocations.revoke(scope, at(turn)).await.unwrap();
            *best = began.elapsed().min(*best);
        }
    }
    println!("revoking 1 session: {:?}, 10 000: {:?}", took[0], took[1]);
    // The same one write: no more than what a busy machine makes of it.
    assert!(
        took[1] < took[0] * 10 + Duration::from_millis(2),
        "{took:?}"
    );
    assert!(took[1] < ALL_END_WITHIN, "{took:?}");
    let after = at(TRIES);
    assert_eq!(why(&room, &one, after).await, Some(EndReason::Revoked));
    for (turn, id) in many.iter().enumerate() {
        let node = &nodes[turn % nodes.len()];
        assert_eq!(why(node, id, after).await, Some(EndReason::Revoked));
    }
    assert!(handles(&room, 2, after).await.is_empty());
}

#[tokio::test]
async fn an_epoch_that_the_first_programs_wrote_to_redis_ends_for_no_particular_reason() {
    let server = TestRedis::start(&[]).await;
    let store = server.open("p:").await.unwrap();
    let (sessions, revocations): (&dyn SessionStore, &dyn Revocations) = (&store, &store);
    let (by_user, by_all) = (session_id(1), session_id(2));
    for (id, user) in [(&by_user, 1), (&by_all, 2)] {
        let new = session(user, START);
        sessions.open(id, &new, None).await.unwrap();
    }
    let user = RevokeScope::User(user_id(1), tag(1));
    for scope in [user, RevokeScope::All] {
        let raised = revocations.revoke_for(scope, EndReason::KeyRetired, START);
        raised.await.unwrap();
    }
    let why = format!("p:u:{{{}}}:why", tag(1).to_text());
    assert_eq!(server.command(&["DEL", &why]), "1");
    assert_eq!(server.command(&["HDEL", "p:g", "why:all"]), "1");
    for id in [&by_user, &by_all] {
        let found = sessions.check(id, START).await.unwrap();
        assert!(
            matches!(found, Check::JustEnded(EndReason::Revoked, _)),
            "{found:?}"
        );
    }
}
