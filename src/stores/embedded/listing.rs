//! Listing sessions of the embedded store, and counting those that a limit is about.

use crate::domain::clock::Timestamp;
use crate::domain::session::{SessionHandle, SessionPage, SessionSummary, UserTag};
use crate::stores::embedded::EmbeddedStore;
use crate::stores::embedded::index::Standing;
use crate::stores::embedded::memory::{Digest, Held, Memory};
use std::collections::BTreeMap;

/// Sessions looked at for one page of everybody's; a user's are never split over two.
const PAGE: usize = 1_000;

impl Memory {
    /// Those of a user's sessions that live, the oldest first and the pending last; `but` does not count.
    ///
    /// The caller holds the lock of the index, which comes before that of a session.
    pub fn live_of(
        &self,
        tag: UserTag,
        own: &BTreeMap<Digest, Standing>,
        but: Option<&Digest>,
        now: Timestamp,
    ) -> Vec<Digest> {
        let mut live: Vec<(Timestamp, Digest)> = Vec::new();
        for (digest, standing) in own {
            if Some(digest) == but {
                continue;
            }
            let opened_at = match self.sessions.get(digest).as_deref() {
                Some(Held::Live { session, .. }) if self.why_over(session, tag, now).is_none() => {
                    session.opened_at
                }
                None if *standing == Standing::Pending => Timestamp::from_millis(u64::MAX),
                _ => continue,
            };
            live.push((opened_at, *digest));
        }
        live.sort_unstable();
        live.into_iter().map(|(_, digest)| digest).collect()
    }

    fn summaries(&self, tag: UserTag, digests: &[Digest], now: Timestamp) -> Vec<SessionSummary> {
        let mut found: Vec<SessionSummary> = digests
            .iter()
            .filter_map(|digest| match self.sessions.get(digest)?.value() {
                Held::Live { session, .. } if self.why_over(session, tag, now).is_none() => {
                    Some(SessionSummary {
                        handle: SessionHandle::new(tag, digest),
                        session: (**session).clone(),
                    })
                }
                _ => None,
            })
            .collect();
        found.sort_by_key(|one| (one.session.opened_at, one.handle));
        found
    }
}

impl EmbeddedStore {
    /// The user's live sessions, the oldest first.
    pub(in crate::stores::embedded) fn sessions_of(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Vec<SessionSummary> {
        let memory = &self.core.memory;
        memory.summaries(tag, &memory.index.of(tag), now)
    }

    /// The sessions of the next users in the order of their tags.
    pub(in crate::stores::embedded) fn page(
        &self,
        from: Option<u64>,
        now: Timestamp,
    ) -> SessionPage {
        let memory = &self.core.memory;
        let after = from.and_then(UserTag::from_number);
        let stretch = memory.index.stretch(after, PAGE);
        let next = stretch.last().map(|(tag, _)| tag.number());
        let sessions = stretch
            .iter()
            .flat_map(|(tag, digests)| memory.summaries(*tag, digests, now))
            .collect();
        SessionPage { sessions, next }
    }
}
