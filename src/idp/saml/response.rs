//! Judges what a browser posts to the assertion consumer: from Base64 to an `Assertion`.

use super::assertion;
use super::decrypt;
use super::fault::{Judged, malformed, refuse, shown};
use super::keys::{Certificate, OwnKey};
use super::signature::{Signed, signed};
use super::xml::{ASSERTION, Node, PROTOCOL, Source, parse};
use crate::domain::clock::Timestamp;
use crate::domain::sso::{Assertion, AssertionFault, Begun, ProviderError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
use uppsala::Document;

/// No honest message is larger, decoded.
pub(super) const MAX_MESSAGE: usize = 256 * 1024;
pub(super) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// What an answer is measured by.
pub(super) struct Expected<'a> {
    /// The provider's entity ID.
    pub(super) issuer: &'a str,
    /// Our entity ID.
    pub(super) audience: &'a str,
    /// Where it was posted.
    pub(super) callback: &'a str,
    pub(super) begun: Option<&'a Begun>,
    pub(super) keys: &'a [Certificate],
    pub(super) own: Option<&'a OwnKey>,
    pub(super) skew: Duration,
    pub(super) now: Timestamp,
}

/// The text of a message as it was posted.
pub(super) fn decode(encoded: &str) -> Judged<String> {
    // Base64 is a third longer, and some break it into lines.
    if encoded.len() > MAX_MESSAGE * 3 / 2 {
        return refuse(
            AssertionFault::TooLarge,
            format!("{} bytes of Base64", encoded.len()),
        );
    }
    let compact: String = encoded.split_ascii_whitespace().collect();
    let bytes = STANDARD
        .decode(compact)
        .map_err(|_| malformed("not Base64"))?;
    if bytes.len() > MAX_MESSAGE {
        return refuse(AssertionFault::TooLarge, format!("{} bytes", bytes.len()));
    }
    String::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))
}

/// Refuses an answer that nobody asked for, where the provider may not speak first, before any of it is parsed: whoever
/// has not even begun a sign-in has us do no work.
pub(super) fn check_is_wanted(
    text: &str,
    begun: Option<&Begun>,
    is_unsolicited_allowed: bool,
) -> Judged<()> {
    if begun.is_some() || is_unsolicited_allowed {
        return Ok(());
    }
    // Only for the log, so it does not matter where it stands.
    if text.contains("InResponseTo") {
        return refuse(
            AssertionFault::UnknownRequest,
            "it answers something, which nobody here asked",
        );
    }
    refuse(
        AssertionFault::Unsolicited,
        "nobody asked, and idp_initiated is off",
    )
}

/// Judges a `SAMLResponse`, decoded. Takes its time: not for threads that others wait for.
pub(super) fn judge(text: &str, expected: &Expected<'_>) -> Judged<Assertion> {
    let document = parse(text, Source::Browser).map_err(malformed)?;
    let response = Node::root(&document)
        .filter(|root| root.is(PROTOCOL, "Response"))
        .ok_or_else(|| malformed("not a Response"))?;
    if response.attribute("Version") != Some("2.0") {
        return Err(malformed("not of SAML 2.0"));
    }
    check_status(response)?;

    // Counted by local name and at any depth: there must be nothing that another reader could take for the assertion.
    let count = |name: &str| {
        response
            .self_and_below()
            .filter(|node| node.local_name() == name)
            .count()
    };
    let (plain, encrypted) = (count("Assertion"), count("EncryptedAssertion"));
    if plain + encrypted != 1 || count("Response") != 1 {
        return Err(malformed(format!(
            "{plain} assertions and {encrypted} encrypted ones; one of either is needed"
        )));
    }
    if encrypted == 1 {
        let sealed = response
            .only(ASSERTION, "EncryptedAssertion")
            .map_err(malformed)?;
        // Before anything is opened: what may be opened at all depends on who wrote it.
        let held = signed(&document, text, &[response], expected.keys)?;
        check_envelope(response, expected)?;
        let opened = decrypt::open(sealed, &held, expected.own)?;
        let inner =
            parse(opened.text(), Source::Browser).map_err(|why| opened.refusal(malformed(why)))?;
        let assertion =
            sealed_assertion(&inner, opened.text(), expected).map_err(|why| opened.refusal(why))?;
        return assertion::judge(assertion, expected);
    }
    let assertion = response.only(ASSERTION, "Assertion").map_err(malformed)?;
    let held = signed(&document, text, &[response, assertion], expected.keys)?;
    require_signed(assertion, &held)?;
    check_envelope(response, expected)?;
    assertion::judge(assertion, expected)
}

