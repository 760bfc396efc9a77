//! API tokens as the directory keeps them: whose, until when, and never the token itself.

use crate::domain::authn::KeyDigest;
use crate::domain::clock::Timestamp;
use crate::domain::directory::{DirectoryError, KeyId, UserId};
use crate::domain::failure::StoreError;
use async_trait::async_trait;

/// An API token. The token itself is not here: only its digest is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, which may be logged; sessions it opens carry it as their key.
    pub id: KeyId,
    /// Whom it signs in.
    pub user: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// API tokens, at most one a user.
#[async_trait]
pub trait ApiTokens: std::fmt::Debug + Send + Sync {
    /// The token with that digest, expired or not.
    async fn find_api_token(&self, digest: &KeyDigest) -> Result<Option<ApiToken>, StoreError>;
    /// The user's token, expired or not.
    async fn api_token_of(&self, user: UserId) -> Result<Option<ApiToken>, StoreError>;
    /// Keeps a token in place of the user's one before, which is given back.
    async fn replace_api_token(
        &self,
        token: &ApiToken,
        digest: &KeyDigest,
    ) -> Result<Option<ApiToken>, DirectoryError>;
    /// Forgets the user's token and gives it back.
    async fn delete_api_token(&self, user: UserId) -> Result<Option<ApiToken>, StoreError>;
    /// Forgets everybody's.
    async fn delete_api_tokens(&self) -> Result<(), StoreError>;
}
