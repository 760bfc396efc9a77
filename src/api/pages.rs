//! The pages from `static/`, compiled into the binary, each with its content security policy. No logic.

use crate::api::dialect::{read, resource};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderValue, X_FRAME_OPTIONS,
};
use actix_web::middleware::Compress;
use actix_web::{HttpResponse, mime, web};

/// A file of `static/`.
struct Asset {
    name: &'static str,
    kind: &'static str,
    body: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset {
            name: $name,
            kind: $kind,
            body: include_bytes!(concat!("../../static/", $name)),
        }
    };
}

const ASSETS: &[Asset] = &[
    asset!("app.css", "text/css; charset=utf-8"),
    asset!("alone.js", "text/javascript; charset=utf-8"),
    asset!("app.js", "text/javascript; charset=utf-8"),
    asset!("doctor.js", "text/javascript; charset=utf-8"),
    asset!("dom.js", "text/javascript; charset=utf-8"),
    asset!("framed.js", "text/javascript; charset=utf-8"),
    asset!("host.js", "text/javascript; charset=utf-8"),
    asset!("login-complete.js", "text/javascript; charset=utf-8"),
    asset!("post-again.js", "text/javascript; charset=utf-8"),
    asset!("probes.js", "text/javascript; charset=utf-8"),
    asset!("session.js", "text/javascript; charset=utf-8"),
    asset!("sign-in.js", "text/javascript; charset=utf-8"),
    asset!("strings.js", "text/javascript; charset=utf-8"),
    asset!("view.js", "text/javascript; charset=utf-8"),
    asset!("favicon.svg", "image/svg+xml"),
];
const INDEX: &[u8] = include_bytes!("../../static/index.html");
const ROBOTS: &[u8] = include_bytes!("../../static/robots.txt");

/// Adds the pages and their files. Only these are compressed: a reply that mixes a secret with what a stranger
/// chose must not tell by its length how alike they are.
pub fn mount(config: &mut web::ServiceConfig) {
    for path in ["/", "/v2", "/v2/"] {
        config.service(
            resource::<V1>(path)
                .route(read().to(index))
                .wrap(Compress::default()),
        );
    }
    config
        .service(
            resource::<V1>("/static/{name}")
                .route(read().to(asset))
                .wrap(Compress::default()),
        )
        .service(resource::<V1>("/favicon.ico").route(read().to(|| async { file("favicon.svg") })))
        .service(resource::<V1>("/robots.txt").route(read().to(robots)));
}

/// The app shell: where redirects land and frames point.
async fn index(services: web::Data<Services>) -> HttpResponse {
    page(&services, INDEX)
}

/// A page that only embedding origins may frame.
fn page(services: &Services, body: &'static [u8]) -> HttpResponse {
    let live = services.live.load();
    let origins: Vec<&str> = live
        .embed_origins
        .iter()
        .chain(&live.frame_origins)
        .map(String::as_str)
        .collect();
    let origins = origins.join(" ");
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; \
         frame-ancestors 'self' {origins}"
    );
    let mut reply = HttpResponse::Ok();
    reply
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-cache"));
    if let Ok(policy) = HeaderValue::from_str(policy.trim_end()) {
        reply.insert_header((CONTENT_SECURITY_POLICY, policy));
    } else {
        // An origin that no header can carry must not open the frame to everyone.
        reply.insert_header((X_FRAME_OPTIONS, "DENY"));
    }
    reply.body(body)
}

async fn asset(name: web::Path<String>) -> HttpResponse {
    file(&name)
}

fn file(name: &str) -> HttpResponse {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => HttpResponse::Ok()
            .content_type(asset.kind)
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(asset.body),
        None => HttpResponse::NotFound()
            .content_type(ContentType::plaintext())
            .body("There is no such file here.\n"),
    }
}

async fn robots() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(mime::TEXT_PLAIN_UTF_8)
        .body(ROBOTS)
}
