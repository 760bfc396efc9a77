//! Signing in by a company's LDAP directory: who is judged there, and what of it becomes users and groups here.
//!
//! ```text
//! user here is LDAP ─┐                   ┌─ wrong or unknown ──▶ refused, like any wrong password
//!                    ├─▶ LDAP says … ────┼─ nobody answers ────▶ unavailable: nothing is concluded
//! user unknown, JIT ─┘                   └─ right ─▶ made (JIT) or brought up to date ─▶ Authenticated
//! ```
//!
//! A local user is never judged there, whatever LDAP has under the name: whoever may write to the
//! company's directory must not come into accounts it did not make.

use crate::domain::audit::{Act, AuditEvent, AuditSink, Client, Refusal};
use crate::domain::authn::MAX_PASSWORD_BYTES;
use crate::domain::clock::Clock;
use crate::domain::directory::{
    AccountStatus, AccountType, Directory, DirectoryError, Membership, MembershipChange, NameKey,
    Operation, OrgId, User, UserChange, UserDraft, UserId,
};
use crate::domain::failure::StoreError;
use crate::domain::random::{self, Random};
use anyhow::anyhow;
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// The longest display name or mail address that is taken over, in bytes.
const MAX_TEXT_BYTES: usize = 254;

/// Somebody as the LDAP directory describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapIdentity {
    /// The entry's distinguished name.
    pub dn: String,
    /// The sign-in name as it is written there; the same name as was asked for.
    pub username: String,
    /// The name people read.
    pub display_name: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// The groups they are in.
    pub groups: Vec<LdapGroup>,
}

/// A group in the LDAP directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapGroup {
    /// Its distinguished name.
    pub dn: String,
    /// Its short names (`cn`).
    pub names: Vec<String>,
}

/// What the LDAP directory says of a name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LdapAnswer {
    /// They belong together.
    Right(LdapIdentity),
    /// Nobody, or more than one, is called that.
    UnknownUser,
    /// The password is not theirs, or they may not sign in.
    WrongPassword,
}

/// A company's directory that judges passwords: one or several servers with the same content.
#[async_trait]
pub trait DirectoryServer: std::fmt::Debug + Send + Sync {
    /// Judges a name and a password, within a bounded time. [`StoreError::Unavailable`] when no server could:
    /// that says nothing about the password.
    ///
    /// An answer of [`LdapAnswer::Right`] is for a user whose name folds to the same [`NameKey`] as the one
    /// asked for. An empty password is refused without asking: a server takes it for a wish to stay anonymous
    /// and says yes.
    async fn authenticate(
        &self,
        name: &str,
        password: &SecretString,
    ) -> Result<LdapAnswer, StoreError>;
}

/// What becomes of those whom LDAP knows.
#[derive(Clone, Debug)]
pub struct LdapPolicy {
    /// Whether somebody unknown here becomes a user by signing in.
    pub creates_users: bool,
    /// The Org of such users, and of the groups below.
    pub org: OrgId,
    /// Which groups there stand for which here.
    pub groups: Vec<GroupRule>,
}

/// A group there that stands for one here.
#[derive(Clone, Debug)]
pub struct GroupRule {
    /// Its DN or `cn` there.
    pub ldap: String,
    /// Its name here.
    pub group: String,
}

/// What [`LdapAuth`] is built from.
#[derive(Debug)]
pub struct LdapParts {
    /// Who judges.
    pub server: Arc<dyn DirectoryServer>,
    /// What becomes of those it knows.
    pub policy: LdapPolicy,
    /// Users and groups here.
    pub directory: Arc<dyn Directory>,
    /// Where events go.
    pub audit: Arc<dyn AuditSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// Signing in by LDAP.
#[derive(Debug)]
pub struct LdapAuth {
    parts: LdapParts,
}

/// Why somebody whom LDAP vouched for is not let in.
pub(in crate::domain) enum NotSettled {
    Refused(Refusal),
    Store(StoreError),
}

impl From<StoreError> for NotSettled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DirectoryError> for NotSettled {
    fn from(error: DirectoryError) -> Self {
        Self::Store(match error {
            DirectoryError::Store(error) => error,
            // The settings name an Org or a group that cannot be: nobody who signs in is to blame.
            other => StoreError::unavailable(anyhow!("[ldap] org, group_map: {other}")),
        })
    }
}

impl LdapAuth {
    /// Puts the parts together.
    pub fn new(parts: LdapParts) -> Self {
        Self { parts }
    }

