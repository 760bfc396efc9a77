//! Refusals as the console's page reads them: a word to go by, a sentence to show.

use crate::api::dialect::{Dialect, Incident};
use crate::api::status::status;
use crate::api::thoughtspot;
use crate::domain::failure::{Failure, Unauthenticated};
use actix_web::HttpResponse;
use serde::Serialize;

/// The dialect of the console.
#[derive(Debug)]
pub struct Admin;

/// Why an administrator is sent to prove themselves again; the page asks for the password at this.
pub const STALE: &str =
    "confirm that it is you: nobody was asked for proof of it within the last 10 minutes";
/// Why a request without the session's own token is refused.
pub const CSRF: &str = "the header X-Vestibule-CSRF must carry the csrf token that GET me tells";
/// Why tokens are refused.
pub const COOKIE_ONLY: &str = "the console takes the session cookie of a browser, no Bearer; \
programs use the REST APIs or the command line";
/// Why other pages are refused, those that may embed us included.
pub const FOREIGN: &str = "a page other than this server's own made this request";

#[derive(Serialize)]
struct ErrorReply<'a> {
    error: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'a str,
    incident: String,
}

impl Dialect for Admin {
    const NAME: &'static str = "admin";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let (error, message) = words(failure);
        let field = match failure {
            Failure::BadRequest { field, .. } => field,
            Failure::OrgNotAllowed { .. } => "org",
            _ => "",
        };
        thoughtspot::reply(status(failure), failure, incident).json(ErrorReply {
            error,
            message: &message,
            field,
            incident: incident.to_string(),
        })
    }
}

fn words(failure: &Failure) -> (&'static str, String) {
    match failure {
        Failure::BadRequest { field, expected } if field.is_empty() => {
            ("bad_request", format!("expected {expected}"))
        }
        Failure::BadRequest { field, expected } => {
            ("bad_request", format!("{field}: expected {expected}"))
        }
        Failure::OrgNotAllowed { expected, .. } => {
            ("bad_request", format!("org: expected {expected}"))
        }
        Failure::Unauthenticated(Unauthenticated::BadCredentials) => (
            "wrong_password",
            "that is not the password, or the account may not sign in".to_owned(),
        ),
        Failure::Unauthenticated(Unauthenticated::EndedSession(reason)) => (
            "unauthenticated",
            format!("the session has ended: {}", reason.as_str()),
        ),
        Failure::Unauthenticated(_) => ("unauthenticated", "nobody is signed in".to_owned()),
        Failure::Forbidden { reason } => (forbidden(reason), reason.clone()),
        Failure::TooManySessions => ("forbidden", Failure::TOO_MANY_SESSIONS.to_owned()),
        Failure::NotFound { what } => ("not_found", format!("there is no {what}")),
        Failure::MethodNotAllowed => (
            "method_not_allowed",
            "this path does not take that method".to_owned(),
        ),
        Failure::UnsupportedMediaType => (
            "unsupported_media_type",
            "the body must be JSON, and not packed".to_owned(),
        ),
        Failure::TooLarge => ("too_large", "the body is too large".to_owned()),
        Failure::TooSlow => (
            "too_slow",
            "the body did not arrive whole in time; send it again".to_owned(),
        ),
        Failure::Conflict { reason } => ("conflict", reason.clone()),
        Failure::TooManyTokens { .. } => ("too_many_requests", Failure::TOO_MANY_TOKENS.to_owned()),
        Failure::TooManyRequests { .. } => (
            "too_many_requests",
            "too many attempts; wait and try again".to_owned(),
        ),
        Failure::SwitchedOff { feature } => ("switched_off", format!("{feature} is switched off")),
        Failure::Unavailable { .. } => (
            "unavailable",
            "a store cannot be reached; nothing is known to have changed".to_owned(),
        ),
        Failure::ReadOnly(why) => ("read_only", why.to_string()),
        Failure::Internal => (
            "internal",
            "the server failed; the incident names its log line".to_owned(),
        ),
    }
}

fn forbidden(reason: &str) -> &'static str {
    match reason {
        STALE => "stale_authentication",
        CSRF => "csrf",
        COOKIE_ONLY => "cookie_only",
        FOREIGN => "foreign_page",
        _ => "forbidden",
    }
}
