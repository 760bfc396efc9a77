//! Around every request: its incident id, one access-log line, and the headers every reply carries.
//!
//! The line has the path but never the query or a path's parameters, which can hold tokens and session ids; no
//! header, cookie or body is logged.

use crate::api::caller::{client_address, is_https};
use crate::api::dialect::{Incident, shown_path};
use crate::api::services::Services;
use crate::domain::random;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, PRAGMA, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};

/// A year, the least that browsers' lists accept.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");
const NO_STORE: HeaderValue =
    HeaderValue::from_static("no-store, no-cache, must-revalidate, max-age=0");

/// Gives the request its incident id, logs it when it is done, and completes the reply's headers.
pub async fn log_request(
    services: web::Data<Services>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let incident = Incident(random::uuid(&*services.random));
    request.extensions_mut().insert(incident);
    let started = services.login.now();
    let method = request.method().clone();
    let path = shown_path(request.path());
    let address = client_address(request.head(), &services.site.trusted_proxies);
    let is_tls = request.app_config().secure();
    let is_https = is_https(request.head(), is_tls, &services);

    let mut response = next.call(request).await?;
    complete_headers(
        response.headers_mut(),
        is_https && (!is_tls || services.site.insists_on_https),
    );
    tracing::info!(
        %incident,
        %method,
        path,
        status = response.status().as_u16(),
        client = %address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
        took_ms = u64::try_from(services.login.now().since(started).as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    Ok(response)
}

fn complete_headers(headers: &mut HeaderMap, insists_on_https: bool) {
    let mut default = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    // Replies say who somebody is; nobody in between may keep them (case 55).
    default(CACHE_CONTROL, NO_STORE);
    default(PRAGMA, HeaderValue::from_static("no-cache"));
    default(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The URL we are leaving may hold a token (case 25).
    default(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if insists_on_https {
        default(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}
