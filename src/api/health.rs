//! Is the process up, and can it do its work?

use crate::api::dialect::read;
use crate::api::services::Services;
use crate::domain::directory::OrgId;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// Adds `/health/live` and `/health/ready`.
pub fn mount(config: &mut web::ServiceConfig) {
    config
        .route("/health/live", read().to(live))
        .route("/health/ready", read().to(ready));
}

/// `GET /health/live`: 200 as long as the process answers at all.
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// `GET /health/ready`: 200 when both stores answer; else 503 saying which does not.
async fn ready(services: web::Data<Services>) -> HttpResponse {
    let sessions = services.sessions.ping().await;
    let directory = services
        .directory
        .find_org(OrgId::PRIMARY)
        .await
        .map(|_| ());
    let word = |result: &Result<(), _>| if result.is_ok() { "ok" } else { "away" };
    let body = json!({
        "status": if sessions.is_ok() && directory.is_ok() { "ready" } else { "not ready" },
        "sessions": word(&sessions),
        "directory": word(&directory),
    });
    for (store, result) in [("sessions", &sessions), ("directory", &directory)] {
        if let Err(error) = result {
            tracing::warn!(store, %error, "not ready");
        }
    }
    if sessions.is_ok() && directory.is_ok() {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable()
            .insert_header((RETRY_AFTER, "1"))
            .json(body)
    }
}
