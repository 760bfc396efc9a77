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
mod copying;
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

pub use calibration::{Calibration, row as calibration_row};
pub use console::{AuditHistory, AuditLine, Checkup, Console, Finding, Minute, Trends};
pub use copying::CopyRuns;
pub use error::Admin;

use crate::api::dialect::{refuse_path, resource};
use crate::api::services::Services;
use crate::api::session_layer;
use crate::api::verb::{self, Takes};
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
            .wrap(from_fn(session_layer::speak::<Admin>))
            .configure(people_routes)
            .configure(server_routes)
            .default_service(web::to(refuse_path::<Admin>)),
    );
}

fn people_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource::<Admin>("/me").takes([verb::read(me::me)]))
        .service(resource::<Admin>("/confirm").takes([verb::post(me::confirm)]))
        .service(
            resource::<Admin>("/users").takes([verb::read(users::list), verb::post(users::create)]),
        )
        .service(resource::<Admin>("/users/import").takes([verb::post(import::import)]))
        .service(resource::<Admin>("/users/{id}").takes([
            verb::read(users::show),
            verb::patch(users::change),
            verb::delete(users::delete),
        ]))
        .service(
            resource::<Admin>("/users/{id}/memberships").takes([verb::post(users::memberships)]),
        )
        .service(resource::<Admin>("/users/{id}/password").takes([verb::post(users::password)]))
        .service(resource::<Admin>("/users/{id}/release").takes([verb::post(users::release)]))
        .service(resource::<Admin>("/users/{id}/unlock").takes([verb::post(users::unlock)]))
        .service(
            resource::<Admin>("/groups")
                .takes([verb::read(groups::list), verb::post(groups::create)]),
        )
        .service(resource::<Admin>("/groups/{id}").takes([
            verb::read(groups::show),
            verb::patch(groups::change),
            verb::delete(groups::delete),
        ]))
        .service(
            resource::<Admin>("/orgs").takes([verb::read(orgs::list), verb::post(orgs::create)]),
        )
        .service(
            resource::<Admin>("/orgs/{id}")
                .takes([verb::patch(orgs::change), verb::delete(orgs::delete)]),
        );
}

fn server_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource::<Admin>("/keys").takes([verb::read(keys::list), verb::post(keys::create)]),
        )
        .service(resource::<Admin>("/keys/{id}/retire").takes([verb::post(keys::retire)]))
        .service(resource::<Admin>("/sessions").takes([verb::read(sessions::list)]))
        .service(resource::<Admin>("/sessions/revoke").takes([verb::post(sessions::revoke)]))
        .service(
            resource::<Admin>("/security")
                .takes([verb::read(security::show), verb::put(security::save)]),
        )
        .service(resource::<Admin>("/trusted").takes([verb::put(security::switch_trusted)]))
        .service(resource::<Admin>("/redirect/check").takes([verb::post(security::check)]))
        .service(resource::<Admin>("/providers").takes([verb::read(providers::list)]))
        .service(resource::<Admin>("/providers/{name}/trial").takes([verb::post(trial::run)]))
        .service(resource::<Admin>("/settings").takes([verb::read(settings::list)]))
        .service(resource::<Admin>("/health").takes([verb::read(health::show)]))
        .service(resource::<Admin>("/passwords/calibration").takes([
            verb::read(calibration::show),
            verb::post(calibration::start),
        ]))
        .service(resource::<Admin>("/directory").takes([verb::read(directory::show)]))
        .service(
            resource::<Admin>("/directory/copy")
                .takes([verb::read(copying::show), verb::post(copying::start)]),
        )
        .service(resource::<Admin>("/directory/reopen").takes([verb::post(copying::reopen)]))
        .service(resource::<Admin>("/audit").takes([verb::read(audit::list)]))
        .service(resource::<Admin>("/audit.csv").takes([verb::read(audit::export)]))
        .service(resource::<Admin>("/trends").takes([verb::read(trends::show)]));
}
