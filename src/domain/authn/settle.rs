//! Who somebody is here whom another directory vouches for: made if need be, and brought up to date.
//!
//! ```text
//! vouched for ─▶ unknown here ─ JIT ─▶ made ──┐
//!             └▶ known here ─▶ of that kind? ─┴▶ active? ─▶ names, Orgs, groups brought up to date ─▶ User
//! ```

use crate::domain::audit::{Act, AuditEvent, AuditSink, Client, Refusal};
use crate::domain::clock::Clock;
use crate::domain::directory::{
    AccountStatus, AccountType, Directory, DirectoryError, Membership, MembershipChange, NameKey,
    Operation, OrgId, User, UserChange, UserDraft, UserId,
};
use crate::domain::failure::StoreError;
use crate::domain::random::{self, Random};
use anyhow::anyhow;
use std::sync::Arc;

/// The longest display name or mail address that is taken over, in bytes.
const MAX_TEXT_BYTES: usize = 254;

/// Makes users of those whom others vouch for, and brings them up to date.
#[derive(Debug)]
pub struct Settler {
    /// Users and groups here.
    pub directory: Arc<dyn Directory>,
    /// Where events go.
    pub audit: Arc<dyn AuditSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// Somebody as the other directory describes them, in our terms.
#[derive(Debug)]
pub(in crate::domain) struct Outsider<'a> {
    /// The sign-in name as it is written there.
    pub username: &'a str,
    /// Its folded form: whom the directory here is asked for.
    pub key: &'a NameKey,
    /// The name people read.
    pub display_name: Option<&'a str>,
    /// Where mail goes.
    pub email: Option<&'a str>,
    /// Orgs they are due, out of [`SettleRules::orgs`].
    pub due_orgs: Vec<OrgId>,
    /// Groups they are due, out of [`SettleRules::groups`].
    pub due_groups: Vec<&'a str>,
}

/// What becomes of those who are vouched for.
#[derive(Debug)]
pub(in crate::domain) struct SettleRules<'a> {
    /// Where their password lives, or who else says who they are.
    pub account_type: AccountType,
    /// Whether local users, administrators of the server excepted, are taken for the same person.
    pub accepts_local: bool,
    /// Whether somebody unknown here is made a user.
    pub creates_users: bool,
    /// The Org of new users whom no rule places, and of the groups.
    pub org: OrgId,
    /// Every Org that rules name: users join and leave exactly these. None named, none touched.
    pub orgs: Vec<OrgId>,
    /// Every group that rules name, alike.
    pub groups: Vec<&'a str>,
    /// What a wrong entry in the settings is called.
    pub setting: &'static str,
}

/// Why somebody who is vouched for is not let in.
#[derive(Debug)]
pub(in crate::domain) enum NotSettled {
    Refused(Refusal),
    Store(StoreError),
}

