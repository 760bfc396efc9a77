//! Who may administer what: one rule for every API, worked out from what was presented and who presented it.
//!
//! | | administers the server | administers one Org |
//! |---|---|---|
//! | how | `is_admin`, behind no Org's key | the right ADMINISTRATION, by a group of the Org worked in |
//! | sees | everything | users and groups of that Org |
//! | an account (password, status, names, deletion, sessions) | any | of users who belong to that Org alone, do not administer the server and have no right beyond the Org |
//! | memberships | any | of its users, in that Org and its groups |
//! | groups | any | of that Org, unless they hold a right beyond it |
//! | Orgs, rights beyond an Org | yes | no |
//!
//! "Alone" is what holds the Orgs apart: whoever sets the password of somebody who also administers another
//! Org administers that Org too.

use crate::domain::directory::{ADMINISTRATION, Directory, Group, OrgId, User, privileges_in};
use crate::domain::failure::StoreError;
use crate::domain::principal::Principal;
use crate::domain::token::Access;

/// Rights that reach beyond one Org: only an administrator of the server hands them out.
pub const BEYOND_ORG: [&str; 6] = [
    "CONTROL_TRUSTED_AUTH",
    "ORG_ADMINISTRATION",
    "SYSTEM_ADMINISTRATION",
    "SYSTEM_INFO_ADMINISTRATION",
    "SYNCMANAGEMENT",
    "SUPER_USER",
];

/// How far an administrator's power reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminScope {
    /// Everything.
    Server,
    /// One Org: the one worked in.
    Org(OrgId),
}

/// An administrator's act that is beyond their scope; says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(pub &'static str);

impl AdminScope {
    /// The scope of whoever is signed in; none when they administer nothing.
    ///
    /// Nobody reaches further than what they presented: a session limited to one object administers
    /// nothing, and one that came by the key of an Org never the server, whoever it is for.
    pub async fn of(
        directory: &dyn Directory,
        who: &Principal,
        user: &User,
    ) -> Result<Option<Self>, StoreError> {
        if who.access != Access::Full {
            return Ok(None);
        }
        let reach = match who.secret_key() {
            None => Reach::Everywhere,
            Some(id) => {
                let keys = directory.list_keys().await?;
                // A key that is gone vouches for nothing.
                match keys.iter().find(|key| key.id == id).map(|key| key.org) {
                    Some(None) => Reach::Everywhere,
                    Some(Some(org)) if org == who.org => Reach::OwnOrg,
                    None | Some(Some(_)) => return Ok(None),
                }
            }
        };
        if user.is_admin && reach == Reach::Everywhere {
            return Ok(Some(Self::Server));
        }
        let by_groups = User {
            is_admin: false,
            ..user.clone()
        };
        let privileges = privileges_in(directory, &by_groups, who.org).await?;
        Ok(privileges
            .contains(ADMINISTRATION)
            .then_some(Self::Org(who.org)))
    }

    /// Whether everything is in scope, as Orgs themselves and everybody's sessions need.
    pub const fn require_server(self) -> Result<(), Denied> {
        match self {
            Self::Server => Ok(()),
            Self::Org(_) => Err(Denied("this needs an administrator of the server")),
        }
    }

    /// Whether users and groups of that Org are in scope.
    pub fn may_manage_in(self, org: OrgId) -> Result<(), Denied> {
        match self {
            Self::Org(own) if own != org => {
                Err(Denied("an administrator of one Org manages no other Org"))
            }
            Self::Server | Self::Org(_) => Ok(()),
        }
    }

    /// Whether the user may be told of, given the Orgs they belong to.
    pub fn may_see_user(self, orgs: &[OrgId]) -> bool {
        match self {
            Self::Server => true,
            Self::Org(own) => orgs.contains(&own),
        }
    }

    /// Whether the user's Org and group memberships within the scope may be changed.
    pub fn may_manage_member(self, user: &User, orgs: &[OrgId]) -> Result<(), Denied> {
        if !self.may_see_user(orgs) {
            return Err(Denied("no user of your Org is called that"));
        }
        match self {
            Self::Org(_) if user.is_admin => Err(Denied(
                "only an administrator of the server manages another one",
            )),
            Self::Server | Self::Org(_) => Ok(()),
        }
    }

