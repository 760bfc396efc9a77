//! `MicroStrategy` (Strategy One) REST: JSON or forms, a token and a cookie that only count together, two timeouts.
//!
//! Everything answers below one configurable context path, whose cookies no other dialect sees. What each call
//! does, and why we believe so, is in `docs/dialects/microstrategy.md`.
//!
//! It keeps its sessions where every dialect does, behind the same door, but carries them in ids of its own
//! ([`crate::domain::session::BlockIds`]): clients cut the cookie at 32 characters, which is too few for ours.

mod api_tokens;
mod auth;
mod body;
mod cookies;
mod delegation;
mod dialog;
mod dialog_page;
mod error;
mod guard;
mod project;
mod reply;
mod server;
mod session;
mod site;

pub use dialog::DialogLanding;
pub use error::MicroStrategy;
pub use site::{LiveSite, Mode, Site};

use crate::api::dialect::{refuse_path, render_failures, resource};
use crate::api::microstrategy::dialog_page::Dialog;
use crate::api::services::Services;
use crate::api::verb::{self, Takes, Verb};
use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::{Resource, web};

/// Adds the dialect's routes, where it is spoken at all.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    let Ok(site) = services.microstrategy() else {
        return;
    };
    config.service(
        web::scope(&site.base_path)
            .wrap(from_fn(render_failures::<MicroStrategy>))
            .wrap(from_fn(reply::never_kept))
            .configure(auth_routes)
            .configure(browser_routes)
            .configure(session_routes)
            .configure(server_routes)
            .default_service(web::to(refuse_path::<MicroStrategy>)),
    );
}

/// Where people are: what goes wrong there is a page.
fn page_at(path: &str, verb: Verb) -> impl HttpServiceFactory + 'static {
    at(path)
        .takes([verb])
        .wrap(from_fn(render_failures::<Dialog>))
}

/// An unknown method is answered as an unknown path is (docs/dialects/microstrategy.md, "Errors").
fn at(path: &str) -> Resource {
    resource::<MicroStrategy>(path)
}

fn auth_routes(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/auth/login").takes([verb::post(auth::log_in)]))
        .service(at("/api/auth/logout").takes([verb::post(auth::log_out)]))
        .service(at("/api/auth/token").takes([verb::read(auth::token)]))
        .service(
            at("/api/auth/identityToken")
                .takes([verb::post(delegation::create), verb::read(delegation::look)]),
        )
        .service(at("/api/auth/delegate").takes([verb::post(delegation::delegate)]))
        .service(at("/api/auth/apiTokens").takes([
            verb::post(api_tokens::create),
            verb::read(api_tokens::show),
            verb::delete(api_tokens::delete),
        ]));
}

fn browser_routes(config: &mut web::ServiceConfig) {
    config
        .service(page_at("/auth/login-dialog.jsp", verb::read(dialog::show)))
        .service(page_at("/auth/login", verb::post(dialog::log_in)));
}

fn session_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            at("/api/sessions").takes([verb::read(session::show), verb::put(session::keep_alive)]),
        )
        .service(at("/api/sessions/projectId").takes([verb::read(session::show_in_project)]))
        .service(at("/api/sessions/userInfo").takes([verb::read(session::user_info)]))
        .service(at("/api/sessions/privileges").takes([verb::read(session::privileges)]))
        .service(at("/api/sessions/privileges/{id}").takes([verb::read(session::privilege)]))
        .service(at("/api/projects").takes([verb::read(project::list)]));
}

fn server_routes(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/status").takes([verb::read(server::status)]))
        .service(at("/api/config/authModes").takes([verb::read(server::auth_modes)]))
        .service(at("/api/mstrServices/library/auth").takes([
            verb::read(server::library_auth),
            verb::put(server::set_library_auth),
        ]))
        .service(at("/api/v2/iserver/settings").takes([
            verb::read(server::settings),
            verb::patch(server::set_settings),
            verb::put(server::set_settings),
        ]))
        .service(at("/api/monitors/userConnections").takes([verb::read(server::connections)]))
        .service(
            at("/api/monitors/userConnections/{id}").takes([verb::delete(server::disconnect)]),
        );
}
