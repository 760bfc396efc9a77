//! `auth/configure` and `auth/search`: trusted authentication on and off, and the keys there are.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::guard::RequireAdmin;
use crate::api::json::{Json, text};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::domain::administration::Actor;
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

const ENABLED: &str = "ENABLED";
const DISABLED: &str = "DISABLED";

/// The body of both calls.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AuthBody {
    auth_type: Option<String>,
    scope: Option<String>,
    cluster_preferences: Option<Preference>,
    org_preferences: Option<Vec<OrgPreference>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Preference {
    auth_status: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct OrgPreference {
    #[serde(deserialize_with = "text")]
    org_identifier: Option<String>,
    auth_status: Option<String>,
}

fn check_type(body: &AuthBody) -> Result<(), Failure> {
    match body.auth_type.as_deref() {
        Some("TRUSTED_AUTH") => Ok(()),
        _ => Err(Failure::bad("auth_type", "TRUSTED_AUTH")),
    }
}

fn is_on(status: Option<&str>) -> Result<bool, Failure> {
    match status {
        Some(ENABLED) => Ok(true),
        Some(DISABLED) => Ok(false),
        _ => Err(Failure::bad("auth_status", "ENABLED or DISABLED")),
    }
}

/// `POST auth/configure`: 204. Everything is read before anything is switched.
pub async fn configure(
    admin: RequireAdmin<V2>,
    body: Json<V2, AuthBody>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    check_type(&body)?;
    let mut switches = Vec::new();
    if let Some(cluster) = &body.cluster_preferences {
        switches.push((None, is_on(cluster.auth_status.as_deref())?));
    }
    for preference in body.org_preferences.unwrap_or_default() {
        let is_on = is_on(preference.auth_status.as_deref())?;
        let org = services
            .org_called(preference.org_identifier.as_deref())
            .await?
            .ok_or_else(|| Failure::bad("org", "the number or name of an Org"))?;
        switches.push((Some(org), is_on));
    }
    let wants_server_on = switches.contains(&(None, true));
    if wants_server_on && !services.configured.is_trusted_enabled {
        let reason =
            "trusted authentication is off in the server's own settings (trusted_auth.enabled)";
        return Err(Failure::forbidden(reason).into());
    }
    let by = Actor::user(&admin.user, caller.client);
    for (org, is_on) in switches {
        services
            .administration
            .switch_trusted(org, is_on, &by)
            .await?;
    }
    services.refresh_live().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST auth/search`: the switches and the live keys in the clear, as the vendor's API has it. Audited.
pub async fn search(
    admin: RequireAdmin<V2>,
    body: Json<V2, AuthBody>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    check_type(&body)?;
    let by = Actor::user(&admin.user, caller.client);
    let (wants_cluster, wants_orgs) = match body.scope.as_deref() {
        None => (true, true),
        Some("CLUSTER") => (true, false),
        Some("ORG") => (false, true),
        Some(_) => return Err(Failure::bad("scope", "CLUSTER or ORG").into()),
    };
    let status = services.administration.trusted_status().await?;
    let cluster = if wants_cluster {
        let keys = services.administration.reveal_keys(None, &by).await?;
        let is_on = services.configured.is_trusted_enabled && !status.is_server_off;
        Some(json!({ "auth_status": word(is_on), "access_tokens": shown(&keys) }))
    } else {
        None
    };
    let mut orgs = Vec::new();
    if wants_orgs {
        for org in services.administration.list_orgs().await? {
            let keys = services
                .administration
                .reveal_keys(Some(org.id), &by)
                .await?;
            let is_on = !keys.is_empty() && !status.orgs_off.contains(&org.id);
            orgs.push(json!({
                "org": { "id": org.id.0, "name": org.name },
                "auth_status": word(is_on),
                "access_tokens": shown(&keys),
            }));
        }
    }
    Ok(HttpResponse::Ok().json(json!({
        "auth_type": "TRUSTED_AUTH",
        "cluster_preferences": cluster,
        "org_preferences": if wants_orgs { Value::from(orgs) } else { Value::Null },
    })))
}

const fn word(is_on: bool) -> &'static str {
    if is_on { ENABLED } else { DISABLED }
}

fn shown(keys: &[SecretString]) -> Vec<Value> {
    keys.iter()
        .map(|key| json!({ "key": key.expose_secret() }))
        .collect()
}
