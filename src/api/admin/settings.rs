//! The settings in force, as `vestibule config show` prints them.

use crate::api::admin::desk::{Looks, Refusal};
use actix_web::HttpResponse;
use serde_json::json;

/// `GET settings`: each with its value, secrets masked, and where it came from.
pub async fn list(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    let settings = &desk.services().console.settings;
    Ok(HttpResponse::Ok().json(json!({ "settings": settings })))
}
