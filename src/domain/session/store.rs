//! What every store of sessions promises; the conformance suite in `tests/stores` holds each to it.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId, UserId};
use crate::domain::failure::StoreError;
use crate::domain::session::{Session, SessionId, UserTag};
use async_trait::async_trait;
use std::fmt;

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its owner signed out.
    Logout,
    /// Not used for longer than the idle timeout.
    IdleTimeout,
    /// Older than the absolute timeout.
    AbsoluteTimeout,
    /// Its owner signed in again over it.
    Replaced,
    /// Revoked: for the user, the Org, the key or everybody.
    Revoked,
}

impl EndReason {
    /// The word used in audit lines and stored records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::IdleTimeout => "idle_timeout",
            Self::AbsoluteTimeout => "absolute_timeout",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// The session lives, and its idle timeout starts anew.
    Live(Box<Session>),
    /// It lived once.
    Ended(EndReason),
    /// Nothing is known of it (any longer).
    Unknown,
}

/// Where sessions are kept.
///
/// Promises: an acknowledged `open` survives a crash of the server; an acknowledged `close` or
/// revocation is never undone, by a slow request, a restart or a step of any clock; a store that
/// cannot answer says [`StoreError::Unavailable`] within a bounded time, never "unknown".
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Keeps a new session under `id`; ends `replaced` in the same step when there is one.
    async fn open(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
    ) -> Result<(), StoreError>;

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
    async fn revoke(&self, scope: RevokeScope, at: Timestamp) -> Result<(), StoreError>;
}
