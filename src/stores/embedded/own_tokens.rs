//! Which tokens go from memory: those long over, those of one user too many, and all that are over when it is full.

use crate::domain::clock::Timestamp;
use crate::domain::session::UserTag;
use crate::domain::token::{MOST_OWN_TOKENS, TokenRecord};
use crate::stores::codec::REMEMBERED_FOR;
use crate::stores::embedded::memory::{Digest, HeldToken, Memory};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

impl Memory {
    fn own(&self) -> MutexGuard<'_, BTreeMap<UserTag, BTreeSet<(Timestamp, Digest)>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a token that its owner minted; of any other there is nothing to note.
    pub fn note_own(&self, digest: Digest, record: &TokenRecord) {
        if record.is_own() {
            let mut own = self.own();
            let own = own.entry(record.user_tag).or_default();
            own.insert((record.expires_at, digest));
        }
    }

    /// Those the user minted; some may be over.
    pub fn own_of(&self, tag: UserTag) -> Vec<Digest> {
        let own = self.own();
        let own = own.get(&tag).into_iter().flatten();
        own.map(|(_, digest)| *digest).collect()
    }

    /// Forgets those of a user that have to give way for that new one: what ends first, and so what is over, goes first.
    pub fn give_way(&self, tag: UserTag, new: &Digest) -> Vec<Digest> {
        let mut gone = Vec::new();
        let mut own = self.own();
        let Some(own) = own.get_mut(&tag) else {
            return gone;
        };
        while own.len() > MOST_OWN_TOKENS {
            let Some(first) = own.iter().find(|(_, digest)| digest != new).copied() else {
                break;
            };
            own.remove(&first);
            gone.push(first.1);
        }
        for digest in &gone {
            self.tokens.remove(digest);
            self.spent.remove(digest);
        }
        gone
    }

    /// Forgets tokens that were over long enough ago, and says which.
    pub fn drop_old_tokens(&self, now: Timestamp) -> Vec<Digest> {
        self.own().retain(|_, own| {
            own.retain(|(ends, _)| now <= ends.plus(REMEMBERED_FOR));
            !own.is_empty()
        });
        self.drop_tokens(|held| {
            let ended_at = match held {
                HeldToken::Kept(record) => record.expires_at,
                HeldToken::Revoked { expires_at } => *expires_at,
                HeldToken::Later | HeldToken::Unreadable(_) => return false,
            };
            now > ended_at.plus(REMEMBERED_FOR)
        })
    }

    /// Forgets every token that is over, however lately, and says which.
    pub fn drop_dead_tokens(&self, now: Timestamp) -> Vec<Digest> {
        self.drop_tokens(|held| match held {
            HeldToken::Kept(record) => self.is_token_over(record, now),
            HeldToken::Revoked { .. } => true,
            // A newer program may be able to read it.
            HeldToken::Later | HeldToken::Unreadable(_) => false,
        })
    }

    /// Whether time or an epoch has ended the token.
    pub fn is_token_over(&self, record: &TokenRecord, now: Timestamp) -> bool {
        let revoked = || {
            let epochs = &self.epochs;
            epochs.cover(record.minted_at, record.user_tag, record.org, record.key)
        };
        now > record.expires_at || revoked().is_some()
    }

    fn drop_tokens(&self, is_gone: impl Fn(&HeldToken) -> bool) -> Vec<Digest> {
        let mut dropped = Vec::new();
        self.tokens.retain(|digest, held| {
            let goes = is_gone(held);
            if goes {
                dropped.push(*digest);
            }
            !goes
        });
        for digest in &dropped {
            self.spent.remove(digest);
        }
        dropped
    }
}
