//! Tokens in Redis.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::session::UserTag;
use crate::domain::token::{
    EndedFamily, Family, FoundToken, Presented, Putting, SUPERSEDED_GRACE, Spending, TokenDigest,
    TokenRecord, TokenStore,
};
use crate::stores::codec::{
    REMEMBERED_FOR, VERSION, decode_token, encode_token, millis, note_later_version,
};
use crate::stores::redis::call::Call;
use crate::stores::redis::epochs::bites;
use crate::stores::redis::keys::hex;
use crate::stores::redis::{RedisStore, Reply, number, part, unexpected, word};
use anyhow::anyhow;
use async_trait::async_trait;
use futures_util::future::try_join;

/// How often a token that supersedes another may find a third in between.
const TURNS: usize = 8;

#[async_trait]
impl TokenStore for RedisStore {
    async fn put_for(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        supersedes: bool,
        presented: Presented,
    ) -> Result<Putting, StoreError> {
        let put = || self.bounded(self.put_once(digest, record, supersedes, presented));
        let full = match put().await? {
            full @ Putting::TooMany(_) => full,
            done => return Ok(done),
        };
        if self.sweep_own(record.user_tag, record.created_at()).await? {
            return put().await;
        }
        Ok(full)
    }

    async fn find(&self, digest: &TokenDigest, now: Timestamp) -> Result<FoundToken, StoreError> {
        self.bounded(async {
            let mut call = Call::look(&self.scripts.find_token);
            self.token_keys(digest, now, &mut call);
            let (reply, epochs): (Reply, _) =
                try_join(self.link.invoke(&call), self.epochs()).await?;
            match word(&reply) {
                b"live" => {
                    let mut record = decode_token(part(&reply, 1)?)?;
                    record.expires_at = Timestamp::from_millis(number(&reply, 2)?);
                    let is_revoked = match epochs {
                        Some(epochs) => {
                            epochs.revoke(&record)? || self.is_user_revoked(&record).await?
                        }
                        None => false,
                    };
                    Ok(if is_revoked {
                        FoundToken::Dead
                    } else {
                        FoundToken::Live(Box::new(record))
                    })
                }
                b"dead" => Ok(FoundToken::Dead),
                b"unknown" => Ok(FoundToken::Unknown),
                b"version" => {
                    note_later_version();
                    Ok(FoundToken::Unknown)
                }
                _ => Err(unexpected(&reply)),
            }
        })
        .await
    }

    async fn spend(&self, digest: &TokenDigest, now: Timestamp) -> Result<Spending, StoreError> {
        self.bounded(async {
            // Epochs the script cannot see are asked first: a call that fails on them has used nothing up.
            if self.link.is_split() && !matches!(self.find(digest, now).await?, FoundToken::Live(_))
            {
                return Ok(Spending::NotGood);
            }
            let mut call = Call::write(&self.scripts.spend_token);
            self.token_keys(digest, now, &mut call);
            let reply: Reply = self.link.invoke(&call).await?;
            match word(&reply) {
                b"first" => Ok(Spending::First),
                b"again" => Ok(Spending::Again),
                b"dead" | b"unknown" | b"version" => Ok(Spending::NotGood),
                _ => Err(unexpected(&reply)),
            }
        })
        .await
    }

    async fn list_own(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Result<Vec<(TokenDigest, TokenRecord)>, StoreError> {
        let mut live = Vec::new();
        for (digest, found) in self.look_at_own(tag, now).await? {
            match found {
                Ok(FoundToken::Live(record)) => live.push((digest, *record)),
                // One that cannot be read must not hide the others.
                Ok(FoundToken::Dead | FoundToken::Unknown) | Err(StoreError::Corrupt(_)) => {}
                Err(away) => return Err(away),
            }
        }
        Ok(live)
    }

    async fn end_families(
        &self,
        tag: UserTag,
        families: &[EndedFamily],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.mark_ended(tag, families, now).await
    }

    async fn has_ended(
        &self,
        tag: UserTag,
        family: Family,
        presented: Presented,
    ) -> Result<bool, StoreError> {
        self.is_marked(tag, family, presented).await
    }

    async fn revoke_token(&self, digest: &TokenDigest) -> Result<bool, StoreError> {
        let mut call = Call::write(&self.scripts.revoke_token);
        call.key(self.keys.token(digest));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => {
                self.unlist(digest, &reply).await;
                Ok(true)
            }
            b"unknown" => Ok(false),
            _ => Err(unexpected(&reply)),
        }
    }
}

