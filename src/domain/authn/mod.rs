//! Proving who someone is: credentials go in, [`Authenticated`] comes out, and only from here.

mod calibration;
mod key;
mod ldap;
mod memory;
mod org;
mod password;
mod pool;
mod settle;
mod threads;
mod trusted;

pub use calibration::{MAX_TARGET_MS, MEMORY_MIB, Measured, TARGET_MS, candidates, propose};
pub use key::{KeyDigest, KeyHasher, KeySealer};
pub use ldap::{
    DirectoryServer, GroupRule, LdapAnswer, LdapAuth, LdapGroup, LdapIdentity, LdapParts,
    LdapPolicy, is_sendable,
};
pub use memory::HashMemory;
pub use org::{OrgRefused, choose_org, open_orgs};
pub use password::{HashCost, MAX_PASSWORD_BYTES, MIN_PASSWORD_BYTES, PasswordError, PasswordHash};
pub use pool::{PasswordPool, PoolObserver, PoolOptions, VerifyError};
pub use settle::Settler;
pub(in crate::domain) use settle::{NotSettled, Outsider, SettleRules, judge};
pub use trusted::{
    Delegation, IssueError, IssueRequest, Issued, Persist, RedeemError, TrustedAuth, TrustedParts,
    TrustedPolicy, Validity, Voucher, fresh_api_token,
};

use crate::domain::clock::Timestamp;
use crate::domain::directory::{AccountType, KeyId, OrgId, User};
use crate::domain::session::Method;
use crate::domain::token::{Access, Attributes, Lineage, TokenDigest};

/// Proof that someone is who they say they are.
///
/// Its fields are private and it is built only in this room, so nothing can open a session without it.
#[derive(Debug)]
pub struct Authenticated {
    user: User,
    method: Method,
    /// The Org the credentials are good for; none leaves the choice to the caller.
    org: Option<OrgId>,
    /// Whether what opens with them may not leave that Org.
    is_bound: bool,
    key: Option<KeyId>,
    access: Access,
    attributes: Attributes,
    /// The token that vouches.
    token: Option<TokenDigest>,
    /// Whether it is to be spent on the session, being good for one only.
    is_spent_by_use: bool,
    /// What it hands on, when a token vouches that its owner minted.
    lineage: Option<Box<Lineage>>,
    /// When the attempt began.
    began_at: Timestamp,
}

impl Authenticated {
    pub(in crate::domain) fn by_password(user: User, began_at: Timestamp) -> Self {
        let attributes = user.attributes.clone();
        let method = match user.account_type {
            // The other two never get here with a password: the door has refused them.
            AccountType::Local | AccountType::Saml | AccountType::Oidc => Method::Password,
            AccountType::Ldap => Method::Ldap,
        };
        Self {
            user,
            method,
            org: None,
            is_bound: false,
            key: None,
            access: Access::Full,
            attributes,
            token: None,
            is_spent_by_use: false,
            lineage: None,
            began_at,
        }
    }

    /// Somebody whom something other than a password vouches for, as far as their account goes.
    pub(in crate::domain) fn by(
        method: Method,
        user: User,
        key: Option<KeyId>,
        began_at: Timestamp,
    ) -> Self {
        Self {
            method,
            key,
            ..Self::by_password(user, began_at)
        }
    }

    /// Who it is.
    pub const fn user(&self) -> &User {
        &self.user
    }

    /// How it was proven.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The Org the credentials are good for.
    pub const fn org(&self) -> Option<OrgId> {
        self.org
    }

    /// Whether what opens with them may not leave that Org.
    pub const fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// The secret key behind it.
    pub const fn key(&self) -> Option<KeyId> {
        self.key
    }

    /// How much may be seen.
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Attributes the credentials bring.
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    pub(in crate::domain) const fn token(&self) -> Option<&TokenDigest> {
        self.token.as_ref()
    }

    pub(in crate::domain) const fn is_spent_by_use(&self) -> bool {
        self.is_spent_by_use
    }

    pub(in crate::domain) fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_deref()
    }

    /// When the attempt began: revocations from then on win.
    pub const fn began_at(&self) -> Timestamp {
        self.began_at
    }
}