impl From<StoreError> for NotSettled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Settler {
    /// The user here, made if need be and brought up to date.
    pub(in crate::domain) async fn settle(
        &self,
        known: Option<User>,
        who: &Outsider<'_>,
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<User, NotSettled> {
        let user = self.take(known, who, rules, client).await?;
        judge(&user, rules)?;
        self.update(user, who, rules, client).await
    }

    /// The user here, made if need be; not yet judged.
    pub(in crate::domain) async fn take(
        &self,
        known: Option<User>,
        who: &Outsider<'_>,
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<User, NotSettled> {
        match known {
            Some(user) => Ok(user),
            None if rules.creates_users => self.make(who, rules, client).await,
            None => Err(NotSettled::Refused(Refusal::UnknownUser)),
        }
    }

    /// Brings names, Orgs and groups up to date, of somebody who has been judged.
    pub(in crate::domain) async fn update(
        &self,
        user: User,
        who: &Outsider<'_>,
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<User, NotSettled> {
        let user = self.rename(user, who, client).await?;
        let user = self.place(user, who, rules, client).await?;
        self.regroup(&user, who, rules, client).await?;
        Ok(user)
    }

    async fn make(
        &self,
        who: &Outsider<'_>,
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<User, NotSettled> {
        let place = |org| Membership {
            org,
            groups: Vec::new(),
        };
        let mut memberships: Vec<Membership> = who.due_orgs.iter().copied().map(place).collect();
        if memberships.is_empty() {
            memberships.push(place(rules.org));
        }
        let draft = UserDraft {
            id: UserId(random::uuid(&*self.random)),
            name: who.username.to_owned(),
            key: who.key.clone(),
            display_name: readable(who.display_name)
                .unwrap_or(who.username)
                .to_owned(),
            email: address(who.email).map(str::to_owned),
            account_type: rules.account_type,
            password: None,
            is_admin: false,
            memberships,
            create_groups: false,
            at: self.clock.now(),
        };
        match self.directory.create_user(&draft).await {
            Ok(user) => {
                self.changed("user_created", &user, client);
                Ok(user)
            }
            // Somebody was quicker: the same user in another browser, or an administrator with a local one.
            Err(DirectoryError::Exists { .. }) => self
                .directory
                .find_user(who.key)
                .await?
                .ok_or(NotSettled::Refused(Refusal::UnknownUser)),
            Err(error) => Err(not_settled(rules, error)),
        }
    }

    async fn rename(
        &self,
        user: User,
        who: &Outsider<'_>,
        client: &Client,
    ) -> Result<User, NotSettled> {
        let display_name = readable(who.display_name)
            .filter(|name| *name != user.display_name)
            .map(str::to_owned);
        let email = address(who.email)
            .filter(|email| Some(*email) != user.email.as_deref())
            .map(str::to_owned);
        if display_name.is_none() && email.is_none() {
            return Ok(user);
        }
        let change = UserChange {
            display_name,
            email,
            at: self.clock.now(),
            ..UserChange::default()
        };
        let changed = self.directory.update_user(user.id, &change).await;
        let user = changed.map_err(|error| {
            NotSettled::Store(match error {
                DirectoryError::Store(error) => error,
                other => StoreError::unavailable(anyhow!("{other}")),
            })
        })?;
        self.changed("user_updated", &user, client);
        Ok(user)
    }

    /// Has the user in exactly those Orgs that the rules give them, of all that rules name.
    async fn place(
        &self,
        user: User,
        who: &Outsider<'_>,
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<User, NotSettled> {
        if rules.orgs.is_empty() {
            return Ok(user);
        }
        let held = self.directory.orgs_of(user.id).await?;
        let is_in = |org: &OrgId| held.iter().any(|held| held.id == *org);
        let mut joined = who.due_orgs.clone();
        joined.retain(|org| !is_in(org));
        let left: Vec<OrgId> = rules
            .orgs
            .iter()
            .copied()
            .filter(|org| is_in(org) && !who.due_orgs.contains(org))
            .collect();
        let user = self
            .change_orgs(user, Operation::Add, joined, rules, client)
            .await?;
        // Somebody due nowhere keeps no Org they were given, and is refused for want of one.
        self.change_orgs(user, Operation::Remove, left, rules, client)
            .await
    }

    async fn change_orgs(
        &self,
        user: User,
        operation: Operation,
        orgs: Vec<OrgId>,
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<User, NotSettled> {
        if orgs.is_empty() {
            return Ok(user);
        }
        let change = MembershipChange {
            operation,
            orgs: Some(orgs),
            groups: None,
            create_groups: false,
            at: self.clock.now(),
        };
        let changed = self.directory.change_memberships(user.id, &change).await;
        let user = changed.map_err(|error| not_settled(rules, error))?;
        self.changed("memberships_changed", &user, client);
        Ok(user)
    }

    /// Has the user in exactly those groups that the rules give them, of all the groups that rules name;
    /// other groups are none of the other directory's business.
    async fn regroup(
        &self,
        user: &User,
        who: &Outsider<'_>,
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<(), NotSettled> {
        if rules.groups.is_empty() {
            return Ok(());
        }
        // Whom an administrator took out of the Org, nobody else brings back.
        let orgs = self.directory.orgs_of(user.id).await?;
        if orgs.iter().all(|org| org.id != rules.org) {
            return Ok(());
        }
        let current = self.directory.groups_of(user.id, rules.org).await?;
        let is_in = |group: &str| current.iter().any(|held| is_same(&held.name, group));
        let is_due = |group: &str| who.due_groups.iter().any(|name| is_same(name, group));
        let mut joined: Vec<&str> = Vec::new();
        let mut left: Vec<&str> = Vec::new();
        for group in rules.groups.iter().copied() {
            let list = match (is_due(group), is_in(group)) {
                (true, false) => &mut joined,
                (false, true) => &mut left,
                _ => continue,
            };
            if !list.iter().any(|listed| is_same(listed, group)) {
                list.push(group);
            }
        }
        // Rights are taken before any are given.
        self.change_groups(user, Operation::Remove, &left, rules, client)
            .await?;
        self.change_groups(user, Operation::Add, &joined, rules, client)
            .await
    }

    async fn change_groups(
        &self,
        user: &User,
        operation: Operation,
        groups: &[&str],
        rules: &SettleRules<'_>,
        client: &Client,
    ) -> Result<(), NotSettled> {
        if groups.is_empty() {
            return Ok(());
        }
        let change = MembershipChange {
            operation,
            orgs: None,
            groups: Some(Membership {
                org: rules.org,
                groups: groups.iter().map(|&group| group.to_owned()).collect(),
            }),
            create_groups: true,
            at: self.clock.now(),
        };
        let changed = self.directory.change_memberships(user.id, &change).await;
        changed.map_err(|error| not_settled(rules, error))?;
        self.changed("memberships_changed", user, client);
        Ok(())
    }

    fn changed(&self, what: &'static str, user: &User, client: &Client) {
        self.audit.record(AuditEvent {
            at: self.clock.now(),
            act: Act::DirectoryChanged {
                what,
                target: user.name.clone(),
            },
            user_id: Some(user.id),
            user_name: Some(user.name.clone()),
            client: client.clone(),
        });
    }
}

/// Whether somebody is let in at all. Nothing may be changed, and nothing ended, of those who are not: the name may be
/// another person's.
pub(in crate::domain) fn judge(user: &User, rules: &SettleRules<'_>) -> Result<(), NotSettled> {
    let is_theirs = user.account_type == rules.account_type;
    let is_accepted =
        rules.accepts_local && user.account_type == AccountType::Local && !user.is_admin;
    if !is_theirs && !is_accepted {
        return Err(NotSettled::Refused(Refusal::OtherAccountType));
    }
    if user.status != AccountStatus::Active {
        return Err(NotSettled::Refused(Refusal::UserDisabled));
    }
    Ok(())
}

/// The settings name an Org or a group that cannot be: nobody who signs in is to blame.
fn not_settled(rules: &SettleRules<'_>, error: DirectoryError) -> NotSettled {
    NotSettled::Store(match error {
        DirectoryError::Store(error) => error,
        other => StoreError::unavailable(anyhow!("{}: {other}", rules.setting)),
    })
}

/// Whether two names are one, case and Unicode form aside.
pub(in crate::domain) fn is_same(one: &str, other: &str) -> bool {
    NameKey::fold(one) == NameKey::fold(other)
}

/// A name fit to be shown: what is not is left out rather than held against whoever signs in.
fn readable(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| {
        !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)
    })
}

/// Text fit to be a mail address.
fn address(text: Option<&str>) -> Option<&str> {
    readable(text).filter(|text| {
        let is_whole = |(name, host): (&str, &str)| !name.is_empty() && !host.is_empty();
        !text.contains(char::is_whitespace) && text.rsplit_once('@').is_some_and(is_whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        assert_eq!(readable(Some(" Ann ")), Some("Ann"));
        for bad in ["", " ", "a\nb", &"x".repeat(255)] {
            assert_eq!(readable(Some(bad)), None, "{bad:?}");
        }
        assert_eq!(address(Some("a@b.example")), Some("a@b.example"));
        for bad in ["a", "@b", "a@", "a b@c"] {
            assert_eq!(address(Some(bad)), None, "{bad}");
        }
    }
}
