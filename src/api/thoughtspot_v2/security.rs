//! `system/security-settings`: who may embed us, where redirects go, partitioned cookies, changed while running.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::guard::RequireAdmin;
use crate::api::json::{Json, flag, text, texts};
use crate::api::openapi::refusals::{Always, Guarded, WithBody};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::user_view::OrgRef;
use crate::domain::administration::{Actor, SecuritySettings, normal_hosts, normal_origins};
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `configure`. What is absent stays as it is; an empty list clears.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = SecuritySettingsRequest)]
pub struct SecurityBody {
    cluster_preferences: Option<ClusterPreferences>,
    org_preferences: Option<Vec<OrgPreferences>>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = SecurityClusterRequest)]
pub struct ClusterPreferences {
    #[serde(default, deserialize_with = "flag")]
    enable_partitioned_cookies: Option<bool>,
    #[serde(default, deserialize_with = "texts")]
    cors_whitelisted_urls: Option<Vec<String>>,
    csp_settings: Option<CspSettings>,
    #[serde(default, deserialize_with = "texts")]
    saml_redirect_urls: Option<Vec<String>>,
    non_embed_access: Option<NonEmbedAccess>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = CspSettingsRequest)]
pub struct CspSettings {
    #[serde(default, deserialize_with = "texts")]
    visual_embed_hosts: Option<Vec<String>>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NonEmbedAccessRequest)]
pub struct NonEmbedAccess {
    #[serde(default, deserialize_with = "flag")]
    block_full_app_access: Option<bool>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = SecurityOrgRequest)]
pub struct OrgPreferences {
    #[serde(default, deserialize_with = "text")]
    org_identifier: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    cors_whitelisted_urls: Option<Vec<String>>,
    non_embed_access: Option<NonEmbedAccess>,
}

/// `POST system/security-settings/configure`: 204, in force on this node at once, on others within seconds.
#[utoipa::path(
    post,
    path = "/system/security-settings/configure",
    request_body = SecurityBody,
    responses((status = 204, description = "Saved."), WithBody<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn configure(
    admin: RequireAdmin<V2>,
    body: Json<V2, SecurityBody>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let mut settings = services.administration.security_settings().await?;
    if let Some(cluster) = body.cluster_preferences {
        change_cluster(&mut settings, cluster)?;
    }
    for preference in body.org_preferences.unwrap_or_default() {
        refuse_block(preference.non_embed_access.as_ref())?;
        let org = services
            .org_called(preference.org_identifier.as_deref())
            .await?
            .ok_or_else(|| Failure::bad("org", "the number or name of an Org"))?;
        if let Some(entries) = preference.cors_whitelisted_urls {
            let origins = normal_origins("cors_whitelisted_urls", &entries)?;
            settings.org_cors_origins.insert(org, origins);
        }
    }
    let by = Actor::user(&admin.user, caller.client);
    services
        .administration
        .save_security_settings(&settings, &by)
        .await?;
    services.refresh_live().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn change_cluster(
    settings: &mut SecuritySettings,
    cluster: ClusterPreferences,
) -> Result<(), ApiError<V2>> {
    refuse_block(cluster.non_embed_access.as_ref())?;
    if cluster.enable_partitioned_cookies.is_some() {
        settings.is_partitioned = cluster.enable_partitioned_cookies;
    }
    if let Some(entries) = cluster.cors_whitelisted_urls {
        settings.cors_origins = normal_origins("cors_whitelisted_urls", &entries)?;
    }
    if let Some(entries) = cluster.csp_settings.and_then(|csp| csp.visual_embed_hosts) {
        settings.frame_origins = normal_origins("visual_embed_hosts", &entries)?;
    }
    if let Some(entries) = cluster.saml_redirect_urls {
        settings.redirect_hosts = normal_hosts("saml_redirect_urls", &entries)?;
    }
    Ok(())
}

/// Saying yes to a block that blocks nothing would be a lie.
fn refuse_block(access: Option<&NonEmbedAccess>) -> Result<(), Failure> {
    match access.and_then(|access| access.block_full_app_access) {
        Some(true) => Err(Failure::bad(
            "block_full_app_access",
            "false; this server has no full application to block",
        )),
        _ => Ok(()),
    }
}

/// What was saved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecuritySettings)]
pub struct SecurityView {
    cluster_preferences: ClusterView,
    org_preferences: Vec<OrgView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecurityClusterPreferences)]
struct ClusterView {
    enable_partitioned_cookies: bool,
    cors_whitelisted_urls: Vec<String>,
    csp_settings: CspView,
    saml_redirect_urls: Vec<String>,
    non_embed_access: AccessView,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CspSettings)]
struct CspView {
    visual_embed_hosts: Vec<String>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = NonEmbedAccess)]
struct AccessView {
    block_full_app_access: bool,
    groups_identifiers_with_access: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecurityOrgPreferences)]
struct OrgView {
    org: OrgRef,
    cors_whitelisted_urls: Vec<String>,
    non_embed_access: AccessView,
}

/// `POST system/security-settings/search`: what was saved. What the server's own settings add is not shown here.
#[utoipa::path(
    post,
    path = "/system/security-settings/search",
    responses((status = 200, description = "What was saved.", body = SecurityView), Guarded<V2>, Always<V2>),
)]
pub async fn search(
    _: RequireAdmin<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let settings = services.administration.security_settings().await?;
    let mut orgs = Vec::new();
    for (id, origins) in &settings.org_cors_origins {
        let org = services.directory.find_org(*id).await?;
        orgs.push(OrgView {
            org: OrgRef {
                id: id.0,
                name: org.map(|org| org.name),
            },
            cors_whitelisted_urls: origins.clone(),
            non_embed_access: AccessView::default(),
        });
    }
    Ok(HttpResponse::Ok().json(SecurityView {
        cluster_preferences: ClusterView {
            enable_partitioned_cookies: services.live.load().is_partitioned,
            cors_whitelisted_urls: settings.cors_origins,
            csp_settings: CspView {
                visual_embed_hosts: settings.frame_origins,
            },
            saml_redirect_urls: settings.redirect_hosts,
            non_embed_access: AccessView::default(),
        },
        org_preferences: orgs,
    }))
}
