//! Sessions and revocations in the embedded store.

use crate::domain::clock::Timestamp;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use crate::domain::session::{
    AtLimit, Check, EndReason, Opening, Revocations, RevokeScope, Session, SessionHandle,
    SessionId, SessionLimit, SessionPage, SessionStore, SessionSummary, UserTag,
};
use crate::stores::codec::encode_session;
use crate::stores::embedded::EmbeddedStore;
use crate::stores::embedded::index::Standing;
use crate::stores::embedded::journal::Op;
use crate::stores::embedded::memory::{Digest, Held};
use crate::stores::embedded::writer::Ticket;
use anyhow::anyhow;
use async_trait::async_trait;

#[async_trait]
impl SessionStore for EmbeddedStore {
    async fn open_within(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
        limit: Option<SessionLimit>,
    ) -> Result<Opening, StoreError> {
        let Some((evicted, ticket)) = self.admit(id, session, replaced, limit)? else {
            return Ok(Opening::AtLimit);
        };
        ticket.written().await?;
        Ok(Opening::Opened { evicted })
    }

    async fn check(&self, id: &SessionId, now: Timestamp) -> Result<Check, StoreError> {
        let (found, listing) = self.look(id, now)?;
        // Only now, with the session let go of: the index is locked first where both are.
        match listing {
            Listing::AsItWas => {}
            Listing::New => self.core.memory.index.keep(id.tag(), id.digest()),
            Listing::Gone => self.core.memory.index.drop_one(id.tag(), &id.digest()),
        }
        Ok(found)
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
        let (was, ticket) = self.end(id.tag(), &id.digest(), reason, now);
        ticket.written().await.map(|()| was)
    }

    async fn close_by_handle(
        &self,
        handle: &SessionHandle,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let Some(digest) = self.core.memory.index.find(handle) else {
            return Ok(None);
        };
        let (was, ticket) = self.end(handle.tag(), &digest, reason, now);
        ticket.written().await.map(|()| was)
    }

    async fn list(&self, tag: UserTag, now: Timestamp) -> Result<Vec<SessionSummary>, StoreError> {
        Ok(self.sessions_of(tag, now))
    }

    async fn list_all(&self, from: Option<u64>, now: Timestamp) -> Result<SessionPage, StoreError> {
        Ok(self.page(from, now))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Through the queue: it answers only when nothing is owed to the file.
        let written = self.core.queue.push(Vec::new()).written().await;
        written.map_err(unwritten)
    }
}

#[async_trait]
impl Revocations for EmbeddedStore {
    async fn revoke_for(
        &self,
        scope: RevokeScope,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.core.memory.epochs.raise(scope, reason, at);
        let epoch = Op::Epoch(scope, reason, at);
        let written = self.core.queue.push(vec![epoch]).written().await;
        written.map_err(unwritten)
    }
}

/// What is over is over in memory, whatever the disk says: sessions are checked there.
fn unwritten(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(cause) => StoreError::Unwritten(cause),
        error => error,
    }
}

impl EmbeddedStore {
    /// Makes room, takes a place and queues all of it, in one step; none when there is no room.
    ///
    /// Apart from its `async` caller, so that no lock is held while the disk works.
    fn admit(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
        limit: Option<SessionLimit>,
    ) -> Result<Option<(Vec<SessionHandle>, Ticket)>, StoreError> {
        let (tag, digest) = (id.tag(), id.digest());
        let memory = &self.core.memory;
        // Only about the number: those that are just being written are not counted, and are few.
        self.room_beside(memory.sessions.len(), "sessions")?;
        let record = encode_session(session, tag)?;
        let mut users = memory.index.lock();
        let own = users.entry(tag).or_default();
        if own.contains_key(&digest) || memory.sessions.contains_key(&digest) {
            return Err(StoreError::corrupt(anyhow!("the id is taken")));
        }
        let leaving = replaced.map(SessionId::digest);
        let evicted = match limit {
            None => Vec::new(),
            Some(limit) => {
                let mut live = memory.live_of(tag, own, leaving.as_ref(), session.last_seen_at);
                let excess = (live.len() + 1).saturating_sub(limit.most);
                if excess > 0 && limit.at_limit == AtLimit::Refuse {
                    return Ok(None);
                }
                live.truncate(excess);
                live
            }
        };
        for one in &evicted {
            own.remove(one);
        }
        own.insert(digest, Standing::Pending);
        let at = self.core.clock.now();
        let end = |digest, reason| Op::End { digest, reason, at };
        // The ends first: not even for a moment are there more than allowed.
        let mut ops: Vec<Op> = evicted
            .iter()
            .map(|one| end(*one, EndReason::Evicted))
            .chain(leaving.map(|old| end(old, EndReason::Replaced)))
            .collect();
        ops.push(Op::Open {
            digest,
            tag,
            session: Box::new(session.clone()),
            record,
        });
        let ticket = self.core.queue.push(ops);
        drop(users);
        let handles = evicted.iter().map(|one| SessionHandle::new(tag, one));
        Ok(Some((handles.collect(), ticket)))
    }

