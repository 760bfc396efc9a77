//! The embed doctor's questions: which cookies come back from inside a frame, and which origins may embed.
//!
//! The page itself may be framed by anyone: it holds no session and takes no input, and a wrong
//! `embed.origins` must not keep it out of exactly the frame it is to diagnose.

use crate::api::caller::{is_https, is_over_tls};
use crate::api::dialect::{read, resource};
use crate::api::pages::{SignInSite, finish};
use crate::api::services::{SameSiteRule, Services};
use crate::api::thoughtspot_v1::V1;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, ORIGIN, SET_COOKIE,
};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

/// The page, which a script fills.
#[derive(Template)]
#[template(path = "doctor.html", config = "static/templates/askama.toml")]
struct Doctor<'a> {
    site: &'a SignInSite,
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors *";
const PATH: &str = "/embed/doctor";
/// The variants tried: name, whether `SameSite=None; Secure`, whether `Partitioned`.
const PROBES: [(&str, bool, bool); 3] = [
    ("vp_plain", false, false),
    ("vp_none", true, false),
    ("vp_chips", true, true),
];

/// Adds the page and its questions.
pub fn mount(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V1>(PATH).route(read().to(page)))
        .service(
            resource::<V1>("/embed/doctor/cookies")
                .route(web::post().to(set_probes))
                .route(web::get().to(read_probes)),
        )
        .service(resource::<V1>("/embed/doctor/origin").route(read().to(judge_origin)));
}

/// The routes, described.
#[derive(Debug, OpenApi)]
#[openapi(paths(page, set_probes, read_probes, judge_origin))]
pub struct Description;

/// `GET /embed/doctor`: the page that asks the questions below.
#[utoipa::path(
    get,
    path = "/embed/doctor",
    security(()),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
async fn page(services: web::Data<Services>) -> HttpResponse {
    let mut reply = HttpResponse::Ok();
    reply
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY));
    let site = &services.sign_in;
    finish(reply, &Doctor { site })
}

/// `POST /embed/doctor/cookies`: 204 and one short-lived cookie of each kind. They mean nothing.
#[utoipa::path(
    post,
    path = "/embed/doctor/cookies",
    security(()),
    responses((status = 204, description = "They are set.", headers(("Set-Cookie" = String)))),
)]
async fn set_probes() -> HttpResponse {
    let mut reply = HttpResponse::NoContent();
    for (name, is_cross_site, is_partitioned) in PROBES {
        let kind = match (is_cross_site, is_partitioned) {
            (false, _) => "SameSite=Lax",
            (true, false) => "SameSite=None; Secure",
            (true, true) => "SameSite=None; Secure; Partitioned",
        };
        let cookie = format!("{name}=1; Path={PATH}; HttpOnly; Max-Age=60; {kind}");
        reply.append_header((SET_COOKIE, cookie));
    }
    reply.finish()
}

/// What came back, and what the settings say.
#[derive(Debug, Serialize, ToSchema)]
struct ProbeReport {
    received: Vec<&'static str>,
    /// `http` or `https`.
    scheme: &'static str,
    /// Whether the page that asks is of an allowed origin; true when the browser names none.
    origin_allowed: bool,
    embed_origins_configured: bool,
    partitioned: bool,
    /// `auto`, `lax` or `strict`.
    same_site: &'static str,
}

/// `GET /embed/doctor/cookies`: which of them came back, and what the settings say.
#[utoipa::path(
    get,
    path = "/embed/doctor/cookies",
    security(()),
    responses((status = 200, description = "What came back.", body = ProbeReport)),
)]
async fn read_probes(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let received: Vec<&'static str> = PROBES
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| request.cookie(name).is_some())
        .collect();
    let is_tls = is_over_tls(&request);
    let live = services.live.load();
    let origin = request.headers().get(ORIGIN).and_then(|o| o.to_str().ok());
    let is_https = is_https(request.head(), is_tls, &services);
    HttpResponse::Ok().json(ProbeReport {
        received,
        scheme: if is_https { "https" } else { "http" },
        origin_allowed: origin.is_none_or(|origin| {
            services.is_own_origin(origin) || services.is_embed_origin(origin)
        }),
        embed_origins_configured: !live.embed_origins.is_empty(),
        partitioned: live.is_partitioned,
        same_site: match services.site.same_site {
            SameSiteRule::Auto => "auto",
            SameSiteRule::Lax => "lax",
            SameSiteRule::Strict => "strict",
        },
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OriginQuery {
    #[serde(default)]
    origin: String,
}

/// The verdict.
#[derive(Debug, Serialize, ToSchema)]
struct OriginVerdict {
    /// The origin asked about, at most 300 characters of it.
    origin: String,
    allowed: bool,
}

/// `GET /embed/doctor/origin?origin=`: whether pages of that origin may embed us.
#[utoipa::path(
    get,
    path = "/embed/doctor/origin",
    security(()),
    params(OriginQuery),
    responses((status = 200, description = "The verdict.", body = OriginVerdict)),
)]
async fn judge_origin(
    query: web::Query<OriginQuery>,
    services: web::Data<Services>,
) -> HttpResponse {
    let origin: String = query.origin.chars().take(300).collect();
    let allowed = services.is_own_origin(&origin) || services.is_embed_origin(&origin);
    HttpResponse::Ok().json(OriginVerdict { origin, allowed })
}
