//! The page to browse the description: Swagger UI from inside the binary, without a request to anybody else.

use crate::api::dialect::{ApiError, refuse_path, resource};
use crate::api::openapi::PATH;
use crate::api::thoughtspot_v1::V1;
use crate::api::verb::{self, Takes};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, X_FRAME_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, serve};

/// No inline script, and of inline styles the one in the page's logo. Icons are `data:`.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; \
     style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; \
     img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
);

/// Adds the page and its files.
pub fn mount(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V1>("/api/docs").takes([verb::read(to_page)]))
        .service(resource::<V1>("/api/docs/{file:.*}").takes([verb::read(file)]));
}

/// The page's own links are relative: without the slash they would miss.
async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, "/api/docs/"))
        .finish()
}

async fn file(name: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, ApiError<V1>> {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
        // The validator's badge is a picture from another site that is told our address.
        Arc::new(
            Config::from(PATH)
                .validator_url("none")
                .with_credentials(true)
                .default_models_expand_depth(-1),
        )
    });
    match serve(&name, Arc::clone(&CONFIG)) {
        Ok(Some(file)) => Ok(HttpResponse::Ok()
            .content_type(file.content_type)
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((X_FRAME_OPTIONS, "DENY"))
            .body(file.bytes.into_owned())),
        _ => refuse_path::<V1>(request).await,
    }
}
