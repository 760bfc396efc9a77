//! A page with a title and a few words or a form, for what browsers are shown on their way.

use crate::api::dialect::Incident;
use crate::api::pages::{SignInSite, finish, words};
use crate::api::services::Services;
use crate::api::status::{announce_wait, status};
use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY,
};
use askama::Template;

/// Browsers hold `form-action` against the redirects behind a form as well, and ours lead to providers and hosts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      form-action 'self' https: http:; base-uri 'none'; frame-ancestors 'self'";

/// The page.
pub fn page(status: StatusCode, template: &impl Template) -> HttpResponse {
    let mut reply = HttpResponse::build(status);
    reply
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        // Without any referrer a browser posts a form as "Origin: null", which is nobody of ours.
        .insert_header((REFERRER_POLICY, "same-origin"));
    finish(reply, template)
}

/// The page of a refusal: why, under which number, and how else to sign in.
pub fn refused(
    services: &Services,
    failure: &Failure,
    incident: Incident,
    way: Option<&str>,
) -> HttpResponse {
    let words = words::refused_on_the_way(failure);
    let mut reply = refused_with(services, status(failure), words, incident.to_string(), way);
    announce_wait(&mut reply, failure);
    reply
}

/// The same in other words: title and sentence.
pub fn refused_with(
    services: &Services,
    status: StatusCode,
    (title, sentence): (&'static str, String),
    incident: String,
    way: Option<&str>,
) -> HttpResponse {
    let refused = RefusedPage {
        site: &services.sign_in,
        title,
        sentence,
        incident,
        way,
    };
    page(status, &refused)
}

#[derive(Template)]
#[template(path = "refused.html", config = "static/templates/askama.toml")]
struct RefusedPage<'a> {
    site: &'a SignInSite,
    title: &'static str,
    sentence: String,
    incident: String,
    way: Option<&'a str>,
}
