//! Lists that are long: a million sessions are told for half a minute.

use crate::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;
use vestibule::domain::administration::SessionFilter;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::{OrgId, UserId};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::session::{
    Lifetime, Method, Session, SessionId, SessionNotes, SessionStore, UserTag,
};
use vestibule::domain::token::{Access, Attributes};

const USERS: u128 = 30;
const SESSIONS_OF_EACH: usize = 100;

fn session(user_id: UserId, opened_at: Timestamp) -> Session {
    Session {
        user_id,
        user_name: "somebody".to_owned(),
        org: OrgId::PRIMARY,
        method: Method::Password,
        key: None,
        access: Access::Full,
        attributes: Attributes::default(),
        opened_at,
        last_seen_at: opened_at,
        lifetime: Lifetime {
            idle: std::time::Duration::from_mins(30),
            absolute: std::time::Duration::from_hours(24),
        },
        is_remembered: false,
        address: "192.0.2.1".to_owned(),
        agent: "test".to_owned(),
        notes: SessionNotes::default(),
    }
}

/// Who waits for the list takes a server that says nothing for 5 s for one that hangs.
#[tokio::test]
async fn others_have_their_turn_while_a_long_list_of_sessions_is_told() {
    let world = World::new().await;
    let random = SystemRandom::open().unwrap();
    let mut openings = JoinSet::new();
    for user in 0..USERS {
        let user = UserId(uuid::Uuid::from_u128(user));
        let tag = UserTag::of(user, b"test");
        for _ in 0..SESSIONS_OF_EACH {
            let id = SessionId::fresh(tag, &random);
            let opened = session(user, world.now());
            let store = Arc::clone(&world.sessions);
            openings.spawn(async move { store.open(&id, &opened, None).await.unwrap() });
        }
    }
    openings.join_all().await;

    let told = AtomicUsize::new(0);
    let list = world.admin.each_session(SessionFilter::default(), |_| {
        told.fetch_add(1, Ordering::Relaxed);
    });
    let all = USERS as usize * SESSIONS_OF_EACH;
    let look = async {
        tokio::task::yield_now().await;
        told.load(Ordering::Relaxed)
    };
    let (listed, seen) = tokio::join!(list, look);
    listed.unwrap();
    assert_eq!(told.load(Ordering::Relaxed), all);
    assert!(seen > 0 && seen < all, "{seen} of {all}");
}
