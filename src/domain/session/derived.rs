//! Ends sessions and what came of them: the tokens minted in them and the sessions opened with those.
//!
//! What came of one session is one family, of which every member names the first session: there may be many steps in
//! between, and those over long ago are forgotten. So with any of them the whole family ends, but for the first
//! session itself, which ends only when it is meant.

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, SessionHandle, SessionStore, SessionSummary, UserTag};
use crate::domain::sso::ProviderLink;
use crate::domain::token::{EndedFamily, Family, TokenStore};
use futures_util::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// How many tokens end at the same moment.
const AT_ONCE: usize = 100;

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
    /// The time that goes on.
    pub clock: &'a dyn Clock,
}

impl Ending<'_> {
    /// Ends those sessions with their families, and tells each that lived.
    pub async fn end(
        &self,
        named: &[SessionHandle],
        tell: &mut (dyn FnMut(SessionSummary) + Send),
    ) -> Result<(), StoreError> {
        let live = self.sessions.list(self.tag, self.at).await?;
        let families: BTreeMap<_, _> = live.iter().map(|one| (one.handle, family(one))).collect();
        // Of one that is over already only what names it is known.
        let family_of = |handle| families.get(handle).copied().unwrap_or(*handle);
        let families = named.iter().map(family_of).collect();
        self.end_families(&families, named, tell).await
    }

    /// Ends the sessions that came from those of an identity provider's, with their families, and tells each that lived.
    ///
    /// Families as well of which only tokens are left: the session they were minted in may be over long since.
    pub async fn end_linked(
        &self,
        is_meant: impl Fn(&ProviderLink) -> bool + Send + Sync,
        tell: &mut (dyn FnMut(SessionSummary) + Send),
    ) -> Result<(), StoreError> {
        let (mut families, mut named) = (BTreeSet::new(), Vec::new());
        for (_, record) in self.tokens.list_own(self.tag, self.at).await? {
            if let Some(lineage) = record.lineage
                && lineage.provider.as_ref().is_some_and(&is_meant)
            {
                families.extend(lineage.origin);
            }
        }
        for one in self.sessions.list(self.tag, self.at).await? {
            if one.session.notes.provider.as_ref().is_some_and(&is_meant) {
                families.insert(family(&one));
                named.push(one.handle);
            }
        }
        self.end_families(&families, &named, tell).await
    }

    /// First it is remembered that they end, so that no token which is just being minted outlives them. Then the tokens
    /// go, or one could open the next session; then the sessions, those named last. Where a store fails in between, so
    /// many of these live still that the same call again does the rest.
    async fn end_families(
        &self,
        families: &BTreeSet<SessionHandle>,
        named: &[SessionHandle],
        tell: &mut (dyn FnMut(SessionSummary) + Send),
    ) -> Result<(), StoreError> {
        if families.is_empty() {
            return Ok(());
        }
        let named_ones: BTreeSet<_> = named.iter().collect();
        let ended = families.iter().map(|first| EndedFamily {
            family: Family::of_session(first),
            // The first session lives on unless it is meant, and so mints on.
            kept: [
                Some(*first).filter(|first| !named_ones.contains(first)),
                self.kept,
            ]
            .into_iter()
            .flatten()
            .collect(),
        });
        let ended: Vec<_> = ended.collect();
        let now = self.clock.now();
        self.tokens.end_families(self.tag, &ended, now).await?;
        let is_of_them =
            |origin: Option<SessionHandle>| origin.is_some_and(|origin| families.contains(&origin));
        let mut meant = self.tokens.list_own(self.tag, self.at).await?;
        meant.retain(|(_, record)| is_of_them(record.lineage.as_ref().and_then(|of| of.origin)));
        for some in meant.chunks(AT_ONCE) {
            let ends = some
                .iter()
                .map(|(digest, _)| self.tokens.revoke_token(digest));
            try_join_all(ends).await?;
        }
        for one in self.sessions.list(self.tag, self.at).await? {
            if is_of_them(one.session.notes.origin) && !named_ones.contains(&one.handle) {
                self.close(&one.handle, tell).await?;
            }
        }
        for handle in named {
            self.close(handle, tell).await?;
        }
        Ok(())
    }

    async fn close(
        &self,
        handle: &SessionHandle,
        tell: &mut (dyn FnMut(SessionSummary) + Send),
    ) -> Result<(), StoreError> {
        if self.kept == Some(*handle) {
            return Ok(());
        }
        let (reason, at) = (self.reason, self.at);
        let closed = self.sessions.close_by_handle(handle, reason, at).await?;
        if let Some(session) = closed {
            let handle = *handle;
            tell(SessionSummary { handle, session });
        }
        Ok(())
    }
}

/// The first session of the family it is of, itself perhaps.
fn family(one: &SessionSummary) -> SessionHandle {
    one.session.notes.origin.unwrap_or(one.handle)
}
