//! Why nobody was let in: the rich reason, and what the caller is told of it.

use crate::domain::audit::Refusal;
use crate::domain::authn::{OrgRefused, RedeemError, VerifyError};
use crate::domain::failure::{Failure, StoreError, Unauthenticated};
use crate::domain::sso::{AssertionFault, ProviderError};
use std::time::Duration;

/// When to try again after an identity provider did not answer.
const PROVIDER_RETRY: Duration = Duration::from_secs(5);

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Wrong user, wrong password or a disabled account: which, only the audit trail says.
    #[error("bad credentials ({})", .0.as_str())]
    BadCredentials(Refusal),
    /// Too many failures of late.
    #[error("throttled for {0:?}")]
    Throttled(Duration),
    /// The right credentials, but not for that Org.
    #[error("Org not allowed")]
    OrgNotAllowed,
    /// The user has as many sessions as allowed.
    #[error("as many sessions as allowed")]
    TooManySessions,
    /// The token is not good.
    #[error(transparent)]
    Token(#[from] RedeemError),
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the identity provider sent is not believed.
    #[error("{0}: {1}")]
    Assertion(AssertionFault, String),
    /// The identity provider is away.
    #[error("the identity provider is away: {0:#}")]
    ProviderAway(anyhow::Error),
    /// As many passwords wait to be hashed as may.
    #[error("too many logins at once")]
    Busy(Duration),
    /// The password hasher failed.
    #[error("password hashing failed: {0}")]
    Hasher(String),
}

impl From<&LoginError> for Failure {
    fn from(error: &LoginError) -> Self {
        match error {
            LoginError::BadCredentials(_) | LoginError::Assertion(..) => {
                Self::Unauthenticated(Unauthenticated::BadCredentials)
            }
            LoginError::Throttled(retry_after) => Self::TooManyRequests {
                retry_after: *retry_after,
            },
            LoginError::OrgNotAllowed => Self::org_not_allowed("an active Org the user belongs to"),
            LoginError::TooManySessions => Self::TooManySessions,
            LoginError::Token(error) => error.into(),
            LoginError::Store(error) => error.into(),
            LoginError::ProviderAway(_) => Self::Unavailable {
                retry_after: PROVIDER_RETRY,
            },
            LoginError::Busy(retry_after) => Self::Unavailable {
                retry_after: *retry_after,
            },
            LoginError::Hasher(_) => Self::Internal,
        }
    }
}

impl LoginError {
    pub(in crate::domain::login) const fn refusal(&self) -> Refusal {
        match self {
            Self::BadCredentials(why) => *why,
            Self::Throttled(_) => Refusal::Throttled,
            Self::OrgNotAllowed => Refusal::OrgNotAllowed,
            Self::TooManySessions => Refusal::SessionLimit,
            Self::Token(error) => error.refusal(),
            Self::Assertion(fault, _) => Refusal::Assertion(*fault),
            Self::ProviderAway(_) => Refusal::ProviderAway,
            Self::Busy(_) => Refusal::Overloaded,
            Self::Store(_) | Self::Hasher(_) => Refusal::Unavailable,
        }
    }
}

impl From<ProviderError> for LoginError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(cause) => Self::ProviderAway(cause),
            ProviderError::Refused { fault, detail } => Self::Assertion(fault, detail),
        }
    }
}

impl From<OrgRefused> for LoginError {
    fn from(refused: OrgRefused) -> Self {
        match refused {
            OrgRefused::NotAllowed => Self::OrgNotAllowed,
            OrgRefused::Store(error) => Self::Store(error),
        }
    }
}

impl From<VerifyError> for LoginError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Busy { retry_after } => Self::Busy(retry_after),
            VerifyError::Hasher(cause) => Self::Hasher(cause),
        }
    }
}
