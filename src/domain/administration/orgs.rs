//! Orgs: making, changing, switching off and deleting.

use crate::domain::administration::{Actor, AdminError, Administration, checked_text};
use crate::domain::directory::{DirectoryError, NameKey, Org, OrgId, OrgStatus};
use crate::domain::random;
use crate::domain::session::{EndReason, RevokeScope};

/// How often an Org's number is drawn before giving up; one draw in a thousand million collides.
const DRAWS: usize = 8;

impl Administration {
    /// Creates an Org under a number of its own.
    pub async fn create_org(
        &self,
        name: &str,
        description: &str,
        by: &Actor,
    ) -> Result<Org, AdminError> {
        NameKey::new(name).map_err(AdminError::name)?;
        checked_text("description", description)?;
        let org = Org {
            id: self.fresh_org_id().await?,
            name: name.to_owned(),
            description: description.to_owned(),
            status: OrgStatus::Active,
        };
        self.directory.create_org(&org).await?;
        self.changed("org_created", described(&org), by);
        Ok(org)
    }

    /// Every Org, ordered by number.
    pub async fn list_orgs(&self) -> Result<Vec<Org>, AdminError> {
        Ok(self.directory.list_orgs().await?)
    }

    /// Replaces name, description and status of the Org with that number. One that is switched off is
    /// over for everybody who works in it.
    pub async fn update_org(&self, org: &Org, by: &Actor) -> Result<(), AdminError> {
        NameKey::new(&org.name).map_err(AdminError::name)?;
        checked_text("description", &org.description)?;
        let is_disabled = org.status == OrgStatus::Disabled;
        if is_disabled && org.id == OrgId::PRIMARY {
            let expected = "the Primary Org to stay active";
            return Err(AdminError::field("status", expected));
        }
        self.directory.update_org(org).await?;
        let what = if is_disabled {
            "org_disabled"
        } else {
            "org_updated"
        };
        self.changed(what, described(org), by);
        if is_disabled {
            // Also when it was off before: the revocation of that time may have failed.
            self.revoke_for(RevokeScope::Org(org.id), EndReason::OrgDisabled, by)
                .await?;
        }
        Ok(())
    }

    /// Deletes an Org with its memberships, groups and secret keys. Its users stay, in no Org if it was
    /// their only one.
    pub async fn delete_org(&self, org: &Org, by: &Actor) -> Result<(), AdminError> {
        if org.id == OrgId::PRIMARY {
            return Err(DirectoryError::PrimaryOrg.into());
        }
        // Disabled and revoked first: were the Org deleted and the revocation then failed, there
        // would be no Org left by whose name to do it again.
        let disabled = Org {
            status: OrgStatus::Disabled,
            ..org.clone()
        };
        self.update_org(&disabled, by).await?;
        if !self.directory.delete_org(org.id).await? {
            return Err(AdminError::missing("Org", &org.name));
        }
        self.changed("org_deleted", described(org), by);
        Ok(())
    }

    async fn fresh_org_id(&self) -> Result<OrgId, AdminError> {
        for _ in 0..DRAWS {
            let drawn = u32::from_be_bytes(random::bytes(&*self.random)) >> 1;
            let id = OrgId(i64::from(drawn));
            if id != OrgId::PRIMARY && self.directory.find_org(id).await?.is_none() {
                return Ok(id);
            }
        }
        Err(AdminError::field(
            "org",
            "fewer Orgs: no free number was found",
        ))
    }
}

fn described(org: &Org) -> String {
    format!("{} ({})", org.name, org.id)
}
