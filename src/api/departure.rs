//! Sends a browser to an identity provider, and recognises it when it is back.
//!
//! The address wanted is checked before the browser leaves and kept on our side. What ties the answer to this
//! browser is a cookie of its own for each sign-in: the handle that travels names it, and only both together
//! lead to what is kept.

use crate::api::caller::{client_address, is_https, is_over_tls, services};
use crate::api::dialect::{ApiError, Dialect};
use crate::api::landing::{Landing, Target, go_to};
use crate::api::services::Services;
use crate::domain::failure::Failure;
use crate::domain::login::{LoginError, Replaced};
use crate::domain::principal::Principal;
use crate::domain::redirect::SafeRedirect;
use crate::domain::session::SessionHandle;
use crate::domain::sso::{Asked, FLOW_LIFETIME, Intent, Protocol, Provider};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// How much of a handle its cookie is named by: enough to keep several sign-ins of one browser apart.
const NAMED_BY: usize = 12;
/// The length of a handle and of the cookie's value, in hexadecimal digits.
const SECRET_CHARS: usize = 64;

/// Where answers of SAML come in.
pub const SAML_CALLBACK: &str = "/callosum/v1/saml/SSO";
/// Where answers of OIDC come in: those of a provider with an address of its own, at its name below.
pub const OIDC_CALLBACK: &str = "/callosum/v1/oidc/callback";

/// What all those cookies are called.
const COOKIE_WORD: &str = "vestibule-sso-";
/// The most of them that are looked at.
const MOST_COOKIES: usize = 50;

/// What a browser is sent to a provider for.
#[derive(Debug)]
pub struct Departing<'a> {
    /// What is spoken there.
    pub protocol: Protocol,
    /// The provider by name; none is the one for this Org and host.
    pub provider: Option<&'a str>,
    /// The Org to be signed in to, by number or name.
    pub org: Option<&'a str>,
    /// Whether the person has to prove who they are even if the provider remembers them.
    pub is_forced: bool,
    /// Whose reply it will be.
    pub landing: &'static dyn Landing,
    /// Where the browser wants to be.
    pub target: &'a Target,
}

/// 302 to the provider.
pub async fn depart<D: Dialect>(
    request: &HttpRequest,
    services: &Services,
    departing: Departing<'_>,
) -> Result<HttpResponse, ApiError<D>> {
    refuse_subrequest(request)?;
    let sso = &services.login.sso;
    let base = own_base(request, services);
    let org = departing.org.filter(|org| !org.is_empty());
    let org = services.org_asked_for(org).await?;
    let asked = Asked {
        protocol: departing.protocol,
        name: departing.provider,
        org,
        host: host_of(&base),
    };
    let provider = sso.choose(&asked).ok_or(Failure::SwitchedOff {
        feature: match departing.protocol {
            Protocol::Saml => "sign-in by SAML",
            Protocol::Oidc => "sign-in by OpenID Connect",
        },
    })?;
    let address = client_address(request.head(), &services.site.trusted_proxies);
    services.login.admit_departure(address).await?;
    let session = departing.landing.request(request, services)?;
    let intent = Intent {
        is_forced: departing.is_forced,
        org,
        held: session
            .replaced
            .as_ref()
            .and_then(Replaced::by_anybody)
            .map(SessionHandle::of),
        purpose: departing.target.to_text(departing.landing),
    };
    let begin = sso
        .begin(provider, &callback(&base, provider), &intent)
        .await
        .map_err(LoginError::from)?;
    let mut reply = go_to(&begin.url);
    let is_https = is_https(request.head(), is_over_tls(request), services);
    let (headers, age) = (reply.headers_mut(), FLOW_LIFETIME.as_secs());
    set_cookie(headers, &begin.handle, &begin.browser, is_https, age);
    Ok(reply)
}

/// A provider where somebody proves anew who they are.
#[derive(Debug, Serialize)]
pub struct ProvingAnew {
    /// What people call it.
    pub label: String,
    /// Where that begins: an address of ours that ends where the encoded address to come back to is to follow.
    pub href: String,
}

impl ProvingAnew {
    /// The provider that a session came from, if there is one still.
    pub fn of(services: &Services, who: &Principal) -> Option<Self> {
        let name = &who.provider.as_ref()?.provider;
        let provider = services.login.sso.find(name)?;
        let protocol = provider.protocol.as_str();
        Some(Self {
            label: provider.label.clone(),
            href: format!(
                "/callosum/v1/{protocol}/login?provider={name}&forceAuthn=true&targetURLPath="
            ),
        })
    }

    /// The whole link, for coming back to that path of ours.
    pub fn link(&self, path: &str) -> String {
        let path = utf8_percent_encode(path, NON_ALPHANUMERIC);
        format!("{}{path}", self.href)
    }
}

/// Each sign-in sets a cookie, so a page of another site must not begin many of them with its pictures: it may only
/// send the whole window.
fn refuse_subrequest(request: &HttpRequest) -> Result<(), Failure> {
    let says = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let is_foreign = says(SEC_FETCH_SITE) == Some(b"cross-site");
    let is_window = matches!(says(SEC_FETCH_MODE), None | Some(b"navigate"));
    if is_foreign && !is_window {
        return Err(Failure::forbidden(
            "a sign-in at an identity provider begins in a window, not inside another page",
        ));
    }
    Ok(())
}

