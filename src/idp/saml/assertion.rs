//! What a signed assertion says, and whether it says it about us, here and now.

use super::fault::{Judged, malformed, refuse, shown};
use super::instant;
use super::message::fresh_since;
use super::response::{Expected, check_in_response_to, check_issuer};
use super::xml::{ASSERTION, Node};
use crate::domain::clock::Timestamp;
use crate::domain::sso::{Assertion, AssertionFault, NameForm, ProviderError};
use std::collections::BTreeMap;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// Judges an assertion whose signature has been.
pub(super) fn judge(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Judged<Assertion> {
    let id = assertion
        .attribute("ID")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| malformed("an assertion without ID"))?;
    if assertion.attribute("Version") != Some("2.0") {
        return Err(malformed("an assertion of another version"));
    }
    check_issuer(
        assertion.only(ASSERTION, "Issuer").map_err(malformed)?,
        expected.issuer,
    )?;
    let subject = assertion
        .one(ASSERTION, "Subject")
        .map_err(malformed)?
        .ok_or_else(|| no_subject("no Subject"))?;
    let confirmed_until = check_confirmations(subject, expected)?;
    let conditions = assertion.only(ASSERTION, "Conditions").map_err(malformed)?;
    let valid_until = check_conditions(conditions, expected)?;
    let session_index = read_statements(assertion, expected)?;
    let (name, form) = read_name(subject)?;
    let good_until = valid_until.map_or(confirmed_until, |until| until.min(confirmed_until));
    Ok(Assertion {
        id: id.to_owned(),
        good_until: good_until.plus(expected.skew),
        subject: name,
        form,
        session_index,
        attributes: read_attributes(assertion)?,
    })
}

fn no_subject(detail: &str) -> ProviderError {
    ProviderError::refused(AssertionFault::NoSubject, detail)
}

/// Who a `Subject`, or a `LogoutRequest`, is about.
pub(super) fn read_name(parent: Node<'_, '_>) -> Judged<(String, NameForm)> {
    let node = parent
        .one(ASSERTION, "NameID")
        .map_err(malformed)?
        .ok_or_else(|| no_subject("no NameID"))?;
    let name = node.plain_text().map_err(malformed)?;
    if name.is_empty() {
        return Err(no_subject("an empty NameID"));
    }
    let said = |attribute| node.attribute(attribute).map(str::to_owned);
    let form = NameForm {
        format: said("Format"),
        qualifier: said("NameQualifier"),
        sp_qualifier: said("SPNameQualifier"),
    };
    Ok((name, form))
}

