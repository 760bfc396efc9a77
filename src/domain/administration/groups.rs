//! Groups: their names, their rights, and their end.

use crate::domain::administration::{Actor, AdminError, Administration, checked_text};
use crate::domain::directory::{Group, GroupDraft, GroupId, NameKey};
use crate::domain::random;

impl Administration {
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
        checked_privileges(&privileges)?;
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
        self.changed("group_created", described(&group), by);
        Ok(group)
    }

    /// Every group of an Org (called by number or name), ordered by name.
    pub async fn list_groups(&self, org: &str) -> Result<Vec<Group>, AdminError> {
        let org = self.require_org(org).await?;
        Ok(self.directory.list_groups(org.id).await?)
    }

    /// Replaces name, display name and rights of the group with that id. Its members' rights are looked
    /// up with every request, so they change at once and nobody is signed out.
    pub async fn update_group(&self, group: &Group, by: &Actor) -> Result<(), AdminError> {
        NameKey::new(&group.name).map_err(AdminError::name)?;
        checked_text("display name", &group.display_name)?;
        checked_privileges(&group.privileges)?;
        self.directory.update_group(group).await?;
        self.changed("group_updated", described(group), by);
        Ok(())
    }

    /// Deletes a group; its members stay.
    pub async fn delete_group(&self, group: &Group, by: &Actor) -> Result<(), AdminError> {
        if !self.directory.delete_group(group.id).await? {
            return Err(AdminError::missing("group", &group.name));
        }
        self.changed("group_deleted", described(group), by);
        Ok(())
    }
}

fn described(group: &Group) -> String {
    format!("{} in Org {}", group.name, group.org)
}

/// The most rights of one group.
const MAX_PRIVILEGES: usize = 200;

fn checked_privileges(privileges: &[String]) -> Result<(), AdminError> {
    if privileges.len() > MAX_PRIVILEGES {
        return Err(AdminError::field(
            "privileges",
            format!("at most {MAX_PRIVILEGES} privileges"),
        ));
    }
    for privilege in privileges {
        checked_text("privileges", privilege)?;
    }
    Ok(())
}
