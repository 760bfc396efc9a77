//! What HTTP itself says of a failure, wherever a dialect has nothing of its own to say: the status, and when to come back.

use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use std::time::Duration;

/// The status that goes with a failure.
pub const fn status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::BadRequest { .. } | Failure::OrgNotAllowed { .. } => StatusCode::BAD_REQUEST,
        Failure::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Failure::Forbidden { .. } | Failure::TooManySessions | Failure::SwitchedOff { .. } => {
            StatusCode::FORBIDDEN
        }
        Failure::NotFound { .. } => StatusCode::NOT_FOUND,
        Failure::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Failure::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Failure::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Failure::Conflict { .. } => StatusCode::CONFLICT,
        Failure::TooManyRequests { .. } | Failure::TooManyTokens { .. } => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Failure::Unavailable { .. } | Failure::ReadOnly(_) => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Says when to try again, where waiting helps.
pub fn announce_wait(reply: &mut HttpResponse, failure: &Failure) {
    if let Some(wait) = failure.retry_after() {
        let seconds = HeaderValue::from(whole_seconds(wait));
        reply.headers_mut().insert(RETRY_AFTER, seconds);
    }
}

/// Rounded up: whoever waits as long as they were told must not come too early.
pub fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_millis().div_ceil(1_000);
    u64::try_from(seconds).unwrap_or(u64::MAX).max(1)
}
