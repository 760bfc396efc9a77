//! What the dialect knows about itself: its path, its modes, its two timeouts, what it tells of its version.

use crate::domain::session::BlockIds;
use actix_web::http::header::HeaderName;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What the dialect knows about itself.
#[derive(Debug)]
pub struct Site {
    /// The context path, without a slash at its end.
    pub base_path: String,
    /// Makes and reads session ids and their tokens.
    pub ids: Arc<BlockIds>,
    /// The HTTP session timeout.
    pub http_session_timeout: Duration,
    /// The version clients are told.
    pub version: String,
    /// The user that guests are.
    pub guest_user: Option<String>,
    /// The header that names the user behind a trusted proxy.
    pub trusted_header: Option<HeaderName>,
    /// How long an API token lives at most.
    pub api_token_lifetime: Duration,
    /// The login modes the settings switch on.
    pub modes: Vec<i64>,
}

/// What of it changes while the server runs.
#[derive(Clone, Debug)]
pub struct LiveSite {
    /// How long a session opened from now on may go unused.
    pub iserver_timeout: Duration,
    /// The login modes that are offered.
    pub modes: Vec<i64>,
    /// The one clients are told to choose first.
    pub default_mode: i64,
}

/// A way to sign in, as clients number them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// User name and password.
    Standard,
    /// Nobody in particular.
    Guest,
    /// A directory server's password.
    Ldap,
    /// A trusted proxy's word.
    TrustedHeader,
    /// An API token in place of the user name.
    ApiToken,
    /// In a browser, at an identity provider.
    Saml,
    /// In a browser, at an identity provider.
    Oidc,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 7] = [
        Self::Standard,
        Self::Guest,
        Self::Ldap,
        Self::TrustedHeader,
        Self::ApiToken,
        Self::Saml,
        Self::Oidc,
    ];

    /// Its number on the wire.
    pub const fn number(self) -> i64 {
        match self {
            Self::Standard => 1,
            Self::Guest => 8,
            Self::Ldap => 16,
            Self::TrustedHeader => 64,
            Self::ApiToken => 4096,
            Self::Saml => 1_048_576,
            Self::Oidc => 4_194_304,
        }
    }

    /// What a refusal calls it when it is switched off.
    pub const fn feature(self) -> &'static str {
        match self {
            Self::Standard => "login mode 1 (standard)",
            Self::Guest => "login mode 8 (guest)",
            Self::Ldap => "login mode 16 (LDAP)",
            Self::TrustedHeader => "login mode 64 (trusted header)",
            Self::ApiToken => "login mode 4096 (API token)",
            Self::Saml => "login mode 1048576 (SAML)",
            Self::Oidc => "login mode 4194304 (OIDC)",
        }
    }

    /// Whether a person can sign in by it on a page.
    pub const fn has_dialog(self) -> bool {
        matches!(self, Self::Standard | Self::Ldap | Self::Saml | Self::Oidc)
    }

    /// The mode of that number.
    pub fn of(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.number() == number)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}
