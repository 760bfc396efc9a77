//! Revocation epochs in Redis.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, Revocations, RevokeScope};
use crate::stores::codec::millis;
use crate::stores::redis::call::Call;
use crate::stores::redis::keys::{ALL, EPOCH_KEPT, key_field, org_field};
use crate::stores::redis::{RedisStore, Reply, unexpected, word};
use async_trait::async_trait;

#[async_trait]
impl Revocations for RedisStore {
    async fn revoke_for(
        &self,
        scope: RevokeScope,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, field) = match scope {
            RevokeScope::User(_, tag) => (self.keys.user_epoch(tag), String::new()),
            RevokeScope::Org(org) => (self.keys.epochs(), org_field(org)),
            RevokeScope::Key(key) => (self.keys.epochs(), key_field(key)),
            RevokeScope::All => (self.keys.epochs(), ALL.to_owned()),
        };
        let mut call = Call::write(&self.scripts.revoke);
        call.key(key)
            .arg(at.millis())
            .arg(field)
            .arg(millis(EPOCH_KEPT))
            .arg(reason.as_str())
            .arg(self.keys.changes());
        let reply = self.link.invoke::<Reply>(&call).await;
        // However that ended: it may have been done.
        if let Some(cache) = &self.cache {
            cache.forget_all();
        }
        let reply = reply?;
        match word(&reply) {
            b"done" => Ok(()),
            _ => Err(unexpected(&reply)),
        }
    }
}
