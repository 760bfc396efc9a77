//! Where sign-ins under way are kept, and what must not be seen twice.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::fmt;

/// Under what something is kept: a digest, so that whoever reads the store cannot use what is in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowDigest(pub [u8; 32]);

impl FlowDigest {
    /// Of several texts, each with the kind of thing it names, so that kinds never meet.
    pub fn of(kind: &str, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(&kind).chain(parts) {
            // The length in front: "ab" + "c" is not "a" + "bc".
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Debug for FlowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowDigest(…)")
    }
}

/// Keeps small texts for a while, on every node at once.
///
/// Promises: what [`FlowStore::take`] gave to one caller no other gets; of several callers of
/// [`FlowStore::keep_new`] one hears true; both survive a crash of the server.
#[async_trait]
pub trait FlowStore: fmt::Debug + Send + Sync {
    /// Keeps a text until then, unless something is kept there already; false when it is.
    async fn keep_new(
        &self,
        under: &FlowDigest,
        text: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Keeps a text until then, whatever was there before.
    async fn put(
        &self,
        under: &FlowDigest,
        text: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What is kept there; it stays.
    async fn look(&self, under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError>;

    /// Takes away what is kept there.
    async fn take(&self, under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError>;
}
