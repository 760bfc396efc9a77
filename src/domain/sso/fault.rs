//! Why what a provider sent is not believed. The closed list goes to the log and the audit trail, never to the browser.

use std::fmt;
use thiserror::Error;

/// What was wrong with an assertion or another message of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionFault {
    /// It cannot be read as what it should be.
    Malformed,
    /// It is larger than any honest one.
    TooLarge,
    /// The provider says that the sign-in failed, or the person gave up there.
    NotSuccessful,
    /// The part that counts is not signed.
    Unsigned,
    /// The signature does not match, or is of a key that is not the provider's.
    BadSignature,
    /// It is signed, digested or encrypted by a method that is too weak or not agreed.
    WeakAlgorithm,
    /// It is encrypted, and not to a key of ours.
    Undecryptable,
    /// Somebody else issued it.
    WrongIssuer,
    /// It was meant for another service.
    WrongAudience,
    /// It was meant for another address of ours or of others.
    WrongRecipient,
    /// It answers a question that was not asked, not by this browser, or was answered before.
    UnknownRequest,
    /// It answers no question, and the provider is not allowed to speak first.
    Unsolicited,
    /// It is not valid yet, by more than the allowed difference of clocks.
    TooEarly,
    /// It is not valid any longer.
    Expired,
    /// It has been used before.
    Replayed,
    /// It does not say who it is about.
    NoSubject,
    /// The code it came with was not honoured.
    CodeRefused,
}

impl AssertionFault {
    /// Every one.
    pub const ALL: [Self; 17] = [
        Self::Malformed,
        Self::TooLarge,
        Self::NotSuccessful,
        Self::Unsigned,
        Self::BadSignature,
        Self::WeakAlgorithm,
        Self::Undecryptable,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::WrongRecipient,
        Self::UnknownRequest,
        Self::Unsolicited,
        Self::TooEarly,
        Self::Expired,
        Self::Replayed,
        Self::NoSubject,
        Self::CodeRefused,
    ];

    /// The word used in audit lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::NotSuccessful => "not_successful",
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad_signature",
            Self::WeakAlgorithm => "weak_algorithm",
            Self::Undecryptable => "undecryptable",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::WrongRecipient => "wrong_recipient",
            Self::UnknownRequest => "unknown_request",
            Self::Unsolicited => "unsolicited",
            Self::TooEarly => "too_early",
            Self::Expired => "expired_assertion",
            Self::Replayed => "replayed",
            Self::NoSubject => "no_subject",
            Self::CodeRefused => "code_refused",
        }
    }
}

impl fmt::Display for AssertionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a provider is of no help right now.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// It does not answer, or answers nonsense where a page of its own is expected: try later, or another way in.
    #[error("the identity provider is away")]
    Unavailable(#[source] anyhow::Error),
    /// What came is not believed. `detail` is for the log: it names what was found and expected, never a secret.
    #[error("{fault}: {detail}")]
    Refused {
        /// What was wrong.
        fault: AssertionFault,
        /// The particulars.
        detail: String,
    },
}

impl ProviderError {
    /// A refusal with its particulars.
    pub fn refused(fault: AssertionFault, detail: impl fmt::Display) -> Self {
        Self::Refused {
            fault,
            detail: detail.to_string(),
        }
    }
}