/// One bearer confirmation has to hold. Which one is refused does not matter then; if none holds, the first refusal counts.
fn check_confirmations(subject: Node<'_, '_>, expected: &Expected<'_>) -> Judged<Timestamp> {
    let mut refusal = None;
    for confirmation in subject.named(ASSERTION, "SubjectConfirmation") {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        match check_bearer(confirmation, expected) {
            Ok(until) => return Ok(until),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(|| malformed("no bearer SubjectConfirmation")))
}

fn check_bearer(confirmation: Node<'_, '_>, expected: &Expected<'_>) -> Judged<Timestamp> {
    let data = confirmation
        .only(ASSERTION, "SubjectConfirmationData")
        .map_err(malformed)?;
    let recipient = data.attribute("Recipient").unwrap_or("");
    if recipient != expected.callback {
        return refuse(
            AssertionFault::WrongRecipient,
            format!(
                "for {}, arrived at {:?}",
                shown(recipient),
                expected.callback
            ),
        );
    }
    check_in_response_to(data.attribute("InResponseTo"), expected)?;
    check_window(data, expected, "the confirmation")?
        .ok_or_else(|| malformed("a bearer confirmation without NotOnOrAfter"))
}

fn check_conditions(
    conditions: Node<'_, '_>,
    expected: &Expected<'_>,
) -> Judged<Option<Timestamp>> {
    let until = check_window(conditions, expected, "the assertion")?;
    let mut has_audience = false;
    for condition in conditions.children() {
        if condition.is(ASSERTION, "AudienceRestriction") {
            has_audience = true;
            let audiences: Vec<_> = condition
                .named(ASSERTION, "Audience")
                .map(|audience| audience.plain_text().map_err(malformed))
                .collect::<Result<_, _>>()?;
            if !audiences.iter().any(|name| name == expected.audience) {
                return refuse(
                    AssertionFault::WrongAudience,
                    format!(
                        "for {}, we are {:?}",
                        shown(&audiences.join(" ")),
                        expected.audience
                    ),
                );
            }
        } else if !condition.is(ASSERTION, "OneTimeUse")
            && !condition.is(ASSERTION, "ProxyRestriction")
        {
            // The standard: what is not understood makes the assertion invalid. Every assertion is used once here, and
            // none is passed on.
            return Err(malformed(format!(
                "the condition {}, which is not understood",
                shown(condition.local_name())
            )));
        }
    }
    if !has_audience {
        return refuse(AssertionFault::WrongAudience, "for nobody in particular");
    }
    Ok(until)
}

/// `NotBefore` and `NotOnOrAfter` of an element against the given moment; answers the latter.
fn check_window(
    node: Node<'_, '_>,
    expected: &Expected<'_>,
    what: &str,
) -> Judged<Option<Timestamp>> {
    if let Some(from) = moment(node, "NotBefore")?
        && expected.now.plus(expected.skew) < from
    {
        return refuse(
            AssertionFault::TooEarly,
            format!(
                "{what} is good from {}, it is {}",
                instant::write(from),
                instant::write(expected.now)
            ),
        );
    }
    let until = moment(node, "NotOnOrAfter")?;
    check_end(until, expected, what)?;
    Ok(until)
}

fn check_end(until: Option<Timestamp>, expected: &Expected<'_>, what: &str) -> Judged<()> {
    match until {
        Some(until) if expected.now >= until.plus(expected.skew) => refuse(
            AssertionFault::Expired,
            format!(
                "{what} was good until {}, it is {}",
                instant::write(until),
                instant::write(expected.now)
            ),
        ),
        _ => Ok(()),
    }
}

fn moment(node: Node<'_, '_>, name: &str) -> Judged<Option<Timestamp>> {
    node.attribute(name)
        .map(|text| instant::read(text).map_err(malformed))
        .transpose()
}

/// There has to be a sign-in that it speaks of; answers the provider's name for its session.
fn read_statements(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Judged<Option<String>> {
    let mut statements = assertion.named(ASSERTION, "AuthnStatement").peekable();
    if statements.peek().is_none() {
        return Err(malformed("no AuthnStatement"));
    }
    let since = expected.begun.and_then(|b| fresh_since(&b.request_id));
    let mut session_index = None;
    for statement in statements {
        let signed_in =
            moment(statement, "AuthnInstant")?.ok_or_else(|| malformed("no AuthnInstant"))?;
        if since.is_some_and(|since| signed_in.plus(expected.skew) < since) {
            return refuse(
                AssertionFault::Expired,
                format!(
                    "a fresh sign-in was asked for, this one is of {}",
                    instant::write(signed_in)
                ),
            );
        }
        let end = moment(statement, "SessionNotOnOrAfter")?;
        check_end(end, expected, "the provider's session")?;
        session_index = session_index.or_else(|| statement.attribute("SessionIndex"));
    }
    Ok(session_index.map(str::to_owned))
}

fn read_attributes(assertion: Node<'_, '_>) -> Judged<BTreeMap<String, Vec<String>>> {
    let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for statement in assertion.named(ASSERTION, "AttributeStatement") {
        for attribute in statement.named(ASSERTION, "Attribute") {
            let name = attribute
                .attribute("Name")
                .ok_or_else(|| malformed("an attribute without name"))?;
            let values = attribute.named(ASSERTION, "AttributeValue").map(Node::text);
            attributes
                .entry(name.to_owned())
                .or_default()
                .extend(values);
        }
    }
    Ok(attributes)
}
