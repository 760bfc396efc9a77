//! `system`: what clients ask about the cluster before they trust it.

use crate::api::dialect::ApiError;
use crate::api::guard::RequireSession;
use crate::api::openapi::refusals::{Always, Guarded};
use crate::api::services::Services;
use crate::api::thoughtspot::{CLUSTER_NAME, RELEASE_VERSION};
use crate::api::thoughtspot_v2::V2;
use crate::domain::administration::ADMINISTRATOR;
use crate::domain::directory::NameKey;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The cluster. What a session server has none of carries the cluster's own id: clients require ids here.
#[derive(Debug, Serialize, ToSchema)]
pub struct SystemInfo {
    id: Uuid,
    name: &'static str,
    release_version: &'static str,
    time_zone: &'static str,
    locale: &'static str,
    date_format: &'static str,
    api_version: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    environment: &'static str,
    license: &'static str,
    date_time_format: &'static str,
    time_format: &'static str,
    system_user_id: Uuid,
    super_user_id: Uuid,
    hidden_object_id: Uuid,
    system_group_id: Uuid,
    tsadmin_user_id: Uuid,
    admin_group_id: Uuid,
    all_tables_connection_id: Uuid,
    all_user_group_id: Uuid,
    accept_language: Option<&'static str>,
    count_column_name: Option<&'static str>,
}

/// Overrides of the cluster's configuration.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ConfigOverrides {
    config_override_info: NoOverrides,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct NoOverrides {}

/// `GET system`: for every signed-in user; one client cannot start without it.
#[utoipa::path(
    get,
    path = "/system",
    responses((status = 200, description = "The cluster.", body = SystemInfo), Guarded<V2>, Always<V2>),
)]
pub async fn describe(
    _: RequireSession<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let administrator = match NameKey::new(ADMINISTRATOR) {
        Ok(key) => services.directory.find_user(&key).await?,
        Err(_) => None,
    };
    // Without the first administrator the cluster's own stands in.
    let cluster = services.site.cluster_id;
    let id = administrator.map_or(cluster, |user| user.id.0);
    Ok(HttpResponse::Ok().json(SystemInfo {
        id: cluster,
        name: CLUSTER_NAME,
        release_version: RELEASE_VERSION,
        time_zone: "Etc/UTC",
        locale: "en_US",
        date_format: "MM/dd/yyyy",
        api_version: "v2",
        kind: "SAAS",
        environment: "Production",
        license: "Enterprise",
        date_time_format: "MM/dd/yyyy HH:mm:ss",
        time_format: "HH:mm",
        system_user_id: id,
        super_user_id: id,
        hidden_object_id: cluster,
        system_group_id: cluster,
        tsadmin_user_id: id,
        admin_group_id: cluster,
        all_tables_connection_id: cluster,
        all_user_group_id: cluster,
        accept_language: None,
        count_column_name: None,
    }))
}

/// `GET system/config-overrides`: we have none.
#[utoipa::path(
    get,
    path = "/system/config-overrides",
    responses((status = 200, description = "None.", body = ConfigOverrides), Guarded<V2>, Always<V2>),
)]
pub async fn config_overrides(_: RequireSession<V2>) -> HttpResponse {
    HttpResponse::Ok().json(ConfigOverrides::default())
}
