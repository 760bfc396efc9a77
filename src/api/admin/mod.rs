//! The console for administrators: its JSON, spoken by our own page at `/console` and nobody else.
//!
//! Every call is judged in one order (see `desk`): a live cookie session, of an administrator, from our own page;
//! a change besides carries the session's token against forgery and recent proof of who sits there. What may be
//! changed is the domain's to say: handlers translate and call a `Manager`. The routes are listed in
//! `docs/console.md`.

mod audit;
mod audit_csv;
mod calibration;
mod console;
mod desk;
mod directory;
mod error;
mod groups;
mod health;
mod import;
mod keys;
mod me;
mod orgs;
mod page;
mod proof;
mod providers;
mod security;
mod sessions;
mod settings;
mod trends;
mod trial;
mod users;
mod view;

pub use calibration::Calibration;
pub use console::{AuditHistory, AuditLine, Checkup, Console, Finding, Minute, Trends};
pub use error::Admin;

use crate::api::dialect::{read, refuse_path, render_failures, resource};
use crate::api::services::Services;
use crate::api::session_layer;
use actix_web::middleware::from_fn;
use actix_web::web;

/// Where the dialect is mounted.
pub const PREFIX: &str = "/callosum/v1/vestibule/admin";

/// Adds the page and the dialect's routes.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    page::mount(config);
    config.service(
        web::scope(PREFIX)
            .wrap(session_layer::middleware(services))
            .wrap(from_fn(session_layer::shape_cookies))
            .wrap(from_fn(render_failures::<Admin>))
            .configure(people_routes)
            .configure(server_routes)
            .default_service(web::to(refuse_path::<Admin>)),
    );
}

fn people_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource::<Admin>("/me").route(read().to(me::me)))
        .service(resource::<Admin>("/confirm").route(web::post().to(me::confirm)))
        .service(
            resource::<Admin>("/users")
                .route(read().to(users::list))
                .route(web::post().to(users::create)),
        )
        .service(resource::<Admin>("/users/import").route(web::post().to(import::import)))
        .service(
            resource::<Admin>("/users/{id}")
                .route(read().to(users::show))
                .route(web::patch().to(users::change))
                .route(web::delete().to(users::delete)),
        )
        .service(
            resource::<Admin>("/users/{id}/memberships").route(web::post().to(users::memberships)),
        )
        .service(resource::<Admin>("/users/{id}/password").route(web::post().to(users::password)))
        .service(resource::<Admin>("/users/{id}/unlock").route(web::post().to(users::unlock)))
        .service(
            resource::<Admin>("/groups")
                .route(read().to(groups::list))
                .route(web::post().to(groups::create)),
        )
        .service(
            resource::<Admin>("/groups/{id}")
                .route(read().to(groups::show))
                .route(web::patch().to(groups::change))
                .route(web::delete().to(groups::delete)),
        )
        .service(
            resource::<Admin>("/orgs")
                .route(read().to(orgs::list))
                .route(web::post().to(orgs::create)),
        )
        .service(
            resource::<Admin>("/orgs/{id}")
                .route(web::patch().to(orgs::change))
                .route(web::delete().to(orgs::delete)),
        );
}

fn server_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource::<Admin>("/keys")
                .route(read().to(keys::list))
                .route(web::post().to(keys::create)),
        )
        .service(resource::<Admin>("/keys/{id}/retire").route(web::post().to(keys::retire)))
        .service(resource::<Admin>("/sessions").route(read().to(sessions::list)))
        .service(resource::<Admin>("/sessions/revoke").route(web::post().to(sessions::revoke)))
        .service(
            resource::<Admin>("/security")
                .route(read().to(security::show))
                .route(web::put().to(security::save)),
        )
        .service(resource::<Admin>("/trusted").route(web::put().to(security::switch_trusted)))
        .service(resource::<Admin>("/redirect/check").route(web::post().to(security::check)))
        .service(resource::<Admin>("/providers").route(read().to(providers::list)))
        .service(resource::<Admin>("/providers/{name}/trial").route(web::post().to(trial::run)))
        .service(resource::<Admin>("/settings").route(read().to(settings::list)))
        .service(resource::<Admin>("/health").route(read().to(health::show)))
        .service(
            resource::<Admin>("/passwords/calibration")
                .route(read().to(calibration::show))
                .route(web::post().to(calibration::start)),
        )
        .service(resource::<Admin>("/directory").route(read().to(directory::show)))
        .service(resource::<Admin>("/audit").route(read().to(audit::list)))
        .service(resource::<Admin>("/audit.csv").route(read().to(audit::export)))
        .service(resource::<Admin>("/trends").route(read().to(trends::show)));
}
