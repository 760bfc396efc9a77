//! Which sessions each user has, those included whose opening is not on disk yet.
//!
//! Locked before a session's own entry, never after: whoever changes a session lets go of it first.
//! A session that time or an epoch has ended stays listed until somebody notices, so readers judge each.

use crate::domain::session::{SessionHandle, UserTag};
use crate::stores::embedded::memory::Digest;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Users by tag, and what each has.
pub type Users = BTreeMap<UserTag, BTreeMap<Digest, Standing>>;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Queued for the disk: it counts already, or two logins at once would both find room.
    Pending,
    /// In memory.
    Kept,
}

/// The sessions of each user.
#[derive(Debug, Default)]
pub struct Index(Mutex<Users>);

impl Index {
    /// All of it, to be read and changed in one step.
    pub fn lock(&self) -> MutexGuard<'_, Users> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a session that is in memory.
    pub fn keep(&self, tag: UserTag, digest: Digest) {
        let mut users = self.lock();
        users.entry(tag).or_default().insert(digest, Standing::Kept);
    }

    /// Says that a pending session is in memory now; one that lost its place meanwhile stays without.
    pub fn settle(&self, tag: UserTag, digest: &Digest) {
        if let Some(standing) = self
            .lock()
            .get_mut(&tag)
            .and_then(|own| own.get_mut(digest))
        {
            *standing = Standing::Kept;
        }
    }

    /// Takes a session off the list.
    pub fn drop_one(&self, tag: UserTag, digest: &Digest) {
        drop_from(&mut self.lock(), tag, digest);
    }

    /// The session of that handle.
    pub fn find(&self, handle: &SessionHandle) -> Option<Digest> {
        let mut first = [0; 32];
        first[..handle.start().len()].copy_from_slice(handle.start());
        let users = self.lock();
        let (digest, _) = users.get(&handle.tag())?.range(first..).next()?;
        digest.starts_with(handle.start()).then_some(*digest)
    }

    /// The sessions of one user.
    pub fn of(&self, tag: UserTag) -> Vec<Digest> {
        let users = self.lock();
        users
            .get(&tag)
            .into_iter()
            .flat_map(BTreeMap::keys)
            .copied()
            .collect()
    }

    /// Users after that one, until their sessions are that many or more.
    pub fn stretch(&self, after: Option<UserTag>, many: usize) -> Vec<(UserTag, Vec<Digest>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let users = self.lock();
        let mut stretch = Vec::new();
        let mut met = 0;
        for (tag, own) in users.range((from, Bound::Unbounded)) {
            met += own.len();
            stretch.push((*tag, own.keys().copied().collect()));
            if met >= many {
                break;
            }
        }
        stretch
    }
}

/// Takes a session off a list that is locked already.
pub fn drop_from(users: &mut Users, tag: UserTag, digest: &Digest) {
    if let Some(own) = users.get_mut(&tag) {
        own.remove(digest);
        if own.is_empty() {
            users.remove(&tag);
        }
    }
}