/// Where a browser wants to be: the target asked for if the redirect rule allows it, else our own first page.
/// An address of our own may come without scheme and host.
pub fn wanted(
    request: &HttpRequest,
    services: &Services,
    target: Option<&str>,
) -> Result<SafeRedirect, Failure> {
    let target = target.filter(|target| !target.is_empty()).unwrap_or("/");
    let is_own_path = target.starts_with('/') && !target.starts_with("//");
    let whole = if is_own_path {
        format!("{}{target}", own_base(request, services))
    } else {
        target.to_owned()
    };
    let checked = services.live.load().redirects.check(&whole);
    checked.map_err(|refusal| Failure::from(&refusal))
}

/// Our own origin as this browser knows it; one it made up is not ours, and the first of ours is taken.
pub fn own_base(request: &HttpRequest, services: &Services) -> String {
    let is_https = is_https(request.head(), is_over_tls(request), services);
    let scheme = if is_https { "https" } else { "http" };
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    // HTTP/2 has the host in the request's target, and no such header.
    let target = request.uri().authority();
    let host = host.or_else(|| target.map(Authority::as_str));
    let called = host.map(|host| format!("{scheme}://{}", host.to_ascii_lowercase()));
    let own = &services.site.own_origins;
    called
        .filter(|called| own.contains(called))
        .or_else(|| own.first().cloned())
        .unwrap_or_default()
}

/// The host of an address, without scheme and port.
pub fn host_of(base: &str) -> &str {
    let authority = base.split_once("://").map_or(base, |(_, rest)| rest);
    // A port follows the last colon, unless that is part of an IPv6 address.
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Where a provider sends answers.
pub fn callback(base: &str, provider: &Provider) -> String {
    match (provider.protocol, provider.has_own_callback) {
        (Protocol::Saml, _) => format!("{base}{SAML_CALLBACK}"),
        (Protocol::Oidc, false) => format!("{base}{OIDC_CALLBACK}"),
        // Names are lower-case letters, digits, hyphens and underscores.
        (Protocol::Oidc, true) => format!("{base}{OIDC_CALLBACK}/{}", provider.name),
    }
}

/// Whether a text that came back may be a handle of ours.
pub fn is_handle(text: &str) -> bool {
    text.len() == SECRET_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The cookies of sign-ins under way that came with a request.
#[derive(Clone, Debug, Default)]
pub struct FlowCookies(Vec<(String, String)>);

/// Remembers them before the session layer leaves nothing but its own cookie in the request.
pub async fn remember(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let pairs = request
        .headers()
        .get_all(COOKIE)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='))
        .filter(|(name, value)| name.contains(COOKIE_WORD) && is_handle(value))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let cookies = FlowCookies(pairs.take(MOST_COOKIES).collect());
    request.extensions_mut().insert(cookies);
    let mut response = next.call(request).await?.map_into_boxed_body();
    let over = response.request().extensions_mut().remove::<Over>();
    if let Some(Over(handle)) = over
        && let Some(services) = services(response.request())
    {
        let request = response.request();
        let is_https = is_https(request.head(), is_over_tls(request), services);
        set_cookie(response.headers_mut(), &handle, "", is_https, 0);
    }
    Ok(response)
}

/// A sign-in that is over, well or not: its cookie goes with the reply.
struct Over(String);

/// Takes the cookie of a sign-in that is over from the browser, whatever the reply will be.
pub fn forget(request: &HttpRequest, handle: &str) {
    request.extensions_mut().insert(Over(handle.to_owned()));
}

/// The secret this browser got when that sign-in began. Of two different ones none is believed: somebody may have
/// planted the other.
pub fn browser_of(request: &HttpRequest, services: &Services, handle: &str) -> Option<String> {
    let is_https = is_https(request.head(), is_over_tls(request), services);
    let name = cookie_name(handle, is_https);
    let cookies = request.extensions().get::<FlowCookies>().cloned();
    let cookies = cookies.unwrap_or_default().0;
    let mut values = cookies
        .into_iter()
        .filter_map(|(own, value)| (own == name).then_some(value));
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// Over https the prefix keeps a neighbour on a sibling host from planting one.
fn cookie_name(handle: &str, is_https: bool) -> String {
    let prefix = if is_https { "__Host-" } else { "" };
    let start = handle.get(..NAMED_BY).unwrap_or_default();
    format!("{prefix}{COOKIE_WORD}{start}")
}

fn set_cookie(headers: &mut HeaderMap, handle: &str, value: &str, is_https: bool, age: u64) {
    let name = cookie_name(handle, is_https);
    // SAML answers are posted from the provider's page, which over https may be another site.
    let site = if is_https { "None; Secure" } else { "Lax" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={site}; Max-Age={age}");
    if let Ok(text) = HeaderValue::from_str(&text) {
        headers.append(SET_COOKIE, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_ports() {
        for (base, host) in [
            ("https://a.example", "a.example"),
            ("http://localhost:8080", "localhost"),
            ("http://[::1]:8080", "[::1]"),
            ("http://[::1]", "[::1]"),
        ] {
            assert_eq!(host_of(base), host);
        }
    }
}
