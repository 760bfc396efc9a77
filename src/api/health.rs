//! Is the process up, and can it do its work?

use crate::api::dialect::{read, resource};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// Adds `/health/live` and `/health/ready`.
pub fn mount(config: &mut web::ServiceConfig) {
    config
        .service(resource::<V1>("/health/live").route(read().to(live)))
        .service(resource::<V1>("/health/ready").route(read().to(ready)));
}

/// The routes, described.
#[derive(Debug, OpenApi)]
#[openapi(paths(live, ready))]
pub struct Description;

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
struct Liveness {
    status: &'static str,
}

/// Whether it can do its work.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ready` or `not ready`.
    status: &'static str,
    /// `ok`, `away`, or `read-only` while the disk refuses and open sessions go on; no reason not to be ready.
    sessions: &'static str,
    /// `ok` or `away`.
    directory: &'static str,
    /// `ok`, or `behind` while the disk refuses audit lines; no reason not to be ready.
    audit: &'static str,
}

/// `GET /health/live`: 200 as long as the process answers at all.
#[utoipa::path(
    get,
    path = "/health/live",
    security(()),
    responses((status = 200, description = "It answers.", body = Liveness)),
)]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Liveness { status: "live" })
}

/// `GET /health/ready`: 200 when both stores answer, for reading at least; else 503 saying which does not.
#[utoipa::path(
    get,
    path = "/health/ready",
    security(()),
    responses(
        (status = 200, description = "Both stores answer, whether or not sessions and audit lines can be written.", body = Readiness),
        (status = 503, description = "One does not.", body = Readiness, headers(("Retry-After" = u64))),
    ),
)]
async fn ready(services: web::Data<Services>) -> HttpResponse {
    let sessions = services.sessions.ping().await;
    let directory = services
        .directory
        .find_org(OrgId::PRIMARY)
        .await
        .map(|_| ());
    let word = |result: &Result<(), StoreError>| match result {
        Ok(()) => "ok",
        // Nobody else has these sessions: a proxy that went elsewhere would sign everybody out.
        Err(StoreError::Unwritten(_)) => "read-only",
        Err(_) => "away",
    };
    let is_ready = word(&sessions) != "away" && word(&directory) != "away";
    let body = Readiness {
        status: if is_ready { "ready" } else { "not ready" },
        sessions: word(&sessions),
        directory: word(&directory),
        audit: if services.console.history.is_behind() {
            "behind"
        } else {
            "ok"
        },
    };
    for (store, result) in [("sessions", &sessions), ("directory", &directory)] {
        if let Err(error) = result {
            tracing::warn!(store, %error, is_ready, "not as it should be");
        }
    }
    if is_ready {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable()
            .insert_header((RETRY_AFTER, "1"))
            .json(body)
    }
}