    fn look(&self, id: &SessionId, now: Timestamp) -> Result<(Check, Listing), StoreError> {
        let digest = id.digest();
        let memory = &self.core.memory;
        let Some(mut held) = memory.sessions.get_mut(&digest) else {
            return Ok((Check::Unknown, Listing::AsItWas));
        };
        let (session, tag, is_moved) = match held.value_mut() {
            Held::Live {
                session,
                tag,
                is_moved,
            } => (session, tag, is_moved),
            Held::Ended { reason, .. } => return Ok((Check::Ended(*reason), Listing::AsItWas)),
            Held::Later => return Ok((Check::Unknown, Listing::AsItWas)),
            Held::Unreadable(why) => return Err(StoreError::corrupt(anyhow!("{why}"))),
        };
        if let Some(reason) = memory.why_over(session, id.tag(), now) {
            let was = session.clone();
            *held = Held::Ended { reason, at: now };
            let end = Op::End {
                digest,
                reason,
                at: now,
            };
            // Not waited for: time or the epoch would end it again after a crash.
            drop(self.core.queue.push(vec![end]));
            return Ok((Check::JustEnded(reason, was), Listing::Gone));
        }
        if now > session.last_seen_at {
            session.last_seen_at = now;
            if !*is_moved {
                *is_moved = true;
                memory.note_moved(digest);
            }
        }
        let listing = match tag.replace(id.tag()) {
            Some(_) => Listing::AsItWas,
            None => Listing::New,
        };
        Ok((Check::Live(session.clone()), listing))
    }

    /// Ends a session and takes it off its owner's list.
    fn end(
        &self,
        tag: UserTag,
        digest: &Digest,
        reason: EndReason,
        now: Timestamp,
    ) -> (Option<Session>, Ticket) {
        let ended = self.end_held(tag, digest, reason, now);
        self.core.memory.index.drop_one(tag, digest);
        ended
    }

    fn end_held(
        &self,
        tag: UserTag,
        digest: &Digest,
        reason: EndReason,
        now: Timestamp,
    ) -> (Option<Session>, Ticket) {
        let memory = &self.core.memory;
        let Some(mut held) = memory.sessions.get_mut(digest) else {
            return (None, self.core.queue.push(Vec::new()));
        };
        let (was, reason) = match held.value_mut() {
            Held::Live { session, .. } => match memory.why_over(session, tag, now) {
                Some(over) => (None, over),
                None => (Some((**session).clone()), reason),
            },
            // An earlier logout may not be on disk yet; this one must not be acknowledged before it is.
            Held::Ended { .. } => return (None, self.core.queue.push(Vec::new())),
            // Its owner wants it gone; that we cannot read it must not keep it alive.
            Held::Later | Held::Unreadable(_) => (None, reason),
        };
        *held = Held::Ended { reason, at: now };
        let end = Op::End {
            digest: *digest,
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
            Held::Ended { .. } | Held::Later => return Ok(None),
            Held::Unreadable(why) => return Err(StoreError::corrupt(anyhow!("{why}"))),
        };
        // Leaving a revoked Org must not save the session, so the old Org is looked at before it is forgotten.
        if let Some(reason) = memory.why_revoked(session, id.tag()) {
            let at = self.core.clock.now();
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

/// What a check means for its owner's list.
enum Listing {
    AsItWas,
    New,
    Gone,
}
