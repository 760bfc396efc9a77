//! Secret keys in SQL, found by their keyed digest.

use super::members::require_org;
use super::memory::recall;
use super::rows::{self, millis};
use super::{SqlDirectory, failed, query, quietly};
use crate::domain::authn::KeyDigest;
use crate::domain::clock::Timestamp;
use crate::domain::directory::{DirectoryError, KeyId, Keys, SecretKey};
use crate::domain::failure::StoreError;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dashmap::mapref::entry::Entry;
use std::time::Duration;

/// How often at most one key's use is written.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

macro_rules! select_keys {
    ($tail:literal) => {
        concat!(
            "SELECT id, label, org_id, created_at, last_used_at, retired_at FROM secret_keys ",
            $tail
        )
    };
}

#[async_trait]
impl Keys for SqlDirectory {
    async fn find_key(&self, digest: &KeyDigest) -> Result<Option<SecretKey>, StoreError> {
        let ask = async {
            query(select_keys!("WHERE digest = $1 AND retired_at IS NULL"))
                .bind(STANDARD.encode(digest.0))
                .fetch_optional(&self.reader)
                .await
                .map_err(failed)?
                .as_ref()
                .map(rows::key)
                .transpose()
        };
        recall(self.memory.as_ref(), |memory| &memory.keys, *digest, ask).await
    }

    async fn list_keys(&self) -> Result<Vec<SecretKey>, StoreError> {
        query(select_keys!("ORDER BY created_at, id"))
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?
            .iter()
            .map(rows::key)
            .collect()
    }

    async fn create_key(
        &self,
        key: &SecretKey,
        digest: &KeyDigest,
        sealed: Option<&str>,
    ) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if let Some(org) = key.org {
            require_org(&mut tx, org).await?;
        }
        let done = query(
            "INSERT INTO secret_keys
                 (id, digest, label, org_id, created_at, last_used_at, retired_at, sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(key.id.to_string())
        .bind(STANDARD.encode(digest.0))
        .bind(key.label.as_str())
        .bind(key.org.map(|org| org.0))
        .bind(millis(key.created_at))
        .bind(key.last_used_at.map(millis))
        .bind(key.retired_at.map(millis))
        .bind(sealed)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        if done.rows_affected() == 0 {
            return Err(DirectoryError::Exists {
                what: "secret key",
                name: key.label.clone(),
            });
        }
        tx.commit().await.map_err(failed)?;
        Ok(())
    }

    async fn sealed_key(&self, id: KeyId) -> Result<Option<String>, StoreError> {
        let row = query("SELECT sealed FROM secret_keys WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?;
        match row {
            Some(row) => row.try_get("sealed").map_err(failed),
            None => Ok(None),
        }
    }

    async fn retire_key(&self, id: KeyId, at: Timestamp) -> Result<bool, StoreError> {
        let done =
            query("UPDATE secret_keys SET retired_at = $2 WHERE id = $1 AND retired_at IS NULL")
                .bind(id.to_string())
                .bind(millis(at))
                .execute(&self.writer)
                .await
                .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn touch_key(&self, id: KeyId, at: Timestamp) -> Result<(), StoreError> {
        if !self.claim_touch(id, at) {
            return Ok(());
        }
        // Other nodes touch the same key: its last use never moves back.
        let touched = query(
            "UPDATE secret_keys SET last_used_at = $2
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        )
        .bind(id.to_string())
        .bind(millis(at))
        .execute(&self.writer)
        .await
        .map(drop)
        .map_err(|error| {
            self.key_uses.remove(&id);
            failed(error)
        });
        quietly(touched, ())
    }
}

impl SqlDirectory {
    /// Whether this use is to be written; of many at once, only one is told so.
    fn claim_touch(&self, id: KeyId, at: Timestamp) -> bool {
        match self.key_uses.entry(id) {
            Entry::Occupied(mut seen) => {
                let is_due = at.since(*seen.get()) >= TOUCH_EVERY;
                if is_due {
                    seen.insert(at);
                }
                is_due
            }
            Entry::Vacant(unseen) => {
                unseen.insert(at);
                true
            }
        }
    }
}
