//! The embed doctor's questions: which cookies come back from inside a frame, and which origins may embed.
//!
//! The page itself may be framed by anyone: it holds no session and takes no input, and a wrong
//! `embed.origins` must not keep it out of exactly the frame it is to diagnose.

use crate::api::caller::is_https;
use crate::api::services::{SameSiteRule, Services};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, ORIGIN, SET_COOKIE,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

const PAGE: &[u8] = include_bytes!("../../static/doctor.html");
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
        .route(PATH, web::get().to(page))
        .service(
            web::resource("/embed/doctor/cookies")
                .route(web::post().to(set_probes))
                .route(web::get().to(read_probes)),
        )
        .route("/embed/doctor/origin", web::get().to(judge_origin));
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE)
}

/// `POST /embed/doctor/cookies`: 204 and one short-lived cookie of each kind. They mean nothing.
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

/// `GET /embed/doctor/cookies`: which of them came back, and what the settings say.
async fn read_probes(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let received: Vec<&str> = PROBES
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| request.cookie(name).is_some())
        .collect();
    let is_tls = request.app_config().secure();
    let live = services.live.load();
    let origin = request.headers().get(ORIGIN).and_then(|o| o.to_str().ok());
    HttpResponse::Ok().json(json!({
        "received": received,
        "scheme": if is_https(request.head(), is_tls, &services) { "https" } else { "http" },
        "origin_allowed": origin.is_none_or(|origin| {
            services.is_own_origin(origin) || services.is_embed_origin(origin)
        }),
        "embed_origins_configured": !live.embed_origins.is_empty(),
        "partitioned": live.is_partitioned,
        "same_site": match services.site.same_site {
            SameSiteRule::Auto => "auto",
            SameSiteRule::Lax => "lax",
            SameSiteRule::Strict => "strict",
        },
    }))
}

#[derive(Deserialize)]
struct OriginQuery {
    #[serde(default)]
    origin: String,
}

/// `GET /embed/doctor/origin?origin=`: whether pages of that origin may embed us.
async fn judge_origin(
    query: web::Query<OriginQuery>,
    services: web::Data<Services>,
) -> HttpResponse {
    let origin: String = query.origin.chars().take(300).collect();
    let is_allowed = services.is_own_origin(&origin) || services.is_embed_origin(&origin);
    HttpResponse::Ok().json(json!({ "origin": origin, "allowed": is_allowed }))
}
