//! The pages people see, compiled into the binary, each with its content security policy.
//!
//! The shell at `/` and the embed pages are filled by scripts; signing in and My sessions are rendered here and
//! need none.

mod colour;
mod form_token;
mod html;
mod org_choice;
mod sessions;
mod sign_in;
mod signed;
mod site;
mod target;
pub(in crate::api) mod words;

pub use colour::Colour;
pub use html::{Pages, finish};
pub use site::{Logo, LogoError, MAX_LOGO_BYTES, ProviderButton, SignInSite};

use crate::api::departure::own_base;
use crate::api::dialect::{ApiError, render_failures, resource};
use crate::api::nowhere::nowhere;
use crate::api::pages::target::Target;
use crate::api::services::Services;
use crate::api::session_layer;
use crate::api::thoughtspot_v1::V1;
use crate::api::verb::{self, Takes};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderValue, X_FRAME_OPTIONS,
};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{HttpRequest, HttpResponse, mime, web};
use askama::Template;

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
    asset!("moments.js", "text/javascript; charset=utf-8"),
    asset!("login-complete.js", "text/javascript; charset=utf-8"),
    asset!("post-again.js", "text/javascript; charset=utf-8"),
    asset!("probes.js", "text/javascript; charset=utf-8"),
    asset!("session.js", "text/javascript; charset=utf-8"),
    asset!("sign-in.js", "text/javascript; charset=utf-8"),
    asset!("strings.js", "text/javascript; charset=utf-8"),
    asset!("view.js", "text/javascript; charset=utf-8"),
    MARK,
];
const MARK: Asset = asset!("favicon.svg", "image/svg+xml");
const ROBOTS: &[u8] = include_bytes!("../../static/robots.txt");

/// The app shell, which scripts fill.
#[derive(Template)]
#[template(path = "index.html", config = "static/templates/askama.toml")]
struct Shell<'a> {
    site: &'a SignInSite,
    /// Labels and links of identity providers.
    providers: Vec<(&'a str, String)>,
}

/// Adds the pages and their files. Only what holds no secret is compressed: a reply that mixes one with what a
/// stranger chose must not tell by its length how alike they are.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    let rendered = |path| {
        resource::<Pages>(path)
            .wrap(session_layer::middleware(services))
            .wrap(from_fn(session_layer::shape_cookies))
            .wrap(from_fn(form_token::remember))
            .wrap(from_fn(render_failures::<Pages>))
    };
    config
        .service(
            rendered("/sign-in").takes([verb::read(sign_in::show), verb::post(sign_in::sign_in)]),
        )
        .service(
            rendered("/sign-in/org")
                .takes([verb::read(org_choice::ask), verb::post(org_choice::choose)]),
        )
        .service(rendered("/sign-out").takes([verb::post(sessions::sign_out)]))
        .service(rendered("/sessions").takes([verb::read(sessions::list)]))
        .service(
            rendered("/sessions/end").takes([verb::read(sessions::ask), verb::post(sessions::end)]),
        );
    for path in ["/", "/v2", "/v2/"] {
        config.service(
            resource::<V1>(path)
                .takes([verb::read(index)])
                .wrap(Compress::default()),
        );
    }
    config
        .service(
            resource::<V1>("/static/brand.css")
                .takes([verb::read(brand)])
                .wrap(Compress::default()),
        )
        .service(resource::<V1>("/static/logo").takes([verb::read(logo)]))
        .service(
            resource::<V1>("/static/{name}")
                .takes([verb::read(asset)])
                .wrap(Compress::default()),
        )
        .service(resource::<V1>("/favicon.ico").takes([verb::read(mark)]))
        .service(resource::<V1>("/robots.txt").takes([verb::read(robots)]));
}

/// The app shell: where redirects land and frames point.
async fn index(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let own = own_base(&request, &services);
    let site = &services.sign_in;
    let shell = Shell {
        site,
        providers: site.buttons(&own, &Target::own("/", &own), None),
    };
    framed_page(&services, &shell)
}

/// A page that only embedding origins may frame.
fn framed_page(services: &Services, page: &impl Template) -> HttpResponse {
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
    html::finish(reply, page)
}

/// The operator's colour, or nothing at all.
async fn brand(services: web::Data<Services>) -> HttpResponse {
    let sheet = services.sign_in.colour.map(Colour::style_sheet);
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(sheet.unwrap_or_default())
}

async fn logo(services: web::Data<Services>) -> HttpResponse {
    let Some(logo) = &services.sign_in.logo else {
        return mark().await;
    };
    HttpResponse::Ok()
        .content_type(logo.kind)
        .insert_header((CACHE_CONTROL, "no-cache"))
        // Opened by itself an SVG is a document, whose scripts would run as ours.
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .body(logo.body.clone())
}

async fn asset(
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError<V1>> {
    match ASSETS.iter().find(|asset| asset.name == name.as_str()) {
        Some(asset) => Ok(serve(asset)),
        None => nowhere(request).await,
    }
}

/// Our mark, in place of the operator's and as the icon of the site.
async fn mark() -> HttpResponse {
    serve(&MARK)
}

fn serve(asset: &Asset) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(asset.kind)
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(asset.body)
}

async fn robots() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(mime::TEXT_PLAIN_UTF_8)
        .body(ROBOTS)
}
