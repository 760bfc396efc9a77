//! Tokens that users minted themselves: listed, counted by what they came of, and ended with it.

use crate::support::{
    ABSOLUTE, Room, START, at, over_every_store, session_id, tag, token, token_digest, user_id,
};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::session::{RevokeScope, SessionHandle};
use vestibule::domain::token::{
    EndedFamily, Family, FoundToken, Lineage, MOST_OF_A_FAMILY, MOST_OWN_TOKENS, Presented,
    Putting, TokenDigest, TokenRecord,
};

over_every_store! {
    a_users_own_tokens_are_listed_and_nobody_elses,
    of_too_many_of_one_family_the_one_that_ends_first_gives_way,
    case_33_a_family_pushes_out_nothing_but_its_own,
    case_33_what_is_put_for_a_family_that_has_ended_does_not_stand,
    case_33_what_came_after_the_end_of_a_family_is_not_concerned,
}

mod many {
    use super::{
        a_user_with_too_many_tokens_gets_no_more_until_some_are_over,
        case_33_whatever_is_minted_at_once_every_token_that_lives_is_listed,
    };

    // Not on several servers, which write as much more than once.
    crate::support::over_single_stores! {
        a_user_with_too_many_tokens_gets_no_more_until_some_are_over,
        case_33_whatever_is_minted_at_once_every_token_that_lives_is_listed,
    }
}

async fn put(room: &Room, record: &TokenRecord, supersedes: bool) -> TokenDigest {
    let digest = token_digest();
    let put = room.tokens.put(&digest, record, supersedes).await.unwrap();
    assert_eq!(put, Putting::Stands);
    digest
}

async fn is_live(room: &Room, digest: &TokenDigest, now: Timestamp) -> bool {
    let found = room.tokens.find(digest, now).await.unwrap();
    matches!(found, FoundToken::Live(_))
}

fn handle(user: u128) -> SessionHandle {
    SessionHandle::of(&session_id(user))
}

/// A token that came of that session, good for so long.
fn derived(origin: SessionHandle, minted_at: Timestamp, life: Duration) -> TokenRecord {
    TokenRecord {
        lineage: Some(Box::new(Lineage {
            created_at: minted_at,
            ends_at: minted_at.plus(life),
            origin: Some(origin),
            root: None,
            provider: None,
            is_by_bearer: true,
        })),
        expires_at: minted_at.plus(life),
        ..token(1, None, minted_at)
    }
}

fn ended(first: &SessionHandle, kept: &[SessionHandle]) -> EndedFamily {
    EndedFamily {
        family: Family::of_session(first),
        kept: kept.to_vec(),
    }
}

/// The digests of those that the user minted and that live.
async fn own(room: &Room, user: u128, now: Timestamp) -> Vec<TokenDigest> {
    let listed = room.tokens.list_own(tag(user), now).await.unwrap();
    let mut digests: Vec<_> = listed.into_iter().map(|(digest, _)| digest).collect();
    digests.sort_by_key(|digest| digest.0);
    digests
}

async fn a_users_own_tokens_are_listed_and_nobody_elses(room: Room) {
    assert_eq!(own(&room, 1, START).await, []);
    let by_password = put(&room, &token(1, None, START), false).await;
    put(&room, &token(1, Some(5), START), false).await;
    put(&room, &token(2, None, START), false).await;
    let mut derived = token(1, Some(5), START);
    derived.lineage = Some(Box::new(Lineage {
        created_at: at(1),
        ends_at: at(2),
        origin: None,
        root: Some(Family::of_token(&by_password)),
        provider: None,
        is_by_bearer: true,
    }));
    derived.expires_at = at(500);
    let short = put(&room, &derived, false).await;
    let mut both = vec![by_password, short];
    both.sort_by_key(|digest| digest.0);
    assert_eq!(own(&room, 1, START).await, both);
    let room = room.restart().await;
    assert_eq!(own(&room, 1, START).await, both);
    let listed = room.tokens.list_own(tag(1), START).await.unwrap();
    assert!(listed.contains(&(short, derived)), "with what it inherits");
    assert_eq!(own(&room, 1, at(501)).await, [by_password]);
    assert!(room.tokens.revoke_token(&by_password).await.unwrap());
    assert_eq!(own(&room, 1, at(501)).await, []);
}

