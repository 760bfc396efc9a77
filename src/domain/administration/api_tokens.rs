//! API tokens: one a user; a new one replaces the old, and what goes ends every session it opened.

use crate::domain::administration::{Actor, AdminError, Administration};
use crate::domain::authn::fresh_api_token;
use crate::domain::directory::{ApiToken, KeyId, UserId};
use crate::domain::random;
use crate::domain::session::{EndReason, RevokeScope};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

impl Administration {
    /// Makes a token for the user, in place of any before; this is the only time it is told.
    pub async fn create_api_token(
        &self,
        user: UserId,
        lifetime: Duration,
        by: &Actor,
    ) -> Result<(ApiToken, SecretString), AdminError> {
        let at = self.clock.now();
        let text = fresh_api_token(&*self.random);
        let digest = self
            .keys
            .api_token_digest(text.expose_secret())
            .ok_or_else(|| AdminError::Hasher("no digest of an API token".to_owned()))?;
        let token = ApiToken {
            id: KeyId(random::uuid(&*self.random)),
            user,
            created_at: at,
            expires_at: at.plus(lifetime),
        };
        // First as well: done again after a failure, the one before would no longer be known.
        if let Some(before) = self.directory.api_token_of(user).await? {
            self.revoke_ahead(RevokeScope::Key(before.id), by).await?;
        }
        let before = self.directory.replace_api_token(&token, &digest).await?;
        if let Some(before) = before {
            self.end_behind(&before, by).await?;
        }
        self.changed("api_token_created", user.to_string(), by);
        Ok((token, text))
    }

    /// The user's token, if there is one that is still good.
    pub async fn api_token_of(&self, user: UserId) -> Result<Option<ApiToken>, AdminError> {
        let token = self.directory.api_token_of(user).await?;
        Ok(token.filter(|token| self.clock.now() <= token.expires_at))
    }

    /// Ends the user's token and every session it opened; false when there was none.
    pub async fn delete_api_token(&self, user: UserId, by: &Actor) -> Result<bool, AdminError> {
        if let Some(token) = self.directory.api_token_of(user).await? {
            self.revoke_ahead(RevokeScope::Key(token.id), by).await?;
        }
        let Some(token) = self.directory.delete_api_token(user).await? else {
            return Ok(false);
        };
        self.end_behind(&token, by).await?;
        self.changed("api_token_deleted", user.to_string(), by);
        Ok(true)
    }

    async fn end_behind(&self, token: &ApiToken, by: &Actor) -> Result<(), AdminError> {
        self.revoke_for(RevokeScope::Key(token.id), EndReason::KeyRetired, by)
            .await
    }
}
