//! Ends sessions and what came of them: the tokens minted in them and the sessions opened with those.
//!
//! What came of one session is one family, of which every member names the first session: there may be many steps in
//! between, and those over long ago are forgotten. So with any of them the whole family ends, but for the first
//! session itself, which ends only when it is meant.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, SessionHandle, SessionStore, SessionSummary, UserTag};
use crate::domain::token::{Lineage, TokenStore};
use std::collections::BTreeSet;

/// Whose sessions end, and why.
pub(in crate::domain) struct Ending<'a> {
    /// Where sessions are kept.
    pub sessions: &'a dyn SessionStore,
    /// Where tokens are kept.
    pub tokens: &'a dyn TokenStore,
    /// The owner.
    pub tag: UserTag,
    /// One that stays, whatever it came of: whoever asks asks with it.
    pub kept: Option<SessionHandle>,
    /// What is told of those that end.
    pub reason: EndReason,
    /// The moment.
    pub at: Timestamp,
}

impl Ending<'_> {
    /// Ends those sessions with their families, and tells each that lived.
    ///
    /// Those named go first, or they could mint once more; then the tokens, or one could open the next session. Where a
    /// store fails in between, the same call again does the rest: it asks nobody whether the named ones still live.
    pub async fn end(
        &self,
        named: &[SessionHandle],
        tell: &mut (dyn FnMut(SessionSummary) + Send),
    ) -> Result<(), StoreError> {
        let mut families = BTreeSet::new();
        for handle in named {
            let closed = self.close(handle, tell).await?;
            families.insert(closed.unwrap_or(*handle));
        }
        let is_of_them = |of: &Lineage| of.origin.is_some_and(|origin| families.contains(&origin));
        self.end_tokens(is_of_them).await?;
        for one in self.sessions.list(self.tag, self.at).await? {
            let origin = one.session.notes.origin;
            if origin.is_some_and(|origin| families.contains(&origin)) {
                self.close(&one.handle, tell).await?;
            }
        }
        Ok(())
    }

    /// Ends those of the user's own tokens of which that is so.
    pub async fn end_tokens(
        &self,
        is_meant: impl Fn(&Lineage) -> bool + Send + Sync,
    ) -> Result<(), StoreError> {
        for (digest, record) in self.tokens.list_own(self.tag, self.at).await? {
            if record.lineage.as_deref().is_some_and(&is_meant) {
                self.tokens.revoke_token(&digest).await?;
            }
        }
        Ok(())
    }

    /// Ends one, and says of which family it was if not of its own.
    async fn close(
        &self,
        handle: &SessionHandle,
        tell: &mut (dyn FnMut(SessionSummary) + Send),
    ) -> Result<Option<SessionHandle>, StoreError> {
        if self.kept == Some(*handle) {
            return Ok(None);
        }
        let (reason, at) = (self.reason, self.at);
        let closed = self.sessions.close_by_handle(handle, reason, at).await?;
        let Some(session) = closed else {
            return Ok(None);
        };
        let origin = session.notes.origin;
        tell(SessionSummary {
            handle: *handle,
            session,
        });
        Ok(origin)
    }
}
