//! Secret keys of trusted authentication.

use crate::domain::administration::{Actor, AdminError, Administration, checked_text};
use crate::domain::directory::{KeyId, OrgId, SecretKey};
use crate::domain::random;
use crate::domain::session::{EndReason, RevokeScope};
use secrecy::{ExposeSecret, SecretString};

impl Administration {
    /// Makes a key, for one Org (called by number or name) or the whole server.
    ///
    pub async fn create_key(
        &self,
        label: &str,
        org: Option<&str>,
        by: &Actor,
    ) -> Result<(SecretKey, SecretString), AdminError> {
        let secret = SecretString::from(random::uuid(&*self.random).to_string());
        let key = self.add_key(label, org, &secret, by).await?;
        Ok((key, secret))
    }

    /// Every key, retired ones included, ordered by creation.
    pub async fn list_keys(&self) -> Result<Vec<SecretKey>, AdminError> {
        Ok(self.directory.list_keys().await?)
    }

    /// Retires a key and ends every token and session behind it. Doing it again is no mistake.
    pub async fn retire_key(&self, id: KeyId, by: &Actor) -> Result<(), AdminError> {
        let is_retired_now = self.directory.retire_key(id, self.clock.now()).await?;
        if !is_retired_now {
            let keys = self.directory.list_keys().await?;
            if !keys.iter().any(|key| key.id == id) {
                return Err(AdminError::missing("key", &id.to_string()));
            }
        }
        // Also when it was retired before: the revocation of that time may have failed.
        self.revoke_for(RevokeScope::Key(id), EndReason::KeyRetired, by)
            .await?;
        if is_retired_now {
            self.changed("key_retired", id.to_string(), by);
        }
        Ok(())
    }

    /// The live keys of the whole server, or of one Org, in the clear. Audited: this is a key cabinet.
    pub async fn reveal_keys(
        &self,
        org: Option<OrgId>,
        by: &Actor,
    ) -> Result<Vec<SecretString>, AdminError> {
        let mut revealed = Vec::new();
        for key in self.directory.list_keys().await? {
            if key.retired_at.is_some() || key.org != org {
                continue;
            }
            let sealed = self.directory.sealed_key(key.id).await?;
            revealed.extend(sealed.and_then(|sealed| self.sealer.unseal(&sealed)));
        }
        let target = org.map_or_else(|| "server".to_owned(), |org| format!("Org {org}"));
        self.changed("keys_shown", target, by);
        Ok(revealed)
    }

    /// Keeps a key that was drawn or given.
    pub(in crate::domain::administration) async fn add_key(
        &self,
        label: &str,
        org: Option<&str>,
        secret: &SecretString,
        by: &Actor,
    ) -> Result<SecretKey, AdminError> {
        checked_text("label", label)?;
        let org = match org {
            Some(org) => Some(self.require_org(org).await?.id),
            None => None,
        };
        let digest = self
            .keys
            .digest(secret.expose_secret())
            .ok_or_else(|| AdminError::field("secret key", "1 to 256 bytes"))?;
        let key = SecretKey {
            id: KeyId(random::uuid(&*self.random)),
            label: label.to_owned(),
            org,
            created_at: self.clock.now(),
            last_used_at: None,
            retired_at: None,
        };
        let sealed = self.sealer.seal(secret, &*self.random);
        self.directory
            .create_key(&key, &digest, sealed.as_deref())
            .await?;
        self.changed("key_created", format!("{} {label}", key.id), by);
        Ok(key)
    }
}
