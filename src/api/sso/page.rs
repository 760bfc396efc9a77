//! What people see when a sign-in does not go on: a page that says why in plain words, and how else to sign in.

use crate::api::caller::services;
use crate::api::dialect::{Dialect, Incident};
use crate::api::landing::WayBack;
use crate::api::message_page::{page as page_of, refused, refused_with};
use crate::api::pages::{SignInSite, words};
use crate::api::services::Services;
use crate::api::status::status;
use crate::domain::failure::Failure;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use askama::Template;

/// Where people land who have just left. Not the first page: that one may go straight back to the provider, which often
/// still knows them, so that nobody could ever leave.
pub const SIGNED_OUT: &str = "/sign-in?left=1";

/// The dialect of browsers on their way to and from a provider.
#[derive(Debug)]
pub struct Sso;

impl Dialect for Sso {
    const NAME: &'static str = "sso";

    fn render(failure: &Failure, _: Incident) -> HttpResponse {
        // Only a server put together wrongly has no services to make a page of.
        HttpResponse::new(status(failure))
    }

    fn render_for(request: &HttpRequest, failure: &Failure, incident: Incident) -> HttpResponse {
        let Some(services) = services(request) else {
            return Self::render(failure, incident);
        };
        refused(services, failure, incident, Some(&way(request)))
    }
}

#[derive(Template)]
#[template(path = "post_again.html", config = "static/templates/askama.toml")]
struct PostAgain<'a> {
    site: &'a SignInSite,
    response: &'a str,
    handle: &'a str,
}

/// What somebody sees who gave up at the provider, or was turned away there.
pub fn turned_down(request: &HttpRequest, services: &Services, incident: &str) -> HttpResponse {
    let code = StatusCode::UNAUTHORIZED;
    let words = (words::NOT_SIGNED_IN, words::TURNED_DOWN.to_owned());
    refused_with(
        services,
        code,
        words,
        incident.to_owned(),
        Some(&way(request)),
    )
}

/// Where somebody goes on who did not get in.
fn way(request: &HttpRequest) -> String {
    let way = request.extensions().get::<WayBack>().cloned();
    way.map_or_else(|| "/sign-in".to_owned(), |WayBack(way)| way)
}

/// A page that posts the provider's answer once more, from here.
pub fn post_again(services: &Services, response: &str, handle: &str) -> HttpResponse {
    let page = PostAgain {
        site: &services.sign_in,
        response,
        handle,
    };
    page_of(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "confirm_logout.html", config = "static/templates/askama.toml")]
struct ConfirmLogout<'a> {
    site: &'a SignInSite,
}

/// A page that asks whether to sign out.
pub fn confirm_logout(services: &Services) -> HttpResponse {
    let site = &services.sign_in;
    page_of(StatusCode::OK, &ConfirmLogout { site })
}
