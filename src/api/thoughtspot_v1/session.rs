//! `session/isactive`, `session/info` and `preauth/info`: am I signed in, and as whom?

use crate::api::deliverable::is_deliverable;
use crate::api::dialect::ApiError;
use crate::api::guard::RequireSession;
use crate::api::openapi::refusals::{Always, Guarded};
use crate::api::services::Services;
use crate::api::thoughtspot::{CLUSTER_NAME, RELEASE_VERSION};
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::attributes;
use crate::domain::directory::{AccountType, privileges_in};
use crate::domain::principal::{Principal, Via};
use crate::domain::session::Method;
use crate::domain::token::Access;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// `GET session/isactive`: 204 for a live cookie or Bearer. Extends the idle timeout, as every check does.
#[utoipa::path(
    get,
    path = "/session/isactive",
    responses((status = 204, description = "Signed in."), Guarded<V1>, Always<V1>),
)]
pub async fn is_active(_: RequireSession<V1>) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// `GET session/info`.
#[utoipa::path(
    get,
    path = "/session/info",
    responses((status = 200, description = "Who is signed in.", body = SessionInfo), Guarded<V1>, Always<V1>),
)]
pub async fn info(
    who: RequireSession<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    Ok(HttpResponse::Ok().json(describe(&who, &services).await?))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PreauthInfo {
    info: SessionInfo,
}

/// `GET /prism/preauth/info`: the same object under `info`.
#[utoipa::path(
    get,
    path = "/preauth/info",
    responses((status = 200, description = "Who is signed in.", body = PreauthInfo), Guarded<V1>, Always<V1>),
)]
pub async fn preauth_info(
    who: RequireSession<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let info = describe(&who, &services).await?;
    Ok(HttpResponse::Ok().json(PreauthInfo { info }))
}

/// Who is signed in, where and how. The Embed SDK reads more of it than it documents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    user_name: String,
    user_display_name: String,
    user_email: Option<String>,
    #[serde(rename = "userGUID")]
    user_guid: Uuid,
    /// Milliseconds since 1970.
    user_created_time: u64,
    /// Milliseconds since 1970.
    user_modified_time: u64,
    privileges: BTreeSet<String>,
    current_org_id: i64,
    orgs_enabled: bool,
    is_system_user: bool,
    can_change_password: bool,
    api_version: &'static str,
    release_version: &'static str,
    cluster_id: Uuid,
    cluster_name: &'static str,
    /// When the session or token ends at the latest, in seconds since 1970.
    expiration_time: u64,
    locale: &'static str,
    timezone: &'static str,
    /// `FULL` or `REPORT_BOOK_VIEW`.
    access_level: &'static str,
    /// The one object that `REPORT_BOOK_VIEW` may see.
    object_id: Option<Uuid>,
    /// The attributes in the shape of `jwt_user_options`; null when there are none.
    #[schema(value_type = Option<Object>)]
    jwt_user_options: Value,
    config_info: ConfigInfo,
    vestibule: Details,
}

/// The Embed SDK reads this object unguarded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigInfo {
    mixpanel_config: MixpanelConfig,
    is_public_user: bool,
    is_saas: bool,
    self_cluster_id: Uuid,
    self_cluster_name: &'static str,
}

/// Empty keys keep the Embed SDK from calling an analytics service.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MixpanelConfig {
    dev_sdk_key: &'static str,
    prod_sdk_key: &'static str,
    production: bool,
}

/// What this server says beyond the product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Details {
    /// Milliseconds since 1970; null for a token, which has no idle timeout.
    idle_expires_at_ms: Option<u64>,
    /// Milliseconds since 1970.
    absolute_expires_at_ms: u64,
    org: CurrentOrg,
    /// `cookie` or `bearer`.
    presented: &'static str,
    /// How the session was opened: `password`, `ldap`, `trusted_token`, `saml`, `oidc` or another word of the audit trail; null for a token.
    method: Option<&'static str>,
    /// Whether the browser was asked to keep the cookie.
    is_remembered: bool,
}

/// The Org worked in; its name is null when it was deleted meanwhile.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentOrg {
    id: i64,
    name: Option<String>,
}

/// The object all three calls show.
pub async fn describe(who: &Principal, services: &Services) -> Result<SessionInfo, ApiError<V1>> {
    let directory = &*services.directory;
    let user = services.require_user(who).await?;
    let privileges = privileges_in(directory, &user, who.org).await?;
    let org = directory.find_org(who.org).await?;
    let cluster_id = services.site.cluster_id;
    let (access_level, object_id) = match who.access {
        Access::Full => ("FULL", None),
        Access::Object(id) => ("REPORT_BOOK_VIEW", Some(id)),
    };
    let idle_end = who.idle_end.map(|end| end.min(who.absolute_end).millis());
    Ok(SessionInfo {
        user_name: user.name,
        user_display_name: user.display_name,
        user_email: user.email.filter(|email| is_deliverable(email)),
        user_guid: user.id.0,
        user_created_time: user.created_at.millis(),
        user_modified_time: user.modified_at.millis(),
        privileges,
        current_org_id: who.org.0,
        orgs_enabled: true,
        is_system_user: false,
        can_change_password: user.account_type == AccountType::Local,
        api_version: "v1",
        release_version: RELEASE_VERSION,
        cluster_id,
        cluster_name: CLUSTER_NAME,
        expiration_time: who.absolute_end.seconds(),
        locale: "en-US",
        timezone: "UTC",
        access_level,
        object_id,
        jwt_user_options: attributes::write(&who.attributes),
        config_info: ConfigInfo {
            mixpanel_config: MixpanelConfig::default(),
            is_public_user: false,
            // As `system` of v2 says it: cs_tools picks its calls by either.
            is_saas: true,
            self_cluster_id: cluster_id,
            self_cluster_name: CLUSTER_NAME,
        },
        vestibule: Details {
            idle_expires_at_ms: idle_end,
            absolute_expires_at_ms: who.absolute_end.millis(),
            org: CurrentOrg {
                id: who.org.0,
                name: org.map(|org| org.name),
            },
            presented: match who.via {
                Via::Session(_) => "cookie",
                Via::Bearer => "bearer",
            },
            method: who.method.map(Method::as_str),
            is_remembered: who.is_remembered,
        },
    })
}
