//! Sessions kept in memory, for as long as a check would not have been a write to Redis either.
//!
//! A check changes nothing while less than a quarter of a second has passed since the session was last seen, so its
//! answer is kept that long and not a moment longer: timeouts stay as exact as they are without. What ends
//! or changes a session is told on a channel (`ear`) and drops it here at once.
//!
//! An answer may be on its way while its session is being dropped. So a check takes a [`Ticket`] before it
//! asks, and what comes back is kept only if nothing was dropped from that shard in between.

use crate::domain::clock::Timestamp;
use crate::domain::session::Session;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The age up to which a check leaves `last_seen_at` as it is; `check_live.lua` has the same.
const UNTOUCHED_FOR: Duration = Duration::from_millis(250);
/// Locks; checks of different sessions seldom meet at one.
const SHARDS: usize = 64;
/// Sessions under one lock: 65 536 in all, some tens of MiB. One more is not kept.
const MOST_IN_SHARD: usize = 1_024;
/// Below this many nothing is swept.
const FEW: usize = 32;

/// Sessions by the digest of their id.
pub struct Cache {
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    sessions: HashMap<[u8; 32], Session>,
    /// Grows with everything dropped.
    generation: u64,
    sweep_at: usize,
}

/// Taken before Redis is asked; what it answers is kept only for this.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    generation: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Cache {
    /// The session, if a check at `now` would find it unchanged; else a ticket for asking.
    pub fn find(&self, digest: &[u8; 32], now: Timestamp) -> Result<Session, Ticket> {
        let shard = self.shard(digest);
        match shard.sessions.get(digest) {
            Some(session) if is_good(session, now) => Ok(session.clone()),
            _ => Err(Ticket {
                generation: shard.generation,
            }),
        }
    }

    /// Keeps what Redis answered, unless something was dropped meanwhile.
    pub fn keep(&self, ticket: Ticket, digest: &[u8; 32], session: &Session, now: Timestamp) {
        let mut shard = self.shard(digest);
        if shard.generation != ticket.generation {
            return;
        }
        if shard.sessions.len() >= shard.sweep_at.clamp(FEW, MOST_IN_SHARD) {
            shard.sessions.retain(|_, session| is_good(session, now));
            shard.sweep_at = shard.sessions.len() * 2;
            if shard.sessions.len() >= MOST_IN_SHARD {
                return;
            }
        }
        shard.sessions.insert(*digest, session.clone());
    }

    /// Drops one session, and whatever answers are on their way.
    pub fn forget(&self, digest: &[u8; 32]) {
        let mut shard = self.shard(digest);
        shard.generation += 1;
        shard.sessions.remove(digest);
    }

    /// Drops all of them.
    pub fn forget_all(&self) {
        for shard in &self.shards {
            let mut shard = locked(shard);
            shard.generation += 1;
            shard.sessions.clear();
        }
    }

    fn shard(&self, digest: &[u8; 32]) -> MutexGuard<'_, Shard> {
        locked(&self.shards[usize::from(digest[0]) % SHARDS])
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Whoever panicked while holding it left a map behind that is still a map.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether Redis, asked now, would answer the same and write nothing. Last seen ahead of `now`, as another
/// node's clock may have it, is not: the clock may have been set back by more than that.
fn is_good(session: &Session, now: Timestamp) -> bool {
    session.last_seen_at <= now
        && now < session.last_seen_at.plus(UNTOUCHED_FOR)
        && session
            .lifetime
            .over(session.opened_at, session.last_seen_at, now)
            .is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::{OrgId, UserId};
    use crate::domain::session::{Lifetime, Method, SessionNotes};
    use crate::domain::token::{Access, Attributes};

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn session(idle: Duration) -> Session {
        Session {
            user_id: UserId(uuid::Uuid::nil()),
            user_name: "anna".to_owned(),
            org: OrgId(0),
            method: Method::Password,
            key: None,
            access: Access::Full,
            attributes: Attributes::default(),
            opened_at: at(10_000),
            last_seen_at: at(10_000),
            lifetime: Lifetime {
                idle,
                absolute: Duration::from_mins(1),
            },
            is_remembered: false,
            notes: SessionNotes::default(),
            address: String::new(),
            agent: String::new(),
        }
    }

    fn keep(cache: &Cache, digest: [u8; 32], session: &Session) {
        let ticket = cache.find(&digest, at(0)).unwrap_err();
        cache.keep(ticket, &digest, session, at(10_000));
    }

    #[test]
    fn a_session_is_found_until_a_check_would_touch_it() {
        let cache = Cache::default();
        keep(&cache, [1; 32], &session(Duration::from_mins(1)));
        assert!(cache.find(&[1; 32], at(10_000)).is_ok());
        assert!(cache.find(&[1; 32], at(10_249)).is_ok());
        assert!(cache.find(&[1; 32], at(10_250)).is_err());
        assert!(cache.find(&[1; 32], at(9_999)).is_err(), "a clock set back");
        assert!(cache.find(&[2; 32], at(10_000)).is_err());
    }

    #[test]
    fn an_idle_timeout_shorter_than_that_ends_it_here_too() {
        let cache = Cache::default();
        keep(&cache, [1; 32], &session(Duration::from_millis(100)));
        assert!(cache.find(&[1; 32], at(10_100)).is_ok());
        assert!(cache.find(&[1; 32], at(10_101)).is_err());
    }

    #[test]
    fn case_29_an_answer_that_a_logout_has_overtaken_is_not_kept() {
        let cache = Cache::default();
        let lives = session(Duration::from_mins(1));
        let forgets: [fn(&Cache); 2] = [|cache| cache.forget(&[1; 32]), Cache::forget_all];
        for forget in forgets {
            let ticket = cache.find(&[1; 32], at(10_000)).unwrap_err();
            forget(&cache);
            cache.keep(ticket, &[1; 32], &lives, at(10_000));
            assert!(cache.find(&[1; 32], at(10_000)).is_err());
            keep(&cache, [1; 32], &lives);
            assert!(cache.find(&[1; 32], at(10_000)).is_ok());
            forget(&cache);
            assert!(cache.find(&[1; 32], at(10_000)).is_err());
        }
    }

    #[test]
    fn it_grows_no_further_than_its_bound_and_makes_room_of_what_is_too_old() {
        let cache = Cache::default();
        let lives = session(Duration::from_mins(1));
        let digest = |n: u16| {
            let mut digest = [0; 32];
            digest[1..3].copy_from_slice(&n.to_be_bytes());
            digest
        };
        for n in 0..2_000 {
            keep(&cache, digest(n), &lives);
        }
        assert_eq!(cache.shard(&digest(0)).sessions.len(), MOST_IN_SHARD);
        let mut newer = lives;
        newer.last_seen_at = at(12_000);
        let ticket = cache.find(&digest(3_000), at(12_000)).unwrap_err();
        cache.keep(ticket, &digest(3_000), &newer, at(12_000));
        assert_eq!(cache.shard(&digest(0)).sessions.len(), 1);
    }
}
