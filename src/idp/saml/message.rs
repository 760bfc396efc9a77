//! The messages we send, as XML.

use super::instant;
use super::metadata::UNSPECIFIED;
use super::response::SUCCESS;
use super::xml::{ASSERTION, PROTOCOL, escape};
use crate::domain::clock::Timestamp;
use crate::domain::random::{self, Random};
use crate::domain::sso::ProviderLink;
use std::fmt::Write;

/// An ID that nobody can guess and XML accepts: names do not begin with a digit.
pub(super) fn new_id(random: &dyn Random) -> String {
    let bytes: [u8; 20] = random::bytes(random);
    bytes.iter().fold("_".to_owned(), |mut id, byte| {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Parts an ID from the moment since which the person has to have signed in.
const FRESH_SINCE: &str = ".since.";

/// The ID of a request for a fresh sign-in. It comes back with the answer and is kept on our side too, so whoever takes
/// `ForceAuthn` out of the address does not get in with an old sign-in.
pub(super) fn new_fresh_id(random: &dyn Random, now: Timestamp) -> String {
    format!("{}{FRESH_SINCE}{}", new_id(random), now.seconds())
}

/// Since when a person has to have signed in to answer the request of that ID.
pub(super) fn fresh_since(id: &str) -> Option<Timestamp> {
    let (_, seconds) = id.split_once(FRESH_SINCE)?;
    let seconds: u64 = seconds.parse().ok()?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1_000)))
}

/// What every message begins with.
pub(super) struct Head<'a> {
    pub(super) id: &'a str,
    pub(super) at: Timestamp,
    pub(super) destination: &'a str,
    /// Our entity ID.
    pub(super) issuer: &'a str,
}

impl Head<'_> {
    fn message(&self, name: &str, attributes: &str, content: &str) -> String {
        format!(
            "<samlp:{name} xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{}\" Version=\"2.0\" \
             IssueInstant=\"{}\" Destination=\"{}\"{attributes}><saml:Issuer>{}</saml:Issuer>{content}</samlp:{name}>",
            escape(self.id),
            instant::write(self.at),
            escape(self.destination),
            escape(self.issuer),
        )
    }

    pub(super) fn authn_request(&self, callback: &str, is_forced: bool) -> String {
        let forced = if is_forced {
            " ForceAuthn=\"true\""
        } else {
            ""
        };
        self.message(
            "AuthnRequest",
            &format!(
                "{forced} ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
                 AssertionConsumerServiceURL=\"{}\"",
                escape(callback)
            ),
            &format!("<samlp:NameIDPolicy Format=\"{UNSPECIFIED}\" AllowCreate=\"true\"/>"),
        )
    }

    /// The subject as the provider wrote it: without its format and qualifiers it may be nobody's there.
    pub(super) fn logout_request(&self, link: &ProviderLink) -> String {
        let form = [
            ("Format", &link.form.format),
            ("NameQualifier", &link.form.qualifier),
            ("SPNameQualifier", &link.form.sp_qualifier),
        ];
        let mut content = "<saml:NameID".to_owned();
        for (name, value) in form {
            if let Some(value) = value {
                let _ = write!(content, " {name}=\"{}\"", escape(value));
            }
        }
        let _ = write!(content, ">{}</saml:NameID>", escape(&link.subject));
        if let Some(index) = &link.session_index {
            let _ = write!(
                content,
                "<samlp:SessionIndex>{}</samlp:SessionIndex>",
                escape(index)
            );
        }
        self.message("LogoutRequest", "", &content)
    }

    pub(super) fn logout_response(&self, request: &str) -> String {
        self.message(
            "LogoutResponse",
            &format!(" InResponseTo=\"{}\"", escape(request)),
            &format!("<samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"/></samlp:Status>"),
        )
    }
}
