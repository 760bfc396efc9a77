//! Where attempts are counted: what a store has to do for [`Throttle`](crate::domain::throttle::Throttle).

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::throttle::Bucket;
use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// Not for that long.
    Wait(Duration),
}

/// Where attempts are counted. What is kept may lapse [`FORGET_AFTER`](crate::domain::throttle::FORGET_AFTER) its last change.
#[async_trait]
pub trait ThrottleStore: fmt::Debug + Send + Sync {
    /// Applies [`Tries::admit`](crate::domain::throttle::Tries::admit), in one step however many ask at once on however many nodes.
    async fn admit(&self, bucket: &Bucket, now: Timestamp) -> Result<Admission, StoreError>;

    /// Takes one attempt back, if any is remembered.
    async fn take_back(&self, bucket: &Bucket) -> Result<(), StoreError>;

    /// Counts one more in the bucket, in one step on all nodes; says how many there are with it. What is kept of it may
    /// lapse after `until`, of which all buckets at a time have the same.
    async fn count(
        &self,
        bucket: &Bucket,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Forgets every attempt of the bucket.
    async fn forget(&self, bucket: &Bucket) -> Result<(), StoreError>;
}
