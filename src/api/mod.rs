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
pub mod nowhere;
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

use crate::api::landing::Landing;
use crate::api::nowhere::nowhere;
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use actix_web::web;

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
    config.default_service(web::to(nowhere::<V1>));
}
