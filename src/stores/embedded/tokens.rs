//! Tokens in the embedded store.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::session::UserTag;
use crate::domain::token::{
    EndedFamily, Family, FoundToken, Presented, Putting, Spending, TokenDigest, TokenRecord,
    TokenStore,
};
use crate::stores::codec::encode_token;
use crate::stores::embedded::EmbeddedStore;
use crate::stores::embedded::journal::Op;
use crate::stores::embedded::memory::HeldToken;
use crate::stores::embedded::writer::Ticket;
use anyhow::anyhow;
use async_trait::async_trait;

#[async_trait]
impl TokenStore for EmbeddedStore {
    async fn put_for(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        supersedes: bool,
        presented: Presented,
    ) -> Result<Putting, StoreError> {
        if self.core.memory.tokens.contains_key(&digest.0) {
            return Err(StoreError::corrupt(anyhow!("the id is taken")));
        }
        self.room_for_a_token()?;
        let put = Op::Put {
            digest: digest.0,
            record: Box::new(record.clone()),
            bytes: encode_token(record)?,
            supersedes,
        };
        let memory = &self.core.memory;
        let admitted = memory.admit_own(digest.0, record, |gone| {
            let gone = gone.into_iter().map(Op::ForgetToken);
            self.core.queue.push(gone.chain([put]).collect())
        });
        let ticket = match admitted {
            Ok(ticket) => ticket,
            Err(first_ends) => return Ok(Putting::TooMany(first_ends)),
        };
        ticket.written().await?;
        // Only now: until it was on disk it was listed, but could not be ended.
        let has_ended = |family| memory.has_ended(record.user_tag, family, presented);
        if record.family().is_some_and(has_ended) {
            self.revoke_token(digest).await?;
            return Ok(Putting::Ended);
        }
        Ok(Putting::Stands)
    }

    async fn end_families(
        &self,
        tag: UserTag,
        families: &[EndedFamily],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.core.memory.end_families(tag, families, now);
        Ok(())
    }

    async fn has_ended(
        &self,
        tag: UserTag,
        family: Family,
        presented: Presented,
    ) -> Result<bool, StoreError> {
        Ok(self.core.memory.has_ended(tag, family, presented))
    }

    async fn find(&self, digest: &TokenDigest, now: Timestamp) -> Result<FoundToken, StoreError> {
        let memory = &self.core.memory;
        let Some(held) = memory.tokens.get(&digest.0) else {
            return Ok(FoundToken::Unknown);
        };
        let record = match held.value() {
            HeldToken::Kept(record) => record,
            HeldToken::Revoked { .. } => return Ok(FoundToken::Dead),
            HeldToken::Later => return Ok(FoundToken::Unknown),
            HeldToken::Unreadable(why) => return Err(StoreError::corrupt(anyhow!("{why}"))),
        };
        Ok(if memory.is_token_over(record, now) {
            FoundToken::Dead
        } else {
            FoundToken::Live(record.clone())
        })
    }

    async fn spend(&self, digest: &TokenDigest, now: Timestamp) -> Result<Spending, StoreError> {
        if !matches!(self.find(digest, now).await?, FoundToken::Live(_)) {
            return Ok(Spending::NotGood);
        }
        // Memory decides who is first, and the file has it before anybody is told.
        if self.core.memory.spent.insert(digest.0, ()).is_some() {
            return Ok(Spending::Again);
        }
        let spend = Op::SpendToken(digest.0);
        self.core.queue.push(vec![spend]).written().await?;
        Ok(Spending::First)
    }

    async fn list_own(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Result<Vec<(TokenDigest, TokenRecord)>, StoreError> {
        let mut live = Vec::new();
        for digest in self.core.memory.own_of(tag).into_iter().map(TokenDigest) {
            // One that cannot be read must not hide the others.
            if let Ok(FoundToken::Live(record)) = self.find(&digest, now).await {
                live.push((digest, *record));
            }
        }
        Ok(live)
    }

    async fn revoke_token(&self, digest: &TokenDigest) -> Result<bool, StoreError> {
        let Some(ticket) = self.mark_revoked(digest) else {
            return Ok(false);
        };
        ticket.written().await.map(|()| true)
    }
}

impl EmbeddedStore {
    /// Room for one more, for which what is over is forgotten early: revoking whoever has filled the store must help at
    /// once, not an hour after their tokens would have ended.
    fn room_for_a_token(&self) -> Result<(), StoreError> {
        let memory = &self.core.memory;
        if memory.tokens.len() >= self.most {
            let now = self.core.clock.now();
            if self.swept.is_due(now) {
                let dead = memory.drop_dead_tokens(now);
                // Nobody waits for it: what comes back after a crash is over still.
                drop(
                    self.core
                        .queue
                        .push(dead.into_iter().map(Op::ForgetToken).collect()),
                );
            }
        }
        self.room_beside(memory.tokens.len(), "tokens")
    }

    /// Apart from its `async` caller, so that no lock is held while the disk works.
    fn mark_revoked(&self, digest: &TokenDigest) -> Option<Ticket> {
        let mut held = self.core.memory.tokens.get_mut(&digest.0)?;
        let expires_at = match held.value() {
            HeldToken::Kept(record) => record.expires_at,
            // The mark may not be on disk yet; this call must not be acknowledged before it is.
            HeldToken::Revoked { .. } => return Some(self.core.queue.push(Vec::new())),
            // It cannot be read, so it cannot be used either; the mark is for newer programs.
            HeldToken::Later | HeldToken::Unreadable(_) => Timestamp::from_millis(u64::MAX),
        };
        let was = std::mem::replace(&mut *held, HeldToken::Revoked { expires_at });
        let ticket = self.core.queue.push(vec![Op::RevokeToken(digest.0)]);
        drop(held);
        if let HeldToken::Kept(record) = was {
            self.core.memory.unlist(digest.0, &record);
        }
        Some(ticket)
    }
}