impl RedisStore {
    /// Puts a token and, where its owner minted it, lists it: it counts only when all steps are done.
    async fn put_once(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        supersedes: bool,
        presented: Presented,
    ) -> Result<Putting, StoreError> {
        let latest = record
            .key
            .filter(|_| supersedes)
            .map(|key| self.keys.latest(key));
        let family = record.family();
        let mut call = Call::write(&self.scripts.put_token);
        call.key(self.keys.token(digest));
        if let Some(latest) = latest.clone().filter(|_| !self.link.is_split()) {
            call.key(latest);
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
            .arg(format!("{}t:", self.keys.prefix()))
            .arg(family.map(|family| family.to_string()).unwrap_or_default());
        let reply: Reply = self.link.invoke(&call).await?;
        match (word(&reply), latest) {
            (b"done", Some(latest)) if self.link.is_split() => {
                self.supersede(digest, record, &latest).await?;
            }
            (b"done", _) => {}
            _ => return Err(unexpected(&reply)),
        }
        match family {
            Some(family) => self.list_as_own(digest, record, family, presented).await,
            None => Ok(Putting::Stands),
        }
    }

    /// What find and spend have in common. Split, the script sees the token's slot only.
    fn token_keys(&self, digest: &TokenDigest, now: Timestamp, call: &mut Call<'_>) {
        let (epochs, users) = if self.link.is_split() {
            (self.keys.no_epochs_beside(digest), String::new())
        } else {
            (self.keys.epochs(), format!("{}u:", self.keys.prefix()))
        };
        call.key(self.keys.token(digest))
            .key(epochs)
            .arg(VERSION)
            .arg(now.millis())
            .arg(users);
    }

    async fn is_user_revoked(&self, record: &TokenRecord) -> Result<bool, StoreError> {
        let key = self.keys.user_epoch(record.user_tag);
        let mut get = ::redis::cmd("GET");
        get.arg(&key);
        let epoch: Option<Vec<u8>> = self.link.query(&key, &get).await?;
        epoch.map_or(Ok(false), |epoch| bites(&epoch, record.minted_at))
    }

    /// Across slots: the one before is shortened before it is forgotten, so a step that fails leaves none behind
    /// that lives on, and its caller is not told that the new one counts.
    async fn supersede(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        latest: &str,
    ) -> Result<(), StoreError> {
        let own = hex(&digest.0);
        let stays = record
            .expires_at
            .millis()
            .saturating_sub(record.minted_at.millis())
            + millis(REMEMBERED_FOR);
        let mut get = ::redis::cmd("GET");
        get.arg(latest);
        for _ in 0..TURNS {
            let before: Option<String> = self.link.query(latest, &get).await?;
            let before = before.unwrap_or_default();
            if !before.is_empty() {
                let mut shorten = Call::write(&self.scripts.shorten_token);
                shorten
                    .key(format!("{}t:{before}", self.keys.prefix()))
                    .arg(record.minted_at.millis())
                    .arg(millis(SUPERSEDED_GRACE))
                    .arg(millis(REMEMBERED_FOR));
                self.link.invoke::<Reply>(&shorten).await?;
            }
            let mut swap = Call::write(&self.scripts.swap_latest);
            swap.key(latest).arg(&before).arg(&own).arg(stays);
            let reply: Reply = self.link.invoke(&swap).await?;
            match word(&reply) {
                b"done" => return Ok(()),
                b"other" => {}
                _ => return Err(unexpected(&reply)),
            }
        }
        Err(StoreError::unavailable(anyhow!(
            "many tokens are minted with one key at the same moment"
        )))
    }
}
