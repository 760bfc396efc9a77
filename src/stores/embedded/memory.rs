//! What is in memory: the truth for every read of the embedded store.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId};
use crate::domain::session::{EndReason, RevokeScope, Session, UserTag};
use crate::domain::token::TokenRecord;
use crate::stores::codec::REMEMBERED_FOR;
use dashmap::DashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What sessions and tokens are kept under.
pub type Digest = [u8; 32];

/// A session, or what is left of one.
#[derive(Debug)]
pub enum Held {
    /// Not ended by anybody; time or an epoch may have ended it all the same.
    Live {
        /// The session.
        session: Box<Session>,
        /// Whether it was seen since the journal last heard of it.
        is_moved: bool,
    },
    /// Over.
    Ended {
        /// Why.
        reason: EndReason,
        /// Since when.
        at: Timestamp,
    },
    /// The file holds a record that cannot be read, and says why.
    Unreadable(Arc<str>),
}

/// A token, or what is left of one.
#[derive(Debug)]
pub enum HeldToken {
    /// Not revoked; `expires_at` is the effective one.
    Kept(Box<TokenRecord>),
    /// Revoked.
    Revoked {
        /// When it would have ended.
        expires_at: Timestamp,
    },
    /// The file holds a record that cannot be read, and says why.
    Unreadable(Arc<str>),
}

/// Everything in memory.
#[derive(Debug, Default)]
pub struct Memory {
    /// Sessions by digest.
    pub sessions: DashMap<Digest, Held>,
    /// Tokens by digest.
    pub tokens: DashMap<Digest, HeldToken>,
    /// The latest superseding token of each secret key.
    pub latest: DashMap<KeyId, Digest>,
    /// Revocation epochs.
    pub epochs: Epochs,
    moved: Mutex<Vec<Digest>>,
}

impl Memory {
    /// Why a session is over at `now`, if it is. Revocation is the stronger reason.
    pub fn why_over(&self, session: &Session, tag: UserTag, now: Timestamp) -> Option<EndReason> {
        if self.is_revoked(session, tag) {
            return Some(EndReason::Revoked);
        }
        let Session {
            opened_at,
            last_seen_at,
            ..
        } = *session;
        session.lifetime.over(opened_at, last_seen_at, now)
    }

    /// Whether an epoch has ended the session.
    pub fn is_revoked(&self, session: &Session, tag: UserTag) -> bool {
        self.epochs
            .cover(session.opened_at, tag, session.org, session.key)
    }

    /// Notes that the journal has to hear of a session's last use.
    pub fn note_moved(&self, digest: Digest) {
        self.moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(digest);
    }

    /// The sessions used since this was last asked, and when.
    pub fn take_moved(&self) -> Vec<(Digest, Timestamp)> {
        let moved = std::mem::take(&mut *self.moved.lock().unwrap_or_else(PoisonError::into_inner));
        moved
            .into_iter()
            .filter_map(|digest| match self.sessions.get_mut(&digest)?.value_mut() {
                Held::Live { session, is_moved } => {
                    *is_moved = false;
                    Some((digest, session.last_seen_at))
                }
                Held::Ended { .. } | Held::Unreadable(_) => None,
            })
            .collect()
    }

    /// How many sessions are not over at `now`, for metrics. Those revoked with all others of their user still count
    /// until somebody presents them or they run out: whose they are is known only to who presents them.
    pub fn live_sessions(&self, now: Timestamp) -> usize {
        let is_live = |session: &Session| {
            let (opened, seen) = (session.opened_at, session.last_seen_at);
            let is_over = session.lifetime.over(opened, seen, now).is_some();
            !is_over && !self.epochs.cover_all_of(opened, session.org, session.key)
        };
        let held = self.sessions.iter();
        held.filter(|held| matches!(held.value(), Held::Live { session, .. } if is_live(session)))
            .count()
    }

    /// Forgets sessions that were over long enough ago, and says which.
    pub fn drop_old_sessions(&self, now: Timestamp) -> Vec<Digest> {
        let mut dropped = Vec::new();
        self.sessions.retain(|digest, held| {
            let ended_at = match held {
                Held::Live { session, .. } => session.expires_at(),
                Held::Ended { at, .. } => *at,
                // A newer program may be able to read it.
                Held::Unreadable(_) => return true,
            };
            let stays = now <= ended_at.plus(REMEMBERED_FOR);
            if !stays {
                dropped.push(*digest);
            }
            stays
        });
        dropped
    }

    /// Forgets tokens that were over long enough ago, and says which.
    pub fn drop_old_tokens(&self, now: Timestamp) -> Vec<Digest> {
        let mut dropped = Vec::new();
        self.tokens.retain(|digest, held| {
            let ended_at = match held {
                HeldToken::Kept(record) => record.expires_at,
                HeldToken::Revoked { expires_at } => *expires_at,
                HeldToken::Unreadable(_) => return true,
            };
            let stays = now <= ended_at.plus(REMEMBERED_FOR);
            if !stays {
                dropped.push(*digest);
            }
            stays
        });
        dropped
    }
}

/// Revocation epochs: what began at or before one is over. Few, so they are never dropped.
#[derive(Debug, Default)]
pub struct Epochs {
    users: DashMap<UserTag, Timestamp>,
    orgs: DashMap<OrgId, Timestamp>,
    keys: DashMap<KeyId, Timestamp>,
    /// The first moment that is *not* over, so that 0 means "never revoked".
    all_before: AtomicU64,
}

impl Epochs {
    /// Ends what began at or before `at`. A smaller `at` than before changes nothing.
    pub fn raise(&self, scope: RevokeScope, at: Timestamp) {
        match scope {
            RevokeScope::User(_, tag) => self.raise_user(tag, at),
            RevokeScope::Org(org) => raise(&self.orgs, org, at),
            RevokeScope::Key(key) => raise(&self.keys, key, at),
            RevokeScope::All => {
                self.all_before
                    .fetch_max(at.millis().saturating_add(1), Ordering::SeqCst);
            }
        }
    }

    /// The same for a user of whom only the tag is known.
    pub fn raise_user(&self, tag: UserTag, at: Timestamp) {
        raise(&self.users, tag, at);
    }

    /// Whether something that began then, for these, is over.
    pub fn cover(&self, began: Timestamp, tag: UserTag, org: OrgId, key: Option<KeyId>) -> bool {
        let of_user = self.users.get(&tag).map(|epoch| *epoch);
        of_user.is_some_and(|epoch| epoch >= began) || self.cover_all_of(began, org, key)
    }

    /// The same without the user.
    fn cover_all_of(&self, began: Timestamp, org: OrgId, key: Option<KeyId>) -> bool {
        let is_over = |epoch: Option<Timestamp>| epoch.is_some_and(|epoch| epoch >= began);
        began.millis() < self.all_before.load(Ordering::SeqCst)
            || is_over(self.orgs.get(&org).map(|epoch| *epoch))
            || key.is_some_and(|key| is_over(self.keys.get(&key).map(|epoch| *epoch)))
    }
}

fn raise<K: std::hash::Hash + Eq>(epochs: &DashMap<K, Timestamp>, of: K, at: Timestamp) {
    let mut epoch = epochs.entry(of).or_insert(at);
    *epoch = (*epoch).max(at);
}
