//! Refusals in the words of the v1 API: a flat object whose `debug` is a JSON array inside a string.

use crate::api::dialect::{Dialect, Incident};
use crate::domain::failure::{Failure, Unauthenticated};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, RETRY_AFTER};
use serde::Serialize;
use std::time::Duration;

/// The incident id, as a header.
pub const INCIDENT_HEADER: HeaderName = HeaderName::from_static("x-callosum-incident-id");
/// The same id once more, where clients of traces look.
pub const TRACE_HEADER: HeaderName = HeaderName::from_static("x-callosum-trace-id");

/// The dialect of REST API v1.
#[derive(Debug)]
pub struct V1;

#[derive(Serialize)]
struct Body {
    code: i32,
    incident_id_guid: String,
    trace_id_guid: String,
    debug: String,
}

impl Dialect for V1 {
    const NAME: &'static str = "thoughtspot_v1";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let (status, code, message) = words(failure);
        let id = incident.to_string();
        let lines = [
            format!("Error Code: {code} Incident Id: {id}\nError Message: {message}"),
            String::new(),
        ];
        let body = Body {
            code,
            incident_id_guid: id.clone(),
            trace_id_guid: id.clone(),
            debug: serde_json::to_string(&lines).unwrap_or_else(|_| "[null]".to_owned()),
        };
        let mut reply = HttpResponse::build(status);
        reply
            .insert_header((INCIDENT_HEADER, id.clone()))
            .insert_header((TRACE_HEADER, id));
        if let Some(wait) = failure.retry_after() {
            reply.insert_header((RETRY_AFTER, whole_seconds(wait).to_string()));
        }
        reply.json(body)
    }
}

/// Rounded up: a client that waits as long as it was told must not come too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis()
        .div_ceil(1_000)
        .try_into()
        .unwrap_or(u64::MAX)
        .max(1)
}

/// Status, numeric code and sentence (docs/dialects/thoughtspot-v1.md, "Errors").
fn words(failure: &Failure) -> (StatusCode, i32, String) {
    match failure {
        Failure::BadRequest { field, expected } if field.is_empty() => (
            StatusCode::BAD_REQUEST,
            10002,
            format!("Invalid request: expected {expected}"),
        ),
        Failure::BadRequest { field, expected } => (
            StatusCode::BAD_REQUEST,
            10002,
            format!(
                "Invalid parameter values {}: expected {expected}",
                spelled(field)
            ),
        ),
        Failure::Unauthenticated(why) => {
            let (code, sentence) = match why {
                Unauthenticated::NothingPresented => (10097, "Unauthorized: sign in first"),
                Unauthenticated::BadCredentials => (
                    10003,
                    "The user name or password is wrong, or the account may not sign in",
                ),
                Unauthenticated::DeadSession => (10097, "The session has ended; sign in again"),
                Unauthenticated::DeadToken => (
                    10003,
                    "The authentication token is unknown, expired or revoked",
                ),
                Unauthenticated::BadKey => (10003, "The secret key is wrong"),
            };
            (StatusCode::UNAUTHORIZED, code, sentence.to_owned())
        }
        Failure::Forbidden { reason } => (StatusCode::FORBIDDEN, 10023, reason.clone()),
        Failure::NotFound { what } => (StatusCode::NOT_FOUND, 10002, format!("Not found: {what}")),
        Failure::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            10002,
            "This path does not take that method".to_owned(),
        ),
        Failure::UnsupportedMediaType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            10002,
            "Expected a body of type application/x-www-form-urlencoded in UTF-8".to_owned(),
        ),
        Failure::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            10002,
            "The body is larger than this server reads".to_owned(),
        ),
        Failure::Conflict { reason } => (StatusCode::CONFLICT, 10002, reason.clone()),
        Failure::TooManyRequests { retry_after } => (
            StatusCode::TOO_MANY_REQUESTS,
            10023,
            format!(
                "Too many failed attempts; try again in {} s",
                whole_seconds(*retry_after)
            ),
        ),
        Failure::SwitchedOff { feature } => (
            StatusCode::INTERNAL_SERVER_ERROR,
            10000,
            format!("Not enabled on this server: {feature}"),
        ),
        Failure::Unavailable { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            10000,
            "A store is away; nothing was lost, try again".to_owned(),
        ),
        Failure::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            10000,
            "Internal error; the server's log has the cause under this incident id".to_owned(),
        ),
    }
}

/// The domain's words for parameters, as this API spells them.
fn spelled(field: &str) -> &str {
    match field {
        "org" => "orgid",
        "attributes" => "jwt_user_options",
        other => other,
    }
}
