//! Around every request: its incident id, one access-log line, and the headers every reply carries.
//!
//! The line is an interface, described in `docs/operating.md`. It has the path but never the query or a path's
//! parameters, which can hold tokens and session ids; no header, cookie or body is logged.

use crate::api::caller::{client_address, is_from_trusted_proxy, is_https, is_over_tls};
use crate::api::dialect::{Incident, Spoken, shown_path};
use crate::api::services::Services;
use crate::domain::clock::Stopwatch;
use crate::domain::directory::UserId;
use crate::domain::random;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, PRAGMA, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpMessage, HttpRequest};
use std::fmt;
use std::time::Duration;
use tracing::{Instrument, Span};

/// A year, the least that browsers' lists accept.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");
const NO_STORE: HeaderValue =
    HeaderValue::from_static("no-store, no-cache, must-revalidate, max-age=0");

/// Where load balancers ask every few seconds, which nobody wants to read traces of.
const HEALTH: &str = "/health";
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// Whoever a request turned out to act for, left by the guard for the access log.
#[derive(Clone, Copy, Debug)]
pub struct Acting(pub UserId);

/// One answered request as metrics tell it: nothing in it is the caller's own words.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The dialect, or a dash.
    pub dialect: &'static str,
    /// The method; `OTHER` for those no server has heard of.
    pub method: &'static str,
    /// The route as it is mounted, or a dash where none is.
    pub route: &'a str,
    /// The reply's status.
    pub status: u16,
    /// How long until the reply's head was ready.
    pub took: Duration,
}

/// Whoever wants to know what was answered.
pub trait RequestObserver: fmt::Debug + Send + Sync {
    /// Whether anybody wants to know at all.
    fn is_listening(&self) -> bool;
    /// A request was answered.
    fn answered(&self, what: &Answered<'_>);
}

/// One request as traces tell it before anybody has answered.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Its incident id, by which its log line is found.
    pub incident: Incident,
    /// The method; `OTHER` for those no server has heard of.
    pub method: &'static str,
    /// The caller's `traceparent`, as it came.
    pub parent: Option<&'a str>,
    /// The caller's `tracestate`, as it came; only a trusted proxy's.
    pub state: Option<&'a str>,
    /// Whether the caller is a trusted proxy.
    pub is_trusted: bool,
}

/// Whoever makes traces of requests.
pub trait RequestTracer: fmt::Debug + Send + Sync {
    /// A request arrived; what happens for its sake happens in this span.
    fn arrived(&self, what: &Arrived<'_>) -> Span;
    /// It was answered.
    fn answered(&self, span: &Span, what: &Answered<'_>);
}

/// Gives the request its incident id, logs it when it is done, and completes the reply's headers.
pub async fn log_request<B: MessageBody>(
    services: &Services,
    request: ServiceRequest,
    next: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse<B>, actix_web::Error>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let began = Stopwatch::start();
    let incident = Incident(random::uuid(&*services.random));
    request.extensions_mut().insert(incident);

    let tracer = services
        .tracer
        .as_ref()
        .filter(|_| !request.path().starts_with(HEALTH));
    let span = tracer.map_or_else(Span::none, |tracer| {
        let is_trusted = is_from_trusted_proxy(request.head(), &services.site.trusted_proxies);
        tracer.arrived(&arrived(&request, incident, is_trusted))
    });

    let mut response = next(request).instrument(span.clone()).await?;
    let is_tls = is_over_tls(response.request());
    let is_https = is_https(response.request().head(), is_tls, services);
    complete_headers(
        response.headers_mut(),
        is_https && (!is_tls || services.site.insists_on_https),
    );
    // Most servers keep neither log nor metrics of every request: then nothing of it is put together.
    let is_logged = tracing::enabled!(tracing::Level::INFO);
    if is_logged || tracer.is_some() || services.requests.is_listening() {
        let request = response.request();
        let route = request.match_pattern();
        let what = Answered {
            dialect: dialect_of(request),
            method: known(request.method()),
            route: route.as_deref().unwrap_or("-"),
            status: response.status().as_u16(),
            took: began.elapsed(),
        };
        services.requests.answered(&what);
        if let Some(tracer) = tracer {
            tracer.answered(&span, &what);
        }
        if is_logged {
            write_line(services, request, incident, &what);
        }
    }
    Ok(response)
}

fn dialect_of(request: &HttpRequest) -> &'static str {
    let extensions = request.extensions();
    extensions.get::<Spoken>().map_or("-", |spoken| spoken.0)
}

fn write_line(services: &Services, request: &HttpRequest, incident: Incident, what: &Answered<'_>) {
    let address = client_address(request.head(), &services.site.trusted_proxies);
    let extensions = request.extensions();
    let user = extensions.get::<Acting>().map(|acting| acting.0);
    tracing::info!(
        %incident,
        method = %request.method(),
        path = shown_path(request.path()),
        route = what.route,
        dialect = what.dialect,
        status = what.status,
        client = %address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
        user_id = %user.map_or_else(|| "-".to_owned(), |user| user.to_string()),
        took_ms = rounded_millis(what.took),
        "request"
    );
}

fn arrived(request: &ServiceRequest, incident: Incident, is_trusted: bool) -> Arrived<'_> {
    let text = |name| request.headers().get(name)?.to_str().ok();
    Arrived {
        incident,
        method: known(request.method()),
        parent: text(TRACE_PARENT),
        // Free text, which goes on to the collector: not from just anybody.
        state: text(TRACE_STATE).filter(|_| is_trusted),
        is_trusted,
    }
}

/// Milliseconds, to the microsecond.
fn rounded_millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// The method as a word of a closed list: callers may invent any, and each would be a time series of its own.
fn known(method: &Method) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
    let listed = METHODS.into_iter().find(|known| method == *known);
    listed.unwrap_or("OTHER")
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
