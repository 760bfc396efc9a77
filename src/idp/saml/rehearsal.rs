//! A response judged as if it had just come in answer to the very question it says it answers.

use crate::domain::clock::Timestamp;
use crate::domain::sso::{
    Answer, Assertion, AssertionFault, Begun, IdentityProvider, ProviderError,
};
use crate::idp::saml::SamlProvider;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Judges a response, Base64 or XML, as at the moment it was issued for and at the place it was sent to; without
/// these, as of now and at `callback`.
pub(super) async fn rehearse(
    provider: &SamlProvider,
    text: &str,
    callback: &str,
    now: Timestamp,
) -> Result<Assertion, ProviderError> {
    let text = text.trim();
    let (encoded, xml) = if text.starts_with('<') {
        (STANDARD.encode(text), text.to_owned())
    } else {
        let compact: String = text.split_whitespace().collect();
        let bytes = STANDARD
            .decode(&compact)
            .map_err(|error| ProviderError::refused(AssertionFault::Malformed, error))?;
        (compact, String::from_utf8_lossy(&bytes).into_owned())
    };
    let callback = attribute(&xml, "Destination").unwrap_or(callback);
    let begun = attribute(&xml, "InResponseTo").map(|request_id| Begun {
        request_id: request_id.to_owned(),
        verifier: String::new(),
        callback: callback.to_owned(),
    });
    let issued = attribute(&xml, "IssueInstant").and_then(moment);
    let answer = Answer::Saml(encoded);
    provider
        .finish(&answer, begun.as_ref(), callback, issued.unwrap_or(now))
        .await
}

/// The first attribute of that name: only to know as when and where to judge.
fn attribute<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn moment(text: &str) -> Option<Timestamp> {
    use time::format_description::well_known::Rfc3339;
    let at = time::OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let millis = at.unix_timestamp_nanos() / 1_000_000;
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}
