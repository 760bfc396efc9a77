//! What rendered pages share: their dialect, their policy, and the page for what could not be shown.

use crate::api::caller::services;
use crate::api::dialect::{Dialect, Incident};
use crate::api::pages::{SignInSite, words};
use crate::api::status::{announce_wait, status};
use crate::domain::failure::Failure;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, ContentType, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;

const INCIDENT_HEADER: HeaderName = HeaderName::from_static("x-callosum-incident-id");

/// The dialect of people with a browser: every refusal is a page.
#[derive(Debug)]
pub struct Pages;

impl Dialect for Pages {
    const NAME: &'static str = "pages";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        failed(None, failure, incident)
    }

    fn render_for(request: &HttpRequest, failure: &Failure, incident: Incident) -> HttpResponse {
        let site = services(request).map(|services| &services.sign_in);
        failed(site, failure, incident)
    }
}

fn failed(site: Option<&SignInSite>, failure: &Failure, incident: Incident) -> HttpResponse {
    let (title, sentence) = words::failed(failure);
    let page = FailedPage {
        site,
        title,
        sentence,
        incident,
    };
    let mut reply = start(status(failure), None);
    reply.insert_header((INCIDENT_HEADER, incident.to_string()));
    let mut reply = finish(reply, &page);
    announce_wait(&mut reply, failure);
    reply
}

#[derive(Template)]
#[template(path = "failed.html", config = "static/templates/askama.toml")]
struct FailedPage<'a> {
    /// None only where the server is not there to be asked.
    site: Option<&'a SignInSite>,
    title: &'static str,
    sentence: &'static str,
    incident: Incident,
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

/// On to another page, whatever the method was.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, location))
        .finish()
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
