//! The closed list of ways to say no. Dialects render it; rich reasons stay in the log and the audit trail.

use crate::domain::session::EndReason;
use std::time::Duration;

/// What a caller is told when it does not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The request itself is wrong; says which field and what was expected, never a secret's value.
    BadRequest {
        /// The parameter at fault, in the caller's own spelling; empty when the whole body is.
        field: String,
        /// What was expected, as a sentence a developer can act on.
        expected: String,
    },
    /// The Org asked for is none the user may work in. One that does not exist is the same.
    OrgNotAllowed {
        /// The parameter, in the domain's words or the caller's own spelling.
        field: &'static str,
        /// The Org as the caller called it; none when they called none. Never what we know of it.
        called: Option<String>,
        /// What was expected.
        expected: &'static str,
    },
    /// Nobody is signed in, or what was presented is not good (any longer).
    Unauthenticated(Unauthenticated),
    /// Signed in, but not allowed.
    Forbidden {
        /// What is missing, as a sentence.
        reason: String,
    },
    /// As many sessions of this user are open as may be at a time.
    TooManySessions,
    /// As many tokens of this user are good as may be.
    TooManyTokens {
        /// When the first of them ends by itself.
        retry_after: Duration,
    },
    /// There is no such thing.
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body's media type is not one this endpoint reads, or it is packed.
    UnsupportedMediaType,
    /// The body is larger than the server reads.
    TooLarge,
    /// The body did not arrive whole within the time it had.
    TooSlow,
    /// It would break something that exists.
    Conflict {
        /// What stands in the way, as a sentence.
        reason: String,
    },
    /// Too many attempts; try again after the delay.
    TooManyRequests {
        /// How long to wait.
        retry_after: Duration,
    },
    /// A feature the operator has switched off, such as trusted authentication.
    SwitchedOff {
        /// The feature's name.
        feature: &'static str,
    },
    /// A store is away: nothing is known and nothing was lost.
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The directory takes no change for now; whatever only reads goes on.
    ReadOnly(ReadOnly),
    /// Our fault. The cause is in the log under the incident id.
    Internal,
}

/// Why the directory takes no change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadOnly {
    /// It is being copied: a change would be in one of the two and not in the other.
    #[error("the directory is read-only: it is being copied to another database")]
    BeingCopied,
    /// It has been copied, and the copy is what the server is to start anew with.
    #[error(
        "the directory is read-only: it has been copied to another database, with which the server is to be started anew"
    )]
    Copied,
}

/// Why a caller counts as signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// Nothing was presented.
    NothingPresented,
    /// User name, password or both are wrong, or the account may not sign in: deliberately one answer.
    BadCredentials,
    /// The session cookie is unknown or damaged, or nobody knows any longer why it ended.
    DeadSession,
    /// The session lived once; told only to who holds its signed cookie.
    EndedSession(EndReason),
    /// The token is unknown, damaged, expired or revoked.
    DeadToken,
    /// The token has opened the one session it may open.
    SpentToken,
    /// The secret key is wrong.
    BadKey,
}

impl Failure {
    /// What [`Failure::TooManySessions`] says.
    pub const TOO_MANY_SESSIONS: &str =
        "this user has as many sessions as are allowed at a time; sign out of one first";

    /// What [`Failure::TooManyTokens`] says.
    pub const TOO_MANY_TOKENS: &str = "this user has as many tokens as are allowed at a time; revoke some, or wait until some end";

    /// A bad request about one field.
    pub fn bad(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::BadRequest {
            field: field.into(),
            expected: expected.into(),
        }
    }

    /// The Org asked for is none the user may work in.
    pub const fn org_not_allowed(expected: &'static str) -> Self {
        Self::OrgNotAllowed {
            field: "org",
            called: None,
            expected,
        }
    }

