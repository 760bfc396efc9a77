//! Acts within a scope: what the APIs let a signed-in administrator do, each judged before anything changes.
//!
//! Handlers reach [`Administration`] through this only, so that none can forget to ask. To an
//! administrator of one Org, what is not theirs and what does not exist are one refusal in the same words.

mod accounts;
mod groups;
mod keys;
mod orgs;
mod security;
mod sessions;
mod users;

pub use groups::GroupEdit;
pub use orgs::OrgEdit;
pub use sessions::RevokeWish;
pub use users::{AccountEdit, NewAccount};

use crate::domain::administration::{
    Actor, AdminError, AdminScope, Administration, Denied, UserDetails,
};
use crate::domain::directory::{Group, GroupId, NameKey, Operation, Org, OrgId, User, UserId};
use crate::domain::principal::Principal;
use uuid::Uuid;

/// A signed-in administrator at work.
#[derive(Debug)]
pub struct Manager<'a> {
    administration: &'a Administration,
    scope: AdminScope,
    /// The Org worked in: names of groups are meant there first.
    org: OrgId,
    me: UserId,
    by: Actor,
}

impl Administration {
    /// What that principal may do, whose scope was worked out by [`AdminScope::of`].
    pub fn manager(&self, scope: AdminScope, who: &Principal, by: Actor) -> Manager<'_> {
        Manager {
            administration: self,
            scope,
            org: who.org,
            me: who.user_id,
            by,
        }
    }

    /// The user called by GUID or name.
    pub async fn find_user_called(&self, called: &str) -> Result<Option<User>, AdminError> {
        if let Ok(id) = Uuid::parse_str(called)
            && let Some(user) = self.directory.find_user_by_id(UserId(id)).await?
        {
            return Ok(Some(user));
        }
        match NameKey::new(called) {
            Ok(key) => Ok(self.directory.find_user(&key).await?),
            Err(_) => Ok(None),
        }
    }

    /// The group called by GUID, or by a name in the first of those Orgs that has it.
    pub(in crate::domain::administration) async fn find_group_called(
        &self,
        called: &str,
        among: &[OrgId],
    ) -> Result<Option<Group>, AdminError> {
        if let Ok(id) = Uuid::parse_str(called)
            && let Some(group) = self.directory.find_group_by_id(GroupId(id)).await?
        {
            return Ok(Some(group));
        }
        let Ok(key) = NameKey::new(called) else {
            return Ok(None);
        };
        for org in among {
            if let Some(group) = self.directory.find_group(*org, &key).await? {
                return Ok(Some(group));
            }
        }
        Ok(None)
    }
}

/// A user to act on, and the Orgs they belong to.
struct Target {
    user: User,
    orgs: Vec<OrgId>,
    /// Their rights in the Org worked in, as far as these matter to the scope.
    rights: Vec<String>,
}

