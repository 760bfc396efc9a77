//! What was just read from a directory that only this process writes: a sign-in asks the same few questions
//! again and again, and each costs two changes of thread.
//!
//! An answer counts as long as nothing at all has been written since before it was read, so a user
//! who was disabled is disabled for the next request. It counts for [`FRESH`] at most: should somebody
//! change the file behind our back, or a write come through after its caller had gone, that is how long
//! it goes unnoticed. Password hashes and sealed keys are never kept here.

use super::engine::Writes;
use crate::domain::authn::KeyDigest;
use crate::domain::directory::{NameKey, Org, SecretKey, User, UserId};
use crate::domain::failure::StoreError;
use dashmap::DashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer counts at most.
const FRESH: Duration = Duration::from_secs(2);
/// Answers kept of each kind; a flood of names must not fill the memory.
const MOST: usize = 10_000;

/// Answers by question.
#[derive(Debug)]
pub(super) struct Memory {
    writes: Arc<Writes>,
    fresh: Duration,
    pub(super) users: Shelf<UserId, Option<User>>,
    pub(super) names: Shelf<NameKey, Option<User>>,
    pub(super) orgs_of: Shelf<UserId, Vec<Org>>,
    pub(super) orgs: Shelf<(), Vec<Org>>,
    pub(super) keys: Shelf<KeyDigest, Option<SecretKey>>,
}

/// Answers of one kind.
#[derive(Debug)]
pub(super) struct Shelf<K: Eq + Hash, V>(DashMap<K, Answer<V>>);

#[derive(Debug)]
struct Answer<V> {
    value: V,
    /// How much had been written when the question was asked.
    asked_after: u64,
    asked_at: Instant,
}

impl Memory {
    pub(super) fn new(writes: Arc<Writes>) -> Self {
        Self {
            writes,
            fresh: FRESH,
            users: Shelf(DashMap::new()),
            names: Shelf(DashMap::new()),
            orgs_of: Shelf(DashMap::new()),
            orgs: Shelf(DashMap::new()),
            keys: Shelf(DashMap::new()),
        }
    }
}

/// The answer kept, or else the one `ask` gets, which is kept.
pub(super) async fn recall<K, V>(
    memory: Option<&Memory>,
    shelf: impl FnOnce(&Memory) -> &Shelf<K, V>,
    question: K,
    ask: impl Future<Output = Result<V, StoreError>>,
) -> Result<V, StoreError>
where
    K: Eq + Hash,
    V: Clone,
{
    let Some(memory) = memory else {
        return ask.await;
    };
    let shelf = &shelf(memory).0;
    // Counted before the question: a write that comes in between makes the answer stale at once.
    let (asked_after, asked_at) = (memory.writes.count(), Instant::now());
    if let Some(kept) = shelf.get(&question)
        && kept.asked_after == asked_after
        && asked_at.duration_since(kept.asked_at) < memory.fresh
    {
        return Ok(kept.value.clone());
    }
    let value = ask.await?;
    if shelf.len() >= MOST {
        shelf.clear();
    }
    let answer = Answer {
        value: value.clone(),
        asked_after,
        asked_at,
    };
    shelf.insert(question, answer);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::{OrgId, OrgStatus};

    async fn ask(memory: &Memory, answer: usize) -> usize {
        let org = |number: usize| Org {
            id: OrgId(i64::try_from(number).unwrap_or_default()),
            name: number.to_string(),
            description: String::new(),
            status: OrgStatus::Active,
        };
        let ask = async { Ok((0..answer).map(org).collect()) };
        recall(Some(memory), |memory| &memory.orgs, (), ask)
            .await
            .map_or(usize::MAX, |orgs| orgs.len())
    }

    #[tokio::test]
    async fn an_answer_counts_until_something_is_written_or_it_is_old() {
        let writes = Arc::new(Writes::default());
        let memory = Memory::new(Arc::clone(&writes));
        assert_eq!(ask(&memory, 1).await, 1);
        assert_eq!(ask(&memory, 2).await, 1, "kept");
        drop(writes.counted());
        assert_eq!(ask(&memory, 3).await, 3, "something was written");
        let forgetful = Memory {
            fresh: Duration::ZERO,
            ..memory
        };
        assert_eq!(ask(&forgetful, 4).await, 4, "old");
    }

    #[tokio::test]
    async fn an_answer_that_a_write_overtook_is_not_believed_twice() {
        let writes = Arc::new(Writes::default());
        let memory = Memory::new(Arc::clone(&writes));
        let overtaken = async {
            drop(writes.counted());
            Ok(Vec::new())
        };
        let first = recall(Some(&memory), |memory| &memory.orgs, (), overtaken).await;
        assert_eq!(first.map_or(9, |orgs| orgs.len()), 0);
        assert_eq!(ask(&memory, 2).await, 2);
    }
}
