//! Server secrets and saved settings in SQL: small named values.

use super::{SqlDirectory, failed, query};
use crate::domain::directory::{SavedSettings, ServerSecrets};
use crate::domain::failure::StoreError;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[async_trait]
impl ServerSecrets for SqlDirectory {
    async fn secret_or_insert(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        // Insert first, then read what is there: whoever loses a race reads the winner's value.
        query(
            "INSERT INTO server_secrets (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(STANDARD.encode(fresh))
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        let row = query("SELECT value FROM server_secrets WHERE name = $1")
            .bind(name)
            .fetch_one(&self.writer)
            .await
            .map_err(failed)?;
        let kept: &str = row.try_get("value").map_err(failed)?;
        // The decoder's own words quote the byte at fault, which is part of a secret.
        STANDARD.decode(kept).map_err(|_| {
            StoreError::corrupt(anyhow::anyhow!("the server secret {name:?} is not base64"))
        })
    }
}

#[async_trait]
impl SavedSettings for SqlDirectory {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        query("SELECT value FROM saved_settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .map(|row| row.try_get("value").map_err(failed))
            .transpose()
    }

    async fn set(&self, name: &str, value: &str) -> Result<(), StoreError> {
        query(
            "INSERT INTO saved_settings (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn replace(
        &self,
        name: &str,
        expected: Option<&str>,
        value: Option<&str>,
    ) -> Result<bool, StoreError> {
        let statement = match (expected, value) {
            (None, None) => return Ok(self.get(name).await?.is_none()),
            (None, Some(value)) => query(
                "INSERT INTO saved_settings (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO NOTHING",
            )
            .bind(name)
            .bind(value),
            (Some(expected), Some(value)) => {
                query("UPDATE saved_settings SET value = $2 WHERE name = $1 AND value = $3")
                    .bind(name)
                    .bind(value)
                    .bind(expected)
            }
            (Some(expected), None) => {
                query("DELETE FROM saved_settings WHERE name = $1 AND value = $2")
                    .bind(name)
                    .bind(expected)
            }
        };
        let done = statement.execute(&self.writer).await.map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }
}
