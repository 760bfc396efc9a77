//! What is in memory: the truth for every read of the embedded store.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId};
use crate::domain::session::{EndReason, RevokeScope, Session, UserTag};
use crate::domain::token::TokenRecord;
use crate::stores::codec::REMEMBERED_FOR;
use crate::stores::embedded::flows::Flow;
use crate::stores::embedded::index::Index;
use crate::stores::embedded::own_tokens::Owners;
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
        /// Its owner's tag. Records of the first programs lack it: then it is on no list until its next use.
        tag: Option<UserTag>,
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
    /// The file holds a record that a later program wrote: unknown to us, and not ours to forget.
    Later,
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
    /// The file holds a record that a later program wrote: unknown to us, and not ours to forget.
    Later,
    /// The file holds a record that cannot be read, and says why.
    Unreadable(Arc<str>),
}

/// Everything in memory.
#[derive(Debug, Default)]
pub struct Memory {
    /// Sessions by digest.
    pub sessions: DashMap<Digest, Held>,
    /// Which of them each user has.
    pub index: Index,
    /// Tokens by digest.
    pub tokens: DashMap<Digest, HeldToken>,
    /// Which of them each user minted.
    pub own: Mutex<Owners>,
    /// Tokens that have opened the one session they may open.
    pub spent: DashMap<Digest, ()>,
    /// The latest superseding token of each secret key.
    pub latest: DashMap<KeyId, Digest>,
    /// Sign-ins under way and what must not be seen twice.
    pub flows: DashMap<Digest, Flow>,
    /// Revocation epochs.
    pub epochs: Epochs,
    moved: Mutex<Vec<Digest>>,
}

impl Memory {
    /// Why a session is over at `now`, if it is. Revocation is the stronger reason.
    pub fn why_over(&self, session: &Session, tag: UserTag, now: Timestamp) -> Option<EndReason> {
        if let Some(reason) = self.why_revoked(session, tag) {
            return Some(reason);
        }
        let Session {
            opened_at,
            last_seen_at,
            ..
        } = *session;
        session.lifetime.over(opened_at, last_seen_at, now)
    }

    /// Why an epoch has ended the session, if one has.
    pub fn why_revoked(&self, session: &Session, tag: UserTag) -> Option<EndReason> {
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
                Held::Live {
                    session, is_moved, ..
                } => {
                    *is_moved = false;
                    Some((digest, session.last_seen_at))
                }
                Held::Ended { .. } | Held::Later | Held::Unreadable(_) => None,
            })
            .collect()
    }

    /// How many sessions are not over at `now`, for metrics: looks at every one, and starts no idle timeout anew.
    pub fn live_sessions(&self, now: Timestamp) -> usize {
        let is_live = |session: &Session, tag: Option<UserTag>| {
            let (opened, seen) = (session.opened_at, session.last_seen_at);
            // Without a tag only the next use tells whose it is: the user's own revocations cannot be seen before.
            let revoked = tag.map_or_else(
                || self.epochs.cover_all_of(opened, session.org, session.key),
                |tag| self.why_revoked(session, tag),
            );
            revoked.is_none() && session.lifetime.over(opened, seen, now).is_none()
        };
        let held = self.sessions.iter();
        held.filter(|held| matches!(held.value(), Held::Live { session, tag, .. } if is_live(session, *tag)))
            .count()
    }

    /// Forgets sessions that were over long enough ago, and says which.
    pub fn drop_old_sessions(&self, now: Timestamp) -> Vec<Digest> {
        let mut dropped = Vec::new();
        let mut listed = Vec::new();
        self.sessions.retain(|digest, held| {
            let (ended_at, tag) = match held {
                Held::Live { session, tag, .. } => (session.expires_at(), *tag),
                Held::Ended { at, .. } => (*at, None),
                // A newer program may be able to read it.
                Held::Later | Held::Unreadable(_) => return true,
            };
            let stays = now <= ended_at.plus(REMEMBERED_FOR);
            if !stays {
                dropped.push(*digest);
                listed.extend(tag.map(|tag| (tag, *digest)));
            }
            stays
        });
        for (tag, digest) in listed {
            self.index.drop_one(tag, &digest);
        }
        dropped
    }

    /// Forgets what was kept for a while that is over, and says which.
    pub fn drop_old_flows(&self, now: Timestamp) -> Vec<Digest> {
        let mut dropped = Vec::new();
        self.flows.retain(|digest, flow| {
            let stays = now <= flow.until;
            if !stays {
                dropped.push(*digest);
            }
            stays
        });
        dropped
    }
}

/// A moment up to which everything is over, and why.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    at: Timestamp,
    reason: EndReason,
}

impl Epoch {
    /// Why what began then is over, if it is.
    fn over(self, began: Timestamp) -> Option<EndReason> {
        (self.at >= began).then_some(self.reason)
    }
}

/// Revocation epochs: what began at or before one is over. Few, so they are never dropped.
#[derive(Debug, Default)]
pub struct Epochs {
    users: DashMap<UserTag, Epoch>,
    orgs: DashMap<OrgId, Epoch>,
    keys: DashMap<KeyId, Epoch>,
    /// The first moment that is *not* over, so that 0 means "never revoked".
    all_before: AtomicU64,
    /// Looked at only by what that moment has ended.
    all: DashMap<(), Epoch>,
}

impl Epochs {
    /// Ends what began at or before `at`. A smaller `at` than before changes nothing.
    pub fn raise(&self, scope: RevokeScope, reason: EndReason, at: Timestamp) {
        let epoch = Epoch { at, reason };
        match scope {
            RevokeScope::User(_, tag) => raise(&self.users, tag, epoch),
            RevokeScope::Org(org) => raise(&self.orgs, org, epoch),
            RevokeScope::Key(key) => raise(&self.keys, key, epoch),
            RevokeScope::All => {
                raise(&self.all, (), epoch);
                self.all_before
                    .fetch_max(at.millis().saturating_add(1), Ordering::SeqCst);
            }
        }
    }

    /// The same for a user of whom only the tag is known.
    pub fn raise_user(&self, tag: UserTag, reason: EndReason, at: Timestamp) {
        raise(&self.users, tag, Epoch { at, reason });
    }

    /// Why something that began then, for these, is over, if it is.
    pub fn cover(
        &self,
        began: Timestamp,
        tag: UserTag,
        org: OrgId,
        key: Option<KeyId>,
    ) -> Option<EndReason> {
        let of_user = self.users.get(&tag).map(|epoch| *epoch);
        of_user
            .and_then(|epoch| epoch.over(began))
            .or_else(|| self.cover_all_of(began, org, key))
    }

    /// The same without the user.
    fn cover_all_of(&self, began: Timestamp, org: OrgId, key: Option<KeyId>) -> Option<EndReason> {
        let by_all = || {
            let is_over = began.millis() < self.all_before.load(Ordering::SeqCst);
            is_over.then(|| {
                let epoch = self.all.get(&());
                epoch.map_or(EndReason::Revoked, |epoch| epoch.reason)
            })
        };
        let by_org = || self.orgs.get(&org).and_then(|epoch| epoch.over(began));
        let by_key = || self.keys.get(&key?).and_then(|epoch| epoch.over(began));
        by_all().or_else(by_org).or_else(by_key)
    }
}

fn raise<K: std::hash::Hash + Eq>(epochs: &DashMap<K, Epoch>, of: K, to: Epoch) {
    let mut epoch = epochs.entry(of).or_insert(to);
    if to.at >= epoch.at {
        *epoch = to;
    }
}
