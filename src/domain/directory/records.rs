//! What the directory knows about users, groups, Orgs and keys.

use crate::domain::authn::PasswordHash;
use crate::domain::clock::Timestamp;
use crate::domain::directory::{GroupId, KeyId, NameKey, OrgId, UserId};
use crate::domain::token::Attributes;

/// Whether an account may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// May sign in.
    Active,
    /// Switched off by an administrator.
    Disabled,
}

/// Where an account's password lives, or who says who its owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountType {
    /// Here.
    Local,
    /// In the LDAP directory: nobody can set one here, and one left over from before does not count.
    Ldap,
    /// Nowhere: a SAML identity provider says who it is.
    Saml,
    /// Nowhere: an `OpenID Connect` provider says who it is.
    Oidc,
}

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The GUID clients see.
    pub id: UserId,
    /// The sign-in name, as it was created.
    pub name: String,
    /// The name people read.
    pub display_name: String,
    /// Where mail goes, when known.
    pub email: Option<String>,
    /// Where the password lives.
    pub account_type: AccountType,
    /// Whether the account may sign in.
    pub status: AccountStatus,
    /// Administers the whole server.
    pub is_admin: bool,
    /// The Org worked in last; a login without one goes there.
    pub last_org: OrgId,
    /// Attributes that trusted authentication persisted for this user.
    pub attributes: Attributes,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user was changed last.
    pub modified_at: Timestamp,
}

/// A user to be created.
#[derive(Clone, Debug)]
pub struct UserDraft {
    /// The id, drawn by the caller.
    pub id: UserId,
    /// The sign-in name.
    pub name: String,
    /// Its folded form.
    pub key: NameKey,
    /// The name people read.
    pub display_name: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// Where the password lives.
    pub account_type: AccountType,
    /// The password, already hashed; none for users who never type one.
    pub password: Option<PasswordHash>,
    /// Administers the whole server.
    pub is_admin: bool,
    /// Orgs to join, each with groups by name; groups that do not exist are created when `create_groups`.
    pub memberships: Vec<Membership>,
    /// Whether unknown groups are made rather than refused.
    pub create_groups: bool,
    /// Now.
    pub at: Timestamp,
}

/// An Org and the groups in it that a user joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The Org.
    pub org: OrgId,
    /// Group names as given; the store folds them.
    pub groups: Vec<String>,
}

/// A just-in-time change by trusted authentication: creates the user or brings them up to date.
#[derive(Clone, Debug)]
pub struct Provision {
    /// The id a new user gets.
    pub fresh_id: UserId,
    /// The name as the caller wrote it; only a new user takes this spelling.
    pub name: String,
    /// Its folded form.
    pub key: NameKey,
    /// A new display name, when given.
    pub display_name: Option<String>,
    /// A new address, when given.
    pub email: Option<String>,
    /// The Org to be in; none means the user's last Org, for a new user the Primary Org.
    pub org: Option<OrgId>,
    /// Whether an existing user is added to that Org; who may not be is refused.
    pub may_join: bool,
    /// Groups in that Org; none leaves them alone. Unknown groups are created.
    pub groups: Option<Vec<String>>,
    /// Whether `groups` replaces the user's groups of that Org rather than adding to them.
    pub replace_groups: bool,
    /// Now.
    pub at: Timestamp,
}

/// An Org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    /// Its number.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether its users may work in it.
    pub status: OrgStatus,
}

/// Whether an Org may be worked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrgStatus {
    /// Open.
    Active,
    /// Switched off: nobody signs in to it.
    Disabled,
}

/// A group of users within one Org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The GUID clients see.
    pub id: GroupId,
    /// The Org it belongs to.
    pub org: OrgId,
    /// Its name, unique in the Org.
    pub name: String,
    /// The name people read.
    pub display_name: String,
    /// Rights its members have, in `ThoughtSpot`'s words (`ADMINISTRATION`, …).
    pub privileges: Vec<String>,
}

/// A group to be created.
#[derive(Clone, Debug)]
pub struct GroupDraft {
    /// The id, drawn by the caller.
    pub id: GroupId,
    /// The Org it belongs to.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// Its folded form.
    pub key: NameKey,
    /// The name people read.
    pub display_name: String,
    /// Rights its members have.
    pub privileges: Vec<String>,
}

/// A secret key of trusted authentication. The key itself is not here: only its digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// Its id, which may be logged.
    pub id: KeyId,
    /// A word for people, such as the app that holds it.
    pub label: String,
    /// The Org it is good for; none is the whole server.
    pub org: Option<OrgId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
    /// When it was retired.
    pub retired_at: Option<Timestamp>,
}
