//! API tokens in SQL, found by their keyed digest.

use super::engine::Conn;
use super::rows::{self, millis};
use super::{SqlDirectory, failed, query};
use crate::domain::authn::KeyDigest;
use crate::domain::directory::{ApiToken, ApiTokens, DirectoryError, UserId};
use crate::domain::failure::StoreError;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

macro_rules! select_tokens {
    ($tail:literal) => {
        concat!(
            "SELECT id, user_id, created_at, expires_at FROM api_tokens ",
            $tail
        )
    };
}

#[async_trait]
impl ApiTokens for SqlDirectory {
    async fn find_api_token(&self, digest: &KeyDigest) -> Result<Option<ApiToken>, StoreError> {
        query(select_tokens!("WHERE digest = $1"))
            .bind(STANDARD.encode(digest.0))
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::api_token)
            .transpose()
    }

    async fn api_token_of(&self, user: UserId) -> Result<Option<ApiToken>, StoreError> {
        query(select_tokens!("WHERE user_id = $1"))
            .bind(user.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::api_token)
            .transpose()
    }

    async fn replace_api_token(
        &self,
        token: &ApiToken,
        digest: &KeyDigest,
    ) -> Result<Option<ApiToken>, DirectoryError> {
        let mut tx = self.begin().await?;
        let owner = query("SELECT id FROM users WHERE id = $1")
            .bind(token.user.to_string())
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed)?;
        if owner.is_none() {
            return Err(DirectoryError::Missing {
                what: "user",
                name: token.user.to_string(),
            });
        }
        let before = take(&mut tx, token.user).await?;
        query(
            "INSERT INTO api_tokens (user_id, id, digest, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(token.user.to_string())
        .bind(token.id.to_string())
        .bind(STANDARD.encode(digest.0))
        .bind(millis(token.created_at))
        .bind(millis(token.expires_at))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(before)
    }

    async fn delete_api_tokens(&self) -> Result<(), StoreError> {
        // Where there are none, ending everybody's sessions takes no write, which may be impossible just now.
        let any = query("SELECT id FROM api_tokens LIMIT 1").fetch_optional(&self.reader);
        if any.await.map_err(failed)?.is_none() {
            return Ok(());
        }
        query("DELETE FROM api_tokens")
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn delete_api_token(&self, user: UserId) -> Result<Option<ApiToken>, StoreError> {
        // Most users have none, and most revocations are of such users.
        if self.api_token_of(user).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let before = take(&mut tx, user).await?;
        tx.commit().await.map_err(failed)?;
        Ok(before)
    }
}

/// Takes the user's token out.
async fn take(conn: &mut Conn, user: UserId) -> Result<Option<ApiToken>, StoreError> {
    let row = query(select_tokens!("WHERE user_id = $1"))
        .bind(user.to_string())
        .fetch_optional(&mut *conn)
        .await
        .map_err(failed)?;
    query("DELETE FROM api_tokens WHERE user_id = $1")
        .bind(user.to_string())
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(rows::api_token).transpose()
}