    /// Whether somebody unknown here may become a user by signing in.
    pub const fn creates_users(&self) -> bool {
        self.parts.policy.creates_users
    }

    pub(in crate::domain) async fn judge(
        &self,
        name: &str,
        password: &SecretString,
    ) -> Result<LdapAnswer, StoreError> {
        if !is_sendable(password.expose_secret()) {
            return Ok(LdapAnswer::WrongPassword);
        }
        self.parts.server.authenticate(name, password).await
    }

    /// The user here for somebody LDAP vouched for: made if need be, and brought up to date.
    pub(in crate::domain) async fn settle(
        &self,
        known: Option<User>,
        key: &NameKey,
        identity: &LdapIdentity,
        client: &Client,
    ) -> Result<User, NotSettled> {
        let user = match known {
            Some(user) => user,
            None => self.make(key, identity, client).await?,
        };
        if user.account_type != AccountType::Ldap {
            return Err(NotSettled::Refused(Refusal::OtherAccountType));
        }
        if user.status != AccountStatus::Active {
            return Err(NotSettled::Refused(Refusal::UserDisabled));
        }
        let user = self.rename(user, identity).await?;
        self.regroup(&user, identity, client).await?;
        Ok(user)
    }

    async fn make(
        &self,
        key: &NameKey,
        identity: &LdapIdentity,
        client: &Client,
    ) -> Result<User, NotSettled> {
        let LdapParts {
            directory,
            policy,
            random,
            ..
        } = &self.parts;
        // The store promises it; an account under another name than the one judged would be somebody else's.
        if NameKey::new(&identity.username).as_ref() != Ok(key) {
            return Err(NotSettled::Refused(Refusal::UnknownUser));
        }
        let draft = UserDraft {
            id: UserId(random::uuid(&**random)),
            name: identity.username.clone(),
            key: key.clone(),
            display_name: readable(identity.display_name.as_deref())
                .unwrap_or(&identity.username)
                .to_owned(),
            email: address(identity.email.as_deref()).map(str::to_owned),
            account_type: AccountType::Ldap,
            password: None,
            is_admin: false,
            memberships: vec![Membership {
                org: policy.org,
                groups: Vec::new(),
            }],
            create_groups: false,
            at: self.parts.clock.now(),
        };
        match directory.create_user(&draft).await {
            Ok(user) => {
                self.changed("user_created", &user, client);
                Ok(user)
            }
            // Somebody was quicker: the same user in another browser, or an administrator with a local one.
            Err(DirectoryError::Exists { .. }) => directory
                .find_user(key)
                .await?
                .ok_or(NotSettled::Refused(Refusal::UnknownUser)),
            Err(error) => Err(error.into()),
        }
    }

    async fn rename(&self, user: User, identity: &LdapIdentity) -> Result<User, NotSettled> {
        let display_name = readable(identity.display_name.as_deref())
            .filter(|name| *name != user.display_name)
            .map(str::to_owned);
        let email = address(identity.email.as_deref())
            .filter(|email| Some(*email) != user.email.as_deref())
            .map(str::to_owned);
        if display_name.is_none() && email.is_none() {
            return Ok(user);
        }
        let change = UserChange {
            display_name,
            email,
            at: self.parts.clock.now(),
            ..UserChange::default()
        };
        Ok(self.parts.directory.update_user(user.id, &change).await?)
    }

