//! Users: creating, listing, passwords, switching off and deleting.

use crate::domain::administration::{Actor, AdminError, Administration, checked_text};
use crate::domain::directory::{
    AccountStatus, AccountType, Group, LastAdministrator, Membership, NameKey, Org, OrgId, User,
    UserChange, UserDraft, UserId, check_email,
};
use crate::domain::random;
use crate::domain::session::EndReason;
use secrecy::SecretString;

/// A user as an administrator describes one.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The sign-in name.
    pub name: String,
    /// The name people read; none takes the sign-in name.
    pub display_name: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// Where the password lives.
    pub account_type: AccountType,
    /// The password; none for users who never type one, and for those whose password lives elsewhere.
    pub password: Option<SecretString>,
    /// Administers the whole server.
    pub is_admin: bool,
    /// Orgs to join; none is the Primary Org.
    pub memberships: Vec<MembershipDraft>,
    /// Whether groups that do not exist are made rather than refused.
    pub create_groups: bool,
}

/// An Org, called by number or name, and groups in it by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipDraft {
    /// The Org.
    pub org: String,
    /// Groups in it.
    pub groups: Vec<String>,
}

impl MembershipDraft {
    /// Puts each group into its Org, where people list both apart; no Org at all is the Primary Org.
    ///
    /// `ORG:GROUP` counts only when `ORG` is one of the Orgs as written, so that a group may have a colon
    /// in its name; other groups belong to the first Org.
    pub fn listed(orgs: Vec<String>, groups: Vec<String>) -> Vec<Self> {
        let mut drafts: Vec<Self> = orgs
            .into_iter()
            .map(|org| Self {
                org,
                groups: Vec::new(),
            })
            .collect();
        if drafts.is_empty() {
            drafts.push(Self {
                org: OrgId::PRIMARY.to_string(),
                groups: Vec::new(),
            });
        }
        for group in groups {
            let named = group.split_once(':').and_then(|(org, name)| {
                let place = drafts.iter().position(|draft| draft.org == org)?;
                Some((place, name.to_owned()))
            });
            let (place, name) = named.unwrap_or((0, group));
            drafts[place].groups.push(name);
        }
        drafts
    }
}

impl NewUser {
    /// A user of that name and nothing else, in the Primary Org.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            display_name: None,
            email: None,
            account_type: AccountType::Local,
            password: None,
            is_admin: false,
            memberships: Vec::new(),
            create_groups: false,
        }
    }
}

/// A user with everything an administrator may see.
#[derive(Clone, Debug)]
pub struct UserDetails {
    /// The user.
    pub user: User,
    /// Whether there is a password to sign in with.
    pub has_password: bool,
    /// Orgs and the groups in each, ordered by Org number and group name.
    pub memberships: Vec<(Org, Vec<Group>)>,
}

impl Administration {
    /// Creates a user with memberships, or nothing at all.
    pub async fn create_user(&self, new: NewUser, by: &Actor) -> Result<User, AdminError> {
        let key = NameKey::new(&new.name).map_err(AdminError::name)?;
        let display_name = new.display_name.unwrap_or_else(|| new.name.clone());
        checked_text("display name", &display_name)?;
        if let Some(email) = &new.email {
            checked_email(email)?;
        }
        if new.account_type != AccountType::Local && new.password.is_some() {
            return Err(password_elsewhere());
        }
        let memberships = self.resolve(&new.memberships).await?;
        // Asked before hashing, which is the dear part; the store has the last word all the same.
        if self.directory.find_user(&key).await?.is_some() {
            return Err(AdminError::Exists {
                what: "user",
                name: new.name,
            });
        }
        let password = match &new.password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let draft = UserDraft {
            id: UserId(random::uuid(&*self.random)),
            name: new.name,
            key,
            display_name,
            email: new.email,
            account_type: new.account_type,
            password,
            is_admin: new.is_admin,
            memberships,
            create_groups: new.create_groups,
            at: self.clock.now(),
        };
        let user = self.directory.create_user(&draft).await?;
        self.changed("user_created", &user.name, by);
        Ok(user)
    }

