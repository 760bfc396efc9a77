//! Searches among users and groups, as far as whoever asks may see.

use crate::domain::administration::{AdminError, AdminScope, Administration, Denied};
use crate::domain::directory::{
    AccountStatus, AccountType, Group, GroupId, NameKey, OrgId, User, UserId, UserQuery,
};
use std::collections::HashSet;

/// The most users or groups that one search returns.
pub const MAX_FOUND: usize = 5_000;
/// Users read at a time.
const PAGE: u32 = 500;

/// A search among users; every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct UserSearch {
    /// A GUID or a name.
    pub user: Option<String>,
    /// Text that the name contains.
    pub name_contains: Option<String>,
    /// The name people read, in whatever case.
    pub display_name: Option<String>,
    /// The address, in whatever case.
    pub email: Option<String>,
    /// Orgs, by number or name: the user belongs to one of them.
    pub orgs: Option<Vec<String>>,
    /// Groups, by GUID or name: the user belongs to one of them.
    pub groups: Option<Vec<String>>,
    /// Where the password lives.
    pub account_type: Option<AccountType>,
    /// Whether the account may sign in.
    pub status: Option<AccountStatus>,
    /// Users to leave out at the start.
    pub offset: usize,
    /// The most to return.
    pub limit: usize,
}

/// A search among groups; every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct GroupSearch {
    /// A GUID or a name.
    pub group: Option<String>,
    /// Text that the name contains.
    pub name_contains: Option<String>,
    /// The name people read, in whatever case.
    pub display_name: Option<String>,
    /// Orgs, by number or name: the group is in one of them.
    pub orgs: Option<Vec<String>>,
    /// Rights: the group has one of them.
    pub privileges: Option<Vec<String>>,
    /// Users, by GUID or name: one of them is a member.
    pub users: Option<Vec<String>>,
    /// Groups to leave out at the start.
    pub offset: usize,
    /// The most to return.
    pub limit: usize,
}