    /// Whether what all Orgs share of the user may be changed: password, status, names, sessions, existence.
    ///
    /// `rights` are those the user has in the Org: whoever sets somebody's password has them too.
    pub fn may_manage_account(
        self,
        user: &User,
        orgs: &[OrgId],
        rights: &[String],
    ) -> Result<(), Denied> {
        self.may_manage_member(user, orgs)?;
        self.may_touch_rights(rights)?;
        match self {
            Self::Org(own) if orgs.iter().any(|org| *org != own) => Err(Denied(
                "the user belongs to other Orgs too: an administrator of one Org may only change their \
                 groups there or remove them from it",
            )),
            Self::Server | Self::Org(_) => Ok(()),
        }
    }

    /// Whether users may be made, or unmade, administrators of the server.
    pub const fn may_grant_server(self) -> Result<(), Denied> {
        match self {
            Self::Server => Ok(()),
            Self::Org(_) => Err(Denied(
                "only an administrator of the server makes another one",
            )),
        }
    }

    /// Whether those rights may be given, taken, or come by.
    pub fn may_touch_rights(self, rights: &[String]) -> Result<(), Denied> {
        match self {
            Self::Org(_) if reaches_beyond(rights) => Err(Denied(
                "a right that reaches beyond one Org is an administrator of the server's to deal with",
            )),
            Self::Server | Self::Org(_) => Ok(()),
        }
    }

    /// Whether the group and who belongs to it may be changed.
    pub fn may_manage_group(self, group: &Group) -> Result<(), Denied> {
        match self {
            Self::Org(own) if group.org != own => {
                Err(Denied("no group of your Org is called that"))
            }
            Self::Server | Self::Org(_) => self.may_touch_rights(&group.privileges),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Everywhere,
    OwnOrg,
}

fn reaches_beyond(privileges: &[String]) -> bool {
    privileges.iter().any(|own| {
        BEYOND_ORG
            .iter()
            .any(|beyond| own.trim().eq_ignore_ascii_case(beyond))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::directory::{AccountStatus, AccountType, GroupId, UserId};
    use crate::domain::token::Attributes;
    use uuid::Uuid;

    const OWN: AdminScope = AdminScope::Org(OrgId(7));

    fn user(is_admin: bool) -> User {
        User {
            id: UserId(Uuid::nil()),
            name: "u".into(),
            display_name: "U".into(),
            email: None,
            account_type: AccountType::Local,
            status: AccountStatus::Active,
            is_admin,
            last_org: OrgId(7),
            attributes: Attributes::default(),
            created_at: Timestamp::from_millis(0),
            modified_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn an_org_administrator_touches_only_accounts_of_that_org_alone() {
        for (is_admin, orgs, may_member, may_account) in [
            (false, &[7][..], true, true),
            (false, &[0, 7], true, false),
            (false, &[0], false, false),
            (false, &[], false, false),
            (true, &[7], false, false),
        ] {
            let orgs: Vec<OrgId> = orgs.iter().copied().map(OrgId).collect();
            let user = user(is_admin);
            assert_eq!(OWN.may_manage_member(&user, &orgs).is_ok(), may_member);
            assert_eq!(
                OWN.may_manage_account(&user, &orgs, &[]).is_ok(),
                may_account
            );
            let server = AdminScope::Server;
            assert!(server.may_manage_account(&user, &orgs, &[]).is_ok());
        }
    }

    #[test]
    fn rights_beyond_the_org_are_not_an_org_administrators_to_give() {
        let own = |text: &str| vec!["DATAMANAGEMENT".to_owned(), text.to_owned()];
        assert!(OWN.may_touch_rights(&own(ADMINISTRATION)).is_ok());
        for beyond in ["CONTROL_TRUSTED_AUTH", " org_administration "] {
            assert!(OWN.may_touch_rights(&own(beyond)).is_err());
            assert!(AdminScope::Server.may_touch_rights(&own(beyond)).is_ok());
            let group = |org| Group {
                id: GroupId(Uuid::nil()),
                org: OrgId(org),
                name: "g".into(),
                display_name: "G".into(),
                privileges: own(beyond),
            };
            assert!(OWN.may_manage_group(&group(7)).is_err());
            // Nor the password of somebody who has such a right.
            let alone = [OrgId(7)];
            assert!(
                OWN.may_manage_account(&user(false), &alone, &own(beyond))
                    .is_err()
            );
        }
        assert!(OWN.may_manage_in(OrgId(0)).is_err());
        assert!(OWN.require_server().is_err() && OWN.may_grant_server().is_err());
    }
}
