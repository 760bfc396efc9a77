//! The identity providers that the settings name, and how each fares right now.

use crate::api::admin::desk::{Looks, Refusal};
use crate::api::departure::own_base;
use crate::api::registration;
use crate::domain::clock::Timestamp;
use crate::domain::sso::Provider;
use actix_web::{HttpRequest, HttpResponse};
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
pub async fn list(Looks(desk): Looks, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    let login = &desk.services().login;
    let now = login.now();
    let own = [own_base(&request, desk.services())];
    let providers = &login.sso.providers;
    let states = providers
        .iter()
        .map(|provider| state(providers, provider, &own, now));
    let states = join_all(states).await;
    Ok(HttpResponse::Ok().json(json!({ "providers": states })))
}

/// Asks a provider how it is: what was found, a line each, or what is wrong.
pub async fn probe(
    providers: &[Provider],
    provider: &Provider,
    own: &[String],
    now: Timestamp,
) -> Result<Vec<String>, Vec<String>> {
    let found = tokio::time::timeout(PATIENCE, provider.engine.probe(now)).await;
    match found {
        Ok(Ok(mut found)) => {
            registration::add_to(&mut found, providers, provider, own).await;
            let is_fit = found.is_fit();
            let lines = found.into_lines();
            if is_fit { Ok(lines) } else { Err(lines) }
        }
        // Its words name hosts and certificates of the settings, which is what an administrator is after.
        Ok(Err(error)) => Err(vec![format!("{:#}", anyhow::Error::from(error))]),
        Err(_late) => Err(vec!["no answer within 5 seconds".to_owned()]),
    }
}

async fn state<'a>(
    providers: &'a [Provider],
    provider: &'a Provider,
    own: &[String],
    now: Timestamp,
) -> ProviderState<'a> {
    let found = probe(providers, provider, own, now).await;
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