impl Manager<'_> {
    /// The scope acted in.
    pub const fn scope(&self) -> AdminScope {
        self.scope
    }

    /// Who they are, for the audit trail.
    pub(in crate::domain::administration) const fn actor(&self) -> &Actor {
        &self.by
    }

    /// The same administrator, working in that Org; none changes nothing.
    pub async fn working_in(self, org: Option<&str>) -> Result<Self, AdminError> {
        let Some(called) = org else {
            return Ok(self);
        };
        let called = [called.to_owned()];
        let orgs = self.orgs_called(&called).await?;
        let org = orgs.first().copied().unwrap_or(self.org);
        Ok(Self { org, ..self })
    }

    /// Everything about one user, as far as the scope lets see, and whether the account may be changed.
    pub async fn user_details(&self, called: &str) -> Result<(UserDetails, bool), AdminError> {
        let administration = self.administration;
        let no_such = || self.no_such("user", called, FOREIGN_USER.0);
        let found = administration.find_user_called(called).await?;
        let user = found.ok_or_else(no_such)?;
        let orgs = administration.org_ids_of(&user).await?;
        if !self.scope.may_see_user(&orgs) {
            return Err(no_such());
        }
        let may_change = match self.account(called).await {
            Ok(_) => true,
            Err(AdminError::Denied(_)) => false,
            Err(error) => return Err(error),
        };
        let mut details = administration.user_details(&user.name).await?;
        let is_seen = |org: &Org| self.scope.may_manage_in(org.id).is_ok();
        details.memberships.retain(|(org, _)| is_seen(org));
        Ok((details, may_change))
    }

    /// The user called by GUID or name, if they are in scope.
    async fn target(&self, called: &str) -> Result<Target, AdminError> {
        let found = self.administration.find_user_called(called).await?;
        let Some(user) = found else {
            return Err(self.no_such("user", called, FOREIGN_USER.0));
        };
        let orgs = self.administration.org_ids_of(&user).await?;
        self.scope.may_manage_member(&user, &orgs)?;
        let rights = match self.scope {
            AdminScope::Server => Vec::new(),
            AdminScope::Org(own) => {
                let groups = self
                    .administration
                    .directory
                    .groups_of(user.id, own)
                    .await?;
                groups
                    .into_iter()
                    .flat_map(|group| group.privileges)
                    .collect()
            }
        };
        Ok(Target { user, orgs, rights })
    }

    /// Whether the whole account of the user is in scope.
    fn judge_account(&self, target: &Target) -> Result<(), Denied> {
        self.scope
            .may_manage_account(&target.user, &target.orgs, &target.rights)
    }

    /// Users that a request lists: one that is missing is the list's fault.
    async fn targets(&self, called: &[String]) -> Result<Vec<Target>, AdminError> {
        let mut found: Vec<Target> = Vec::with_capacity(called.len());
        for called in called {
            let target = self.target(called).await.map_err(|error| match error {
                AdminError::Missing { .. } => {
                    AdminError::field("users", "GUIDs or names of existing users")
                }
                other => other,
            })?;
            if found.iter().all(|known| known.user.id != target.user.id) {
                found.push(target);
            }
        }
        Ok(found)
    }

    /// Orgs that a request lists, by number or name, all in scope.
    async fn orgs_called(&self, called: &[String]) -> Result<Vec<OrgId>, AdminError> {
        let mut found = Vec::with_capacity(called.len());
        for called in called {
            let org = match self.administration.require_org(called).await {
                Ok(org) => org.id,
                Err(AdminError::Missing { .. }) => {
                    self.scope.require_server().map_err(|_| FOREIGN_ORG)?;
                    return Err(AdminError::field(
                        "orgs",
                        "numbers or names of existing Orgs",
                    ));
                }
                Err(error) => return Err(error),
            };
            self.scope.may_manage_in(org).map_err(|_| FOREIGN_ORG)?;
            if !found.contains(&org) {
                found.push(org);
            }
        }
        Ok(found)
    }

    /// Refuses numbers under which there is no Org, and Orgs out of scope.
    pub async fn require_orgs(&self, numbers: &[OrgId]) -> Result<(), AdminError> {
        for org in numbers {
            self.scope.may_manage_in(*org).map_err(|_| FOREIGN_ORG)?;
            if self
                .administration
                .directory
                .find_org(*org)
                .await?
                .is_none()
            {
                return Err(AdminError::field("orgs", "the numbers of existing Orgs"));
            }
        }
        Ok(())
    }

    /// Groups that a request lists, all in scope.
    async fn groups_called(
        &self,
        called: &[String],
        among: &[OrgId],
    ) -> Result<Vec<Group>, AdminError> {
        let mut found: Vec<Group> = Vec::with_capacity(called.len());
        for called in called {
            let Some(group) = self.administration.find_group_called(called, among).await? else {
                self.scope.require_server().map_err(|_| FOREIGN_GROUP)?;
                return Err(AdminError::field(
                    "groups",
                    "GUIDs or names of existing groups",
                ));
            };
            self.scope.may_manage_group(&group)?;
            if found.iter().all(|known| known.id != group.id) {
                found.push(group);
            }
        }
        Ok(found)
    }

    async fn require_org(&self, called: &str) -> Result<Org, AdminError> {
        self.scope.require_server()?;
        self.administration.require_org(called).await
    }

    fn no_such(&self, what: &'static str, called: &str, denied: &'static str) -> AdminError {
        match self.scope {
            AdminScope::Server => AdminError::missing(what, called),
            AdminScope::Org(_) => Denied(denied).into(),
        }
    }
}

const FOREIGN_ORG: Denied = Denied("an administrator of one Org manages no other Org");
const FOREIGN_USER: Denied = Denied("no user of your Org is called that");
const FOREIGN_GROUP: Denied = Denied("no group of your Org is called that");

/// What a list becomes by an operation, in order and each item once.
fn applied<T: PartialEq + Clone>(before: &[T], operation: Operation, listed: &[T]) -> Vec<T> {
    match operation {
        Operation::Add => {
            let mut all = before.to_vec();
            all.extend(listed.iter().filter(|item| !before.contains(item)).cloned());
            all
        }
        Operation::Replace => listed.to_vec(),
        Operation::Remove => before
            .iter()
            .filter(|item| !listed.contains(item))
            .cloned()
            .collect(),
    }
}
