//! Tokens in Redis.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::token::{
    FoundToken, SUPERSEDED_GRACE, Spending, TokenDigest, TokenRecord, TokenStore,
};
use crate::stores::codec::{
    REMEMBERED_FOR, VERSION, decode_token, encode_token, millis, note_later_version,
};
use crate::stores::redis::keys::hex;
use crate::stores::redis::{RedisStore, Reply, number, part, unexpected, word};
use async_trait::async_trait;

#[async_trait]
impl TokenStore for RedisStore {
    async fn put(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        supersedes: bool,
    ) -> Result<(), StoreError> {
        let mut call = self.scripts.put_token.prepare_invoke();
        call.key(self.keys.token(digest));
        if let Some(key) = record.key.filter(|_| supersedes) {
            call.key(self.keys.latest(key));
        }
        call.arg(hex(&digest.0))
            .arg(VERSION)
            .arg(encode_token(record)?)
            .arg(record.minted_at.millis())
            .arg(record.expires_at.millis())
            .arg(record.user_tag.to_text())
            .arg(record.org.0)
            .arg(record.key.map(|key| key.to_string()).unwrap_or_default())
            .arg(millis(REMEMBERED_FOR))
            .arg(millis(SUPERSEDED_GRACE))
            .arg(format!("{}t:", self.keys.prefix()));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => Ok(()),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn find(&self, digest: &TokenDigest, now: Timestamp) -> Result<FoundToken, StoreError> {
        let mut call = self.scripts.find_token.prepare_invoke();
        call.key(self.keys.token(digest))
            .key(self.keys.epochs())
            .arg(VERSION)
            .arg(now.millis())
            .arg(format!("{}u:", self.keys.prefix()));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"live" => {
                let mut record = decode_token(part(&reply, 1)?)?;
                record.expires_at = Timestamp::from_millis(number(&reply, 2)?);
                Ok(FoundToken::Live(Box::new(record)))
            }
            b"dead" => Ok(FoundToken::Dead),
            b"unknown" => Ok(FoundToken::Unknown),
            b"version" => {
                note_later_version();
                Ok(FoundToken::Unknown)
            }
            _ => Err(unexpected(&reply)),
        }
    }

    async fn spend(&self, digest: &TokenDigest, now: Timestamp) -> Result<Spending, StoreError> {
        let mut call = self.scripts.spend_token.prepare_invoke();
        call.key(self.keys.token(digest))
            .key(self.keys.epochs())
            .arg(VERSION)
            .arg(now.millis())
            .arg(format!("{}u:", self.keys.prefix()));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"first" => Ok(Spending::First),
            b"again" => Ok(Spending::Again),
            b"dead" | b"unknown" | b"version" => Ok(Spending::NotGood),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn revoke_token(&self, digest: &TokenDigest) -> Result<bool, StoreError> {
        let mut call = self.scripts.revoke_token.prepare_invoke();
        call.key(self.keys.token(digest));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => Ok(true),
            b"unknown" => Ok(false),
            _ => Err(unexpected(&reply)),
        }
    }
}