/// The assertion that was encrypted, its own signature verified.
fn sealed_assertion<'d, 'x>(
    inner: &'d Document<'x>,
    text: &str,
    expected: &Expected<'_>,
) -> Judged<Node<'d, 'x>> {
    let assertion = Node::root(inner)
        .filter(|root| root.is(ASSERTION, "Assertion"))
        .ok_or_else(|| malformed("something else than an Assertion was encrypted"))?;
    let has_more = assertion
        .self_and_below()
        .filter(|node| node.local_name().ends_with("Assertion"))
        .count()
        > 1;
    if has_more {
        return Err(malformed("an assertion within an assertion"));
    }
    let held = signed(inner, text, &[assertion], expected.keys)?;
    require_signed(assertion, &held)?;
    Ok(assertion)
}

/// A signature of the `Response` alone does not do: the assertion could be taken out of another.
fn require_signed<'d, 'x>(assertion: Node<'d, 'x>, held: &Signed<'d, 'x>) -> Judged<()> {
    if held.has(assertion) {
        return Ok(());
    }
    refuse(
        AssertionFault::Unsigned,
        "the Assertion itself is not signed",
    )
}

/// A refusal by the provider is believed unsigned: nobody gains by being refused.
fn check_status(response: Node<'_, '_>) -> Judged<()> {
    let status = response.only(PROTOCOL, "Status").map_err(malformed)?;
    let words = status_words(status);
    if words.first().is_some_and(|code| code == SUCCESS) {
        return Ok(());
    }
    refuse(
        AssertionFault::NotSuccessful,
        words
            .iter()
            .map(|word| shown(word))
            .collect::<Vec<_>>()
            .join(", "),
    )
}

/// The status code, the codes within, and the message, in that order.
pub(super) fn status_words(status: Node<'_, '_>) -> Vec<String> {
    let mut words = Vec::new();
    let mut code = status.named(PROTOCOL, "StatusCode").next();
    while let Some(found) = code {
        words.push(found.attribute("Value").unwrap_or("").to_owned());
        code = found.named(PROTOCOL, "StatusCode").next();
    }
    if let Some(message) = status.named(PROTOCOL, "StatusMessage").next() {
        words.push(message.text());
    }
    words
}

/// What the `Response` around the assertion says.
fn check_envelope(response: Node<'_, '_>, expected: &Expected<'_>) -> Judged<()> {
    if let Some(issuer) = response.one(ASSERTION, "Issuer").map_err(malformed)? {
        check_issuer(issuer, expected.issuer)?;
    }
    check_destination(response, expected.callback)?;
    check_in_response_to(response.attribute("InResponseTo"), expected)
}

/// Whether a message or assertion is of this provider.
pub(super) fn check_issuer(issuer: Node<'_, '_>, expected: &str) -> Judged<()> {
    let name = issuer.plain_text().map_err(malformed)?;
    if name == expected {
        return Ok(());
    }
    refuse(
        AssertionFault::WrongIssuer,
        format!("issued by {}, expected {expected:?}", shown(&name)),
    )
}

/// Whether a message was sent here.
pub(super) fn check_destination(message: Node<'_, '_>, callback: &str) -> Judged<()> {
    match message.attribute("Destination") {
        None => Ok(()),
        Some(destination) if destination == callback => Ok(()),
        Some(destination) => refuse(
            AssertionFault::WrongRecipient,
            format!("sent to {}, arrived at {callback:?}", shown(destination)),
        ),
    }
}

/// Whether it answers what this browser was sent to ask.
pub(super) fn check_in_response_to(request: Option<&str>, expected: &Expected<'_>) -> Judged<()> {
    match (expected.begun, request) {
        (Some(begun), Some(request)) if begun.request_id == request => Ok(()),
        (Some(begun), request) => refuse(
            AssertionFault::UnknownRequest,
            format!(
                "it answers {}, asked was {:?}",
                shown(request.unwrap_or("nothing")),
                begun.request_id
            ),
        ),
        (None, Some(request)) => refuse(
            AssertionFault::UnknownRequest,
            format!("it answers {}, which nobody here asked", shown(request)),
        ),
        // `check_is_wanted` has let it in.
        (None, None) => Ok(()),
    }
}

/// Whether the answer was begun for the address it arrived at.
pub(super) fn check_callback(begun: Option<&Begun>, callback: &str) -> Result<(), ProviderError> {
    match begun {
        Some(begun) if begun.callback != callback => refuse(
            AssertionFault::WrongRecipient,
            format!("asked for at {:?}, arrived at {callback:?}", begun.callback),
        ),
        _ => Ok(()),
    }
}
