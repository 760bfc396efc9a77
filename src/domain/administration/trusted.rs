//! Trusted authentication on and off while the server runs, for the whole server and for single Orgs.

use crate::domain::administration::{Actor, AdminError, Administration};
use crate::domain::directory::{OrgId, SavedSettings};
use crate::domain::failure::StoreError;
use std::collections::BTreeSet;

/// Where the switches are saved.
const SAVED: &str = "trusted_auth";
const SERVER_OFF: &str = "server=off";
const ORG_OFF: &str = "org=";

/// What is switched off. The settings' own `trusted_auth.enabled = false` stands above all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedStatus {
    /// No key mints anything.
    pub is_server_off: bool,
    /// Orgs whose own keys mint nothing.
    pub orgs_off: BTreeSet<OrgId>,
}

impl TrustedStatus {
    /// The switches as they were saved last.
    pub async fn load(saved: &dyn SavedSettings) -> Result<Self, StoreError> {
        let text = saved.get(SAVED).await?.unwrap_or_default();
        Ok(Self {
            is_server_off: text.lines().any(|line| line == SERVER_OFF),
            orgs_off: text
                .lines()
                .filter_map(|line| line.strip_prefix(ORG_OFF)?.parse().ok().map(OrgId))
                .collect(),
        })
    }

    fn text(&self) -> String {
        let server = self.is_server_off.then(|| SERVER_OFF.to_owned());
        let orgs = self.orgs_off.iter().map(|org| format!("{ORG_OFF}{org}"));
        server
            .into_iter()
            .chain(orgs)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Administration {
    /// Switches trusted authentication for the whole server (`org` none) or for one Org's own keys.
    ///
    /// Off: keys mint nothing from now on; what they minted lives to its end unless the key is retired.
    /// On: the keys there are work again, and where there is none a key is made.
    pub async fn switch_trusted(
        &self,
        org: Option<OrgId>,
        is_on: bool,
        by: &Actor,
    ) -> Result<TrustedStatus, AdminError> {
        let mut status = self.trusted_status().await?;
        match org {
            None => status.is_server_off = !is_on,
            Some(org) if is_on => {
                status.orgs_off.remove(&org);
            }
            Some(org) => {
                status.orgs_off.insert(org);
            }
        }
        if is_on {
            self.ensure_key(org, by).await?;
        }
        self.directory.set(SAVED, &status.text()).await?;
        let what = if is_on {
            "trusted_auth_enabled"
        } else {
            "trusted_auth_disabled"
        };
        let target = org.map_or_else(|| "server".to_owned(), |org| format!("Org {org}"));
        self.changed(what, target, by);
        Ok(status)
    }

    /// What is switched off.
    pub async fn trusted_status(&self) -> Result<TrustedStatus, AdminError> {
        let saved: &dyn SavedSettings = &*self.directory;
        Ok(TrustedStatus::load(saved).await?)
    }

    async fn ensure_key(&self, org: Option<OrgId>, by: &Actor) -> Result<(), AdminError> {
        let keys = self.directory.list_keys().await?;
        let has_key = keys
            .iter()
            .any(|key| key.retired_at.is_none() && key.org == org);
        if has_key {
            return Ok(());
        }
        let called = org.map(|org| org.to_string());
        self.create_key("made by auth/configure", called.as_deref(), by)
            .await?;
        Ok(())
    }
}
