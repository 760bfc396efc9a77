//! The tokens that users minted themselves, by what they came of; and which tokens go from memory.
//!
//! Locked before a token's own entry, never after: whoever changes a token lets go of it first.

use crate::domain::clock::Timestamp;
use crate::domain::session::{SessionHandle, UserTag};
use crate::domain::token::{
    ENDED_FOR, EndedFamily, Family, MOST_OF_A_FAMILY, MOST_OWN_TOKENS, Presented, TokenRecord,
};
use crate::stores::codec::REMEMBERED_FOR;
use crate::stores::embedded::memory::{Digest, HeldToken, Memory};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

/// How often what is over is looked for among the tokens of a user who has too many.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Users by tag, and what each minted.
pub type Owners = BTreeMap<UserTag, OwnTokens>;

/// The tokens that one user minted, those among them that are not on disk yet.
#[derive(Debug, Default)]
pub struct OwnTokens {
    /// By when they end.
    families: BTreeMap<Family, BTreeSet<(Timestamp, Digest)>>,
    /// Families that were ended of late: when, and which sessions go on.
    ended: BTreeMap<Family, (Timestamp, Vec<SessionHandle>)>,
    /// When what is over was last looked for.
    swept_at: Timestamp,
}

impl OwnTokens {
    fn count(&self) -> usize {
        self.families.values().map(BTreeSet::len).sum()
    }

    fn retain(&mut self, stays: impl Fn(Timestamp, &Digest) -> bool) {
        self.families.retain(|_, own| {
            own.retain(|(ends, digest)| stays(*ends, digest));
            !own.is_empty()
        });
    }

    /// Takes those of a family away that are too many beside a new one: what ends first, and so what is over, goes first.
    fn give_way(&mut self, family: Family) -> Vec<Digest> {
        let own = self.families.entry(family).or_default();
        let excess = (own.len() + 1).saturating_sub(MOST_OF_A_FAMILY);
        let first = (0..excess).map_while(|_| own.pop_first());
        first.map(|(_, digest)| digest).collect()
    }
}

impl Memory {
    fn own(&self) -> MutexGuard<'_, Owners> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a token that its owner minted; of any other there is nothing to note.
    pub fn note_own(&self, digest: Digest, record: &TokenRecord) {
        if let Some(family) = record.family() {
            let mut users = self.own();
            let own = users.entry(record.user_tag).or_default();
            let own = own.families.entry(family).or_default();
            own.insert((record.expires_at, digest));
        }
    }

    /// Lists a new token and, in the same step, has it `queued` with those that have to give way for it. When there is
    /// no room for it, says when there is by itself.
    pub fn admit_own<T>(
        &self,
        digest: Digest,
        record: &TokenRecord,
        queued: impl FnOnce(Vec<Digest>) -> T,
    ) -> Result<T, Timestamp> {
        let Some(family) = record.family() else {
            return Ok(queued(Vec::new()));
        };
        let now = record.created_at();
        let mut users = self.own();
        let own = users.entry(record.user_tag).or_default();
        let is_full = |own: &OwnTokens| {
            let of_family = own.families.get(&family).map_or(0, BTreeSet::len);
            of_family < MOST_OF_A_FAMILY && own.count() >= MOST_OWN_TOKENS
        };
        if is_full(own) && now.since(own.swept_at) >= SWEEP_EVERY {
            own.swept_at = now;
            own.retain(|_, digest| !self.is_over(digest, now));
        }
        if is_full(own) {
            let firsts = own.families.values().filter_map(BTreeSet::first);
            let first = firsts.map(|(ends, _)| *ends).min();
            return Err(first.unwrap_or(now));
        }
        let gone = own.give_way(family);
        let of_family = own.families.entry(family).or_default();
        of_family.insert((record.expires_at, digest));
        for digest in &gone {
            self.tokens.remove(digest);
            self.spent.remove(digest);
        }
        // Under the lock: in the file and in memory a token comes before it has to give way.
        Ok(queued(gone))
    }

    /// Takes a token off its owner's list.
    pub fn unlist(&self, digest: Digest, record: &TokenRecord) {
        let Some(family) = record.family() else {
            return;
        };
        let mut users = self.own();
        if let Some(own) = users.get_mut(&record.user_tag)
            && let Some(of_family) = own.families.get_mut(&family)
        {
            of_family.remove(&(record.expires_at, digest));
            if of_family.is_empty() {
                own.families.remove(&family);
            }
        }
    }

    /// Those the user minted; some may be over.
    pub fn own_of(&self, tag: UserTag) -> Vec<Digest> {
        let own = self.own();
        let families = own
            .get(&tag)
            .into_iter()
            .flat_map(|own| own.families.values());
        families.flatten().map(|(_, digest)| *digest).collect()
    }

    /// Remembers that families of a user's have ended.
    pub fn end_families(&self, tag: UserTag, families: &[EndedFamily], now: Timestamp) {
        let mut users = self.own();
        let ended = &mut users.entry(tag).or_default().ended;
        ended.retain(|_, (at, _)| now <= at.plus(ENDED_FOR));
        for one in families {
            ended.insert(one.family, (now, one.kept.clone()));
        }
    }

    /// Whether that family of the user's ended of late, and what was presented neither goes on nor came later.
    pub fn has_ended(&self, tag: UserTag, family: Family, presented: Presented) -> bool {
        let users = self.own();
        let ended = users.get(&tag).and_then(|own| own.ended.get(&family));
        ended.is_some_and(|(at, kept)| {
            let goes_on = presented.session.is_some_and(|one| kept.contains(&one));
            presented.since <= *at && !goes_on
        })
    }

    /// Forgets tokens that were over long enough ago, and says which.
    pub fn drop_old_tokens(&self, now: Timestamp) -> Vec<Digest> {
        self.own().retain(|_, own| {
            own.retain(|ends, _| now <= ends.plus(REMEMBERED_FOR));
            own.ended.retain(|_, (at, _)| now <= at.plus(ENDED_FOR));
            !own.families.is_empty() || !own.ended.is_empty()
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

    /// Whether a listed token is over; one that is not here yet waits for the disk.
    fn is_over(&self, digest: &Digest, now: Timestamp) -> bool {
        let held = self.tokens.get(digest);
        held.is_some_and(|held| match held.value() {
            HeldToken::Kept(record) => self.is_token_over(record, now),
            HeldToken::Revoked { .. } => true,
            HeldToken::Later | HeldToken::Unreadable(_) => false,
        })
    }

    fn drop_tokens(&self, is_gone: impl Fn(&HeldToken) -> bool) -> Vec<Digest> {
        let mut dropped = Vec::new();
        let mut listed = Vec::new();
        self.tokens.retain(|digest, held| {
            let goes = is_gone(held);
            if goes {
                dropped.push(*digest);
                if let HeldToken::Kept(record) = held
                    && record.is_own()
                {
                    listed.push((*digest, record.clone()));
                }
            }
            !goes
        });
        for (digest, record) in listed {
            self.unlist(digest, &record);
        }
        for digest in &dropped {
            self.spent.remove(digest);
        }
        dropped
    }
}