    /// Has the user in exactly those groups that the rules give them, of all the groups that rules name;
    /// other groups are none of LDAP's business.
    async fn regroup(
        &self,
        user: &User,
        identity: &LdapIdentity,
        client: &Client,
    ) -> Result<(), NotSettled> {
        let LdapParts {
            directory, policy, ..
        } = &self.parts;
        if policy.groups.is_empty() {
            return Ok(());
        }
        // Whom an administrator took out of the Org, LDAP does not bring back.
        let orgs = directory.orgs_of(user.id).await?;
        if orgs.iter().all(|org| org.id != policy.org) {
            return Ok(());
        }
        let current = directory.groups_of(user.id, policy.org).await?;
        let is_in = |group: &str| {
            let wanted = NameKey::fold(group);
            current
                .iter()
                .any(|held| NameKey::fold(&held.name) == wanted)
        };
        let due = due_groups(&policy.groups, &identity.groups);
        let is_due = |group: &str| due.iter().any(|name| is_same(name, group));
        let mut joined: Vec<&str> = Vec::new();
        let mut left: Vec<&str> = Vec::new();
        for rule in &policy.groups {
            let group = rule.group.as_str();
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
        self.change_groups(user, Operation::Remove, &left, client)
            .await?;
        self.change_groups(user, Operation::Add, &joined, client)
            .await
    }

    async fn change_groups(
        &self,
        user: &User,
        operation: Operation,
        groups: &[&str],
        client: &Client,
    ) -> Result<(), NotSettled> {
        if groups.is_empty() {
            return Ok(());
        }
        let change = MembershipChange {
            operation,
            orgs: None,
            groups: Some(Membership {
                org: self.parts.policy.org,
                groups: groups.iter().map(|&group| group.to_owned()).collect(),
            }),
            create_groups: true,
            at: self.parts.clock.now(),
        };
        let directory = &self.parts.directory;
        directory.change_memberships(user.id, &change).await?;
        self.changed("memberships_changed", user, client);
        Ok(())
    }

    fn changed(&self, what: &'static str, user: &User, client: &Client) {
        self.parts.audit.record(AuditEvent {
            at: self.parts.clock.now(),
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

/// Whether a password may be sent at all. An empty one asks for an anonymous bind, which succeeds; some
/// servers read only up to a NUL; a very long one is no password of anybody's.
pub fn is_sendable(password: &str) -> bool {
    !password.is_empty() && password.len() <= MAX_PASSWORD_BYTES && !password.contains('\0')
}

/// The groups here that somebody in those groups there is due.
fn due_groups<'a>(rules: &'a [GroupRule], held: &[LdapGroup]) -> Vec<&'a str> {
    let applies = |rule: &&GroupRule| {
        if rule.ldap.contains('=') {
            let wanted = fold_dn(&rule.ldap);
            held.iter().any(|group| fold_dn(&group.dn) == wanted)
        } else {
            held.iter()
                .flat_map(|group| &group.names)
                .any(|name| is_same(name, &rule.ldap))
        }
    };
    rules
        .iter()
        .filter(applies)
        .map(|rule| rule.group.as_str())
        .collect()
}

fn is_same(one: &str, other: &str) -> bool {
    NameKey::fold(one) == NameKey::fold(other)
}

/// A DN without regard to case and to blanks beside its separators.
fn fold_dn(dn: &str) -> String {
    let folded = NameKey::fold(dn);
    let parts = folded.split(',').map(|part| {
        let halves = part.split('=').map(str::trim);
        halves.collect::<Vec<_>>().join("=")
    });
    parts.collect::<Vec<_>>().join(",")
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
    fn case_44_an_empty_password_or_one_with_a_nul_is_never_sent() {
        for bad in ["", "\0", "secret\0rest", &"x".repeat(1025)] {
            assert!(!is_sendable(bad), "{bad:?}");
        }
        for good in [" ", "p", &"x".repeat(1024)] {
            assert!(is_sendable(good));
        }
    }

    #[test]
    fn groups_are_told_by_dn_or_by_cn_in_whatever_case() {
        let rule = |ldap: &str, group: &str| GroupRule {
            ldap: ldap.to_owned(),
            group: group.to_owned(),
        };
        let rules = [
            rule("CN=Ops, OU=Groups ,dc=example,dc=org", "Operators"),
            rule("analysts", "Analysts"),
            rule("cn=ops,dc=example,dc=org", "Others"),
            rule("missing", "Others"),
        ];
        let held = [
            LdapGroup {
                dn: "cn=ops,ou=groups,dc=example,dc=org".to_owned(),
                names: vec!["ops".to_owned()],
            },
            LdapGroup {
                dn: "cn=Analysts,ou=groups,dc=example,dc=org".to_owned(),
                names: vec!["Analysts".to_owned()],
            },
        ];
        assert_eq!(due_groups(&rules, &held), ["Operators", "Analysts"]);
        assert!(due_groups(&rules, &[]).is_empty());
    }

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
