//! Sign-ins under way, and what must not be seen twice, in Redis.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::sso::{FlowDigest, FlowStore};
use crate::stores::codec::millis;
use crate::stores::redis::call::Call;
use crate::stores::redis::{RedisStore, Reply, part, unexpected, word};
use anyhow::Context;
use async_trait::async_trait;
use std::time::Duration;

/// How much longer Redis keeps it than it is good: a step of its clock must not end it early, and anybody may begin
/// sign-ins, so not much longer.
const SLACK: Duration = Duration::from_mins(2);

#[async_trait]
impl FlowStore for RedisStore {
    async fn keep_new(
        &self,
        under: &FlowDigest,
        text: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.keep_flow(under, text, until, now, "0").await
    }

    async fn put(
        &self,
        under: &FlowDigest,
        text: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.keep_flow(under, text, until, now, "1").await.map(drop)
    }

    async fn look(&self, under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError> {
        let mut call = Call::look(&self.scripts.look);
        call.key(self.keys.flow(under)).arg(now.millis()).arg("0");
        found(&self.link.invoke(&call).await?)
    }

    async fn take(&self, under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError> {
        let mut call = Call::write(&self.scripts.look);
        call.key(self.keys.flow(under)).arg(now.millis()).arg("1");
        found(&self.link.invoke(&call).await?)
    }
}

impl RedisStore {
    async fn keep_flow(
        &self,
        under: &FlowDigest,
        text: &str,
        until: Timestamp,
        now: Timestamp,
        whatever_was_there: &str,
    ) -> Result<bool, StoreError> {
        // Waits for replicas where that is on: a failover must not let an assertion be used again.
        let mut call = Call::write(&self.scripts.keep);
        let left = until.millis().saturating_sub(now.millis());
        call.key(self.keys.flow(under))
            .arg(now.millis())
            .arg(until.millis())
            .arg(text)
            .arg(left.saturating_add(millis(SLACK)))
            .arg(whatever_was_there);
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => Ok(true),
            b"taken" => Ok(false),
            _ => Err(unexpected(&reply)),
        }
    }
}

fn found(reply: &Reply) -> Result<Option<String>, StoreError> {
    match word(reply) {
        b"unknown" => Ok(None),
        b"found" => String::from_utf8(part(reply, 1)?.to_vec())
            .context("what was kept is damaged")
            .map(Some)
            .map_err(StoreError::corrupt),
        _ => Err(unexpected(reply)),
    }
}
