//! Short ways to refuse.

use crate::domain::sso::{AssertionFault, ProviderError};
use std::fmt::Display;

pub(super) type Judged<T> = Result<T, ProviderError>;

pub(super) fn refuse<T>(fault: AssertionFault, detail: impl Display) -> Judged<T> {
    Err(ProviderError::refused(fault, detail))
}

/// For what is not built as the standard says.
pub(super) fn malformed(detail: impl Display) -> ProviderError {
    ProviderError::refused(AssertionFault::Malformed, detail)
}

pub(super) fn bad_signature(detail: impl Display) -> ProviderError {
    ProviderError::refused(AssertionFault::BadSignature, detail)
}

/// What somebody else wrote, short enough for a line of the log.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
