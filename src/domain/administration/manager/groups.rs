//! Groups and who belongs to them, within a scope.

use crate::domain::administration::AdminError;
use crate::domain::administration::manager::{FOREIGN_GROUP, Manager, Target, applied};
use crate::domain::directory::{Group, Membership, MembershipChange, Operation, User};

/// A change to a group; what is none stays as it is.
#[derive(Clone, Debug)]
pub struct GroupEdit {
    /// A new name.
    pub name: Option<String>,
    /// A new name for people to read.
    pub display_name: Option<String>,
    /// Rights, and how they are meant.
    pub privileges: Option<(Operation, Vec<String>)>,
    /// Members, by GUID or name, and how they are meant.
    pub users: Option<(Operation, Vec<String>)>,
}

impl Manager<'_> {
    /// Creates a group in the Org worked in, with members.
    pub async fn create_group(
        &self,
        name: &str,
        display_name: Option<&str>,
        privileges: Vec<String>,
        users: &[String],
    ) -> Result<Group, AdminError> {
        self.scope.may_manage_in(self.org)?;
        let privileges = named(&privileges);
        self.scope.may_touch_rights(&privileges)?;
        let members = self.targets(users).await?;
        if members.iter().any(|one| !one.orgs.contains(&self.org)) {
            return Err(AdminError::field("users", "members of the group's Org"));
        }
        let org = self.org.to_string();
        let group = self
            .administration
            .create_group(&org, name, display_name, privileges, &self.by)
            .await?;
        for member in &members {
            self.move_member(&member.user, &group, Operation::Add)
                .await?;
        }
        Ok(group)
    }

    /// Changes a group and who belongs to it. Everything is judged before anything is written.
    pub async fn update_group(&self, called: &str, edit: GroupEdit) -> Result<(), AdminError> {
        let group = self.group(called).await?;
        let mut changed = group.clone();
        if let Some(name) = edit.name {
            changed.name = name;
        }
        if let Some(display_name) = edit.display_name {
            changed.display_name = display_name;
        }
        if let Some((operation, listed)) = &edit.privileges {
            changed.privileges = applied(&group.privileges, *operation, &named(listed));
        }
        self.scope.may_touch_rights(&changed.privileges)?;
        let moves = match &edit.users {
            Some((operation, users)) => self.judge_members(&group, *operation, users).await?,
            None => Vec::new(),
        };
        if changed != group {
            self.administration.update_group(&changed, &self.by).await?;
        }
        for (user, operation) in &moves {
            self.move_member(user, &changed, *operation).await?;
        }
        Ok(())
    }

    /// Deletes a group; its members stay.
    pub async fn delete_group(&self, called: &str) -> Result<(), AdminError> {
        let group = self.group(called).await?;
        self.administration.delete_group(&group, &self.by).await
    }

    /// A group and its members, ordered by name.
    pub async fn members(&self, called: &str) -> Result<(Group, Vec<User>), AdminError> {
        let group = self.group(called).await?;
        let members = self.administration.directory.members_of(group.id).await?;
        Ok((group, members))
    }

    /// The group called by GUID, or by its name in the Org worked in.
    async fn group(&self, called: &str) -> Result<Group, AdminError> {
        let administration = self.administration;
        let found = administration
            .find_group_called(called, &[self.org])
            .await?;
        let group = found.ok_or_else(|| self.no_such("group", called, FOREIGN_GROUP.0))?;
        self.scope.may_manage_group(&group)?;
        Ok(group)
    }

    /// Who joins and who leaves.
    async fn judge_members(
        &self,
        group: &Group,
        operation: Operation,
        users: &[String],
    ) -> Result<Vec<(User, Operation)>, AdminError> {
        let listed = self.targets(users).await?;
        let joins = |target: &Target| (target.user.clone(), Operation::Add);
        if operation != Operation::Remove && listed.iter().any(|one| !one.orgs.contains(&group.org))
        {
            return Err(AdminError::field("users", "members of the group's Org"));
        }
        let mut moves: Vec<(User, Operation)> = match operation {
            Operation::Add | Operation::Replace => listed.iter().map(joins).collect(),
            Operation::Remove => listed
                .iter()
                .map(|target| (target.user.clone(), Operation::Remove))
                .collect(),
        };
        if operation == Operation::Replace {
            let directory = &self.administration.directory;
            for member in directory.members_of(group.id).await? {
                if listed.iter().all(|kept| kept.user.id != member.id) {
                    let orgs = self.administration.org_ids_of(&member).await?;
                    self.scope.may_manage_member(&member, &orgs)?;
                    moves.push((member, Operation::Remove));
                }
            }
        }
        Ok(moves)
    }

    async fn move_member(
        &self,
        user: &User,
        group: &Group,
        operation: Operation,
    ) -> Result<(), AdminError> {
        let change = MembershipChange {
            operation,
            orgs: None,
            groups: Some(Membership {
                org: group.org,
                groups: vec![group.name.clone()],
            }),
            create_groups: false,
            at: user.modified_at,
        };
        self.administration
            .change_memberships(user, change, &self.by)
            .await
            .map(drop)
    }
}

/// Without what is empty: such a text is as if it were not there.
fn named(privileges: &[String]) -> Vec<String> {
    let named = privileges.iter().filter(|it| !it.trim().is_empty());
    named.cloned().collect()
}
