//! Accounts as the console and imports make them, within a scope: administrators, LDAP users, many at once.

use crate::domain::administration::manager::{FOREIGN_ORG, Manager};
use crate::domain::administration::{
    AdminError, AdminScope, ImportOptions, ImportReport, ImportRow, NewUser,
};
use crate::domain::directory::{AccountStatus, NameKey, User};
use crate::domain::throttle::Throttle;
use std::net::IpAddr;

impl Manager<'_> {
    /// Creates a user as described.
    pub async fn admit(&self, new: NewUser, status: AccountStatus) -> Result<User, AdminError> {
        self.judge_new(&new).await?;
        let user = self.administration.create_user(new, &self.by).await?;
        match status {
            AccountStatus::Active => Ok(user),
            AccountStatus::Disabled => {
                let administration = self.administration;
                administration.disable_user(&user.name, &self.by).await
            }
        }
    }

    /// Creates a user per row. A row beyond the scope is that row's own fault, as any other mistake in it.
    pub async fn import_users(
        &self,
        rows: Vec<ImportRow>,
        options: ImportOptions,
    ) -> Result<ImportReport, AdminError> {
        let mut judged = Vec::with_capacity(rows.len());
        for mut row in rows {
            if let Ok(user) = &row.user {
                match self.judge_new(user).await {
                    Ok(()) => {}
                    Err(AdminError::Store(error)) => return Err(error.into()),
                    Err(error) => row.user = Err(error.to_string()),
                }
            }
            judged.push(row);
        }
        self.administration
            .import_users(judged, options, &self.by, |_| {})
            .await
    }

    /// Forgets failed attempts at that user from those addresses, so that the next guess costs no pause.
    pub async fn unlock(
        &self,
        called: &str,
        throttle: &Throttle,
        addresses: &[IpAddr],
    ) -> Result<(), AdminError> {
        let user = self.account(called).await?;
        let key = NameKey::new(&user.name).map_err(AdminError::name)?;
        for address in addresses {
            throttle.forgive(&key, Some(*address)).await?;
        }
        self.administration
            .changed("user_unlocked", &user.name, &self.by);
        Ok(())
    }

    /// Whether such a user may be made: whoever administers one Org makes users of that Org alone.
    async fn judge_new(&self, new: &NewUser) -> Result<(), AdminError> {
        if new.is_admin {
            self.scope.may_grant_server()?;
        }
        let AdminScope::Org(own) = self.scope else {
            return Ok(());
        };
        if new.memberships.is_empty() {
            // Which would be the Primary Org.
            self.scope
                .may_manage_in(crate::domain::directory::OrgId::PRIMARY)?;
        }
        for membership in &new.memberships {
            let org = match self.administration.require_org(&membership.org).await {
                Ok(org) => org.id,
                Err(AdminError::Missing { .. }) => return Err(FOREIGN_ORG.into()),
                Err(error) => return Err(error),
            };
            self.scope.may_manage_in(org).map_err(|_| FOREIGN_ORG)?;
            for name in &membership.groups {
                let group = self.administration.find_group_called(name, &[own]).await?;
                if let Some(group) = group {
                    self.scope.may_manage_group(&group)?;
                }
            }
        }
        Ok(())
    }
}
