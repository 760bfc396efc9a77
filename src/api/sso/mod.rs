//! Single sign-on in the browser: to the provider, back with its answer, and out again.
//!
//! The paths are `ThoughtSpot`'s; what each does, and why, is in `docs/dialects/sso.md`. People see what goes wrong
//! here, so its dialect answers with a page.

mod answers;
mod logout;
mod oidc;
mod page;
mod saml;

pub use page::Sso;

use crate::api::departure;
use crate::api::dialect::{refuse_path, render_failures, resource};
use crate::api::landing::{Landing, Target, go_to};
use crate::api::services::Services;
use crate::api::session_layer;
use crate::api::verb::{self, Takes};
use crate::domain::failure::Failure;
use crate::domain::login::{OpenRequest, Opened, Replaced};
use crate::domain::sso::{ProviderError, SsoError};
use actix_session::Session;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};

/// Adds the routes. They lie below a prefix of the oldest dialect, so they have to be mounted before it.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    config.service(
        web::scope("/callosum/v1/saml")
            .wrap(session_layer::middleware(services))
            .wrap(from_fn(session_layer::shape_cookies))
            .wrap(from_fn(departure::remember))
            .wrap(from_fn(render_failures::<Sso>))
            .service(resource::<Sso>("/login").takes([verb::get(saml::begin)]))
            // Its capitals are part of the contract.
            .service(resource::<Sso>("/SSO").takes([verb::post(saml::finish)]))
            .service(resource::<Sso>("/metadata").takes([verb::read(saml::metadata)]))
            .service(resource::<Sso>("/logout").takes([
                verb::get(saml::log_out_by_redirect),
                verb::post(saml::log_out_by_post),
            ]))
            .default_service(web::to(refuse_path::<Sso>)),
    );
    config.service(
        web::scope("/callosum/v1/oidc")
            .wrap(session_layer::middleware(services))
            .wrap(from_fn(session_layer::shape_cookies))
            .wrap(from_fn(departure::remember))
            .wrap(from_fn(render_failures::<Sso>))
            .service(resource::<Sso>("/login").takes([verb::get(oidc::begin)]))
            .service(resource::<Sso>("/callback").takes([verb::get(oidc::finish)]))
            .service(resource::<Sso>("/callback/{name}").takes([verb::get(oidc::finish)]))
            .service(
                resource::<Sso>("/backchannel-logout")
                    .takes([verb::post(oidc::log_out_by_back_channel)]),
            )
            .service(
                resource::<Sso>("/logout")
                    .takes([verb::get(logout::ask), verb::post(logout::begin)]),
            )
            .service(resource::<Sso>("/logout/complete").takes([verb::get(logout::complete)]))
            .default_service(web::to(refuse_path::<Sso>)),
    );
}

/// Of what two providers made of one message, what counts: one's trouble is not to be taken for the other's verdict.
fn graver(before: SsoError, now: SsoError) -> SsoError {
    match before {
        SsoError::Provider(ProviderError::Unavailable(_)) | SsoError::Store(_) => before,
        SsoError::Provider(ProviderError::Refused { .. })
        | SsoError::NotUnderWay
        | SsoError::NoProvider => now,
    }
}

/// Browsers of `ThoughtSpot` clients: a cookie session, and on to the address wanted.
#[derive(Debug)]
pub struct BrowserLanding;

impl Landing for BrowserLanding {
    fn name(&self) -> &'static str {
        "browser"
    }

    fn request(&self, _: &HttpRequest, _: &Services) -> Result<OpenRequest, Failure> {
        Ok(OpenRequest {
            replaced: session_layer::presented_id().map(Replaced::OfAnybody),
            ..OpenRequest::default()
        })
    }

    fn land(
        &self,
        _: &HttpRequest,
        _: &Services,
        cookies: &Session,
        target: &Target,
        opened: &Opened,
    ) -> HttpResponse {
        session_layer::hand_out(cookies, opened);
        match target {
            Target::Url(url) => go_to(url),
            // Its popups land on a page of ours like any other address.
            Target::Opener(_) => go_to("/"),
        }
    }
}