impl Administration {
    /// Users ordered by name. To whoever sees one Org there are its users and no others.
    pub async fn search_users(
        &self,
        sees: AdminScope,
        search: &UserSearch,
    ) -> Result<Vec<User>, AdminError> {
        let limit = search.limit.min(MAX_FOUND);
        let orgs = self.seen_orgs(sees, search.orgs.as_deref()).await?;
        let members = match &search.groups {
            Some(groups) => Some(self.members_of_any(sees, groups, orgs.as_deref()).await?),
            None => None,
        };
        let is_wanted = |user: &User| {
            same(search.display_name.as_deref(), &user.display_name)
                && same(
                    search.email.as_deref(),
                    user.email.as_deref().unwrap_or_default(),
                )
                && search.status.is_none_or(|status| status == user.status)
                && search
                    .account_type
                    .is_none_or(|kind| kind == user.account_type)
                && members.as_ref().is_none_or(|ids| ids.contains(&user.id))
        };
        if let Some(called) = &search.user {
            let found = self.find_user_called(called).await?;
            let mut kept = Vec::new();
            if let Some(user) = found
                && is_wanted(&user)
                && contains(search.name_contains.as_deref(), &user.name)
                && self.is_in_any(&user, orgs.as_deref()).await?
            {
                kept.push(user);
            }
            return Ok(kept.into_iter().skip(search.offset).take(limit).collect());
        }
        let mut query = UserQuery {
            name_contains: search.name_contains.clone(),
            org: orgs.as_deref().and_then(|orgs| match orgs {
                [org] => Some(*org),
                _ => None,
            }),
            group: None,
            after: None,
            limit: PAGE,
        };
        let mut skip = search.offset;
        let mut found = Vec::new();
        while found.len() < limit {
            let page = self.directory.search_users(&query).await?;
            let is_last = page.len() < PAGE as usize;
            query.after = page.last().and_then(|user| NameKey::new(&user.name).ok());
            for user in page {
                if !is_wanted(&user) || !self.is_in_any(&user, orgs.as_deref()).await? {
                    continue;
                }
                if skip > 0 {
                    skip -= 1;
                } else if found.len() < limit {
                    found.push(user);
                }
            }
            if is_last || query.after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Groups ordered by Org and name.
    pub async fn search_groups(
        &self,
        sees: AdminScope,
        search: &GroupSearch,
    ) -> Result<Vec<Group>, AdminError> {
        let orgs = if let Some(orgs) = self.seen_orgs(sees, search.orgs.as_deref()).await? {
            orgs
        } else {
            let all = self.directory.list_orgs().await?;
            all.iter().map(|org| org.id).collect()
        };
        let of_users = match &search.users {
            Some(users) => Some(self.groups_of_any(users, &orgs).await?),
            None => None,
        };
        let mut found = Vec::new();
        for org in orgs {
            found.extend(self.directory.list_groups(org).await?);
        }
        let called = search.group.as_deref();
        let called_key = called.and_then(|called| NameKey::new(called).ok());
        let is_called = |group: &Group| {
            called.is_none_or(|called| {
                group.id.to_string().eq_ignore_ascii_case(called)
                    || called_key.as_ref() == NameKey::new(&group.name).ok().as_ref()
            })
        };
        found.retain(|group| {
            is_called(group)
                && contains(search.name_contains.as_deref(), &group.name)
                && same(search.display_name.as_deref(), &group.display_name)
                && search.privileges.as_ref().is_none_or(|wanted| {
                    wanted.iter().any(|right| group.privileges.contains(right))
                })
                && of_users.as_ref().is_none_or(|ids| ids.contains(&group.id))
        });
        let limit = search.limit.min(MAX_FOUND);
        Ok(found.into_iter().skip(search.offset).take(limit).collect())
    }

    /// Every user of an Org.
    pub(in crate::domain::administration) async fn users_in(
        &self,
        org: OrgId,
    ) -> Result<Vec<User>, AdminError> {
        let mut query = UserQuery {
            name_contains: None,
            org: Some(org),
            group: None,
            after: None,
            limit: PAGE,
        };
        let mut all = Vec::new();
        loop {
            let page = self.directory.search_users(&query).await?;
            query.after = page.last().and_then(|user| NameKey::new(&user.name).ok());
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last || query.after.is_none() {
                return Ok(all);
            }
        }
    }

    /// The Orgs to search; none means all of them.
    async fn seen_orgs(
        &self,
        sees: AdminScope,
        called: Option<&[String]>,
    ) -> Result<Option<Vec<OrgId>>, AdminError> {
        let Some(called) = called.filter(|called| !called.is_empty()) else {
            return Ok(match sees {
                AdminScope::Server => None,
                AdminScope::Org(own) => Some(vec![own]),
            });
        };
        let mut orgs = Vec::new();
        for called in called {
            let found = match self.require_org(called).await {
                Ok(org) => Some(org.id),
                Err(AdminError::Missing { .. }) => None,
                Err(error) => return Err(error),
            };
            match (found, sees) {
                (Some(org), AdminScope::Server) => orgs.push(org),
                (Some(org), AdminScope::Org(own)) if org == own => orgs.push(org),
                // Which Orgs there are is not everybody's to know.
                (_, AdminScope::Org(_)) => return Err(Denied("search the Org you work in").into()),
                (None, AdminScope::Server) => {
                    let expected = "numbers or names of existing Orgs";
                    return Err(AdminError::field("orgs", expected));
                }
            }
        }
        orgs.sort_unstable();
        orgs.dedup();
        Ok(Some(orgs))
    }

    async fn is_in_any(&self, user: &User, orgs: Option<&[OrgId]>) -> Result<bool, AdminError> {
        let Some(orgs) = orgs else {
            return Ok(true);
        };
        let own = self.org_ids_of(user).await?;
        Ok(orgs.iter().any(|org| own.contains(org)))
    }

    async fn members_of_any(
        &self,
        sees: AdminScope,
        called: &[String],
        orgs: Option<&[OrgId]>,
    ) -> Result<HashSet<UserId>, AdminError> {
        let mut members = HashSet::new();
        for called in called {
            let search = GroupSearch {
                group: Some(called.clone()),
                orgs: orgs.map(|orgs| orgs.iter().map(OrgId::to_string).collect()),
                limit: MAX_FOUND,
                ..GroupSearch::default()
            };
            // A name may be that of groups in several Orgs.
            for group in self.search_groups(sees, &search).await? {
                let users = self.directory.members_of(group.id).await?;
                members.extend(users.iter().map(|user| user.id));
            }
        }
        Ok(members)
    }

    async fn groups_of_any(
        &self,
        called: &[String],
        orgs: &[OrgId],
    ) -> Result<HashSet<GroupId>, AdminError> {
        let mut groups = HashSet::new();
        for called in called {
            let Some(user) = self.find_user_called(called).await? else {
                continue;
            };
            for org in orgs {
                let own = self.directory.groups_of(user.id, *org).await?;
                groups.extend(own.iter().map(|group| group.id));
            }
        }
        Ok(groups)
    }
}

fn same(wanted: Option<&str>, text: &str) -> bool {
    wanted.is_none_or(|wanted| NameKey::fold(wanted) == NameKey::fold(text))
}

fn contains(fragment: Option<&str>, text: &str) -> bool {
    fragment.is_none_or(|fragment| NameKey::fold(text).contains(&NameKey::fold(fragment)))
}
