//! Tokens: put, find, expire, supersede, revoke.

use crate::support::{
    ABSOLUTE, Room, START, at, key_id, over_every_store, tag, token, token_digest, user_id,
};
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::OrgId;
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::RevokeScope;
use vestibule::domain::token::{FoundToken, SUPERSEDED_GRACE, Spending, TokenDigest, TokenRecord};

over_every_store! {
    a_token_reads_back_as_it_was_put,
    an_unknown_token_is_unknown,
    a_token_ends_at_its_expiry,
    a_superseded_token_lives_on_for_the_grace,
    only_tokens_of_the_same_key_are_superseded,
    superseding_never_prolongs,
    a_token_put_without_the_flag_supersedes_nothing_and_is_not_superseded,
    case_33_a_revoked_token_stays_dead,
    epochs_end_tokens_that_began_at_or_before,
    a_token_is_put_once,
    tokens_survive_a_restart,
    case_31_two_hundred_at_once_spend_a_token_once,
    case_33_what_is_spent_stays_spent,
}

const TICK: Duration = Duration::from_millis(1);

async fn put(room: &Room, record: &TokenRecord, supersedes: bool) -> TokenDigest {
    let digest = token_digest();
    room.tokens.put(&digest, record, supersedes).await.unwrap();
    digest
}

async fn find(room: &Room, digest: &TokenDigest, now: Timestamp) -> FoundToken {
    room.tokens.find(digest, now).await.unwrap()
}

async fn expires_at(room: &Room, digest: &TokenDigest, now: Timestamp) -> Timestamp {
    match find(room, digest, now).await {
        FoundToken::Live(record) => record.expires_at,
        other => panic!("expected a live token, found {other:?}"),
    }
}

async fn a_token_reads_back_as_it_was_put(room: Room) {
    for key in [None, Some(5)] {
        let record = token(1, key, START);
        let digest = put(&room, &record, false).await;
        assert_eq!(
            find(&room, &digest, START).await,
            FoundToken::Live(Box::new(record))
        );
    }
}

async fn an_unknown_token_is_unknown(room: Room) {
    let digest = token_digest();
    assert_eq!(find(&room, &digest, START).await, FoundToken::Unknown);
    assert!(!room.tokens.revoke_token(&digest).await.unwrap());
    assert_eq!(find(&room, &digest, START).await, FoundToken::Unknown);
}

async fn a_token_ends_at_its_expiry(room: Room) {
    let digest = put(&room, &token(1, None, START), false).await;
    let end = START.plus(ABSOLUTE);
    assert_eq!(expires_at(&room, &digest, end).await, end);
    assert_eq!(find(&room, &digest, end.plus(TICK)).await, FoundToken::Dead);
}

async fn a_superseded_token_lives_on_for_the_grace(room: Room) {
    let first = put(&room, &token(1, Some(5), START), true).await;
    let second = put(&room, &token(2, Some(5), at(1_000)), true).await;
    let third = put(&room, &token(3, Some(5), at(2_000)), true).await;
    let (one, two) = (
        at(1_000).plus(SUPERSEDED_GRACE),
        at(2_000).plus(SUPERSEDED_GRACE),
    );
    assert_eq!(expires_at(&room, &first, one).await, one);
    assert_eq!(find(&room, &first, one.plus(TICK)).await, FoundToken::Dead);
    assert_eq!(expires_at(&room, &second, two).await, two);
    assert_eq!(find(&room, &second, two.plus(TICK)).await, FoundToken::Dead);
    let end = at(2_000).plus(ABSOLUTE);
    assert_eq!(expires_at(&room, &third, end).await, end);
}

async fn only_tokens_of_the_same_key_are_superseded(room: Room) {
    let other_key = put(&room, &token(1, Some(6), START), true).await;
    let keyless = put(&room, &token(1, None, START), true).await;
    put(&room, &token(1, Some(5), at(1)), true).await;
    put(&room, &token(1, None, at(2)), true).await;
    let end = START.plus(ABSOLUTE);
    assert_eq!(expires_at(&room, &other_key, end).await, end);
    assert_eq!(expires_at(&room, &keyless, end).await, end);
}

async fn superseding_never_prolongs(room: Room) {
    let mut short = token(1, Some(5), START);
    short.expires_at = at(1_000);
    let digest = put(&room, &short, true).await;
    put(&room, &token(1, Some(5), at(500)), true).await;
    assert_eq!(expires_at(&room, &digest, at(500)).await, at(1_000));
}

async fn a_token_put_without_the_flag_supersedes_nothing_and_is_not_superseded(room: Room) {
    let flagged = put(&room, &token(1, Some(5), START), true).await;
    let plain = put(&room, &token(1, Some(5), at(1)), false).await;
    let end = START.plus(ABSOLUTE);
    assert_eq!(expires_at(&room, &flagged, end).await, end);
    put(&room, &token(1, Some(5), at(2)), true).await;
    let (ended, lives) = (
        find(&room, &flagged, end).await,
        expires_at(&room, &plain, end).await,
    );
    assert_eq!(ended, FoundToken::Dead);
    assert_eq!(lives, at(1).plus(ABSOLUTE));
}

