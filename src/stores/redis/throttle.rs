//! Attempts to sign in, counted in Redis: a guess on one node counts on all.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::throttle::{
    Admission, Bucket, FIRST_PAUSE, FORGET_AFTER, FREE_FAILURES, LONGEST_PAUSE, ThrottleStore,
};
use crate::stores::codec::millis;
use crate::stores::redis::call::Call;
use crate::stores::redis::{RedisStore, Reply, number, unexpected, word};
use async_trait::async_trait;
use std::time::Duration;

/// How much longer Redis keeps a count than it counts.
const COUNT_SLACK: Duration = Duration::from_secs(10);

#[async_trait]
impl ThrottleStore for RedisStore {
    async fn admit(&self, bucket: &Bucket, now: Timestamp) -> Result<Admission, StoreError> {
        // Not one that waits for replicas: a failover may cost some counts, but no guess the time of one.
        let mut call = Call::look(&self.scripts.admit);
        call.key(self.keys.attempts(bucket))
            .arg(now.millis())
            .arg(FREE_FAILURES)
            .arg(millis(FIRST_PAUSE))
            .arg(millis(LONGEST_PAUSE))
            .arg(millis(FORGET_AFTER));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"admitted" => Ok(Admission::Admitted),
            b"wait" => Ok(Admission::Wait(Duration::from_millis(number(&reply, 1)?))),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn take_back(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let mut call = Call::look(&self.scripts.take_back);
        call.key(self.keys.attempts(bucket));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => Ok(()),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn count(
        &self,
        bucket: &Bucket,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut call = Call::look(&self.scripts.count);
        // Longer than the nodes' clocks differ; the next window has another bucket.
        let kept = until.since(now).saturating_add(COUNT_SLACK);
        call.key(self.keys.attempts(bucket)).arg(millis(kept));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"count" => number(&reply, 1),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn forget(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let key = self.keys.attempts(bucket);
        let mut delete = ::redis::cmd("DEL");
        delete.arg(&key);
        self.link.query(&key, &delete).await
    }
}
