//! `auth/configure` and `auth/search`: trusted authentication on and off, and the keys there are.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::guard::RequireAdmin;
use crate::api::json::{Json, text};
use crate::api::openapi::refusals::{Always, Guarded, WithBody};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::user_view::{OrgRef, org_ref};
use crate::domain::administration::Actor;
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const ENABLED: &str = "ENABLED";
const DISABLED: &str = "DISABLED";

/// The body of both calls.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = TrustedAuthRequest)]
pub struct AuthBody {
    /// `TRUSTED_AUTH`; nothing else can be asked for.
    #[schema(pattern = "^(TRUSTED_AUTH)$", value_type = String)]
    auth_type: Option<String>,
    /// `CLUSTER` or `ORG`; for a search, without it both.
    #[schema(pattern = "^(CLUSTER|ORG)$")]
    scope: Option<String>,
    cluster_preferences: Option<Preference>,
    org_preferences: Option<Vec<OrgPreference>>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = TrustedAuthSwitch)]
pub struct Preference {
    /// `ENABLED` or `DISABLED`.
    #[schema(pattern = "^(ENABLED|DISABLED)$")]
    auth_status: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = TrustedAuthOrgSwitch)]
pub struct OrgPreference {
    /// The number or name of an Org.
    #[serde(default, deserialize_with = "text")]
    org_identifier: Option<String>,
    /// `ENABLED` or `DISABLED`.
    #[schema(pattern = "^(ENABLED|DISABLED)$")]
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
#[utoipa::path(
    post,
    path = "/auth/configure",
    request_body = AuthBody,
    responses((status = 204, description = "Switched."), WithBody<V2>, Guarded<V2>, Always<V2>),
)]
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

/// The switches and the live keys. Not `Debug`: it holds secrets.
#[derive(Serialize, ToSchema)]
#[schema(as = TrustedAuth)]
pub struct TrustedView {
    auth_type: &'static str,
    cluster_preferences: Option<ClusterView>,
    org_preferences: Option<Vec<OrgView>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TrustedAuthCluster)]
struct ClusterView {
    auth_status: &'static str,
    access_tokens: Vec<KeyView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TrustedAuthOrg)]
struct OrgView {
    org: OrgRef,
    auth_status: &'static str,
    access_tokens: Vec<KeyView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TrustedAuthKey)]
struct KeyView {
    key: String,
}

/// `POST auth/search`: the switches and the live keys in the clear, as the vendor's API has it. Audited.
#[utoipa::path(
    post,
    path = "/auth/search",
    request_body = AuthBody,
    responses(
        (status = 200, description = "Switches and keys.", body = TrustedView),
        WithBody<V2>, Guarded<V2>, Always<V2>,
    ),
)]
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
        Some(ClusterView {
            auth_status: word(is_on),
            access_tokens: shown(&keys),
        })
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
            orgs.push(OrgView {
                org: org_ref(&org),
                auth_status: word(is_on),
                access_tokens: shown(&keys),
            });
        }
    }
    Ok(HttpResponse::Ok().json(TrustedView {
        auth_type: "TRUSTED_AUTH",
        cluster_preferences: cluster,
        org_preferences: wants_orgs.then_some(orgs),
    }))
}

const fn word(is_on: bool) -> &'static str {
    if is_on { ENABLED } else { DISABLED }
}

fn shown(keys: &[SecretString]) -> Vec<KeyView> {
    let keys = keys.iter().map(|key| key.expose_secret().to_owned());
    keys.map(|key| KeyView { key }).collect()
}