async fn of_too_many_of_one_family_the_one_that_ends_first_gives_way(room: Room) {
    let by_key = put(&room, &token(1, Some(5), START), false).await;
    let mut digests = Vec::new();
    for turn in 0..MOST_OF_A_FAMILY as u64 {
        digests.push(put(&room, &token(1, None, at(turn)), false).await);
    }
    let last = digests[digests.len() - 1];
    // Shorter than all others: it must not give way to itself.
    let mut short = token(1, None, START);
    short.expires_at = at(60_000);
    let short = put(&room, &short, false).await;
    assert!(!is_live(&room, &digests[0], START).await);
    for good in [short, by_key, digests[1], last] {
        assert!(is_live(&room, &good, START).await);
    }
    assert_eq!(own(&room, 1, START).await.len(), MOST_OF_A_FAMILY);
    // What is over goes before anything that lives.
    put(&room, &token(1, None, at(70_000)), false).await;
    assert!(is_live(&room, &digests[1], at(70_000)).await);
    let room = room.restart().await;
    put(&room, &token(1, None, at(80_000)), false).await;
    assert!(!is_live(&room, &digests[1], START).await);
    assert!(is_live(&room, &by_key, at(80_000)).await);
    assert_eq!(own(&room, 1, at(80_000)).await.len(), MOST_OF_A_FAMILY);
}

async fn case_33_a_family_pushes_out_nothing_but_its_own(room: Room) {
    let (greedy, modest) = (handle(1), handle(1));
    // These end long before any other, and would go first if it were for that alone.
    let short = Duration::from_mins(5);
    let of_token = TokenRecord {
        lineage: Some(Box::new(Lineage {
            created_at: START,
            ends_at: START.plus(short),
            origin: None,
            root: Some(Family::of_token(&token_digest())),
            provider: None,
            is_by_bearer: true,
        })),
        expires_at: START.plus(short),
        ..token(1, Some(5), START)
    };
    let by_password = TokenRecord {
        expires_at: START.plus(short),
        ..token(1, None, START)
    };
    let mut others = Vec::new();
    for record in [derived(modest, START, short), of_token, by_password] {
        others.push(put(&room, &record, false).await);
    }
    let first = put(&room, &derived(greedy, START, ABSOLUTE), false).await;
    let mut revoked = Vec::new();
    for turn in 1..MOST_OF_A_FAMILY as u64 {
        let digest = put(&room, &derived(greedy, at(turn), ABSOLUTE), false).await;
        if turn > 400 {
            revoked.push(digest);
        }
    }
    // What was revoked takes no place, so nothing that lives has to give way.
    for digest in &revoked {
        assert!(room.tokens.revoke_token(digest).await.unwrap());
    }
    for turn in 0..revoked.len() as u64 {
        put(&room, &derived(greedy, at(1_000 + turn), ABSOLUTE), false).await;
    }
    assert!(is_live(&room, &first, at(2_000)).await);
    put(&room, &derived(greedy, at(2_000), ABSOLUTE), false).await;
    assert!(!is_live(&room, &first, at(2_000)).await, "one too many");
    for digest in others {
        assert!(is_live(&room, &digest, at(2_000)).await);
    }
}

async fn put_for(room: &Room, origin: SessionHandle, by: Presented) -> (TokenDigest, Putting) {
    let (digest, record) = (token_digest(), derived(origin, by.since, ABSOLUTE));
    let put = room.tokens.put_for(&digest, &record, false, by).await;
    (digest, put.unwrap())
}

async fn case_33_what_is_put_for_a_family_that_has_ended_does_not_stand(room: Room) {
    let (first, kept, other) = (handle(1), handle(1), handle(1));
    let before = put(&room, &derived(first, START, ABSOLUTE), false).await;
    let families = [ended(&first, &[kept])];
    let end = room.tokens.end_families(tag(1), &families, at(1));
    end.await.unwrap();
    let since = START;
    for session in [None, Some(first), Some(other)] {
        let presented = Presented { session, since };
        let (digest, put) = put_for(&room, first, presented).await;
        assert_eq!(put, Putting::Ended);
        assert!(!is_live(&room, &digest, at(1)).await);
        let family = Family::of_session(&first);
        let has_ended = room.tokens.has_ended(tag(1), family, presented);
        assert!(has_ended.await.unwrap());
    }
    let session = Some(kept);
    let (by_kept, stands) = put_for(&room, first, Presented { session, since }).await;
    assert_eq!(stands, Putting::Stands);
    let of_other = put(&room, &derived(other, at(1), ABSOLUTE), false).await;
    let by_password = put(&room, &token(1, None, at(1)), false).await;
    // Whoever ends the family ends those that are listed: no others have come of it.
    let mut all = vec![before, by_kept, of_other, by_password];
    all.sort_by_key(|digest| digest.0);
    assert_eq!(own(&room, 1, at(1)).await, all);
}

