//! What is asked for when a token is to be issued, and why it may be refused.

use crate::domain::audit::Refusal;
use crate::domain::authn::Authenticated;
use crate::domain::directory::OrgId;
use crate::domain::failure::{Failure, StoreError, Unauthenticated};
use crate::domain::principal::Principal;
use crate::domain::token::{Access, Attributes, Purpose, TokenRecord, TokenText};
use secrecy::SecretString;
use std::time::Duration;

/// Who vouches for the user a token is for.
#[derive(Debug)]
pub enum Voucher {
    /// The holder of a secret key.
    Key(SecretString),
    /// The user, by password.
    Proof(Box<Authenticated>),
    /// The user, by a session or a token they hold already; the new token grants no more than it.
    Held(Box<Principal>),
}

/// How long a token lives.
#[derive(Clone, Copy, Debug)]
pub enum Validity {
    /// As the server's policy for tokens of the v1 endpoint says.
    Policy,
    /// This long, and no longer than the policy's maximum. Shortens no other token.
    For(Duration),
}

/// What becomes of the request's attributes beyond the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persist {
    /// Nothing: they are the token's alone.
    #[default]
    No,
    /// They replace the user's own.
    Replace,
    /// They are added to the user's own.
    Append,
    /// The user's own are removed.
    Reset,
}

/// A request for a token, by the holder of a secret key.
#[derive(Debug)]
pub struct IssueRequest {
    /// Who vouches.
    pub voucher: Voucher,
    /// How long the token lives.
    pub validity: Validity,
    /// What it is for.
    pub purpose: Purpose,
    /// For whom.
    pub username: String,
    /// For which Org; none means the user's last one.
    pub org: Option<OrgId>,
    /// Everything, or one object.
    pub access: Access,
    /// Whether to create the user; only the holder of a secret key may.
    pub auto_create: bool,
    /// Whether `auto_create` also brings an existing user up to date.
    pub updates_existing: bool,
    /// For a created or updated user.
    pub email: Option<String>,
    /// For a created or updated user.
    pub display_name: Option<String>,
    /// Groups of a created or updated user, by name.
    pub groups: Option<Vec<String>>,
    /// Whether `groups` replaces rather than adds.
    pub replace_groups: bool,
    /// Attributes the token brings.
    pub attributes: Attributes,
    /// What becomes of them beyond the token.
    pub persist: Persist,
}

impl IssueRequest {
    /// A request by somebody who is signed in, for themselves.
    pub fn held(who: Principal, validity: Duration, org: Option<OrgId>) -> Self {
        Self {
            username: who.user_name.clone(),
            org: org.or(Some(who.org)),
            access: who.access,
            validity: Validity::For(validity),
            purpose: Purpose::Access,
            voucher: Voucher::Held(Box::new(who)),
            auto_create: false,
            updates_existing: false,
            email: None,
            display_name: None,
            groups: None,
            replace_groups: false,
            attributes: Attributes::default(),
            persist: Persist::No,
        }
    }

    /// A request for a refresh token by somebody who is signed in, for themselves.
    pub fn refresh(who: Principal, validity: Duration) -> Self {
        Self {
            purpose: Purpose::Refresh,
            ..Self::held(who, validity, None)
        }
    }
}

/// A token and what it is good for.
#[derive(Debug)]
pub struct Issued {
    /// The token itself.
    pub text: TokenText,
    /// What it grants.
    pub record: TokenRecord,
}

/// Why a token was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Trusted authentication is off.
    #[error("trusted authentication is not enabled")]
    SwitchedOff,
    /// The key is unknown or retired.
    #[error("the secret key is wrong")]
    WrongKey,
    /// The key is good for one Org only, and this is another.
    #[error("the secret key is good for another Org")]
    KeyOfOtherOrg,
    /// The key of one Org cannot vouch for an administrator of the whole server.
    #[error("an Org's key for an administrator of the server")]
    KeyForAdministrator,
    /// Access rules that are not the voucher's to set; says why.
    #[error("access rules: {0}")]
    RulesNotTheirs(&'static str),
    /// The Org asked for is none the user may work in.
    #[error("Org not allowed")]
    OrgNotAllowed {
        /// Whether the one who asks might have the user added to it.
        may_create: bool,
    },
    /// A parameter is wrong.
    #[error("{field}: {expected}")]
    Parameter {
        /// Which, in the domain's words (`username`, `org`, `groups`, a part of the attributes).
        field: &'static str,
        /// What was expected.
        expected: String,
        /// Why, for the audit trail.
        why: Refusal,
    },
    /// The session that asked for it, or what the token that did came of, ended meanwhile.
    #[error("the session is over")]
    SessionOver,
    /// The user has as many tokens as may be; when the first of them ends by itself.
    #[error("too many tokens of this user")]
    TooMany(Duration),
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<&IssueError> for Failure {
    fn from(error: &IssueError) -> Self {
        match error {
            IssueError::SwitchedOff => Self::SwitchedOff {
                feature: "trusted authentication",
            },
            IssueError::WrongKey => Self::Unauthenticated(Unauthenticated::BadKey),
            IssueError::KeyOfOtherOrg => {
                Self::forbidden("this secret key is good for another Org only")
            }
            IssueError::KeyForAdministrator => Self::forbidden(
                "the key of one Org cannot vouch for an administrator of the server",
            ),
            IssueError::RulesNotTheirs(reason) => Self::forbidden(*reason),
            IssueError::OrgNotAllowed { may_create: true } => Self::org_not_allowed(
                "an active Org the user belongs to, or auto-creation to add the user",
            ),
            IssueError::OrgNotAllowed { may_create: false } => {
                Self::org_not_allowed("an active Org the user belongs to")
            }
            IssueError::Parameter {
                field, expected, ..
            } => Self::bad(*field, expected.clone()),
            IssueError::SessionOver => Self::Unauthenticated(Unauthenticated::DeadSession),
            IssueError::TooMany(retry_after) => Self::TooManyTokens {
                retry_after: *retry_after,
            },
            IssueError::Store(error) => error.into(),
        }
    }
}

impl IssueError {
    pub(in crate::domain::authn::trusted) const fn refusal(&self) -> Refusal {
        match self {
            Self::SwitchedOff => Refusal::SwitchedOff,
            Self::WrongKey => Refusal::WrongKey,
            Self::KeyOfOtherOrg | Self::KeyForAdministrator => Refusal::KeyOfOtherOrg,
            Self::RulesNotTheirs(_) => Refusal::AccessRules,
            Self::OrgNotAllowed { .. } => Refusal::OrgNotAllowed,
            Self::Parameter { why, .. } => *why,
            Self::SessionOver => Refusal::DeadToken,
            Self::TooMany(_) => Refusal::TokenLimit,
            Self::Store(_) => Refusal::Unavailable,
        }
    }
}
