//! Attempts to sign in, counted in this process and forgotten with it: for a node that shares its sessions with no other.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::throttle::{Admission, Bucket, FORGET_AFTER, ThrottleStore, Tries};
use async_trait::async_trait;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most buckets kept, about 8 MiB of them.
const MOST: usize = 100_000;

/// Attempts by bucket.
#[derive(Debug)]
pub struct AttemptCounts {
    most: usize,
    buckets: Mutex<HashMap<Bucket, Tries>>,
    counts: Mutex<Counts>,
}

/// Counts that start anew together.
#[derive(Debug, Default)]
struct Counts {
    until: Timestamp,
    by_bucket: HashMap<Bucket, u64>,
}

impl Default for AttemptCounts {
    fn default() -> Self {
        Self::bounded(MOST)
    }
}

impl AttemptCounts {
    /// None yet, and never more buckets than `most`.
    pub fn bounded(most: usize) -> Self {
        Self {
            most,
            buckets: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// How many buckets are kept.
    pub fn held(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bucket, Tries>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has lapsed goes; if that is not enough, the older half does: forgetting all would let a flood
/// of made-up names wipe the counts of the attack it hides.
fn make_room(buckets: &mut HashMap<Bucket, Tries>, most: usize, now: Timestamp) {
    buckets.retain(|_, tries| now.since(tries.last) <= FORGET_AFTER);
    if buckets.len() < most {
        return;
    }
    let mut ages: Vec<_> = buckets
        .iter()
        .map(|(of, tries)| (tries.last, *of))
        .collect();
    let middle = ages.len() / 2;
    ages.select_nth_unstable_by_key(middle, |(last, _)| *last);
    for (_, bucket) in &ages[..=middle.min(ages.len() - 1)] {
        buckets.remove(bucket);
    }
}

#[async_trait]
impl ThrottleStore for AttemptCounts {
    async fn admit(&self, bucket: &Bucket, now: Timestamp) -> Result<Admission, StoreError> {
        let mut buckets = self.lock();
        if buckets.len() >= self.most && !buckets.contains_key(bucket) {
            make_room(&mut buckets, self.most, now);
        }
        let before = buckets.get(bucket).copied();
        Ok(match Tries::admit(before, now) {
            Ok(tries) => {
                buckets.insert(*bucket, tries);
                Admission::Admitted
            }
            Err(pause) => Admission::Wait(pause),
        })
    }

    async fn take_back(&self, bucket: &Bucket) -> Result<(), StoreError> {
        if let Entry::Occupied(mut entry) = self.lock().entry(*bucket) {
            let tries = entry.get_mut();
            tries.count = tries.count.saturating_sub(1);
            if tries.count == 0 {
                entry.remove();
            }
        }
        Ok(())
    }

    async fn count(
        &self,
        bucket: &Bucket,
        until: Timestamp,
        _: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.until < until {
            *counts = Counts {
                until,
                by_bucket: HashMap::new(),
            };
        }
        // So many addresses in so short a time are a flood: whoever is new in it waits for the next count.
        if counts.by_bucket.len() >= self.most && !counts.by_bucket.contains_key(bucket) {
            return Ok(u64::MAX);
        }
        let count = counts.by_bucket.entry(*bucket).or_default();
        *count += 1;
        Ok(*count)
    }

    async fn forget(&self, bucket: &Bucket) -> Result<(), StoreError> {
        self.lock().remove(bucket);
        Ok(())
    }
}
