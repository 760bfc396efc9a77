//! `ThoughtSpot` REST API v2.0: JSON in and out, over the same door as v1.
//!
//! What each route does, and why we believe so, is in `docs/dialects/thoughtspot-v2.md`.

mod absent;
mod attributes;
mod error;
mod security;
mod session;
mod system;
mod token;
mod trusted;
mod user_view;

pub use error::V2;

use crate::api::dialect::{refuse_path, render_failures, resource};
use crate::api::services::Services;
use crate::api::session_layer;
use actix_web::middleware::from_fn;
use actix_web::web;
use utoipa::OpenApi;

/// Where the dialect is mounted.
pub const PREFIX: &str = "/api/rest/2.0";

/// Adds the dialect's routes.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    config.service(
        web::scope(PREFIX)
            .wrap(session_layer::middleware(services))
            .wrap(from_fn(session_layer::shape_cookies))
            .wrap(from_fn(render_failures::<V2>))
            .configure(auth_routes)
            .configure(system_routes)
            .default_service(web::to(refuse_path::<V2>)),
    );
}

fn auth_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V2>("/auth/session/login").route(web::post().to(session::log_in)))
        .service(resource::<V2>("/auth/session/logout").route(web::post().to(session::log_out)))
        .service(
            resource::<V2>("/auth/session/user")
                .route(web::get().to(session::user))
                // One published client posts.
                .route(web::post().to(session::user_by_post)),
        )
        .service(resource::<V2>("/auth/session/token").route(web::get().to(session::token)))
        .service(resource::<V2>("/auth/token/full").route(web::post().to(token::full)))
        .service(resource::<V2>("/auth/token/object").route(web::post().to(token::object)))
        .service(resource::<V2>("/auth/token/custom").route(web::post().to(token::custom)))
        .service(resource::<V2>("/auth/token/validate").route(web::post().to(token::validate)))
        .service(resource::<V2>("/auth/token/revoke").route(web::post().to(token::revoke)))
        .service(resource::<V2>("/auth/configure").route(web::post().to(trusted::configure)))
        .service(resource::<V2>("/auth/search").route(web::post().to(trusted::search)));
}

fn system_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V2>("/system").route(web::get().to(system::describe)))
        .service(
            resource::<V2>("/system/config-overrides")
                .route(web::get().to(system::config_overrides)),
        )
        .service(
            resource::<V2>("/system/security-settings/configure")
                .route(web::post().to(security::configure)),
        )
        .service(
            resource::<V2>("/system/security-settings/search")
                .route(web::post().to(security::search)),
        )
        .service(resource::<V2>("/metadata/tml/export").route(web::post().to(absent::export_tml)))
        .service(resource::<V2>("/metadata/tml/import").route(web::post().to(absent::import_tml)));
}

/// The routes under [`PREFIX`], described.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    session::log_in,
    session::log_out,
    session::user,
    session::user_by_post,
    session::token,
    token::full,
    token::object,
    token::custom,
    token::validate,
    token::revoke,
    trusted::configure,
    trusted::search,
    system::describe,
    system::config_overrides,
    security::configure,
    security::search,
    absent::export_tml,
    absent::import_tml,
))]
pub struct Description;
