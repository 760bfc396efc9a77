//! Users, within a scope.

use crate::domain::administration::manager::{Manager, Target, applied};
use crate::domain::administration::{AdminError, Denied, MembershipDraft, NewUser};
use crate::domain::directory::{
    AccountStatus, AccountType, Group, Membership, MembershipChange, NameKey, Operation, OrgId,
    User, UserChange,
};
use secrecy::SecretString;
use std::collections::BTreeMap;

/// A user to be created, as an API describes one: Orgs by number or name, groups by GUID or name.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The sign-in name.
    pub name: String,
    /// The name people read.
    pub display_name: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// Where the password lives.
    pub account_type: AccountType,
    /// The password; none for users who never type one.
    pub password: Option<SecretString>,
    /// Orgs to join; none means the Org worked in.
    pub orgs: Option<Vec<String>>,
    /// Groups to join.
    pub groups: Vec<String>,
    /// Whether the account may sign in.
    pub status: AccountStatus,
}

/// A change to a user; what is none stays as it is.
#[derive(Clone, Debug)]
pub struct AccountEdit {
    /// The name in force: a client may send back what it read, but a sign-in name stays.
    pub name: Option<String>,
    /// A new name for people to read.
    pub display_name: Option<String>,
    /// A new address; empty text removes it.
    pub email: Option<String>,
    /// The type in force, for the same reason: it stays as well.
    pub account_type: Option<AccountType>,
    /// Whether the user administers the server.
    pub is_admin: Option<bool>,
    /// Whether the account may sign in.
    pub status: Option<AccountStatus>,
    /// How the two lists are meant.
    pub operation: Operation,
    /// Orgs, by number or name.
    pub orgs: Option<Vec<String>>,
    /// Groups, by GUID or name. Replacing concerns the Orgs of the groups listed; with none listed, the
    /// Org worked in.
    pub groups: Option<Vec<String>>,
}

/// Changes of memberships, judged and ready to be made: all Orgs and the groups of one, then those of others.
struct Moves {
    orgs: Option<Vec<OrgId>>,
    groups: BTreeMap<OrgId, Vec<String>>,
    operation: Operation,
}

