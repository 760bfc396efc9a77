//! Proving a password for something other than a session: changing it.

use crate::domain::audit::{Act, AuditEvent, Client};
use crate::domain::authn::Authenticated;
use crate::domain::login::verify::Realm;
use crate::domain::login::{AGENT_CHARS, Login, LoginError};
use secrecy::SecretString;

impl Login {
    /// Says that a password is right, so that its owner may set another: throttled as a login is, and
    /// refused in the same words.
    pub async fn confirm_password(
        &self,
        username: &str,
        password: &SecretString,
        client: &Client,
    ) -> Result<Authenticated, LoginError> {
        let realm = Realm::Everybody;
        let result = self
            .verify_password(username, password, realm, client)
            .await;
        if let Err(error) = &result {
            self.audit.record(AuditEvent {
                at: self.clock.now(),
                act: Act::PasswordRefused {
                    why: error.refusal(),
                },
                user_id: None,
                user_name: Some(username.chars().take(AGENT_CHARS).collect()),
                client: client.clone(),
            });
        }
        result
    }
}
