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

use crate::domain::audit::{AuditSink, Client, Refusal};
use crate::domain::authn::MAX_PASSWORD_BYTES;
use crate::domain::authn::settle::{NotSettled, Outsider, SettleRules, Settler, is_same};
use crate::domain::clock::Clock;
use crate::domain::directory::{AccountType, Directory, NameKey, OrgId, User};
use crate::domain::failure::StoreError;
use crate::domain::random::Random;
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

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
    server: Arc<dyn DirectoryServer>,
    policy: LdapPolicy,
    settler: Settler,
}

impl LdapAuth {
    /// Puts the parts together.
    pub fn new(parts: LdapParts) -> Self {
        let LdapParts {
            server,
            policy,
            directory,
            audit,
            clock,
            random,
        } = parts;
        Self {
            server,
            policy,
            settler: Settler {
                directory,
                audit,
                clock,
                random,
            },
        }
    }

    /// Whether somebody unknown here may become a user by signing in.
    pub const fn creates_users(&self) -> bool {
        self.policy.creates_users
    }

    pub(in crate::domain) async fn judge(
        &self,
        name: &str,
        password: &SecretString,
    ) -> Result<LdapAnswer, StoreError> {
        if !is_sendable(password.expose_secret()) {
            return Ok(LdapAnswer::WrongPassword);
        }
        self.server.authenticate(name, password).await
    }

    /// The user here for somebody LDAP vouched for: made if need be, and brought up to date.
    pub(in crate::domain) async fn settle(
        &self,
        known: Option<User>,
        key: &NameKey,
        identity: &LdapIdentity,
        client: &Client,
    ) -> Result<User, NotSettled> {
        // The store promises it; an account under another name than the one judged would be somebody else's.
        if NameKey::new(&identity.username).as_ref() != Ok(key) {
            return Err(NotSettled::Refused(Refusal::UnknownUser));
        }
        let policy = &self.policy;
        let who = Outsider {
            username: &identity.username,
            key,
            display_name: identity.display_name.as_deref(),
            email: identity.email.as_deref(),
            due_orgs: Vec::new(),
            due_groups: due_groups(&policy.groups, &identity.groups),
        };
        let rules = SettleRules {
            account_type: AccountType::Ldap,
            accepts_local: false,
            creates_users: policy.creates_users,
            org: policy.org,
            orgs: Vec::new(),
            groups: policy
                .groups
                .iter()
                .map(|rule| rule.group.as_str())
                .collect(),
            setting: "[ldap] org, group_map",
        };
        self.settler.settle(known, &who, &rules, client).await
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

/// A DN without regard to case and to blanks beside its separators.
fn fold_dn(dn: &str) -> String {
    let folded = NameKey::fold(dn);
    let parts = folded.split(',').map(|part| {
        let halves = part.split('=').map(str::trim);
        halves.collect::<Vec<_>>().join("=")
    });
    parts.collect::<Vec<_>>().join(",")
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
}
