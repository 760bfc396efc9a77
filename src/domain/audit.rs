//! Who did what: one event for every login, refusal, token, logout and change of Org.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId, UserId};
use crate::domain::session::{EndReason, Method, RevokeScope, SessionHandle};
use crate::domain::sso::AssertionFault;
use std::fmt;
use std::net::IpAddr;

/// Who is talking to us: the peer behind trusted proxies, and the program it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The peer's address; none for the operator's own socket.
    pub address: Option<IpAddr>,
    /// The `User-Agent`, cut to a length a log can bear.
    pub agent: String,
    /// The dialect spoken: `thoughtspot_v1`, `operator` …
    pub dialect: &'static str,
    /// The request's incident id, which error bodies and log lines share.
    pub incident: String,
}

impl Client {
    /// The address as text, or a dash.
    pub fn address_text(&self) -> String {
        self.address
            .map_or_else(|| "-".to_owned(), |address| address.to_string())
    }
}

/// Why a login or a token was refused: for operators, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such user.
    UnknownUser,
    /// The user has no password here, or another one.
    WrongPassword,
    /// The account is disabled.
    UserDisabled,
    /// The Org does not exist, is disabled, or the user is not in it.
    OrgNotAllowed,
    /// Too many failures of late.
    Throttled,
    /// The token was not made by this server, or is unknown.
    UnknownToken,
    /// The token has expired, was superseded or was revoked.
    DeadToken,
    /// The token has opened the one session it may open.
    SpentToken,
    /// The token is another user's.
    TokenOfOther,
    /// The user has as many sessions as allowed.
    SessionLimit,
    /// The user has as many tokens as may be.
    TokenLimit,
    /// The secret key is unknown or retired.
    WrongKey,
    /// The secret key is good for another Org.
    KeyOfOtherOrg,
    /// Access rules were to be set by whom they limit, or by the key of an Org for a user of several.
    AccessRules,
    /// Trusted authentication, or LDAP, is switched off.
    SwitchedOff,
    /// The user's password lives elsewhere than where it was to be judged.
    OtherAccountType,
    /// A parameter was wrong.
    BadRequest,
    /// Too many passwords waited to be hashed.
    Overloaded,
    /// A store was away.
    Unavailable,
    /// What an identity provider sent was not believed.
    Assertion(AssertionFault),
    /// The identity provider was away.
    ProviderAway,
    /// Another provider signed that user in before.
    OtherProvider,
    /// That provider signed another person in as that user before.
    OtherSubject,
    /// Nobody signed that user in before, who is in an Org that the provider is not for.
    ForeignOrg,
    /// An administrator, whom that provider may not sign in, or who may not be the guest.
    AdminElsewhere,
}

impl Refusal {
    /// The word used in audit lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown_user",
            Self::WrongPassword => "wrong_password",
            Self::UserDisabled => "user_disabled",
            Self::OrgNotAllowed => "org_not_allowed",
            Self::Throttled => "throttled",
            Self::UnknownToken => "unknown_token",
            Self::DeadToken => "dead_token",
            Self::SpentToken => "spent_token",
            Self::TokenOfOther => "token_of_other_user",
            Self::SessionLimit => "session_limit",
            Self::TokenLimit => "token_limit",
            Self::WrongKey => "wrong_key",
            Self::KeyOfOtherOrg => "key_of_other_org",
            Self::AccessRules => "access_rules",
            Self::SwitchedOff => "switched_off",
            Self::OtherAccountType => "other_account_type",
            Self::BadRequest => "bad_request",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "store_unavailable",
            Self::Assertion(fault) => fault.as_str(),
            Self::ProviderAway => "provider_unavailable",
            Self::OtherProvider => "other_provider",
            Self::OtherSubject => "other_subject",
            Self::ForeignOrg => "foreign_org",
            Self::AdminElsewhere => "administrator",
        }
    }
}

/// Something worth keeping.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A session was opened.
    LoggedIn {
        /// How.
        method: Method,
        /// In which Org.
        org: OrgId,
        /// With which key behind it.
        key: Option<KeyId>,
    },
    /// A session was refused.
    LoginRefused {
        /// How it was tried.
        method: Method,
        /// Why.
        why: Refusal,
    },
    /// A token was minted.
    TokenIssued {
        /// For which Org.
        org: OrgId,
        /// With which key; none when a password or a session vouched.
        key: Option<KeyId>,
        /// Whether the user was created on the way.
        created_user: bool,
    },
    /// A token was not minted.
    TokenRefused {
        /// Why.
        why: Refusal,
    },
    /// What takes the current password, as changing it does, was not done, because that was not given.
    PasswordRefused {
        /// Why.
        why: Refusal,
    },
    /// A token was ended by its bearer.
    TokenRevoked,
    /// A session was closed.
    LoggedOut {
        /// The Org it worked in.
        org: OrgId,
        /// Why.
        reason: EndReason,
    },
    /// A session ended otherwise: by time, for a newer one, or by itself at somebody's wish.
    SessionEnded {
        /// Which.
        session: SessionHandle,
        /// Whose.
        owner: UserId,
        /// The Org it worked in.
        org: OrgId,
        /// Why.
        reason: EndReason,
    },
    /// A session moved to another Org.
    OrgSwitched {
        /// The Org left.
        from: OrgId,
        /// The Org entered.
        to: OrgId,
    },
    /// Many sessions and tokens were ended.
    Revoked {
        /// Whose.
        scope: RevokeScope,
        /// Why.
        reason: EndReason,
    },
    /// The directory was changed by an administrator or operator.
    DirectoryChanged {
        /// What was done, such as `user_disabled`.
        what: &'static str,
        /// To whom or what, by name or id.
        target: String,
    },
}

impl Act {
    /// The event's name in audit lines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LoggedIn { .. } => "login",
            Self::LoginRefused { .. } => "login_refused",
            Self::TokenIssued { .. } => "token_issued",
            Self::TokenRefused { .. } => "token_refused",
            Self::PasswordRefused { .. } => "password_refused",
            Self::TokenRevoked => "token_revoked",
            Self::LoggedOut { .. } => "logout",
            Self::SessionEnded { .. } => "session_ended",
            Self::OrgSwitched { .. } => "org_switched",
            Self::Revoked { .. } => "revoked",
            Self::DirectoryChanged { .. } => "directory_changed",
        }
    }
}

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub act: Act,
    /// By whom, when known.
    pub user_id: Option<UserId>,
    /// By whom, as they called themselves.
    pub user_name: Option<String>,
    /// From where.
    pub client: Client,
}

/// Where audit events go. Never blocks and never fails a request: what cannot be kept is counted and logged.
pub trait AuditSink: fmt::Debug + Send + Sync {
    /// Keeps an event.
    fn record(&self, event: AuditEvent);
}
