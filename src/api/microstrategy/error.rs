//! What a refusal looks like in `MicroStrategy` words (docs/dialects/microstrategy.md, "Errors").

use crate::api::dialect::{Dialect, Incident};
use crate::api::microstrategy::body::WELL_FORMED;
use crate::api::status::announce_wait;
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::session::EndReason;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

/// Several public clients compare this sentence, lower-cased.
const SESSION_OVER: &str = "The user's session has expired, please reauthenticate";
/// One client turns this sentence, and only this, into "not supported on this version".
const NO_PATH: &str = "HTTP 404 Not Found";

const LOGIN_FAIL: i32 = -2_147_216_959;
const EXCEED_MAX_FAILED_LOGIN: i32 = -2_147_072_513;
const INVALID_AUTHMODE: i32 = -2_147_468_991;
const MAX_SESSION_EXCEEDED: i32 = -2_147_073_423;
const USER_SESSION_CLOSED: i32 = -2_147_468_901;

/// The dialect.
#[derive(Debug)]
pub struct MicroStrategy;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    code: &'static str,
    message: &'a str,
    ticket_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    i_server_code: Option<i32>,
}

impl Dialect for MicroStrategy {
    const NAME: &'static str = "microstrategy";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let (status, code, i_server_code) = codes(failure);
        let mut reply = HttpResponse::build(status).json(Body {
            code,
            message: &message(failure),
            ticket_id: incident.0.simple().to_string(),
            i_server_code,
        });
        announce_wait(&mut reply, failure);
        reply
    }
}

fn codes(failure: &Failure) -> (StatusCode, &'static str, Option<i32>) {
    match failure {
        Failure::BadRequest { .. }
        | Failure::OrgNotAllowed { .. }
        | Failure::UnsupportedMediaType => (StatusCode::BAD_REQUEST, "ERR006", None),
        Failure::Unauthenticated(why) => {
            let (code, i_server_code) = match why {
                Unauthenticated::NothingPresented | Unauthenticated::DeadSession => {
                    ("ERR009", None)
                }
                Unauthenticated::EndedSession(
                    EndReason::IdleTimeout | EndReason::Revoked | EndReason::EndedByOwner,
                ) => ("ERR009", Some(USER_SESSION_CLOSED)),
                Unauthenticated::EndedSession(_) => ("ERR009", None),
                Unauthenticated::BadCredentials
                | Unauthenticated::DeadToken
                | Unauthenticated::SpentToken
                | Unauthenticated::BadKey => ("ERR003", Some(LOGIN_FAIL)),
            };
            (StatusCode::UNAUTHORIZED, code, i_server_code)
        }
        Failure::SwitchedOff { .. } => (StatusCode::UNAUTHORIZED, "ERR003", Some(INVALID_AUTHMODE)),
        Failure::Forbidden { .. } => (StatusCode::FORBIDDEN, "ERR0014", None),
        Failure::TooManySessions => (StatusCode::FORBIDDEN, "ERR0014", Some(MAX_SESSION_EXCEEDED)),
        Failure::NotFound { .. } | Failure::MethodNotAllowed => {
            (StatusCode::NOT_FOUND, "ERR004", None)
        }
        Failure::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "ERR006", None),
        Failure::TooSlow => (StatusCode::REQUEST_TIMEOUT, "ERR006", None),
        Failure::Conflict { .. } => (StatusCode::CONFLICT, "ERR001", None),
        Failure::TooManyTokens { .. } => (StatusCode::TOO_MANY_REQUESTS, "ERR0014", None),
        Failure::TooManyRequests { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            "ERR003",
            Some(EXCEED_MAX_FAILED_LOGIN),
        ),
        Failure::Unavailable { .. } | Failure::ReadOnly(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "ERR0016", None)
        }
        Failure::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "ERR002", None),
    }
}

fn message(failure: &Failure) -> String {
    match failure {
        Failure::BadRequest { field, expected } if field.is_empty() && expected == WELL_FORMED => {
            "Invalid JSON".to_owned()
        }
        Failure::BadRequest { field, expected } if field.is_empty() => {
            format!("Invalid input: expected {expected}")
        }
        Failure::BadRequest { field, expected } => {
            format!("Invalid input: {field}: expected {expected}")
        }
        Failure::OrgNotAllowed { expected, .. } => {
            format!("Invalid input: org: expected {expected}")
        }
        Failure::Unauthenticated(why) => match why {
            Unauthenticated::NothingPresented
            | Unauthenticated::DeadSession
            | Unauthenticated::EndedSession(_) => SESSION_OVER.to_owned(),
            Unauthenticated::BadCredentials
            | Unauthenticated::DeadToken
            | Unauthenticated::SpentToken
            | Unauthenticated::BadKey => "Login failed".to_owned(),
        },
        Failure::Forbidden { reason } | Failure::Conflict { reason } => reason.clone(),
        Failure::TooManySessions => Failure::TOO_MANY_SESSIONS.to_owned(),
        Failure::TooManyTokens { .. } => Failure::TOO_MANY_TOKENS.to_owned(),
        // A path begins with a slash; what an object is called does not.
        Failure::NotFound { what } if !what.starts_with('/') => format!("There is no {what}"),
        Failure::NotFound { .. } | Failure::MethodNotAllowed => NO_PATH.to_owned(),
        Failure::UnsupportedMediaType => {
            "Invalid input: expected a body of type application/json or, for logins, \
             application/x-www-form-urlencoded, and not packed"
                .to_owned()
        }
        Failure::TooLarge => "The body is larger than this server reads".to_owned(),
        Failure::TooSlow => "The body did not arrive whole in time; send it again".to_owned(),
        Failure::TooManyRequests { .. } => {
            "Login failed: too many failed attempts; try again later".to_owned()
        }
        Failure::SwitchedOff { feature } => format!("Login failed: {feature} is switched off"),
        Failure::Unavailable { .. } => "The service is not available; try again".to_owned(),
        Failure::ReadOnly(why) => format!("The service is not available: {why}"),
        Failure::Internal => "The server failed; its log has the ticket id".to_owned(),
    }
}
