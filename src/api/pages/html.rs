//! What rendered pages share: their dialect, their policy, and the page for what could not be shown.

use crate::api::dialect::{Dialect, Incident};
use crate::api::pages::words;
use crate::domain::failure::Failure;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, ContentType, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use std::time::Duration;

const INCIDENT_HEADER: HeaderName = HeaderName::from_static("x-callosum-incident-id");

/// The dialect of people with a browser: every refusal is a page.
#[derive(Debug)]
pub struct Pages;

impl Dialect for Pages {
    const NAME: &'static str = "pages";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let (title, sentence) = words::failed(failure);
        let page = FailedPage {
            title,
            sentence,
            incident,
        };
        let mut reply = start(status(failure), None);
        reply.insert_header((INCIDENT_HEADER, incident.to_string()));
        if let Some(wait) = failure.retry_after() {
            reply.insert_header((RETRY_AFTER, whole_seconds(wait).to_string()));
        }
        finish(reply, &page)
    }
}

#[derive(Template)]
#[template(path = "failed.html", config = "static/templates/askama.toml")]
struct FailedPage {
    title: &'static str,
    sentence: &'static str,
    incident: Incident,
}

/// The status that goes with a failure.
pub const fn status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::BadRequest { .. } => StatusCode::BAD_REQUEST,
        Failure::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Failure::Forbidden { .. } | Failure::SwitchedOff { .. } => StatusCode::FORBIDDEN,
        Failure::NotFound { .. } => StatusCode::NOT_FOUND,
        Failure::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Failure::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Failure::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Failure::Conflict { .. } => StatusCode::CONFLICT,
        Failure::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
        Failure::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Rounded up: whoever waits as long as they were told must not come too early.
pub fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_millis().div_ceil(1_000);
    u64::try_from(seconds).unwrap_or(u64::MAX).max(1)
}

/// The start of a page. Nobody may frame it: it takes passwords, or ends what they opened.
///
/// `form_target` is where a form's answer may lead besides here; browsers hold redirects to the form's policy.
pub fn start(status: StatusCode, form_target: Option<&str>) -> HttpResponseBuilder {
    let mut reply = HttpResponse::build(status);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self' {}; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
        form_target.unwrap_or_default()
    );
    let policy = policy.replace(" ;", ";");
    reply
        .content_type(ContentType::html())
        // With `no-referrer` browsers would send `Origin: null` with our own forms, and these would be refused.
        .insert_header((REFERRER_POLICY, HeaderValue::from_static("same-origin")));
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'",
    ));
    reply.insert_header((CONTENT_SECURITY_POLICY, policy));
    reply
}

/// The page itself.
pub fn finish(mut reply: HttpResponseBuilder, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(text) => reply.body(text),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            HttpResponse::InternalServerError().finish()
        }
    }
}
