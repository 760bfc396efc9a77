//! Whose pages they are and by whom one may sign in besides with a password.

use crate::api::pages::colour::Colour;
use crate::api::pages::target::Target;
use actix_web::web::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// The largest logo, in bytes.
pub const MAX_LOGO_BYTES: usize = 256 * 1024;

/// What the sign-in page and its relatives look like and offer.
#[derive(Clone, Debug)]
pub struct SignInSite {
    /// What the pages are called.
    pub title: String,
    /// Whether whoever is not signed in goes straight to the first provider.
    pub goes_to_provider: bool,
    /// Whether whoever belongs to several Orgs and named none is asked, after the password.
    pub asks_for_org: bool,
    /// The colour in place of ours.
    pub colour: Option<Colour>,
    /// The picture in place of ours.
    pub logo: Option<Logo>,
    /// Identity providers, in the order of their buttons.
    pub providers: Vec<ProviderButton>,
}

impl SignInSite {
    /// Label and link of each provider, those first that are meant for the host by which the browser reaches us.
    pub fn buttons(&self, own_origin: &str, target: &Target) -> Vec<(&str, String)> {
        let url = Url::parse(own_origin).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let is_for_host = |one: &&ProviderButton| {
            let mut hosts = one.hosts.iter();
            hosts.any(|own| own.eq_ignore_ascii_case(host))
        };
        let (first, rest): (Vec<_>, Vec<_>) = self.providers.iter().partition(is_for_host);
        let all = first.into_iter().chain(rest);
        all.map(|one| (one.label.as_str(), one.link(target)))
            .collect()
    }
}

/// A logo.
#[derive(Clone, Debug)]
pub struct Logo {
    /// Its media type.
    pub kind: &'static str,
    /// The file.
    pub body: Bytes,
}

/// Why a file is no logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// Longer than [`MAX_LOGO_BYTES`].
    #[error("it is larger than 256 KiB")]
    TooLarge,
    /// Not a picture we serve.
    #[error("it is neither SVG nor PNG")]
    OtherKind,
}

impl Logo {
    /// Reads a file by its own first bytes: what it is called says nothing.
    pub fn read(body: Vec<u8>) -> Result<Self, LogoError> {
        if body.len() > MAX_LOGO_BYTES {
            return Err(LogoError::TooLarge);
        }
        let kind = if body.starts_with(b"\x89PNG\r\n\x1a\n") {
            "image/png"
        } else if is_svg(&body) {
            "image/svg+xml"
        } else {
            return Err(LogoError::OtherKind);
        };
        Ok(Self {
            kind,
            body: Bytes::from(body),
        })
    }
}

fn is_svg(body: &[u8]) -> bool {
    let text =
        std::str::from_utf8(body).map(|text| text.trim_start_matches('\u{feff}').trim_start());
    text.is_ok_and(|text| text.starts_with('<') && text.contains("<svg"))
}

/// A provider on the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderButton {
    /// The words on the button.
    pub label: String,
    /// Where signing in there begins, with a query that can be added to: `/callosum/v1/saml/login?provider=NAME`.
    pub href: String,
    /// Hosts of ours where it stands before the others.
    pub hosts: Vec<String>,
}

impl ProviderButton {
    /// The link that comes back to the target.
    pub fn link(&self, target: &Target) -> String {
        let target = utf8_percent_encode(&target.absolute, NON_ALPHANUMERIC);
        format!("{}&targetURLPath={target}", self.href)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_of_this_host_comes_first() {
        let button = |label: &str, hosts: &[&str]| ProviderButton {
            label: label.to_owned(),
            href: "/x?y=z".to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        };
        let site = SignInSite {
            title: String::new(),
            goes_to_provider: false,
            asks_for_org: true,
            colour: None,
            logo: None,
            providers: vec![button("all", &[]), button("b", &["B.example"])],
        };
        let labels = |origin| {
            let target = Target::own("/", origin);
            let buttons = site.buttons(origin, &target);
            buttons
                .iter()
                .map(|(label, _)| (*label).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(labels("https://a.example"), ["all", "b"]);
        assert_eq!(labels("https://b.example:8443"), ["b", "all"]);
    }

    #[test]
    fn a_logo_is_what_its_bytes_say() {
        let kind = |body: &[u8]| Logo::read(body.to_vec()).map(|logo| logo.kind);
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n..."), Ok("image/png"));
        assert_eq!(kind(b"\xef\xbb\xbf <?xml?><svg/>"), Ok("image/svg+xml"));
        assert_eq!(kind(b"GIF89a<svg"), Err(LogoError::OtherKind));
        assert_eq!(kind(b"<html>"), Err(LogoError::OtherKind));
        assert_eq!(
            kind(&vec![b'<'; MAX_LOGO_BYTES + 1]),
            Err(LogoError::TooLarge)
        );
    }
}
