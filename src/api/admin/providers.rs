//! The identity providers that the settings name, and how each fares.

use crate::api::admin::desk::{Looks, Refusal};
use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::json;

/// One provider as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderState {
    /// Its name in the settings.
    pub name: String,
    /// `saml` or `oidc`.
    pub protocol: String,
    /// Whether a sign-in would work now, as far as is known.
    pub is_ready: bool,
    /// What there is to say of it: its issuer, or what is wrong.
    pub detail: String,
}

/// `GET providers`: the configured identity providers; an empty list when there are none.
pub async fn list(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    let providers = &desk.services().console.providers;
    Ok(HttpResponse::Ok().json(json!({ "providers": providers })))
}
