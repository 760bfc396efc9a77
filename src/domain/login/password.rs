//! Proving a password for something other than a session: a token, a new password.

use crate::domain::audit::{Act, AuditEvent, Client, Refusal};
use crate::domain::authn::Authenticated;
use crate::domain::login::verify::Realm;
use crate::domain::login::{AGENT_CHARS, Login, LoginError};
use secrecy::SecretString;

impl Login {
    /// Says that a password is right, for a token to be minted on it; a refusal is audited as one of a token.
    pub async fn vouch(
        &self,
        username: &str,
        password: &SecretString,
        client: &Client,
    ) -> Result<Authenticated, LoginError> {
        let refused = |why| Act::TokenRefused { why };
        self.prove(username, password, client, refused).await
    }

    /// Says that a password is right, so that its owner may set another.
    pub async fn confirm_password(
        &self,
        username: &str,
        password: &SecretString,
        client: &Client,
    ) -> Result<Authenticated, LoginError> {
        let refused = |why| Act::PasswordRefused { why };
        self.prove(username, password, client, refused).await
    }

    /// Throttled as a login is, and refused in the same words.
    async fn prove(
        &self,
        username: &str,
        password: &SecretString,
        client: &Client,
        refused: fn(Refusal) -> Act,
    ) -> Result<Authenticated, LoginError> {
        let realm = Realm::Everybody;
        let result = self
            .verify_password(username, password, realm, client)
            .await;
        if let Err(error) = &result {
            self.audit.record(AuditEvent {
                at: self.clock.now(),
                act: refused(error.refusal()),
                user_id: None,
                user_name: Some(username.chars().take(AGENT_CHARS).collect()),
                client: client.clone(),
            });
        }
        result
    }
}
