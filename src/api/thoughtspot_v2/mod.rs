//! `ThoughtSpot` REST API v2.0: JSON in and out, over the same door as v1.
//!
//! What each route does, and why we believe so, is in `docs/dialects/thoughtspot-v2.md`.

mod absent;
mod attributes;
mod error;
mod fields;
mod given_token;
mod group;
mod org;
mod password;
mod security;
mod session;
mod strange_rules;
mod system;
mod token;
mod token_view;
mod trusted;
mod user;
mod user_view;

pub use error::V2;

use crate::api::dialect::{read, refuse_path, resource};
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
            .wrap(from_fn(session_layer::speak::<V2>))
            .configure(auth_routes)
            .configure(system_routes)
            .configure(directory_routes)
            .default_service(web::to(refuse_path::<V2>)),
    );
}

fn auth_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V2>("/auth/session/login").route(web::post().to(session::log_in)))
        .service(resource::<V2>("/auth/session/logout").route(web::post().to(session::log_out)))
        .service(
            resource::<V2>("/auth/session/user")
                .route(read().to(session::user))
                // One published client posts.
                .route(web::post().to(session::user_by_post)),
        )
        .service(resource::<V2>("/auth/session/token").route(web::get().to(session::token)))
        .service(resource::<V2>("/auth/token/full").route(web::post().to(token::full)))
        .service(resource::<V2>("/auth/token/object").route(web::post().to(token::object)))
        .service(resource::<V2>("/auth/token/custom").route(web::post().to(token::custom)))
        .service(
            resource::<V2>("/auth/token/validate").route(web::post().to(given_token::validate)),
        )
        .service(resource::<V2>("/auth/token/revoke").route(web::post().to(given_token::revoke)))
        .service(resource::<V2>("/auth/configure").route(web::post().to(trusted::configure)))
        .service(resource::<V2>("/auth/search").route(web::post().to(trusted::search)));
}

fn system_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V2>("/system").route(read().to(system::describe)))
        .service(
            resource::<V2>("/system/config-overrides").route(read().to(system::config_overrides)),
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

fn directory_routes(config: &mut web::ServiceConfig) {
    let post = |path, route| resource::<V2>(path).route(route);
    config
        .service(post("/orgs/create", web::post().to(org::create)))
        .service(post("/orgs/search", web::post().to(org::search)))
        .service(post("/orgs/{id}/update", web::post().to(org::update)))
        .service(post("/orgs/{id}/delete", web::post().to(org::delete)))
        .service(post("/users/create", web::post().to(user::create)))
        .service(post("/users/search", web::post().to(user::search)))
        .service(post("/users/{id}/update", web::post().to(user::update)))
        .service(post("/users/{id}/delete", web::post().to(user::delete)))
        .service(post(
            "/users/change-password",
            web::post().to(password::change),
        ))
        .service(post(
            "/users/reset-password",
            web::post().to(password::reset),
        ))
        .service(post(
            "/users/force-logout",
            web::post().to(password::force_logout),
        ))
        .service(post("/groups/create", web::post().to(group::create)))
        .service(post("/groups/search", web::post().to(group::search)))
        .service(post("/groups/{id}/update", web::post().to(group::update)))
        .service(post("/groups/{id}/delete", web::post().to(group::delete)))
        .service(post("/roles/search", web::post().to(group::search_roles)));
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
    given_token::validate,
    given_token::revoke,
    trusted::configure,
    trusted::search,
    system::describe,
    system::config_overrides,
    security::configure,
    security::search,
    absent::export_tml,
    absent::import_tml,
    org::create,
    org::search,
    org::update,
    org::delete,
    user::create,
    user::search,
    user::update,
    user::delete,
    password::change,
    password::reset,
    password::force_logout,
    group::create,
    group::search,
    group::update,
    group::delete,
    group::search_roles,
))]
pub struct Description;
