//! What an identity provider is asked and answers, whatever the protocol.

use crate::domain::clock::Timestamp;
use crate::domain::sso::{AssertionFault, Findings, ProviderError};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;

/// What is spoken with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// SAML 2.0, Web Browser SSO.
    Saml,
    /// `OpenID Connect`, authorization code flow.
    Oidc,
}

impl Protocol {
    /// The word used in settings, paths and audit lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Saml => "saml",
            Self::Oidc => "oidc",
        }
    }
}

/// A sign-in to be begun.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What comes back with the answer, untouched: SAML's `RelayState`, OIDC's `state`. At most 80 bytes, URL-safe.
    pub handle: String,
    /// Where the answer is to be sent: our absolute assertion consumer or redirect URL.
    pub callback: String,
    /// Whether the person has to prove who they are even if the provider remembers them.
    pub is_forced: bool,
}

/// Where the browser goes, and what has to be kept until it is back.
#[derive(Clone, Debug)]
pub struct Departure {
    /// The address at the provider, for a `Location`.
    pub url: String,
    /// To be handed back to [`IdentityProvider::finish`].
    pub begun: Begun,
}

/// What a sign-in under way has to remember. Kept server-side, never shown to the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// SAML: the ID of the `AuthnRequest`. OIDC: the nonce.
    pub request_id: String,
    /// OIDC: the PKCE verifier; empty otherwise.
    pub verifier: String,
    /// Where the answer was asked to be sent.
    pub callback: String,
}

/// What the browser brought back.
pub enum Answer {
    /// The form field `SAMLResponse` as it was posted, in Base64.
    Saml(String),
    /// What came in the query of the redirect URL.
    Oidc {
        /// `code`
        code: SecretString,
        /// `iss` (RFC 9207), where the provider sends it.
        issuer: Option<String>,
    },
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Saml(_) => "Answer::Saml(…)",
            Self::Oidc { .. } => "Answer::Oidc(…)",
        })
    }
}

/// In what form a SAML provider wrote somebody's name, and for whom: two names are one person's only if these are
/// the same as well. Empty for OIDC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameForm {
    /// `Format`
    pub format: Option<String>,
    /// `NameQualifier`
    pub qualifier: Option<String>,
    /// `SPNameQualifier`
    pub sp_qualifier: Option<String>,
}

impl NameForm {
    /// Whether the name is good for one session, and the next person's may be the same.
    pub fn is_transient(&self) -> bool {
        self.format.as_deref() == Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
    }

    /// Whether the name is one that the provider made up for the person, and never gives to another.
    pub fn is_persistent(&self) -> bool {
        self.format.as_deref() == Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
    }
}

/// What a provider vouches for, its signature, issuer, audience, recipient and times judged.
///
/// Not yet judged: whether it has been used before. Its caller does that, by `id`, on every node at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// What must not be seen twice: the assertion's ID or the ID token's nonce.
    pub id: String,
    /// When the assertion itself is no longer good, skew included: as long is `id` remembered.
    pub good_until: Timestamp,
    /// Who it is about, in the provider's own terms: `NameID` or `sub`.
    pub subject: String,
    /// In what form that is written.
    pub form: NameForm,
    /// The provider's name for its own session: `SessionIndex` or `sid`.
    pub session_index: Option<String>,
    /// What else it says, by attribute or claim name, each value as text, in its order.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// What a session of ours has to do with one of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLink {
    /// The provider, by its name in the settings.
    pub provider: String,
    /// Who the provider says it is.
    pub subject: String,
    /// In what form it says so.
    pub form: NameForm,
    /// The provider's name for its session.
    pub session_index: Option<String>,
    /// Whether the person had to prove there who they are. Otherwise it may have remembered whoever used the browser
    /// before, and the session is proof of nothing else.
    pub is_proven: bool,
}

/// Word of a provider about a sign-out.
#[derive(Clone, Debug)]
pub enum LogoutNotice {
    /// OIDC back-channel: the form field `logout_token`.
    OidcToken(String),
    /// SAML by redirect: the raw query, as it was signed.
    SamlRedirect(String),
    /// SAML by form post: `SAMLRequest` or `SAMLResponse` as posted.
    SamlPost {
        /// The message, in Base64.
        message: String,
        /// Whether it came as `SAMLRequest`.
        is_request: bool,
        /// `RelayState`
        relay_state: Option<String>,
    },
}

/// A sign-out at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOutThere {
    /// What must not be seen twice.
    pub id: String,
    /// As long is `id` remembered.
    pub good_until: Timestamp,
    /// Who signed out; none where only the session is named.
    pub subject: Option<String>,
    /// Of which session; none means all of that person's.
    pub session_index: Option<String>,
    /// Where the browser takes our confirmation, where the protocol has one.
    pub reply_url: Option<String>,
}

/// What a sign-out message of a provider was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutWord {
    /// Somebody signed out there: end it here as well.
    Request(LoggedOutThere),
    /// The answer to a sign-out that began here, with the handle it began with.
    Answer {
        /// What [`IdentityProvider::begin_logout`] was given.
        handle: Option<String>,
    },
}

/// One identity provider, spoken to in its protocol.
#[async_trait]
pub trait IdentityProvider: fmt::Debug + Send + Sync {
    /// Where the browser goes to sign in, and what to keep until it is back.
    async fn begin(&self, wish: &Wish) -> Result<Departure, ProviderError>;

    /// Judges what the browser brought to `callback`. `begun` is what [`Departure::begun`] was; none when nobody
    /// here had asked, which only SAML knows and only where the settings allow it.
    async fn finish(
        &self,
        answer: &Answer,
        begun: Option<&Begun>,
        callback: &str,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError>;

    /// Where the browser goes to sign out there too; none where the provider has no such place. The browser
    /// comes back to `return_to` with `handle` as `state` or `RelayState`.
    async fn begin_logout(
        &self,
        link: &ProviderLink,
        handle: &str,
        return_to: &str,
    ) -> Result<Option<String>, ProviderError>;

    /// Judges a message about a sign-out that arrived at `callback`.
    async fn read_logout(
        &self,
        notice: &LogoutNotice,
        callback: &str,
        now: Timestamp,
    ) -> Result<LogoutWord, ProviderError>;

    /// What we tell a provider about ourselves, where the protocol has a document for it: SAML metadata with the
    /// given addresses for answers and for sign-outs.
    fn metadata(&self, callback: &str, logout: &str) -> Option<String>;

    /// The provider's own name for itself: entity ID or issuer. Answers that nobody asked for, and sign-outs, are
    /// handed to the provider whose name they carry.
    fn issuer(&self) -> &str;

    /// Whether its answers say whose they are, so that they may come to an address that others' come to as well.
    async fn names_itself(&self) -> Result<bool, ProviderError>;

    /// Whether it is fit for sign-ins, asked afresh. Nothing that sign-ins under way rely on changes by it.
    async fn probe(&self, now: Timestamp) -> Result<Findings, ProviderError>;

    /// Judges an answer that was kept, as SAML has them in a form of the browser, as at the moment it was issued for.
    /// Only whether it was asked for, and used before, cannot be known; nothing is used up. `callback` counts where
    /// the answer itself does not say where it was sent.
    async fn rehearse(
        &self,
        response: &str,
        callback: &str,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError> {
        let _unread = (response, callback, now);
        Err(ProviderError::refused(
            AssertionFault::Malformed,
            "only SAML has responses that can be looked at again; expected claims",
        ))
    }
}
