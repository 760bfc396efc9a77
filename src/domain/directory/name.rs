//! Names that count as the same: one user cannot become two by case or Unicode form.

use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// The longest name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 255;

/// A name folded for comparison: NFKC, then lower case.
///
/// Lookups, uniqueness and attempt limits all use it, so `Alice`, `alice` and its
/// full-width twin are one account with one bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(String);

/// Why a name is refused: what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or only spaces.
    #[error("a name that is not empty")]
    Empty,
    /// Longer than `MAX_NAME_BYTES`.
    #[error("at most {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// A control character, or an invisible one that changes how text reads.
    #[error("no control characters and none that turn the direction of text")]
    Control,
    /// A space at either end.
    #[error("a name without a space at either end")]
    Padded,
}

impl NameKey {
    /// Folds a name, or says why it cannot be one.
    pub fn new(name: &str) -> Result<Self, NameError> {
        if name.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        if name.chars().any(|c| c.is_control() || is_direction_mark(c)) {
            return Err(NameError::Control);
        }
        if name.trim() != name {
            return Err(NameError::Padded);
        }
        let folded = Self::fold(name);
        if folded.trim().is_empty() {
            return Err(NameError::Empty);
        }
        Ok(Self(folded))
    }

    /// Folds text that need not be a whole name, to search for it within names.
    pub fn fold(text: &str) -> String {
        // Lower-casing can undo normalization (İ), so normalise on both sides of it.
        text.nfkc()
            .flat_map(char::to_lowercase)
            .collect::<String>()
            .nfkc()
            .collect()
    }

    /// The folded text, as stores keep it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Zero-width and bidirectional marks: names that look alike but are not.
pub(in crate::domain::directory) const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{00AD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_42_twins_in_case_or_unicode_form_share_one_key() {
        let key = NameKey::new("José").unwrap();
        for twin in ["josé", "JOSÉ", "Jose\u{301}", "\u{FF2A}osé"] {
            assert_eq!(NameKey::new(twin).unwrap(), key, "{twin}");
        }
    }

    #[test]
    fn case_46_names_with_control_or_direction_marks_are_refused() {
        for bad in ["a\0", "a\r\nb", "a\u{202E}b", "\u{FEFF}a", "a\u{200B}"] {
            assert_eq!(NameKey::new(bad), Err(NameError::Control), "{bad:?}");
        }
        assert_eq!(NameKey::new(" "), Err(NameError::Empty));
        assert_eq!(NameKey::new("alice "), Err(NameError::Padded));
        assert_eq!(NameKey::new(&"x".repeat(65_536)), Err(NameError::TooLong));
        assert!(NameKey::new("a@b@c:*?[]{}😀").is_ok());
    }
}
