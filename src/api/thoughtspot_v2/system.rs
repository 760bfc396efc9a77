//! `system`: what clients ask about the cluster before they trust it.

use crate::api::dialect::ApiError;
use crate::api::guard::RequireSession;
use crate::api::services::Services;
use crate::api::thoughtspot::{CLUSTER_NAME, RELEASE_VERSION};
use crate::api::thoughtspot_v2::V2;
use crate::domain::administration::ADMINISTRATOR;
use crate::domain::directory::NameKey;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// `GET system`: for every signed-in user; one client cannot start without it.
pub async fn describe(
    _: RequireSession<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let administrator = match NameKey::new(ADMINISTRATOR) {
        Ok(key) => services.directory.find_user(&key).await?,
        Err(_) => None,
    };
    // Clients require ids here; without the first administrator the cluster's own stands in.
    let id = administrator.map_or(services.site.cluster_id, |user| user.id.0);
    Ok(HttpResponse::Ok().json(json!({
        "id": services.site.cluster_id,
        "name": CLUSTER_NAME,
        "release_version": RELEASE_VERSION,
        "time_zone": "Etc/UTC",
        "locale": "en_US",
        "date_format": "MM/dd/yyyy",
        "api_version": "v2",
        "type": "SAAS",
        "environment": "Production",
        "license": "Enterprise",
        "date_time_format": "MM/dd/yyyy HH:mm:ss",
        "time_format": "HH:mm",
        "system_user_id": id,
        "super_user_id": id,
        "hidden_object_id": services.site.cluster_id,
        "system_group_id": services.site.cluster_id,
        "tsadmin_user_id": id,
        "admin_group_id": services.site.cluster_id,
        "all_tables_connection_id": services.site.cluster_id,
        "all_user_group_id": services.site.cluster_id,
        "accept_language": null,
        "count_column_name": null,
    })))
}

/// `GET system/config-overrides`: we have none.
pub async fn config_overrides(_: RequireSession<V2>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "config_override_info": {} }))
}
