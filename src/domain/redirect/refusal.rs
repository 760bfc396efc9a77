//! Why a redirect target is refused, in words that may go back to whoever sent it.

use crate::domain::failure::Failure;
use crate::domain::redirect::origin::Origin;
use url::Url;

/// The most characters of a caller's text a message repeats.
const SHOWN_CHARS: usize = 80;

/// Why a target is refused. Never holds more of the text than its scheme and host: queries carry tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefusal {
    /// There is no text.
    #[error("the URL is empty; write https://host/… in full")]
    Empty,
    /// Longer than [`super::MAX_TARGET_BYTES`].
    #[error("the URL is longer than {} bytes", super::MAX_TARGET_BYTES)]
    TooLong,
    /// A control character, which browsers drop or a header cannot carry.
    #[error("the URL contains a control character")]
    Control,
    /// A backslash, which browsers read as a slash.
    #[error("the URL contains a backslash")]
    Backslash,
    /// Space at either end.
    #[error("the URL begins or ends with a space")]
    Padded,
    /// A path or a bare host.
    #[error("the URL is not absolute; write https://host/… in full")]
    Relative,
    /// `//host`.
    #[error("the URL begins with // and names no scheme; write https://host/… in full")]
    SchemeRelative,
    /// `https:host` or `https:/host`.
    #[error("the scheme is not followed by ://")]
    Slashes,
    /// A scheme other than http and https.
    #[error("the scheme {0} is neither http nor https")]
    Scheme(String),
    /// `https:///…`.
    #[error("the URL names no host")]
    NoHost,
    /// An `@` before the path.
    #[error("the URL has a user name before its host (@)")]
    UserInfo,
    /// A port that is empty, too large or padded with zeros.
    #[error("the port is not a number from 0 to 65535 in its plain spelling")]
    Port,
    /// Not a URL to a browser.
    #[error("the URL cannot be parsed")]
    Unparsable,
    /// A browser goes to a host spelled otherwise.
    #[error("the host {given} is {parsed} to a browser; write it that way")]
    Respelled {
        /// As it came.
        given: String,
        /// As a browser reads it.
        parsed: String,
    },
    /// A `.` or `..` segment in the path, in whatever spelling.
    #[error("the path contains a . or .. segment")]
    DotSegment,
    /// Well-formed, but its origin is not on the list.
    #[error(
        "{0} is not an allowed redirect target; allowed are this server, embed.origins and redirects.allow"
    )]
    NotListed(String),
}

impl RedirectRefusal {
    pub(super) fn not_listed(origin: &Origin) -> Self {
        Self::NotListed(shown(&origin.to_string()))
    }

    pub(super) fn respelled(given: &str, parsed: &Url) -> Self {
        Self::Respelled {
            given: shown(given),
            parsed: shown(parsed.host_str().unwrap_or_default()),
        }
    }
}

impl From<&RedirectRefusal> for Failure {
    fn from(refusal: &RedirectRefusal) -> Self {
        Self::bad(
            "redirect_url",
            format!("a URL this server may redirect to; {refusal}"),
        )
    }
}

/// A caller's text made fit for a message: escaped, so it cannot forge a log line, and shortened.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN_CHARS)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
