//! Changes to existing users: what they are called, where they belong, and passwords they change themselves.

use crate::domain::administration::users::checked_email;
use crate::domain::administration::{Actor, AdminError, Administration, checked_text};
use crate::domain::authn::Authenticated;
use crate::domain::directory::{
    AccountStatus, DirectoryError, LastAdministrator, MembershipChange, Operation, OrgId, User,
    UserChange,
};
use crate::domain::session::RevokeScope;
use secrecy::{ExposeSecret, SecretString};

impl Administration {
    /// Changes what a user is called and may do. `at` and `last_administrator` are filled in here.
    ///
    /// Whoever stops administering the server is signed out: their session may be in an Org that was
    /// open to them for that only.
    pub async fn update_user(
        &self,
        user: &User,
        change: UserChange,
        by: &Actor,
    ) -> Result<User, AdminError> {
        if let Some(display_name) = &change.display_name {
            checked_text("display name", display_name)?;
        }
        if let Some(email) = change.email.as_deref().filter(|email| !email.is_empty()) {
            checked_email(email)?;
        }
        let scope = self.user_scope(user.id);
        let loses_power = user.is_admin && change.is_admin == Some(false);
        let last_administrator = self.last_administrator().await?;
        if loses_power {
            self.spare_last(user, last_administrator).await?;
            self.revoke_ahead(scope, by).await?;
        }
        let change = UserChange {
            last_administrator,
            at: self.clock.now(),
            ..change
        };
        let user = self.directory.update_user(user.id, &change).await?;
        self.changed("user_updated", &user.name, by);
        if loses_power {
            self.revoke(scope, by).await?;
        }
        Ok(user)
    }

    /// Refuses the last administrator before anything of theirs is ended. Of several who take each other's power away at
    /// the same time the store refuses the last; that one is signed out all the same.
    async fn spare_last(&self, user: &User, last: LastAdministrator) -> Result<(), AdminError> {
        let counts = user.status == AccountStatus::Active && last == LastAdministrator::Stays;
        if counts && !self.directory.has_administrator(Some(user.id)).await? {
            return Err(DirectoryError::LastAdministrator.into());
        }
        Ok(())
    }

    /// Changes which Orgs and groups a user belongs to. `at` is filled in here.
    ///
    /// Whoever leaves an Org is signed out, of the other Orgs too: a session is not asked again where
    /// its user belongs.
    pub async fn change_memberships(
        &self,
        user: &User,
        change: MembershipChange,
        by: &Actor,
    ) -> Result<User, AdminError> {
        let change = MembershipChange {
            at: self.clock.now(),
            ..change
        };
        let scope = self.user_scope(user.id);
        let before = self.org_ids_of(user).await?;
        let leaves = before.iter().any(|org| !stays(*org, &change));
        if leaves {
            self.revoke_ahead(scope, by).await?;
        }
        let user = self.directory.change_memberships(user.id, &change).await?;
        self.changed("memberships_changed", &user.name, by);
        if leaves {
            self.revoke(scope, by).await?;
        }
        Ok(user)
    }

    /// Sets the password of somebody who has just proven the current one, and ends their sessions and
    /// tokens, the one they did it with included: whoever else knew the old password is out.
    pub async fn change_password(
        &self,
        proof: Authenticated,
        current: &SecretString,
        new: &SecretString,
        by: &Actor,
    ) -> Result<(), AdminError> {
        if current.expose_secret() == new.expose_secret() {
            return Err(AdminError::field(
                "new password",
                "another password than the current one",
            ));
        }
        self.set_password(&proof.user().name, new, by)
            .await
            .map(drop)
    }

    /// The Orgs a user belongs to, by number.
    pub(in crate::domain::administration) async fn org_ids_of(
        &self,
        user: &User,
    ) -> Result<Vec<OrgId>, AdminError> {
        let orgs = self.directory.orgs_of(user.id).await?;
        Ok(orgs.iter().map(|org| org.id).collect())
    }

    /// A revocation before the write it belongs to, for writes that cannot be told from no change when
    /// they are done again: should the one after the write fail, what lived until now is over all the same.
    pub(in crate::domain::administration) async fn revoke_ahead(
        &self,
        scope: RevokeScope,
        by: &Actor,
    ) -> Result<(), AdminError> {
        self.revoke(scope, by).await.map_err(|error| match error {
            AdminError::NotRevoked(cause) => AdminError::Store(cause),
            other => other,
        })
    }
}

/// Whether a member of that Org is one after the change.
pub(in crate::domain::administration) fn stays(org: OrgId, change: &MembershipChange) -> bool {
    let Some(listed) = &change.orgs else {
        return true;
    };
    match change.operation {
        Operation::Add => true,
        Operation::Replace => listed.contains(&org),
        Operation::Remove => !listed.contains(&org),
    }
}
