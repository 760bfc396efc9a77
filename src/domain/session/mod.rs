//! Sessions: what one holds, how long it lives, why it ends, and what a store of sessions must promise.
//!
//! A session is opened only by [`crate::domain::login`], which takes an `Authenticated` by value. It
//! is immutable afterwards, but for two things that change by targeted commands: the Org worked in
//! and the moment it was last seen.
//!
//! ```text
//! open ──check──▶ live ──check──▶ live ── … ──▶ ended (idle, absolute, logout, revoked, …)
//! ```

mod block;
mod derived;
mod ending;
mod handle;
mod id;
mod lifetime;
mod notes;
mod reason;
mod store;
mod told;

pub use block::{BlockId, BlockIds};
pub(in crate::domain) use derived::Ending;
pub(in crate::domain) use ending::{NotEnded, end_everything};
pub use handle::SessionHandle;
pub use id::{SessionId, UserTag};
pub use lifetime::Lifetime;
pub use notes::SessionNotes;
pub use reason::EndReason;
pub use store::{
    AtLimit, Check, Opening, Revocations, RevokeScope, SessionLimit, SessionPage, SessionStore,
    SessionSummary,
};
pub(in crate::domain) use told::check_told;

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId, UserId};
use crate::domain::token::{Access, Attributes};

/// How the owner proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// With a password.
    Password,
    /// With a token of trusted authentication.
    TrustedToken,
    /// Not at all: everybody may be the guest.
    Guest,
    /// By a trusted proxy's word.
    TrustedHeader,
    /// With an API token.
    ApiToken,
    /// With the identity token of another session.
    IdentityToken,
    /// With a password that the LDAP directory judged.
    Ldap,
    /// At a SAML identity provider.
    Saml,
    /// At an `OpenID Connect` provider.
    Oidc,
}

impl Method {
    /// Every way.
    pub const ALL: [Self; 9] = [
        Self::Password,
        Self::TrustedToken,
        Self::Guest,
        Self::TrustedHeader,
        Self::ApiToken,
        Self::IdentityToken,
        Self::Ldap,
        Self::Saml,
        Self::Oidc,
    ];

    /// The word used in audit lines and stored records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::TrustedToken => "trusted_token",
            Self::Guest => "guest",
            Self::TrustedHeader => "trusted_header",
            Self::ApiToken => "api_token",
            Self::IdentityToken => "identity_token",
            Self::Ldap => "ldap",
            Self::Saml => "saml",
            Self::Oidc => "oidc",
        }
    }

    /// Reads a word as [`Method::as_str`] wrote it; none for anything else.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

/// An open session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Whose it is.
    pub user_id: UserId,
    /// The owner's name, for logs and listings; the directory has the current one.
    pub user_name: String,
    /// The Org worked in now.
    pub org: OrgId,
    /// How the owner proved who they are.
    pub method: Method,
    /// The secret key behind it, when a trusted token opened it; of an API token, the token's own id.
    pub key: Option<KeyId>,
    /// Everything, or one object only.
    pub access: Access,
    /// Attributes that came with the token.
    pub attributes: Attributes,
    /// When authentication *began*: a revocation that lands while a password is being verified wins.
    pub opened_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Whether the browser was asked to keep the cookie.
    pub is_remembered: bool,
    /// The address it was opened from.
    pub address: String,
    /// The program it was opened with (the `User-Agent`), shortened.
    pub agent: String,
    /// What the dialect that opened it keeps with it.
    pub notes: SessionNotes,
}

impl Session {
    /// When it ends if it is not used again.
    pub fn expires_at(&self) -> Timestamp {
        self.lifetime.ends_at(self.opened_at, self.last_seen_at)
    }
}
