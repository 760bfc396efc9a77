//! Texts for people to read, such as display names: one rule, whoever sets them.

use crate::domain::directory::name::is_direction_mark;

/// The longest label, display name or description, in bytes.
const MAX_TEXT_BYTES: usize = 1024;
/// The longest mail address, in bytes (RFC 5321's path without its angle brackets).
const MAX_EMAIL_BYTES: usize = 254;

/// Why a text is refused: what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Longer than `MAX_TEXT_BYTES`.
    #[error("at most {MAX_TEXT_BYTES} bytes")]
    TooLong,
    /// A control character, or one that turns the direction of what follows.
    #[error("no control characters and none that turn the direction of text")]
    Control,
    /// Not a mail address.
    #[error("an address such as alice@example.com")]
    NoAddress,
}

/// Holds a text to its bounds, and to characters that cannot forge a line of a log or a table.
pub fn check_text(text: &str) -> Result<(), TextError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(TextError::TooLong);
    }
    if text.chars().any(|c| c.is_control() || is_turn(c)) {
        return Err(TextError::Control);
    }
    Ok(())
}

/// Enough of a check to catch a wrong column; whether mail arrives only mail can tell.
pub fn check_email(email: &str) -> Result<(), TextError> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || is_direction_mark(c);
    let is_sane = email.len() <= MAX_EMAIL_BYTES
        && !email.chars().any(is_odd)
        && email
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if is_sane {
        Ok(())
    } else {
        Err(TextError::NoAddress)
    }
}

/// Fewer than names may not have: marks of a single place, and joiners, belong to how some scripts are written.
const fn is_turn(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_46_a_text_is_bounded_and_neither_breaks_a_line_nor_turns_it() {
        for good in [
            "",
            "Zo\u{eb} O'Hara, PhD",
            "\u{5d0}\u{200f}!",
            &"x".repeat(1024),
        ] {
            assert_eq!(check_text(good), Ok(()), "{good:?}");
        }
        assert_eq!(check_text(&"x".repeat(1025)), Err(TextError::TooLong));
        for bad in [
            "a\nb",
            "\u{1b}[2J",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{2028}b",
        ] {
            assert_eq!(check_text(bad), Err(TextError::Control), "{bad:?}");
        }
    }

    #[test]
    fn a_mail_address_has_two_sides_and_no_spaces() {
        for good in ["a@b", "alice@example.com", "\"a@b\"@example.com"] {
            assert!(check_email(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "alice",
            "@b",
            "a@",
            "a b@c",
            "a@b\r\nc",
            "a@\u{202E}b",
            &"x@".repeat(200),
        ] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }
}
