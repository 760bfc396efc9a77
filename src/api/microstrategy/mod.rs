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

use crate::api::dialect::{read, refuse_path, render_failures};
use crate::api::microstrategy::dialog_page::Dialog;
use crate::api::services::Services;
use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::{Resource, Route, web};

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
fn page_at(path: &str, route: Route) -> impl HttpServiceFactory + 'static {
    at(path)
        .route(route)
        .wrap(from_fn(render_failures::<Dialog>))
}

/// An unknown method is answered as an unknown path is (docs/dialects/microstrategy.md, "Errors").
fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(refuse_path::<MicroStrategy>))
}

fn auth_routes(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/auth/login").route(web::post().to(auth::log_in)))
        .service(at("/api/auth/logout").route(web::post().to(auth::log_out)))
        .service(at("/api/auth/token").route(read().to(auth::token)))
        .service(
            at("/api/auth/identityToken")
                .route(web::post().to(delegation::create))
                .route(read().to(delegation::look)),
        )
        .service(at("/api/auth/delegate").route(web::post().to(delegation::delegate)))
        .service(
            at("/api/auth/apiTokens")
                .route(web::post().to(api_tokens::create))
                .route(read().to(api_tokens::show))
                .route(web::delete().to(api_tokens::delete)),
        );
}

fn browser_routes(config: &mut web::ServiceConfig) {
    config
        .service(page_at(
            "/auth/login-dialog.jsp",
            web::get().to(dialog::show),
        ))
        .service(page_at("/auth/login", web::post().to(dialog::log_in)));
}

fn session_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            at("/api/sessions")
                .route(read().to(session::show))
                .route(web::put().to(session::keep_alive)),
        )
        .service(at("/api/sessions/projectId").route(read().to(session::show_in_project)))
        .service(at("/api/sessions/userInfo").route(read().to(session::user_info)))
        .service(at("/api/sessions/privileges").route(read().to(session::privileges)))
        .service(at("/api/sessions/privileges/{id}").route(read().to(session::privilege)))
        .service(at("/api/projects").route(read().to(project::list)));
}

fn server_routes(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/status").route(read().to(server::status)))
        .service(at("/api/config/authModes").route(read().to(server::auth_modes)))
        .service(
            at("/api/mstrServices/library/auth")
                .route(read().to(server::library_auth))
                .route(web::put().to(server::set_library_auth)),
        )
        .service(
            at("/api/v2/iserver/settings")
                .route(read().to(server::settings))
                .route(web::patch().to(server::set_settings))
                .route(web::put().to(server::set_settings)),
        )
        .service(at("/api/monitors/userConnections").route(read().to(server::connections)))
        .service(
            at("/api/monitors/userConnections/{id}").route(web::delete().to(server::disconnect)),
        );
}
