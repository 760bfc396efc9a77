//! The console's page and its files from `static/console/`. It may be framed by nobody: a click on it is an act.

use crate::api::admin::Admin;
use crate::api::dialect::{ApiError, render_failures, resource};
use crate::api::nowhere::nowhere;
use crate::api::verb::{self, Takes};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, X_FRAME_OPTIONS,
};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{HttpRequest, HttpResponse, web};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'";
const PAGE: &[u8] = include_bytes!("../../../static/console/index.html");
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! file {
    ($name:literal, $kind:expr) => {
        (
            $name,
            $kind,
            include_bytes!(concat!("../../../static/console/", $name)) as &[u8],
        )
    };
}

const FILES: [(&str, &str, &[u8]); 22] = [
    file!("console.css", STYLE),
    file!("api.js", SCRIPT),
    file!("audit.js", SCRIPT),
    file!("charts.js", SCRIPT),
    file!("csv.js", SCRIPT),
    file!("dialog.js", SCRIPT),
    file!("groups.js", SCRIPT),
    file!("health.js", SCRIPT),
    file!("import.js", SCRIPT),
    file!("keys.js", SCRIPT),
    file!("main.js", SCRIPT),
    file!("maintenance.js", SCRIPT),
    file!("orgs.js", SCRIPT),
    file!("overview.js", SCRIPT),
    file!("security.js", SCRIPT),
    file!("settings.js", SCRIPT),
    file!("sessions.js", SCRIPT),
    file!("sso.js", SCRIPT),
    file!("ui.js", SCRIPT),
    file!("user.js", SCRIPT),
    file!("users.js", SCRIPT),
    file!("words.js", SCRIPT),
];

/// Adds the page and its files.
pub fn mount(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/console")
            .wrap(Compress::default())
            .wrap(from_fn(render_failures::<Admin>))
            .service(resource::<Admin>("").takes([verb::read(page)]))
            .service(resource::<Admin>("/").takes([verb::read(page)]))
            .service(resource::<Admin>("/{name}").takes([verb::read(file)]))
            .default_service(web::to(nowhere::<Admin>)),
    );
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .body(PAGE)
}

async fn file(
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError<Admin>> {
    match FILES.iter().find(|(known, ..)| *known == name.as_str()) {
        Some((_, kind, body)) => Ok(HttpResponse::Ok()
            .content_type(*kind)
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(*body)),
        None => nowhere(request).await,
    }
}
