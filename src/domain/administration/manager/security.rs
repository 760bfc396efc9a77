//! Origins, redirects and trusted authentication: for administrators of the server.

use crate::domain::administration::manager::Manager;
use crate::domain::administration::{AdminError, SecuritySettings, TrustedStatus};

impl Manager<'_> {
    /// What was saved last.
    pub async fn security_settings(&self) -> Result<SecuritySettings, AdminError> {
        self.scope.require_server()?;
        self.administration.security_settings().await
    }

    /// Saves security settings, over those saved before. The lists must be normal.
    pub async fn save_security_settings(
        &self,
        settings: &SecuritySettings,
    ) -> Result<(), AdminError> {
        self.scope.require_server()?;
        self.administration
            .save_security_settings(settings, &self.by)
            .await
    }

    /// What of trusted authentication is switched off.
    pub async fn trusted_status(&self) -> Result<TrustedStatus, AdminError> {
        self.scope.require_server()?;
        self.administration.trusted_status().await
    }

    /// Switches trusted authentication for the whole server or for one Org's own keys.
    pub async fn switch_trusted(
        &self,
        org: Option<&str>,
        is_on: bool,
    ) -> Result<TrustedStatus, AdminError> {
        self.scope.require_server()?;
        let org = match org {
            Some(called) => Some(self.administration.require_org(called).await?.id),
            None => None,
        };
        self.administration
            .switch_trusted(org, is_on, &self.by)
            .await
    }

    /// Notes that password hashing is measured on that node, which takes some of everybody's time.
    pub fn measures_hashing(&self, node: &str) -> Result<(), AdminError> {
        self.scope.require_server()?;
        self.administration
            .changed("hashing_measured", node, &self.by);
        Ok(())
    }

    /// Forgets which identity provider signed that user in, and whom there. For administrators of the server: the
    /// next person of any provider who comes by that name has the account. False when there was nothing to forget.
    pub async fn release_user(&self, called: &str) -> Result<bool, AdminError> {
        self.scope.require_server()?;
        let (details, _) = self.user_details(called).await?;
        let name = details.user.name;
        let (_, was_bound) = self.administration.release_user(&name, &self.by).await?;
        Ok(was_bound)
    }
}
