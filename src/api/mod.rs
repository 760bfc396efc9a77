//! How we are spoken to: the only room that knows HTTP. One dialect a folder, one line each in [`mount`].

pub mod admin;
pub mod admin_guard;
pub mod body;
pub mod caller;
pub mod cors;
pub mod deliverable;
pub mod departure;
pub mod device;
pub mod dialect;
pub mod embed_doctor;
pub mod form;
pub mod guard;
pub mod health;
pub mod json;
pub mod landing;
pub mod message_page;
pub mod microstrategy;
pub mod openapi;
pub mod own_sessions;
pub mod pages;
pub mod refused;
pub mod registration;
pub mod request_log;
pub mod services;
pub mod session_layer;
pub mod sso;
pub mod status;
pub mod thoughtspot;
pub mod thoughtspot_v1;
pub mod thoughtspot_v2;
pub mod verb;

use crate::api::dialect::{ApiError, Dialect, Spoken, incident_of, refuse_path};
use crate::api::landing::Landing;
use crate::api::pages::Pages;
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::failure::Failure;
use actix_web::http::Method;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

/// What the paths of programs begin with.
const API_PREFIXES: [&str; 4] = ["/api/", "/callosum/", "/prism/", "/tspublic/"];

/// Where browsers land that are back from an identity provider.
pub fn landings() -> Vec<&'static dyn Landing> {
    vec![&sso::BrowserLanding, &microstrategy::DialogLanding]
}

/// Adds every route. What matches none is refused in the words of the oldest dialect, which the server's outermost
/// [`dialect::render_strays`] puts; a browser gets a page.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    // Before the prefix it stands under, which would take its paths.
    admin::mount(config, services);
    // Before the dialect below whose prefix its paths lie.
    sso::mount(config, services);
    own_sessions::mount(config, services);
    thoughtspot_v1::mount(config, services);
    thoughtspot_v2::mount(config, services);
    microstrategy::mount(config, services);
    health::mount(config);
    pages::mount(config, services);
    embed_doctor::mount(config);
    openapi::mount(config);
    config.default_service(web::to(nowhere));
}

/// Where no route is. Somebody who mistyped an address gets a page with a way back; a program, and whoever is below
/// an API's prefix, gets JSON.
async fn nowhere(request: HttpRequest) -> Result<HttpResponse, ApiError<V1>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let accepted = request.headers().get(ACCEPT);
    let is_browser = accepted
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    let mut prefixes = API_PREFIXES.iter();
    if !is_read || !is_browser || prefixes.any(|prefix| request.path().starts_with(prefix)) {
        return refuse_path::<V1>(request).await;
    }
    request.extensions_mut().insert(Spoken(Pages::NAME));
    let what = Failure::NotFound {
        what: String::new(),
    };
    Ok(Pages::render(&what, incident_of(&request)))
}