async fn case_33_what_came_after_the_end_of_a_family_is_not_concerned(room: Room) {
    let (first, kept) = (handle(1), handle(1));
    let families = [ended(&handle(1), &[]), ended(&first, &[kept])];
    let end = room.tokens.end_families(tag(1), &families, START);
    end.await.unwrap();
    // What goes on mints; what comes of that later may mint as well.
    let later = Presented {
        session: None,
        since: at(1_001),
    };
    assert_eq!(put_for(&room, first, later).await.1, Putting::Stands);
    let family = Family::of_session(&first);
    let has_ended = room.tokens.has_ended(tag(1), family, later);
    assert!(!has_ended.await.unwrap());
    // Of two ends the later one counts.
    let families = [ended(&first, &[])];
    let end = room.tokens.end_families(tag(1), &families, at(2_000));
    end.await.unwrap();
    let kept = Presented {
        session: Some(kept),
        since: START,
    };
    for over in [later, kept] {
        assert_eq!(put_for(&room, first, over).await.1, Putting::Ended);
    }
}

async fn case_33_whatever_is_minted_at_once_every_token_that_lives_is_listed(room: Room) {
    let room = Arc::new(room);
    let first = handle(1);
    // The longest come first, so that what is minted at once pushes out one another.
    for _ in 0..MOST_OF_A_FAMILY {
        put(&room, &derived(first, START, ABSOLUTE), false).await;
    }
    let minters = (0..16_u64).map(|minter| {
        let room = Arc::clone(&room);
        tokio::spawn(async move {
            let mut minted = Vec::new();
            for turn in 0..60 {
                let life = Duration::from_secs(3_000 + (minter * 37 + turn * 101) % 6_000);
                minted.push(put(&room, &derived(first, at(turn), life), false).await);
            }
            minted
        })
    });
    let mut live = Vec::new();
    for minted in join_all(minters).await {
        for digest in minted.unwrap() {
            if is_live(&room, &digest, at(60)).await {
                live.push(digest);
            }
        }
    }
    let listed = own(&room, 1, at(60)).await;
    assert!(listed.len() <= MOST_OF_A_FAMILY, "{}", listed.len());
    let unlisted = live.iter().filter(|digest| !listed.contains(digest));
    assert_eq!(unlisted.count(), 0, "of {} that live", live.len());
}

async fn a_user_with_too_many_tokens_gets_no_more_until_some_are_over(room: Room) {
    let room = Arc::new(room);
    let full = |family: usize| {
        let room = Arc::clone(&room);
        async move {
            let first = handle(1);
            let life = ABSOLUTE + Duration::from_secs(family as u64);
            let record = derived(first, START, life);
            let puts = (0..MOST_OF_A_FAMILY).map(|_| put(&room, &record, false));
            join_all(puts).await;
            first
        }
    };
    let mut families = Vec::new();
    for family in 0..MOST_OWN_TOKENS / MOST_OF_A_FAMILY {
        families.push(full(family).await);
    }
    let try_at = async |now: Timestamp, origin| {
        let record = derived(origin, now, ABSOLUTE);
        let put = room.tokens.put(&token_digest(), &record, false).await;
        put.unwrap()
    };
    let late = |millis| START.plus(ABSOLUTE).plus(Duration::from_millis(millis));
    let refused = Putting::TooMany(START.plus(ABSOLUTE));
    assert_eq!(try_at(at(1), handle(1)).await, refused);
    assert_eq!(
        try_at(at(2), families[3]).await,
        Putting::Stands,
        "one of its own gives way"
    );
    assert_eq!(own(&room, 1, at(2)).await.len(), MOST_OWN_TOKENS);
    // Another user is not concerned.
    put(&room, &token(2, None, at(2)), false).await;
    // Time makes room.
    assert_eq!(try_at(late(1), handle(1)).await, Putting::Stands);
    for _ in 1..MOST_OF_A_FAMILY {
        assert_eq!(try_at(late(1), handle(1)).await, Putting::Stands);
    }
    let still = try_at(late(2), handle(1)).await;
    assert!(matches!(still, Putting::TooMany(_)), "{still:?}");
    // So does whoever ends everything of theirs, at the latest when they are looked for again.
    let scope = RevokeScope::User(user_id(1), tag(1));
    room.revocations.revoke(scope, late(3)).await.unwrap();
    let mut tries = 0;
    while try_at(late(6_000 + tries), handle(1)).await != Putting::Stands {
        tries += 1;
        assert!(tries < 100, "no room yet");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