    /// Users ordered by name; at most `limit` after the name `after`.
    pub async fn list_users(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<User>, AdminError> {
        let after = after
            .map(NameKey::new)
            .transpose()
            .map_err(AdminError::name)?;
        Ok(self.directory.list_users(after.as_ref(), limit).await?)
    }

    /// Everything about one user.
    pub async fn user_details(&self, name: &str) -> Result<UserDetails, AdminError> {
        let user = self.require_user(name).await?;
        let has_password = self.directory.password_hash(user.id).await?.is_some();
        let mut memberships = Vec::new();
        for org in self.directory.orgs_of(user.id).await? {
            let groups = self.directory.groups_of(user.id, org.id).await?;
            memberships.push((org, groups));
        }
        Ok(UserDetails {
            user,
            has_password,
            memberships,
        })
    }

    /// Sets a new password and ends the user's sessions and tokens: whoever knew the old one is out.
    pub async fn set_password(
        &self,
        name: &str,
        password: &SecretString,
        by: &Actor,
    ) -> Result<User, AdminError> {
        let user = self.require_user(name).await?;
        if user.account_type != AccountType::Local {
            return Err(password_elsewhere());
        }
        let hash = self.passwords.hash(password).await?;
        self.directory.set_password(user.id, Some(&hash)).await?;
        self.changed("password_set", &user.name, by);
        self.revoke_for(self.user_scope(user.id), EndReason::PasswordChanged, by)
            .await?;
        Ok(user)
    }

    /// Switches a user off; from then on nothing of theirs lives.
    pub async fn disable_user(&self, name: &str, by: &Actor) -> Result<User, AdminError> {
        self.shut_out(name, EndReason::UserDisabled, by).await
    }

    async fn shut_out(
        &self,
        name: &str,
        reason: EndReason,
        by: &Actor,
    ) -> Result<User, AdminError> {
        let user = self.require_user(name).await?;
        let last = self.last_administrator().await?;
        self.directory
            .set_status(user.id, AccountStatus::Disabled, last)
            .await?;
        self.changed("user_disabled", &user.name, by);
        self.revoke_for(self.user_scope(user.id), reason, by)
            .await?;
        Ok(User {
            status: AccountStatus::Disabled,
            ..user
        })
    }

    /// Switches a user on again. Sessions that were ended stay ended.
    pub async fn enable_user(&self, name: &str, by: &Actor) -> Result<User, AdminError> {
        let user = self.require_user(name).await?;
        let last = LastAdministrator::default();
        self.directory
            .set_status(user.id, AccountStatus::Active, last)
            .await?;
        self.changed("user_enabled", &user.name, by);
        Ok(User {
            status: AccountStatus::Active,
            ..user
        })
    }

    /// Deletes a user with every session and token.
    pub async fn delete_user(&self, name: &str, by: &Actor) -> Result<User, AdminError> {
        // Disabled and revoked first: were the user deleted and the revocation then failed, there
        // would be nobody left by whose name to do it again.
        let user = self.shut_out(name, EndReason::UserDeleted, by).await?;
        if !self.directory.delete_user(user.id).await? {
            return Err(AdminError::missing("user", name));
        }
        self.changed("user_deleted", &user.name, by);
        Ok(user)
    }

    /// Whether anybody who may sign in administers the server.
    pub async fn has_administrator(&self) -> Result<bool, AdminError> {
        Ok(self.directory.has_administrator(None).await?)
    }

    /// Whether the last one may be taken away: before the first start, which makes one.
    pub(in crate::domain::administration) async fn last_administrator(
        &self,
    ) -> Result<LastAdministrator, AdminError> {
        Ok(if self.has_begun().await? {
            LastAdministrator::Stays
        } else {
            LastAdministrator::MayGo
        })
    }

    /// Has a user administer the server, or no longer.
    pub async fn set_admin(
        &self,
        name: &str,
        is_admin: bool,
        by: &Actor,
    ) -> Result<User, AdminError> {
        let user = self.require_user(name).await?;
        let change = UserChange {
            is_admin: Some(is_admin),
            ..UserChange::default()
        };
        self.update_user(&user, change, by).await
    }

    pub(in crate::domain::administration) async fn require_user(
        &self,
        name: &str,
    ) -> Result<User, AdminError> {
        let missing = || AdminError::missing("user", name);
        let key = NameKey::new(name).map_err(|_bad| missing())?;
        self.directory.find_user(&key).await?.ok_or_else(missing)
    }

    /// Orgs by number; the same Org twice becomes one membership with the groups of both.
    async fn resolve(&self, drafts: &[MembershipDraft]) -> Result<Vec<Membership>, AdminError> {
        let mut memberships: Vec<Membership> = Vec::new();
        for draft in drafts {
            for group in &draft.groups {
                NameKey::new(group).map_err(|error| {
                    AdminError::field("groups", format!("{error}, not {group:?}"))
                })?;
            }
            let org = self.require_org(&draft.org).await?.id;
            match memberships.iter_mut().find(|known| known.org == org) {
                Some(known) => known.groups.extend(draft.groups.iter().cloned()),
                None => memberships.push(Membership {
                    org,
                    groups: draft.groups.clone(),
                }),
            }
        }
        if memberships.is_empty() {
            memberships.push(Membership {
                org: OrgId::PRIMARY,
                groups: Vec::new(),
            });
        }
        Ok(memberships)
    }
}

/// A password set here would never be looked at: better to say so than to seem to have changed it.
fn password_elsewhere() -> AdminError {
    AdminError::field(
        "password",
        "none: this user's password is kept by the LDAP directory and changed there",
    )
}

pub(in crate::domain::administration) fn checked_email(email: &str) -> Result<(), AdminError> {
    check_email(email).map_err(|error| AdminError::field("email", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn draft(org: &str, groups: &[&str]) -> MembershipDraft {
        MembershipDraft {
            org: org.into(),
            groups: texts(groups),
        }
    }

    #[test]
    fn groups_go_to_the_org_they_name_or_to_the_first() {
        assert_eq!(
            MembershipDraft::listed(
                texts(&["Sales", "7"]),
                texts(&["east", "7:west", "a:b", "Sales:x"])
            ),
            [draft("Sales", &["east", "a:b", "x"]), draft("7", &["west"])]
        );
        let listed = MembershipDraft::listed(vec![], texts(&["g"]));
        assert_eq!(listed, [draft("0", &["g"])]);
        assert_eq!(MembershipDraft::listed(vec![], vec![]), [draft("0", &[])]);
    }
}
