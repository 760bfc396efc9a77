//! What every store of sessions promises; the conformance suite in `tests/stores` holds each to it.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId, UserId};
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, Session, SessionHandle, SessionId, UserTag};
use async_trait::async_trait;
use std::fmt;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// The session lives, and its idle timeout starts anew.
    Live(Box<Session>),
    /// It lived until now; told once, for the audit trail. Later checks find [`Check::Ended`].
    JustEnded(EndReason, Box<Session>),
    /// It lived once.
    Ended(EndReason),
    /// Nothing is known of it (any longer).
    Unknown,
}

/// How many sessions one user may have at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimit {
    /// That many, at least one.
    pub most: usize,
    /// What becomes of one more.
    pub at_limit: AtLimit,
}

/// What becomes of a session above the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLimit {
    /// It opens, and the oldest ends as [`EndReason::Evicted`].
    Evict,
    /// It does not open.
    Refuse,
}

/// What an opening came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The session is open.
    Opened {
        /// Who had to go for it.
        evicted: Vec<SessionHandle>,
    },
    /// The user has as many as allowed; nothing has changed.
    AtLimit,
}

/// A live session as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSummary {
    /// Its name for people.
    pub handle: SessionHandle,
    /// The session.
    pub session: Session,
}

/// Some of all sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionPage {
    /// They; one may turn up on two pages, and a page may be empty before the last.
    pub sessions: Vec<SessionSummary>,
    /// Where the next page begins; none after the last.
    pub next: Option<u64>,
}

/// Where sessions are kept.
///
/// Promises: an acknowledged `open` survives a crash of the server; an acknowledged `close` or
/// revocation is never undone, by a slow request, a restart or a step of any clock; a store that
/// cannot answer says [`StoreError::Unavailable`] within a bounded time, never "unknown".
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Keeps a new session under `id`; ends `replaced` in the same step when there is one.
    ///
    /// With a limit the user has never more sessions than that, whatever opens at the same moment on
    /// any node. `replaced` does not count. What lives is judged at the new session's `last_seen_at`.
    async fn open_within(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
        limit: Option<SessionLimit>,
    ) -> Result<Opening, StoreError>;

    /// The same without a limit.
    async fn open(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        let opening = self.open_within(id, session, replaced, None).await?;
        debug_assert_ne!(opening, Opening::AtLimit, "there was no limit");
        Ok(())
    }

    /// Says whether the session lives at `now` and, if so, starts its idle timeout anew.
    ///
    /// One round-trip time. Never brings an ended session back.
    async fn check(&self, id: &SessionId, now: Timestamp) -> Result<Check, StoreError>;

    /// Moves a live session to another Org, in place; false when it is not there.
    async fn set_org(&self, id: &SessionId, org: OrgId) -> Result<bool, StoreError>;

    /// Ends a session; says what it was, if it still lived at `now`.
    async fn close(
        &self,
        id: &SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;

    /// Ends a session of which only the handle is known; says what it was, if it still lived at `now`.
    async fn close_by_handle(
        &self,
        handle: &SessionHandle,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;

    /// The user's sessions that live at `now`, the oldest first; starts no idle timeout anew.
    ///
    /// Costs as much as that user's sessions, however many others there are.
    async fn list(&self, tag: UserTag, now: Timestamp) -> Result<Vec<SessionSummary>, StoreError>;

    /// A page of everybody's sessions that live at `now`; `from` is none for the first page.
    ///
    /// For operators: walks through everything there is, in bounded steps, and sees what opens or
    /// ends meanwhile or not.
    async fn list_all(&self, from: Option<u64>, now: Timestamp) -> Result<SessionPage, StoreError>;

    /// Answers whether the store works right now.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Whose sessions and tokens end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeScope {
    /// One user's; the tag is the user's own.
    User(UserId, UserTag),
    /// All that work in one Org.
    Org(OrgId),
    /// All that one secret key opened or minted.
    Key(KeyId),
    /// Everybody's.
    All,
}

/// Ends many sessions and tokens in one step, whatever their number.
///
/// Kept as *epochs*: a session or token whose `opened_at` or `minted_at` is not later than the epoch of
/// its user, Org, key or of everybody is over. Writing one value ends any number of them, and what
/// was in flight loses as well.
#[async_trait]
pub trait Revocations: fmt::Debug + Send + Sync {
    /// Ends everything in scope that began at or before `at`. Epochs only ever grow.
    ///
    /// The reason is what checks of those sessions tell from then on; of several revocations the latest counts.
    async fn revoke_for(
        &self,
        scope: RevokeScope,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// The same for no reason but that somebody wished it.
    async fn revoke(&self, scope: RevokeScope, at: Timestamp) -> Result<(), StoreError> {
        self.revoke_for(scope, EndReason::Revoked, at).await
    }
}
