//! The dialect's cookies: read as leniently as its clients write them, set so that each of them can cope.

use crate::api::caller::{is_https, is_over_tls};
use crate::api::microstrategy::site::Site;
use crate::api::services::{SameSiteRule, Services};
use crate::domain::session::{BlockId, BlockIds};
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponseBuilder};

/// The session cookie's name.
const SESSION: &str = "JSESSIONID";
/// The second cookie's name; clients of some tutorials want two, and nothing reads it.
const COMPANION: &str = "iSession";
/// The most different session cookies of one request that are looked at.
const MOST: usize = 8;

/// The ids in the session cookies that have our form, each once.
///
/// Clients send whole `Set-Cookie` lines back, attributes included, joined with commas. A browser sends the
/// `ThoughtSpot` session's cookie of the same name as well, which has another form.
pub fn presented(headers: &HeaderMap, ids: &BlockIds) -> Vec<BlockId> {
    let mut found = Vec::new();
    // Byte by byte: another program's cookie in Latin-1 or UTF-8 must not hide ours beside it.
    let pairs = headers
        .get_all(COOKIE)
        .flat_map(|value| value.as_bytes().split(|byte| matches!(byte, b';' | b',')))
        .filter_map(|pair| std::str::from_utf8(pair).ok());
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        if name.trim() != SESSION {
            continue;
        }
        if let Some(id) = ids.read(value.trim().trim_matches('"'))
            && !found.contains(&id)
            && found.len() < MOST
        {
            found.push(id);
        }
    }
    found
}

/// Sets the cookies of an opened session. The session's comes first: some clients keep only that line, one only
/// its first 43 characters.
pub fn hand_out(
    reply: &mut HttpResponseBuilder,
    request: &HttpRequest,
    services: &Services,
    site: &Site,
    id: &BlockId,
) {
    let companion = site.ids.companion(id);
    for line in lines(request, services, site, [&id.expose(), &companion]) {
        reply.append_header((SET_COOKIE, line));
    }
}

/// The same for a reply that is made already.
pub fn hand_out_in(
    headers: &mut HeaderMap,
    request: &HttpRequest,
    services: &Services,
    site: &Site,
    id: &BlockId,
) {
    let companion = site.ids.companion(id);
    for line in lines(request, services, site, [&id.expose(), &companion]) {
        headers.append(SET_COOKIE, line);
    }
}

/// Clears them.
pub fn take_back(
    reply: &mut HttpResponseBuilder,
    request: &HttpRequest,
    services: &Services,
    site: &Site,
) {
    for line in lines(request, services, site, ["", ""]) {
        reply.append_header((SET_COOKIE, line));
    }
}

fn lines(
    request: &HttpRequest,
    services: &Services,
    site: &Site,
    values: [&str; 2],
) -> Vec<HeaderValue> {
    let attributes = attributes(request, services, site);
    let named = [SESSION, COMPANION].into_iter().zip(values);
    let line = |(name, value): (&str, &str)| {
        let mut line = format!("{name}={value}; {attributes}");
        if value.is_empty() {
            line.push_str("; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        }
        HeaderValue::from_str(&line).ok()
    };
    named.filter_map(line).collect()
}

/// `Secure` only where the browser's side is https: over plain http a client would keep the cookie to itself.
fn attributes(request: &HttpRequest, services: &Services, site: &Site) -> String {
    let is_https = is_https(request.head(), is_over_tls(request), services);
    let same_site = match services.site.same_site {
        SameSiteRule::Auto if is_https => "None",
        SameSiteRule::Auto | SameSiteRule::Lax => "Lax",
        SameSiteRule::Strict => "Strict",
    };
    let mut text = format!("Path={}; HttpOnly; SameSite={same_site}", site.base_path);
    if is_https {
        text.push_str("; Secure");
        if services.live.load().is_partitioned {
            text.push_str("; Partitioned");
        }
    }
    text
}
