//! Cross-origin answers: exact echo with credentials for `embed.origins`, nothing at all for anyone else; and what
//! any other `OPTIONS` is told.
//!
//! Written here because the origins change while the server runs, refusals of every layer must
//! carry the headers too, and an origin that is not allowed must get none of them.

use crate::api::services::Services;
use actix_web::HttpResponse;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderMap, HeaderValue, ORIGIN, VARY,
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, accept-language, authorization, content-type, x-requested-by, x-refresh-token, \
     x-request-id, x-thoughtspot-client, x-thoughtspot-orgs",
);
/// What pages of the `MicroStrategy` Embedding SDK send and read.
const WEB_REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, accept-language, content-type, x-mstr-authtoken, x-mstr-projectid, x-mstr-identitytoken, \
     x-requested-by, x-requested-with",
);
const WEB_REPLY_HEADERS: HeaderValue =
    HeaderValue::from_static("x-mstr-authtoken, x-mstr-identitytoken, retry-after");
const REPLY_HEADERS: HeaderValue =
    HeaderValue::from_static("x-callosum-incident-id, x-callosum-trace-id, retry-after");
/// How long browsers may remember a preflight: Chromium's own ceiling.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Answers preflights and marks every reply that a page of an embedding origin may read.
pub async fn cross_origin(
    services: &Services,
    request: ServiceRequest,
    next: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse, actix_web::Error>,
) -> Result<ServiceResponse, actix_web::Error> {
    let origin = request
        .headers()
        .get(ORIGIN)
        .filter(|origin| {
            origin
                .to_str()
                .is_ok_and(|origin| services.is_embed_origin(origin))
        })
        .cloned();
    let is_options = request.method() == Method::OPTIONS;
    let is_preflight = is_options
        && request.headers().contains_key(ORIGIN)
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let is_web = services.is_microstrategy_path(request.path());
    let mut response = if is_preflight {
        let mut reply = HttpResponse::NoContent();
        if origin.is_some() {
            reply
                .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
                .insert_header((
                    ACCESS_CONTROL_ALLOW_HEADERS,
                    if is_web {
                        WEB_REQUEST_HEADERS
                    } else {
                        REQUEST_HEADERS
                    },
                ))
                .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE));
        }
        request.into_response(reply.finish())
    } else if is_options {
        tell_methods(next(request).await?)
    } else {
        next(request).await?
    };
    let readable = if is_web {
        WEB_REPLY_HEADERS
    } else {
        REPLY_HEADERS
    };
    mark(response.headers_mut(), origin, readable);
    Ok(response)
}

/// No route takes `OPTIONS`: each refuses it and says what it takes, and that is the answer.
fn tell_methods(refused: ServiceResponse) -> ServiceResponse {
    let taken = refused.headers().get(ALLOW);
    let Some(taken) = taken.and_then(|taken| taken.to_str().ok()) else {
        return refused;
    };
    let mut methods: Vec<&str> = taken.split(", ").filter(|name| !name.is_empty()).collect();
    if methods.contains(&"GET") && !methods.contains(&"HEAD") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    let mut reply = HttpResponse::NoContent();
    reply.insert_header((ALLOW, methods.join(", ")));
    refused.into_response(reply.finish())
}

fn mark(headers: &mut HeaderMap, origin: Option<HeaderValue>, readable: HeaderValue) {
    // Also without an Origin: a cache must not hand one origin's copy to another.
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }
}
