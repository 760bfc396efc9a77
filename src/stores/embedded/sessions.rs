//! Sessions and revocations in the embedded store.

use crate::domain::clock::Timestamp;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use crate::domain::session::{
    Check, EndReason, Revocations, RevokeScope, Session, SessionId, SessionStore,
};
use crate::stores::codec::encode_session;
use crate::stores::embedded::EmbeddedStore;
use crate::stores::embedded::journal::Op;
use crate::stores::embedded::memory::Held;
use crate::stores::embedded::writer::Ticket;
use anyhow::anyhow;
use async_trait::async_trait;

#[async_trait]
impl SessionStore for EmbeddedStore {
    async fn open(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        let digest = id.digest();
        if self.core.memory.sessions.contains_key(&digest) {
            return Err(StoreError::corrupt(anyhow!("the id is taken")));
        }
        let mut ops = vec![Op::Open {
            digest,
            session: Box::new(session.clone()),
            record: encode_session(session)?,
        }];
        ops.extend(replaced.map(|old| Op::End {
            digest: old.digest(),
            reason: EndReason::Replaced,
            at: self.core.clock.now(),
        }));
        self.core.queue.push(ops).written().await
    }

    async fn check(&self, id: &SessionId, now: Timestamp) -> Result<Check, StoreError> {
        let digest = id.digest();
        let memory = &self.core.memory;
        let Some(mut held) = memory.sessions.get_mut(&digest) else {
            return Ok(Check::Unknown);
        };
        let (session, is_moved) = match held.value_mut() {
            Held::Live { session, is_moved } => (session, is_moved),
            Held::Ended { reason, .. } => return Ok(Check::Ended(*reason)),
            Held::Unreadable(why) => return Err(StoreError::corrupt(anyhow!("{why}"))),
        };
        if let Some(reason) = memory.why_over(session, id.tag(), now) {
            *held = Held::Ended { reason, at: now };
            let end = Op::End {
                digest,
                reason,
                at: now,
            };
            // Not waited for: time or the epoch would end it again after a crash.
            drop(self.core.queue.push(vec![end]));
            return Ok(Check::Ended(reason));
        }
        if now > session.last_seen_at {
            session.last_seen_at = now;
            if !*is_moved {
                *is_moved = true;
                memory.note_moved(digest);
            }
        }
        Ok(Check::Live(session.clone()))
    }

    async fn set_org(&self, id: &SessionId, org: OrgId) -> Result<bool, StoreError> {
        let Some(ticket) = self.move_session(id, org)? else {
            return Ok(false);
        };
        ticket.written().await.map(|()| true)
    }

    async fn close(
        &self,
        id: &SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let (was, ticket) = self.end(id, reason, now);
        ticket.written().await.map(|()| was)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Through the queue: it answers only when nothing is owed to the file.
        self.core.queue.push(Vec::new()).written().await
    }
}

#[async_trait]
impl Revocations for EmbeddedStore {
    async fn revoke(&self, scope: RevokeScope, at: Timestamp) -> Result<(), StoreError> {
        self.core.memory.epochs.raise(scope, at);
        let epoch = Op::Epoch(scope, at);
        self.core.queue.push(vec![epoch]).written().await
    }
}

impl EmbeddedStore {
    /// Apart from its `async` caller, so that no lock is held while the disk works.
    fn end(&self, id: &SessionId, reason: EndReason, now: Timestamp) -> (Option<Session>, Ticket) {
        let digest = id.digest();
        let memory = &self.core.memory;
        let Some(mut held) = memory.sessions.get_mut(&digest) else {
            return (None, self.core.queue.push(Vec::new()));
        };
        let (was, reason) = match held.value_mut() {
            Held::Live { session, .. } => match memory.why_over(session, id.tag(), now) {
                Some(over) => (None, over),
                None => (Some((**session).clone()), reason),
            },
            // An earlier logout may not be on disk yet; this one must not be acknowledged before it is.
            Held::Ended { .. } => return (None, self.core.queue.push(Vec::new())),
            // Its owner wants it gone; that we cannot read it must not keep it alive.
            Held::Unreadable(_) => (None, reason),
        };
        *held = Held::Ended { reason, at: now };
        let end = Op::End {
            digest,
            reason,
            at: now,
        };
        (was, self.core.queue.push(vec![end]))
    }

    fn move_session(&self, id: &SessionId, org: OrgId) -> Result<Option<Ticket>, StoreError> {
        let digest = id.digest();
        let memory = &self.core.memory;
        let Some(mut held) = memory.sessions.get_mut(&digest) else {
            return Ok(None);
        };
        let session = match held.value_mut() {
            Held::Live { session, .. } => session,
            Held::Ended { .. } => return Ok(None),
            Held::Unreadable(why) => return Err(StoreError::corrupt(anyhow!("{why}"))),
        };
        // Leaving a revoked Org must not save the session, so the old Org is looked at before it is forgotten.
        if memory.is_revoked(session, id.tag()) {
            let (reason, at) = (EndReason::Revoked, self.core.clock.now());
            *held = Held::Ended { reason, at };
            drop(self.core.queue.push(vec![Op::End { digest, reason, at }]));
            return Ok(None);
        }
        let before = std::mem::replace(&mut session.org, org);
        Ok(Some(self.core.queue.push(vec![Op::SetOrg {
            digest,
            org,
            before,
        }])))
    }
}
