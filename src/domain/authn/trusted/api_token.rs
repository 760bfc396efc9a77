//! API tokens: a long-lived stand-in for one user's password, for programs. Only its digest is kept.

use crate::domain::authn::Authenticated;
use crate::domain::authn::trusted::{RedeemError, TrustedAuth};
use crate::domain::directory::AccountStatus;
use crate::domain::random;
use crate::domain::random::Random;
use crate::domain::session::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

/// A fresh API token: 256 random bits in 43 URL-safe characters.
pub fn fresh_api_token(random: &dyn Random) -> SecretString {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random::bytes(random));
    SecretString::from(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

impl TrustedAuth {
    /// Authenticates by API token. What it opens can be ended with it: the token's id is the session's key.
    pub(in crate::domain) async fn by_api_token(
        &self,
        text: &str,
    ) -> Result<Authenticated, RedeemError> {
        let began_at = self.clock.now();
        let digest = self
            .keys
            .api_token_digest(text)
            .ok_or(RedeemError::Unknown)?;
        let token = self.directory.find_api_token(&digest).await?;
        let token = token.ok_or(RedeemError::Unknown)?;
        if began_at > token.expires_at {
            return Err(RedeemError::Dead);
        }
        let user = self
            .directory
            .find_user_by_id(token.user)
            .await?
            .filter(|user| user.status == AccountStatus::Active)
            .ok_or(RedeemError::Dead)?;
        Ok(Authenticated::by(
            Method::ApiToken,
            user,
            Some(token.id),
            began_at,
        ))
    }
}