async fn case_33_a_revoked_token_stays_dead(room: Room) {
    let record = token(1, Some(5), START);
    let digest = put(&room, &record, true).await;
    assert!(room.tokens.revoke_token(&digest).await.unwrap());
    assert_eq!(find(&room, &digest, START).await, FoundToken::Dead);
    put(&room, &token(1, Some(5), at(1)), true).await;
    assert_eq!(find(&room, &digest, START).await, FoundToken::Dead);
    let again = room.tokens.put(&digest, &record, true).await;
    assert!(matches!(again, Err(StoreError::Corrupt(_))), "{again:?}");
    let room = room.restart().await;
    assert_eq!(find(&room, &digest, START).await, FoundToken::Dead);
    assert!(room.tokens.revoke_token(&digest).await.unwrap());
}

async fn epochs_end_tokens_that_began_at_or_before(room: Room) {
    let scopes = [
        RevokeScope::User(user_id(1), tag(1)),
        RevokeScope::Org(OrgId(1)),
        RevokeScope::Key(key_id(5)),
        RevokeScope::All,
    ];
    for (turn, scope) in (1u64..).zip(scopes) {
        let epoch = at(turn * 1_000);
        let same = put(&room, &token(1, Some(5), epoch), false).await;
        let after = put(&room, &token(1, Some(5), epoch.plus(TICK)), false).await;
        let mut other = token(2, None, epoch);
        other.org = OrgId(2);
        let other = put(&room, &other, false).await;
        room.revocations.revoke(scope, epoch).await.unwrap();
        assert_eq!(find(&room, &same, epoch).await, FoundToken::Dead);
        expires_at(&room, &after, epoch).await;
        let is_hit = find(&room, &other, epoch).await == FoundToken::Dead;
        assert_eq!(is_hit, scope == RevokeScope::All, "{scope:?}");
    }
}

async fn a_token_is_put_once(room: Room) {
    let digest = put(&room, &token(1, None, START), false).await;
    let again = room
        .tokens
        .put(&digest, &token(2, None, START), false)
        .await;
    assert!(matches!(again, Err(StoreError::Corrupt(_))), "{again:?}");
    let FoundToken::Live(record) = find(&room, &digest, START).await else {
        panic!("the first token must live on");
    };
    assert_eq!(record.user_id, user_id(1));
}

async fn tokens_survive_a_restart(room: Room) {
    let first = put(&room, &token(1, Some(5), START), true).await;
    let second = put(&room, &token(1, Some(5), at(10)), true).await;
    let room = room.restart().await;
    let grace = at(10).plus(SUPERSEDED_GRACE);
    assert_eq!(expires_at(&room, &first, START).await, grace);
    // The pointer to the latest one survived as well.
    put(&room, &token(1, Some(5), at(20)), true).await;
    let grace = at(20).plus(SUPERSEDED_GRACE);
    assert_eq!(expires_at(&room, &second, START).await, grace);
}

async fn case_31_two_hundred_at_once_spend_a_token_once(room: Room) {
    let room = Arc::new(room);
    let digest = put(&room, &token(1, Some(5), START), true).await;
    let spenders: Vec<_> = (0..200)
        .map(|_| {
            let room = Arc::clone(&room);
            tokio::spawn(async move { room.tokens.spend(&digest, at(1)).await.unwrap() })
        })
        .collect();
    let mut firsts = 0;
    for spender in spenders {
        match spender.await.unwrap() {
            Spending::First => firsts += 1,
            Spending::Again => {}
            Spending::NotGood => panic!("the token is good"),
        }
    }
    assert_eq!(firsts, 1);
    // As a Bearer it is as good as before.
    let found = find(&room, &digest, at(1)).await;
    assert!(matches!(found, FoundToken::Live(_)), "{found:?}");
}

async fn case_33_what_is_spent_stays_spent(room: Room) {
    let spend =
        async |room: &Room, digest: &TokenDigest| room.tokens.spend(digest, at(1)).await.unwrap();
    let used = put(&room, &token(1, Some(5), START), true).await;
    assert_eq!(spend(&room, &used).await, Spending::First);
    let fresh = put(&room, &token(1, Some(5), at(1)), true).await;
    let revoked = put(&room, &token(1, None, START), false).await;
    room.tokens.revoke_token(&revoked).await.unwrap();
    let room = room.restart().await;
    assert_eq!(spend(&room, &used).await, Spending::Again);
    assert_eq!(spend(&room, &fresh).await, Spending::First);
    for dead in [revoked, token_digest()] {
        assert_eq!(spend(&room, &dead).await, Spending::NotGood);
        assert_eq!(spend(&room, &dead).await, Spending::NotGood);
    }
    let late = START.plus(ABSOLUTE).plus(TICK);
    let expired = room.tokens.spend(&used, late).await.unwrap();
    assert_eq!(expired, Spending::NotGood);
}
