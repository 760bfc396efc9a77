//! `session/isactive`, `session/info` and `preauth/info`: am I signed in, and as whom?

use crate::api::dialect::ApiError;
use crate::api::guard::RequireSession;
use crate::api::services::Services;
use crate::api::thoughtspot::{CLUSTER_NAME, RELEASE_VERSION};
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::attributes;
use crate::domain::directory::privileges_in;
use crate::domain::principal::{Principal, Via};
use crate::domain::session::Method;
use crate::domain::token::Access;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

/// `GET session/isactive`: 204 for a live cookie or Bearer. Extends the idle timeout, as every check does.
pub async fn is_active(_: RequireSession<V1>) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// `GET session/info`.
pub async fn info(
    who: RequireSession<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    Ok(HttpResponse::Ok().json(describe(&who, &services).await?))
}

/// `GET /prism/preauth/info`: the same object under `info`.
pub async fn preauth_info(
    who: RequireSession<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let info = describe(&who, &services).await?;
    Ok(HttpResponse::Ok().json(json!({ "info": info })))
}

/// The object both calls show.
pub async fn describe(who: &Principal, services: &Services) -> Result<Value, ApiError<V1>> {
    let directory = &*services.directory;
    let user = services.require_user(who).await?;
    let privileges = privileges_in(directory, &user, who.org).await?;
    let org = directory.find_org(who.org).await?;
    let cluster = services.site.cluster_id;
    let access = match who.access {
        Access::Full => json!("FULL"),
        Access::Object(_) => json!("REPORT_BOOK_VIEW"),
    };
    let object = match who.access {
        Access::Full => Value::Null,
        Access::Object(id) => json!(id),
    };
    let idle_end = who.idle_end.map(|end| end.min(who.absolute_end).millis());
    Ok(json!({
        "userName": user.name,
        "userDisplayName": user.display_name,
        "userEmail": user.email,
        "userGUID": user.id.0,
        "userCreatedTime": user.created_at.millis(),
        "userModifiedTime": user.modified_at.millis(),
        "privileges": privileges,
        "currentOrgId": who.org.0,
        "orgsEnabled": true,
        "isSystemUser": false,
        "canChangePassword": true,
        "apiVersion": "v1",
        "releaseVersion": RELEASE_VERSION,
        "clusterId": cluster,
        "clusterName": CLUSTER_NAME,
        "expirationTime": who.absolute_end.seconds(),
        "locale": "en-US",
        "timezone": "UTC",
        "accessLevel": access,
        "objectId": object,
        "jwtUserOptions": attributes::write(&who.attributes),
        "configInfo": {
            // The Embed SDK reads this object unguarded; empty keys keep it from calling an analytics service.
            "mixpanelConfig": { "devSdkKey": "", "prodSdkKey": "", "production": false },
            "isPublicUser": false,
            "isSaas": false,
            "selfClusterId": cluster,
            "selfClusterName": CLUSTER_NAME,
        },
        "vestibule": {
            "idle_expires_at_ms": idle_end,
            "absolute_expires_at_ms": who.absolute_end.millis(),
            "org": { "id": who.org.0, "name": org.map(|org| org.name) },
            "presented": match who.via { Via::Session(_) => "cookie", Via::Bearer => "bearer" },
            "method": who.method.map(Method::as_str),
            "is_remembered": who.is_remembered,
        },
    }))
}
