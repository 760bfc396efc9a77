//! `ThoughtSpot` REST API v1: form posts, flat error bodies, and the undocumented calls its clients rely on.
//!
//! Every path answers under three prefixes: the documented one, the one that the Visual Embed SDK calls, and
//! the bare one. What each does, and why we believe so, is in `docs/dialects/thoughtspot-v1.md`.

mod attributes;
mod bearer;
mod error;
mod login;
mod metadata;
mod new_user;
mod org;
mod prism;
mod session;
mod token;
mod user;
mod user_directory;
mod user_password;

pub use error::V1;

use crate::api::dialect::{read, refuse_path, resource};
use crate::api::services::Services;
use crate::api::session_layer;
use actix_web::middleware::from_fn;
use actix_web::web;
use utoipa::OpenApi;

/// Longest first: actix takes the first prefix that matches.
pub const PREFIXES: [&str; 3] = ["/callosum/v1/tspublic/v1", "/callosum/v1", "/tspublic/v1"];

/// Where the query endpoint of embedded pages is mounted.
pub const PRISM: &str = "/prism";

/// Adds the dialect's routes.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    for prefix in PREFIXES {
        config.service(
            web::scope(prefix)
                .wrap(session_layer::middleware(services))
                .wrap(from_fn(session_layer::speak::<V1>))
                .configure(routes)
                .configure(user_routes)
                .default_service(web::to(refuse_path::<V1>)),
        );
    }
    config.service(
        web::scope(PRISM)
            .wrap(session_layer::middleware(services))
            .wrap(from_fn(session_layer::speak::<V1>))
            .service(resource::<V1>("/preauth/info").route(read().to(session::preauth_info)))
            .service(resource::<V1>("").route(web::post().to(prism::answer)))
            .service(resource::<V1>("/").route(web::post().to(prism::answer)))
            .default_service(web::to(refuse_path::<V1>)),
    );
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V1>("/session/login").route(web::post().to(login::log_in)))
        .service(resource::<V1>("/session/auth/token").route(web::post().to(token::issue)))
        .service(
            resource::<V1>("/session/login/token")
                .route(web::post().to(login::redeem))
                // Not by HEAD: whatever looks at a link before it is followed must open nothing.
                .route(web::get().to(login::redeem_by_get)),
        )
        .service(resource::<V1>("/session/logout").route(web::post().to(login::log_out)))
        // The spelling most clients use needs no pattern; one published client spells it isActive.
        .service(resource::<V1>("/session/isactive").route(read().to(session::is_active)))
        .service(
            resource::<V1>("/session/{probe:(?i)isactive}").route(read().to(session::is_active)),
        )
        .service(resource::<V1>("/session/v2/gettoken").route(web::get().to(bearer::get_token)))
        .service(resource::<V1>("/v2/auth/token/fetch").route(web::get().to(bearer::fetch)))
        .service(resource::<V1>("/session/info").route(read().to(session::info)))
        .service(
            resource::<V1>("/session/orgs")
                .route(read().to(org::list))
                .route(web::put().to(org::switch)),
        )
        .service(
            resource::<V1>("/metadata/listvizheaders").route(read().to(metadata::list_viz_headers)),
        )
        .service(
            resource::<V1>("/user/session/invalidate")
                .route(web::post().to(user::invalidate_sessions)),
        );
}

fn user_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource::<V1>("/user")
                .route(web::post().to(user_directory::create))
                .route(read().to(user_directory::get)),
        )
        // Documented with a slash at the end; clients leave it out.
        .service(
            resource::<V1>("/user/")
                .route(web::post().to(user_directory::create))
                .route(read().to(user_directory::get)),
        )
        .service(resource::<V1>("/user/list").route(read().to(user_directory::list)))
        .service(resource::<V1>("/user/activate").route(web::post().to(user_directory::activate)))
        .service(
            resource::<V1>("/user/inactivate").route(web::post().to(user_directory::inactivate)),
        )
        .service(
            resource::<V1>("/user/updatepassword").route(web::post().to(user_password::update)),
        )
        .service(resource::<V1>("/user/resetpassword").route(web::post().to(user_password::reset)));
}

/// The routes under [`PREFIXES`], described.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    login::log_in,
    token::issue,
    login::redeem,
    login::redeem_by_get,
    login::log_out,
    session::is_active,
    bearer::get_token,
    bearer::fetch,
    session::info,
    org::list,
    org::switch,
    metadata::list_viz_headers,
    user::invalidate_sessions,
    user_directory::create,
    user_directory::get,
    user_directory::list,
    user_directory::activate,
    user_directory::inactivate,
    user_password::update,
    user_password::reset,
))]
pub struct Description;

/// The routes under `/prism`, described.
#[derive(Debug, OpenApi)]
#[openapi(paths(session::preauth_info, prism::answer))]
pub struct PrismDescription;
