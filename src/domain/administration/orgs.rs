//! Orgs and groups.

use crate::domain::administration::{Actor, AdminError, Administration, checked_text};
use crate::domain::directory::{Group, GroupDraft, GroupId, NameKey, Org, OrgId, OrgStatus};
use crate::domain::random;

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
        self.changed("org_created", format!("{} ({})", org.name, org.id), by);
        Ok(org)
    }

    /// Every Org, ordered by number.
    pub async fn list_orgs(&self) -> Result<Vec<Org>, AdminError> {
        Ok(self.directory.list_orgs().await?)
    }

    /// Creates a group in an Org, called by number or name.
    pub async fn create_group(
        &self,
        org: &str,
        name: &str,
        display_name: Option<&str>,
        privileges: Vec<String>,
        by: &Actor,
    ) -> Result<Group, AdminError> {
        let key = NameKey::new(name).map_err(AdminError::name)?;
        let display_name = display_name.unwrap_or(name);
        checked_text("display name", display_name)?;
        for privilege in &privileges {
            checked_text("privilege", privilege)?;
        }
        let org = self.require_org(org).await?;
        let draft = GroupDraft {
            id: GroupId(random::uuid(&*self.random)),
            org: org.id,
            name: name.to_owned(),
            key,
            display_name: display_name.to_owned(),
            privileges,
        };
        let group = self.directory.create_group(&draft).await?;
        self.changed(
            "group_created",
            format!("{} in Org {}", group.name, org.id),
            by,
        );
        Ok(group)
    }

    /// Every group of an Org (called by number or name), ordered by name.
    pub async fn list_groups(&self, org: &str) -> Result<Vec<Group>, AdminError> {
        let org = self.require_org(org).await?;
        Ok(self.directory.list_groups(org.id).await?)
    }

    async fn fresh_org_id(&self) -> Result<OrgId, AdminError> {
        for _ in 0..DRAWS {
            let drawn = u32::from_be_bytes(random::bytes(&*self.random)) >> 1;
            let id = OrgId(i64::from(drawn));
            if id != OrgId::PRIMARY && self.directory.find_org(id).await?.is_none() {
                return Ok(id);
            }
        }
        Err(AdminError::field("org", "no free number was found"))
    }
}
