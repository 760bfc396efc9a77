//! Sign-ins under way, and what must not be seen twice, in the embedded store.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::sso::{FlowDigest, FlowStore};
use crate::stores::embedded::EmbeddedStore;
use crate::stores::embedded::journal::Op;
use crate::stores::embedded::writer::Ticket;
use anyhow::anyhow;
use async_trait::async_trait;
use dashmap::Entry;

/// How many may be held for one more sign-in to begin. Anybody may begin one, so there has to be an end; each takes
/// about a kilobyte, at most nine.
const MOST_BEGUN: usize = 100_000;
/// How many may be held for an answer to be judged, which takes proof.
const MOST_IN_ALL: usize = 1_000_000;

/// Something kept for a while.
#[derive(Clone, Debug)]
pub struct Flow {
    /// What.
    pub text: String,
    /// It is good up to and with that moment.
    pub until: Timestamp,
}

#[async_trait]
impl FlowStore for EmbeddedStore {
    async fn keep_new(
        &self,
        under: &FlowDigest,
        text: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let flow = Flow {
            text: text.to_owned(),
            until,
        };
        let Some(ticket) = self.claim(under, flow, now)? else {
            return Ok(false);
        };
        // After a failed write the place stays taken: better one sign-in begun anew than one used twice.
        ticket.written().await.map(|()| true)
    }

    async fn put(
        &self,
        under: &FlowDigest,
        text: &str,
        until: Timestamp,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        let text = text.to_owned();
        let flow = Flow { text, until };
        self.room_for_flows(MOST_IN_ALL)?;
        self.core.memory.flows.insert(under.0, flow.clone());
        let keep = Op::KeepFlow(under.0, flow);
        self.core.queue.push(vec![keep]).written().await
    }

    async fn look(&self, under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError> {
        let held = self.core.memory.flows.get(&under.0);
        Ok(held
            .filter(|flow| now <= flow.until)
            .map(|flow| flow.text.clone()))
    }

    async fn take(&self, under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError> {
        // Memory decides who gets it, and the file has let go of it before anybody is told.
        let Some((digest, flow)) = self.core.memory.flows.remove(&under.0) else {
            return Ok(None);
        };
        let forget = Op::ForgetFlow(digest);
        self.core.queue.push(vec![forget]).written().await?;
        Ok(Some(flow.text).filter(|_| now <= flow.until))
    }
}

impl EmbeddedStore {
    fn room_for_flows(&self, most: usize) -> Result<(), StoreError> {
        if self.core.memory.flows.len() < most {
            return Ok(());
        }
        Err(StoreError::unavailable(anyhow!(
            "{most} sign-ins are under way or remembered, as many as may be"
        )))
    }

    /// None when the place is taken. Apart from its `async` caller, so that no lock is held while the disk works.
    fn claim(
        &self,
        under: &FlowDigest,
        flow: Flow,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        let flows = &self.core.memory.flows;
        // Whoever begins sign-ins must not keep others from having theirs judged.
        let is_begun = !flow.text.is_empty();
        self.room_for_flows(if is_begun { MOST_BEGUN } else { MOST_IN_ALL })?;
        let keep = Op::KeepFlow(under.0, flow.clone());
        match flows.entry(under.0) {
            Entry::Occupied(held) if now <= held.get().until => return Ok(None),
            Entry::Occupied(mut held) => {
                held.insert(flow);
            }
            Entry::Vacant(place) => {
                place.insert(flow);
            }
        }
        Ok(Some(self.core.queue.push(vec![keep])))
    }
}
