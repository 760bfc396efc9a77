//! Judges messages about sign-outs, by redirect or by form post. Unsigned ones are refused: anybody could end anybody's sessions.

use super::assertion::read_name;
use super::fault::{Judged, malformed, refuse, shown};
use super::instant;
use super::redirect::{self, Carried, Field};
use super::response::{SUCCESS, check_destination, check_issuer, decode, status_words};
use super::signature::signed;
use super::xml::{ASSERTION, Node, PROTOCOL, Source, parse};
use crate::domain::clock::Timestamp;
use crate::domain::sso::{AssertionFault, LogoutNotice};
use std::time::Duration;

use super::keys::Certificate;

/// How long a request without an end of its own is good.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// What a sign-out message is measured by.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) callback: &'a str,
    pub(super) keys: &'a [Certificate],
    pub(super) skew: Duration,
    pub(super) now: Timestamp,
}

/// A sign-out at the provider, its signature and times judged.
pub(super) struct SignedOut {
    pub(super) id: String,
    pub(super) good_until: Timestamp,
    pub(super) subject: String,
    pub(super) session_index: Option<String>,
    pub(super) relay_state: Option<String>,
}

/// What came.
pub(super) enum Word {
    Request(SignedOut),
    Answer { relay_state: Option<String> },
}

/// Judges a message.
pub(super) fn judge(notice: &LogoutNotice, expected: &Expected<'_>) -> Judged<Word> {
    let (carried, is_signed_outside) = match notice {
        LogoutNotice::SamlRedirect(query) => (redirect::read(query, expected.keys)?, true),
        LogoutNotice::SamlPost {
            message,
            is_request,
            relay_state,
        } => {
            let field = if *is_request {
                Field::Request
            } else {
                Field::Response
            };
            let carried = Carried {
                field,
                xml: decode(message)?,
                relay_state: relay_state.clone(),
            };
            (carried, false)
        }
        LogoutNotice::OidcToken(_) => return Err(malformed("not a message of SAML")),
    };
    let document = parse(&carried.xml, Source::Browser).map_err(malformed)?;
    let root = Node::root(&document).ok_or_else(|| malformed("no element"))?;
    let name = match carried.field {
        Field::Request => "LogoutRequest",
        Field::Response => "LogoutResponse",
    };
    if !root.is(PROTOCOL, name) || root.attribute("Version") != Some("2.0") {
        return Err(malformed(format!("not a {name}")));
    }
    // A signature inside counts where there is none outside; where there are both, both have to hold.
    let held = signed(&document, &carried.xml, &[root], expected.keys)?;
    if !is_signed_outside && !held.has(root) {
        return refuse(AssertionFault::Unsigned, format!("an unsigned {name}"));
    }
    let issuer = root.only(ASSERTION, "Issuer").map_err(malformed)?;
    check_issuer(issuer, expected.issuer)?;
    if root.attribute("Destination").is_none() {
        // Signed messages have to say where they go; otherwise one for another service would do here.
        return refuse(AssertionFault::WrongRecipient, "no Destination");
    }
    check_destination(root, expected.callback)?;
    let good_until = check_times(root, expected)?;
    if carried.field == Field::Response {
        check_answer(root);
        return Ok(Word::Answer {
            relay_state: carried.relay_state,
        });
    }
    Ok(Word::Request(SignedOut {
        id: root
            .attribute("ID")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| malformed("no ID"))?
            .to_owned(),
        good_until,
        subject: read_name(root)?.0,
        session_index: session_index(root)?,
        relay_state: carried.relay_state,
    }))
}

/// The session it is about. Of several none is taken: that ends all of the person's, which is never too few.
fn session_index(root: Node<'_, '_>) -> Judged<Option<String>> {
    let mut found: Vec<_> = root
        .named(PROTOCOL, "SessionIndex")
        .map(|index| index.plain_text().map_err(malformed))
        .collect::<Result<_, _>>()?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// However it went there, here the session has ended; a failure is worth a line in the log.
fn check_answer(root: Node<'_, '_>) {
    let words = root
        .named(PROTOCOL, "Status")
        .next()
        .map(status_words)
        .unwrap_or_default();
    if words.first().is_none_or(|code| code != SUCCESS) {
        tracing::warn!(
            status = shown(&words.join(" ")),
            "the identity provider did not complete a sign-out"
        );
    }
}

fn check_times(root: Node<'_, '_>, expected: &Expected<'_>) -> Judged<Timestamp> {
    let issued = root
        .attribute("IssueInstant")
        .ok_or_else(|| malformed("no IssueInstant"))?;
    let issued = instant::read(issued).map_err(malformed)?;
    if expected.now.plus(expected.skew) < issued {
        return refuse(
            AssertionFault::TooEarly,
            format!("issued at {}", instant::write(issued)),
        );
    }
    let mut until = issued.plus(GOOD_FOR);
    if let Some(end) = root.attribute("NotOnOrAfter") {
        until = until.min(instant::read(end).map_err(malformed)?);
    }
    let until = until.plus(expected.skew);
    if expected.now >= until {
        return refuse(
            AssertionFault::Expired,
            format!("good until {}", instant::write(until)),
        );
    }
    Ok(until)
}
