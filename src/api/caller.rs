//! Who is calling: the peer behind trusted proxies, the scheme it used, and the request's incident.
//!
//! Forwarding headers are believed only from `server.trusted_proxies` (cases 50 and 51); from anyone
//! else they are as if they were not there. The `Host` header decides nothing.

use crate::api::dialect::{Dialect, incident_of};
use crate::api::services::Services;
use crate::domain::audit::Client;
use actix_web::dev::{Payload, RequestHead};
use actix_web::http::header::{HeaderMap, HeaderName, USER_AGENT};
use actix_web::{FromRequest, HttpRequest, web};
use ipnet::IpNet;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The most of a `User-Agent` that is looked at.
const AGENT_CHARS: usize = 200;

/// The address our own socket of this connection has, remembered when it was accepted.
#[derive(Clone, Copy, Debug)]
pub struct LocalAddress(pub SocketAddr);

/// Marks a connection that is encrypted up to here.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

/// Whether the connection is encrypted up to here; what a proxy in front has is another matter.
pub fn is_over_tls(request: &HttpRequest) -> bool {
    request.conn_data::<OverTls>().is_some()
}

/// The domain's [`Client`], as an extractor that knows its dialect.
#[derive(Debug)]
pub struct Caller<D> {
    /// Who is calling.
    pub client: Client,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect> FromRequest for Caller<D> {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let proxies = services(request).map_or(&[][..], |services| &services.site.trusted_proxies);
        ready(Ok(Self {
            client: Client {
                address: client_address(request.head(), proxies),
                agent: agent(request.headers()),
                dialect: D::NAME,
                incident: incident_of(request).to_string(),
            },
            dialect: PhantomData,
        }))
    }
}

/// The services behind a request; only absent in a misassembled server.
pub fn services(request: &HttpRequest) -> Option<&web::Data<Services>> {
    request.app_data::<web::Data<Services>>()
}

fn agent(headers: &HeaderMap) -> String {
    headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .chars()
        .take(AGENT_CHARS)
        .collect()
}

fn is_trusted(peer: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|net| net.contains(&peer))
}

/// Whether the very peer of the connection is a proxy whose headers are believed.
pub fn is_from_trusted_proxy(head: &RequestHead, proxies: &[IpNet]) -> bool {
    head.peer_addr
        .is_some_and(|peer| is_trusted(peer.ip().to_canonical(), proxies))
}

/// The peer; or, when the peer is a trusted proxy, the last address before the trusted ones.
pub fn client_address(head: &RequestHead, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = head.peer_addr?.ip().to_canonical();
    if !is_trusted(peer, proxies) {
        return Some(peer);
    }
    // Nearest hop last: walk back while the hops are trusted. What a client invented stands before them.
    let mut hops: Vec<&str> = head
        .headers()
        .get_all(FORWARDED_FOR)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let mut nearest = peer;
    while let Some(hop) = hops.pop() {
        let Ok(address) = hop.parse::<IpAddr>() else {
            break;
        };
        nearest = address.to_canonical();
        if !is_trusted(nearest, proxies) {
            break;
        }
    }
    Some(nearest)
}

/// Whether the browser's side of the connection is https.
pub fn is_https(head: &RequestHead, is_tls: bool, services: &Services) -> bool {
    if is_tls || services.site.is_public_https {
        return true;
    }
    let is_proxied = is_from_trusted_proxy(head, &services.site.trusted_proxies);
    // Several hops may each add a value; the nearest proxy's own word is the last.
    is_proxied
        && head
            .headers()
            .get_all(FORWARDED_PROTO)
            .last()
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.rsplit(',').next())
            .is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::get().peer_addr(format!("{peer}:1234").parse().unwrap());
        for value in forwarded {
            request = request.append_header((FORWARDED_FOR, *value));
        }
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let request = request.to_http_request();
        client_address(request.head(), &proxies)
            .unwrap()
            .to_string()
    }

    #[test]
    fn case_50_a_forged_address_from_an_untrusted_peer_is_ignored() {
        assert_eq!(address("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn case_50_behind_two_proxies_the_last_untrusted_hop_counts() {
        let hops = ["1.1.1.1, 203.0.113.9", "10.0.0.2"];
        assert_eq!(address("10.0.0.1", &hops), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, nonsense"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
    }
}
