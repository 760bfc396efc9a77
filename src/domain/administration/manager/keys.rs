//! Secret keys, within a scope: whoever holds one signs in as anybody it is good for, so only administrators of
//! the server deal with them.

use crate::domain::administration::AdminError;
use crate::domain::administration::manager::Manager;
use crate::domain::directory::SecretKey;
use secrecy::SecretString;

impl Manager<'_> {
    /// Every key, retired ones included, ordered by creation.
    pub async fn list_keys(&self) -> Result<Vec<SecretKey>, AdminError> {
        self.scope.require_server()?;
        self.administration.list_keys().await
    }

    /// Makes a key, for one Org or the whole server; this is the only time it is told.
    pub async fn create_key(
        &self,
        label: &str,
        org: Option<&str>,
    ) -> Result<(SecretKey, SecretString), AdminError> {
        self.scope.require_server()?;
        self.administration.create_key(label, org, &self.by).await
    }

    /// Retires a key and ends every token and session behind it.
    pub async fn retire_key(&self, id: &str) -> Result<(), AdminError> {
        self.scope.require_server()?;
        let id = self.administration.key_called(id).await?;
        self.administration.retire_key(id, &self.by).await
    }
}
