//! The identity providers that the settings name, and how each fares right now.

use crate::api::admin::desk::{Looks, Refusal};
use crate::domain::clock::Timestamp;
use crate::domain::sso::Provider;
use actix_web::HttpResponse;
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

/// How long a provider may take to answer before it counts as away.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// One provider as the console shows it.
#[derive(Serialize)]
struct ProviderState<'a> {
    name: &'a str,
    /// The words on its button.
    label: &'a str,
    protocol: &'static str,
    /// Its own name for itself.
    issuer: &'a str,
    is_ready: bool,
    /// What was found, or what is wrong, a line each.
    details: Vec<String>,
}

/// `GET providers`: the configured identity providers, each asked how it is; an empty list when there are none.
pub async fn list(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    let login = &desk.services().login;
    let now = login.now();
    let providers = login.sso.providers.iter();
    let states = join_all(providers.map(|provider| state(provider, now))).await;
    Ok(HttpResponse::Ok().json(json!({ "providers": states })))
}

/// Asks a provider how it is: what was found, a line each, or what is wrong.
pub async fn probe(provider: &Provider, now: Timestamp) -> Result<Vec<String>, Vec<String>> {
    let found = tokio::time::timeout(PATIENCE, provider.engine.probe(now)).await;
    match found {
        Ok(Ok(found)) if found.is_fit() => Ok(found.into_lines()),
        Ok(Ok(found)) => Err(found.into_lines()),
        // Its words name hosts and certificates of the settings, which is what an administrator is after.
        Ok(Err(error)) => Err(vec![format!("{:#}", anyhow::Error::from(error))]),
        Err(_late) => Err(vec!["no answer within 5 seconds".to_owned()]),
    }
}

async fn state(provider: &Provider, now: Timestamp) -> ProviderState<'_> {
    let found = probe(provider, now).await;
    let is_ready = found.is_ok();
    let details = found.unwrap_or_else(|why| why);
    ProviderState {
        name: &provider.name,
        label: &provider.label,
        protocol: provider.protocol.as_str(),
        issuer: provider.engine.issuer(),
        is_ready,
        details,
    }
}
