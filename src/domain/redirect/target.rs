//! Reads a redirect target by eye, lets the browsers' parser read it too, and refuses where they differ.

use crate::domain::redirect::origin::{Origin, Scheme};
use crate::domain::redirect::refusal::{RedirectRefusal, shown};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use url::Url;

/// The longest target, both as it came and as it is sent.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;

/// How often a path is decoded in search of dot segments: more than any chain of proxies does, and an
/// end to what an 8 KiB text of nested escapes can cost.
const DECODINGS: usize = 8;

/// What a header value cannot carry, or would be cut at: controls, spaces and (always) non-ASCII.
const UNSENDABLE: &AsciiSet = &CONTROLS.add(b' ');

/// A well-formed target, before anybody asked whether its origin is allowed.
pub(super) struct Target {
    pub(super) origin: Origin,
    pub(super) location: String,
}

impl Target {
    pub(super) fn read(text: &str) -> Result<Self, RedirectRefusal> {
        let parts = split(text)?;
        let origin = parts.origin(text)?;
        if has_dot_segment(parts.path) {
            return Err(RedirectRefusal::DotSegment);
        }
        let location = utf8_percent_encode(text, UNSENDABLE).to_string();
        if location.len() > MAX_TARGET_BYTES {
            return Err(RedirectRefusal::TooLong);
        }
        // Encoding must not have moved anything: a browser has to read in the header what was checked.
        if Url::parse(&location).ok() != Url::parse(text).ok() {
            return Err(RedirectRefusal::Unparsable);
        }
        Ok(Self { origin, location })
    }
}

/// A target's text, cut where RFC 3986 cuts it.
pub(super) struct Parts<'a> {
    scheme: Scheme,
    pub(super) authority: &'a str,
    pub(super) path: &'a str,
    /// Query and fragment with their marks.
    pub(super) tail: &'a str,
}

/// Cuts a text into its parts, refusing every character a browser drops or reads as another.
pub(super) fn split(text: &str) -> Result<Parts<'_>, RedirectRefusal> {
    if text.is_empty() {
        return Err(RedirectRefusal::Empty);
    }
    if text.len() > MAX_TARGET_BYTES {
        return Err(RedirectRefusal::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(RedirectRefusal::Control);
    }
    if text.contains('\\') {
        return Err(RedirectRefusal::Backslash);
    }
    if text.trim() != text {
        return Err(RedirectRefusal::Padded);
    }
    let (scheme, rest) = split_scheme(text)?;
    let (authority, rest) = rest.split_at(end_of(rest, &['/', '?', '#']));
    let (path, tail) = rest.split_at(end_of(rest, &['?', '#']));
    Ok(Parts {
        scheme,
        authority,
        path,
        tail,
    })
}

fn end_of(text: &str, marks: &[char]) -> usize {
    text.find(marks).unwrap_or(text.len())
}

/// The scheme and what follows its `://`.
fn split_scheme(text: &str) -> Result<(Scheme, &str), RedirectRefusal> {
    if text.starts_with("//") {
        return Err(RedirectRefusal::SchemeRelative);
    }
    let Some((name, rest)) = text.split_once(':') else {
        return Err(RedirectRefusal::Relative);
    };
    // `localhost:8080/x` has the form of a scheme, but whoever wrote it meant a host.
    if !is_scheme(name) || rest.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(RedirectRefusal::Relative);
    }
    let scheme = Scheme::named(name).ok_or_else(|| RedirectRefusal::Scheme(shown(name)))?;
    let rest = rest.strip_prefix("//").ok_or(RedirectRefusal::Slashes)?;
    Ok((scheme, rest))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

impl Parts<'_> {
    /// The origin of `text`, of which these are the parts, if a browser reads the same one.
    pub(super) fn origin(&self, text: &str) -> Result<Origin, RedirectRefusal> {
        if self.authority.is_empty() {
            return Err(RedirectRefusal::NoHost);
        }
        if self.authority.contains('@') {
            return Err(RedirectRefusal::UserInfo);
        }
        let (host, port) = split_port(self.authority)?;
        let port = port.unwrap_or(self.scheme.default_port());
        let read = Origin::new(self.scheme, host.to_ascii_lowercase(), port);
        let parsed = Url::parse(text).map_err(|_| RedirectRefusal::Unparsable)?;
        if read.is_of(&parsed) {
            Ok(read)
        } else {
            Err(RedirectRefusal::respelled(host, &parsed))
        }
    }
}

/// Host and, when one is given in its only spelling, port.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), RedirectRefusal> {
    let colon = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => end_of(authority, &[':']),
    };
    let (host, port) = authority.split_at(colon);
    if port.is_empty() {
        return Ok((host, None));
    }
    port.strip_prefix(':')
        .and_then(|digits| {
            digits
                .parse::<u16>()
                .ok()
                .filter(|n| n.to_string() == digits)
        })
        .map(|port| (host, Some(port)))
        .ok_or(RedirectRefusal::Port)
}

/// Whether some server on the way could read the path as climbing: `..`, `%2e%2E`, `..;a=b`, `.%00.`.
fn has_dot_segment(path: &str) -> bool {
    let mut path = path.as_bytes().to_vec();
    for _ in 0..DECODINGS {
        if path.split(|b| matches!(b, b'/' | b'\\')).any(is_dots) {
            return true;
        }
        let decoded: Vec<u8> = percent_decode(&path).collect();
        if decoded == path {
            return false;
        }
        path = decoded;
    }
    // Escapes nested this deep hide something; no page has such a path.
    true
}

/// One or two dots and nothing else, once parameters and control bytes are gone.
fn is_dots(segment: &[u8]) -> bool {
    let mut dots = 0;
    for byte in segment.iter().take_while(|b| **b != b';') {
        match byte {
            b'.' => dots += 1,
            byte if byte.is_ascii_control() => {}
            _ => return false,
        }
    }
    matches!(dots, 1 | 2)
}
