//! Proof that a form came from a page we made for this very browser.
//!
//! Before anybody is signed in there is no session to bind a form to, and a foreign page could sign the
//! browser in as somebody else. So the page sets a cookie of random bits and puts a MAC of them into the form:
//! who cannot read the page cannot know it. Over https the cookie's `__Host-` prefix keeps sibling hosts from
//! planting one of their own. Once there is a session, the form is bound to that and needs no cookie.

use crate::api::services::Services;
use crate::domain::random;
use crate::domain::session::SessionId;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderMap};
use actix_web::middleware::Next;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const NAME: &str = "vestibule_form";
const HOST_NAME: &str = "__Host-vestibule_form";
/// 128 bits in base64.
const VALUE_CHARS: usize = 22;
/// Sets these MACs apart from everything else that is signed with the same key.
const LABEL: &[u8] = b"vestibule form token 1\0";

/// The form cookies that came with a request.
#[derive(Clone, Debug, Default)]
pub struct FormCookies(Vec<String>);

/// Remembers the form cookies before the session layer leaves nothing but its own in the request.
pub async fn remember(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let cookies = FormCookies::read(request.headers());
    request.extensions_mut().insert(cookies);
    Ok(next.call(request).await?.map_into_boxed_body())
}

impl FormCookies {
    fn read(headers: &HeaderMap) -> Self {
        let pairs = headers
            .get_all(COOKIE)
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='));
        let ours = pairs.filter(|(name, _)| [NAME, HOST_NAME].contains(name));
        let whole = ours.filter(|(_, value)| value.len() == VALUE_CHARS);
        Self(
            whole
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        )
    }

    /// Those of a request.
    pub fn of(request: &impl HttpMessage) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    fn find(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |pair| {
            let (own, value) = pair.split_once('=')?;
            (own == name).then_some(value)
        })
    }

    /// The token for a form of this browser, and the cookie to set if it has none yet.
    pub fn issue(&self, services: &Services, is_https: bool) -> (String, Option<String>) {
        let name = name(is_https);
        if let Some(value) = self.find(name).next() {
            return (token(services, value.as_bytes()), None);
        }
        let value = URL_SAFE_NO_PAD.encode(random::bytes::<16>(&*services.random));
        let secure = if is_https { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
        (token(services, value.as_bytes()), Some(cookie))
    }

    /// Whether a form's token belongs to this browser.
    pub fn prove(&self, services: &Services, is_https: bool, given: &str) -> bool {
        self.find(name(is_https))
            .any(|value| is_token(services, value.as_bytes(), given))
    }
}

const fn name(is_https: bool) -> &'static str {
    if is_https { HOST_NAME } else { NAME }
}

/// The token for a form of that session.
pub fn for_session(services: &Services, id: &SessionId) -> String {
    token(services, &id.digest())
}

/// Whether a form's token is of that session.
pub fn is_for_session(services: &Services, id: &SessionId, given: &str) -> bool {
    is_token(services, &id.digest(), given)
}

fn token(services: &Services, of: &[u8]) -> String {
    mac(services, of).map_or_else(String::new, |mac| {
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    })
}

fn is_token(services: &Services, of: &[u8], given: &str) -> bool {
    let given = URL_SAFE_NO_PAD.decode(given);
    match (mac(services, of), given) {
        (Some(mac), Ok(given)) => mac.verify_slice(&given).is_ok(),
        _ => false,
    }
}

fn mac(services: &Services, of: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(services.site.cookie_key.master()).ok()?;
    mac.update(LABEL);
    mac.update(of);
    Some(mac)
}