    /// The same, about the parameters as the caller wrote them: each of the names in the domain's words, and what was
    /// sent for it.
    #[must_use]
    pub fn sent_as(mut self, names: &[(&str, &'static str)]) -> Self {
        let sent = |name: &str| names.iter().find(|(domain, _)| *domain == name);
        match &mut self {
            Self::BadRequest { field, .. } => {
                if let Some((_, sent)) = sent(field) {
                    (*sent).clone_into(field);
                }
            }
            Self::OrgNotAllowed { field, .. } => {
                if let Some((_, sent)) = sent(field) {
                    *field = sent;
                }
            }
            _ => {}
        }
        self
    }

    /// How long to wait before the next try, where waiting helps.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after }
            | Self::TooManyTokens { retry_after }
            | Self::Unavailable { retry_after } => Some(*retry_after),
            Self::ReadOnly(_) => Some(READ_ONLY_RETRY_AFTER),
            _ => None,
        }
    }

    /// Signed in, but not allowed.
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::Forbidden {
            reason: reason.into(),
        }
    }
}

/// A store that cannot answer. "Not there" is never an error: it is `Ok(None)`.
///
/// The words hold all causes, so none is a source: whoever prints sources would say them twice.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is away, overloaded or refuses to work; nothing can be concluded.
    #[error("store unavailable: {}", causes(.0))]
    Unavailable(anyhow::Error),
    /// The store answered with something that cannot be read.
    #[error("store returned a damaged record: {}", causes(.0))]
    Corrupt(anyhow::Error),
    /// What the store holds is whole, but this version of the program cannot work with it.
    #[error("{}", causes(.0))]
    OtherVersion(anyhow::Error),
    /// What was asked for holds from now on in this process, but could not be written: a stop before it is would forget
    /// it. Sessions can still be checked.
    #[error("not written yet: {}", causes(.0))]
    Unwritten(anyhow::Error),
    /// The store is well, but takes no change for now: nothing was changed.
    #[error(transparent)]
    ReadOnly(#[from] ReadOnly),
}

/// An error with what caused it, each once: libraries differ in whether an error's words hold those of its source.
pub fn causes(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if told.is_empty() {
            told = words;
        } else if !told.ends_with(&words) {
            told = format!("{told}: {words}");
        }
    }
    told
}

impl StoreError {
    /// The store is away.
    pub fn unavailable(cause: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// The store holds something unreadable.
    pub fn corrupt(cause: impl Into<anyhow::Error>) -> Self {
        Self::Corrupt(cause.into())
    }

    /// What happened, without the kind: for those who say it themselves.
    pub fn why(&self) -> String {
        match self {
            Self::Unavailable(cause)
            | Self::Corrupt(cause)
            | Self::OtherVersion(cause)
            | Self::Unwritten(cause) => causes(cause),
            Self::ReadOnly(why) => why.to_string(),
        }
    }
}

/// How long a caller waits before it asks again when a store is away.
pub const STORE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a caller waits before it asks for a change again while the directory is read-only: a copy takes seconds
/// to minutes, a start anew about as long.
pub const READ_ONLY_RETRY_AFTER: Duration = Duration::from_secs(10);

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Unwritten(_) => Self::Unavailable {
                retry_after: STORE_RETRY_AFTER,
            },
            StoreError::Corrupt(_) | StoreError::OtherVersion(_) => Self::Internal,
            StoreError::ReadOnly(why) => Self::ReadOnly(*why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use std::io;

    /// Says what its source says, as many libraries do.
    #[derive(Debug, thiserror::Error)]
    #[error("the link broke: {0}")]
    struct Repeating(#[source] io::Error);

    #[test]
    fn an_error_is_told_with_its_address_and_each_cause_once() {
        let refused = Repeating(io::Error::other("Connection refused"));
        let error = StoreError::unavailable(anyhow!(refused).context("cannot open 127.0.0.1:1"));
        let words = "cannot open 127.0.0.1:1: the link broke: Connection refused";
        assert_eq!(error.why(), words);
        let whole = anyhow::Error::from(error).context("the start");
        assert_eq!(
            causes(&whole),
            format!("the start: store unavailable: {words}")
        );
        assert_eq!(format!("{whole:#}"), causes(&whole));
    }
}