impl Manager<'_> {
    /// Creates a user.
    pub async fn create_user(&self, new: NewAccount) -> Result<User, AdminError> {
        let orgs = match &new.orgs {
            Some(called) if called.is_empty() => vec![self.org],
            Some(called) => self.orgs_called(called).await?,
            None => vec![self.org],
        };
        let groups = self.groups_called(&new.groups, &orgs).await?;
        let groups = by_org(&groups);
        if groups.keys().any(|org| !orgs.contains(org)) {
            return Err(AdminError::field("groups", "groups of the user's own Orgs"));
        }
        let memberships = orgs.iter().map(|org| MembershipDraft {
            org: org.to_string(),
            groups: groups.get(org).cloned().unwrap_or_default(),
        });
        let draft = NewUser {
            name: new.name,
            display_name: new.display_name,
            email: new.email,
            account_type: new.account_type,
            password: new.password,
            is_admin: false,
            memberships: memberships.collect(),
            create_groups: false,
        };
        let user = self.administration.create_user(draft, &self.by).await?;
        match new.status {
            AccountStatus::Active => Ok(user),
            AccountStatus::Disabled => {
                let administration = self.administration;
                administration.disable_user(&user.name, &self.by).await
            }
        }
    }

    /// Changes a user. Everything is judged before anything is written.
    pub async fn update_user(&self, called: &str, edit: AccountEdit) -> Result<(), AdminError> {
        let target = self.target(called).await?;
        if let Some(name) = &edit.name
            && NameKey::new(name).ok() != NameKey::new(&target.user.name).ok()
        {
            return Err(AdminError::field(
                "name",
                "to be left out; a sign-in name cannot be changed",
            ));
        }
        if edit
            .account_type
            .is_some_and(|kind| kind != target.user.account_type)
        {
            return Err(AdminError::field(
                "account type",
                "to be left out; it cannot be changed",
            ));
        }
        if edit.is_admin.is_some() {
            self.scope.may_grant_server()?;
        }
        let is_changed =
            edit.display_name.is_some() || edit.email.is_some() || edit.is_admin.is_some();
        if is_changed || edit.status.is_some() {
            self.judge_account(&target)?;
        }
        if edit.status == Some(AccountStatus::Disabled) || edit.is_admin == Some(false) {
            self.refuse_self(&target.user)?;
        }
        let moves = self.judge_moves(&target, &edit).await?;
        if is_changed {
            let change = UserChange {
                display_name: edit.display_name,
                email: edit.email,
                is_admin: edit.is_admin,
                ..UserChange::default()
            };
            self.administration
                .update_user(&target.user, change, &self.by)
                .await?;
        }
        self.make_moves(&target.user, moves).await?;
        match edit.status {
            Some(status) => self.write_status(&target.user, status).await,
            None => Ok(()),
        }
    }

    /// Switches a user on or off.
    pub async fn set_status(&self, called: &str, status: AccountStatus) -> Result<(), AdminError> {
        let target = self.account(called).await?;
        if status == AccountStatus::Disabled {
            self.refuse_self(&target)?;
        }
        self.write_status(&target, status).await
    }

    /// Deletes a user with every session and token.
    pub async fn delete_user(&self, called: &str) -> Result<(), AdminError> {
        let target = self.account(called).await?;
        self.refuse_self(&target)?;
        self.administration
            .delete_user(&target.name, &self.by)
            .await
            .map(drop)
    }

    /// Sets another user's password. One's own needs the current one: a session left open must not be
    /// enough to take the account over.
    pub async fn reset_password(&self, called: &str, new: &SecretString) -> Result<(), AdminError> {
        let target = self.account(called).await?;
        if target.id == self.me {
            return Err(Denied("change your own password with the current one").into());
        }
        self.administration
            .set_password(&target.name, new, &self.by)
            .await
            .map(drop)
    }

    /// Ends the sessions and tokens of those users, or of everybody. All are looked up before any ends.
    pub async fn end_sessions(&self, called: Option<&[String]>) -> Result<(), AdminError> {
        let Some(called) = called else {
            self.scope.require_server().map_err(|_| {
                Denied("only an administrator of the server signs everybody out; name the users")
            })?;
            return self.administration.end_all_sessions(&self.by).await;
        };
        let targets = self.targets(called).await?;
        for target in &targets {
            self.judge_account(target)?;
        }
        for target in targets {
            self.administration
                .end_sessions_of(target.user.id, &self.by)
                .await?;
        }
        Ok(())
    }

    /// A user whose whole account is in scope.
    pub(in crate::domain::administration::manager) async fn account(
        &self,
        called: &str,
    ) -> Result<User, AdminError> {
        let target = self.target(called).await?;
        self.judge_account(&target)?;
        Ok(target.user)
    }

    /// So that the last administrator cannot lock everybody out by a slip.
    pub(in crate::domain::administration::manager) fn refuse_self(
        &self,
        user: &User,
    ) -> Result<(), Denied> {
        if user.id == self.me {
            return Err(Denied("nobody disables or deletes their own account"));
        }
        Ok(())
    }

    async fn write_status(&self, user: &User, status: AccountStatus) -> Result<(), AdminError> {
        let done = match status {
            AccountStatus::Active => {
                self.administration
                    .enable_user(&user.name, &self.by)
                    .await?
            }
            AccountStatus::Disabled => {
                self.administration
                    .disable_user(&user.name, &self.by)
                    .await?
            }
        };
        drop(done);
        Ok(())
    }

    /// Every Org and group that the user would join or leave must be in scope.
    async fn judge_moves(&self, target: &Target, edit: &AccountEdit) -> Result<Moves, AdminError> {
        let operation = edit.operation;
        let orgs = match &edit.orgs {
            Some(called) => Some(self.orgs_called(called).await?),
            None => None,
        };
        let mut after = target.orgs.clone();
        if let Some(listed) = &orgs {
            if listed.is_empty() && operation == Operation::Replace {
                return Err(AdminError::field("orgs", "at least one Org to belong to"));
            }
            after = applied(&target.orgs, operation, listed);
            if target.orgs.iter().any(|org| !after.contains(org)) {
                // Leaving an Org leaves its groups.
                self.scope.may_touch_rights(&target.rights)?;
            }
            for org in different(&target.orgs, &after) {
                self.scope
                    .may_manage_in(org)
                    .map_err(|_| Denied("that would take the user out of other Orgs than yours"))?;
            }
        }
        let mut groups = BTreeMap::new();
        if let Some(called) = &edit.groups {
            let mut among = orgs.clone().unwrap_or_else(|| vec![self.org]);
            among.extend(&target.orgs);
            let listed = self.groups_called(called, &among).await?;
            groups = by_org(&listed);
            let is_foreign = groups.keys().any(|org| !after.contains(org));
            if is_foreign && operation != Operation::Remove {
                return Err(AdminError::field("groups", "groups of the user's own Orgs"));
            }
            if operation == Operation::Replace {
                if groups.is_empty() && after.contains(&self.org) {
                    groups.insert(self.org, Vec::new());
                }
                self.judge_left(target, &groups, &listed).await?;
            }
        }
        Ok(Moves {
            orgs,
            groups,
            operation,
        })
    }

    /// Groups that a replacement would leave must be in scope, as those it joins are.
    async fn judge_left(
        &self,
        target: &Target,
        groups: &BTreeMap<OrgId, Vec<String>>,
        listed: &[Group],
    ) -> Result<(), AdminError> {
        for org in groups.keys() {
            self.scope.may_manage_in(*org)?;
            let directory = &self.administration.directory;
            for group in directory.groups_of(target.user.id, *org).await? {
                if listed.iter().all(|kept| kept.id != group.id) {
                    self.scope.may_manage_group(&group)?;
                }
            }
        }
        Ok(())
    }

    async fn make_moves(&self, user: &User, moves: Moves) -> Result<(), AdminError> {
        let mut orgs = moves.orgs;
        let mut groups = moves.groups.into_iter();
        let mut next = groups.next();
        while orgs.is_some() || next.is_some() {
            let change = MembershipChange {
                operation: moves.operation,
                orgs: orgs.take(),
                groups: next.take().map(|(org, groups)| Membership { org, groups }),
                create_groups: false,
                at: user.modified_at,
            };
            self.administration
                .change_memberships(user, change, &self.by)
                .await?;
            next = groups.next();
        }
        Ok(())
    }
}

fn by_org(groups: &[Group]) -> BTreeMap<OrgId, Vec<String>> {
    let mut sorted: BTreeMap<OrgId, Vec<String>> = BTreeMap::new();
    for group in groups {
        sorted
            .entry(group.org)
            .or_default()
            .push(group.name.clone());
    }
    sorted
}

/// What is in one list and not in the other.
fn different(before: &[OrgId], after: &[OrgId]) -> Vec<OrgId> {
    let left = before.iter().filter(|org| !after.contains(org));
    let joined = after.iter().filter(|org| !before.contains(org));
    left.chain(joined).copied().collect()
}
