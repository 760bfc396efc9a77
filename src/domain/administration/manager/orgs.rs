//! Orgs and who belongs to them: for administrators of the server.

use crate::domain::administration::AdminError;
use crate::domain::administration::manager::Manager;
use crate::domain::directory::{MembershipChange, Operation, Org, OrgId, OrgStatus, User};

/// A change to an Org; what is none stays as it is.
#[derive(Clone, Debug)]
pub struct OrgEdit {
    /// A new name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether its users may work in it.
    pub status: Option<OrgStatus>,
    /// How the list is meant.
    pub operation: Operation,
    /// Members, by GUID or name.
    pub users: Option<Vec<String>>,
}

impl Manager<'_> {
    /// Creates an Org.
    pub async fn create_org(&self, name: &str, description: &str) -> Result<Org, AdminError> {
        self.scope.require_server()?;
        self.administration
            .create_org(name, description, &self.by)
            .await
    }

    /// Changes an Org and who belongs to it.
    pub async fn update_org(&self, called: &str, edit: OrgEdit) -> Result<(), AdminError> {
        let org = self.require_org(called).await?;
        let mut changed = org.clone();
        if let Some(name) = edit.name {
            changed.name = name;
        }
        if let Some(description) = edit.description {
            changed.description = description;
        }
        if let Some(status) = edit.status {
            changed.status = status;
        }
        let listed = match &edit.users {
            Some(users) => self.targets(users).await?,
            None => Vec::new(),
        };
        // A status that is asked for is written even when it is no news: what should have ended with it may live on.
        if changed != org || edit.status.is_some() {
            self.administration.update_org(&changed, &self.by).await?;
        }
        if edit.users.is_none() {
            return Ok(());
        }
        let one = match edit.operation {
            Operation::Add | Operation::Replace => Operation::Add,
            Operation::Remove => Operation::Remove,
        };
        for target in &listed {
            self.move_user(&target.user, org.id, one).await?;
        }
        if edit.operation == Operation::Replace {
            let leaving = self.administration.users_in(org.id).await?;
            for user in leaving {
                if listed.iter().all(|kept| kept.user.id != user.id) {
                    self.move_user(&user, org.id, Operation::Remove).await?;
                }
            }
        }
        Ok(())
    }

    /// Deletes an Org; its users stay.
    pub async fn delete_org(&self, called: &str) -> Result<(), AdminError> {
        let org = self.require_org(called).await?;
        self.administration.delete_org(&org, &self.by).await
    }

    async fn move_user(
        &self,
        user: &User,
        org: OrgId,
        operation: Operation,
    ) -> Result<(), AdminError> {
        let change = MembershipChange {
            operation,
            orgs: Some(vec![org]),
            groups: None,
            create_groups: false,
            at: user.modified_at,
        };
        self.administration
            .change_memberships(user, change, &self.by)
            .await
            .map(drop)
    }
}
