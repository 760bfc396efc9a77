//! `orgs/*`.

use crate::api::admin_guard::{RequireManager, RequireViewer};
use crate::api::dialect::ApiError;
use crate::api::form::required;
use crate::api::json::{Json, clearing, text, texts};
use crate::api::openapi::refusals::{Always, Clashing, Guarded, Missing, WithBody};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::fields::{not_offered, operation, org_status, page, pattern};
use crate::domain::administration::{AdminError, AdminScope, OrgEdit};
use crate::domain::authn::open_orgs;
use crate::domain::directory::{NameKey, Org, OrgStatus};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `orgs/create` and of `orgs/{id}/update`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = OrgRequest)]
pub struct OrgBody {
    /// Needed to create.
    #[serde(default, deserialize_with = "clearing")]
    name: Option<String>,
    #[serde(default, deserialize_with = "clearing")]
    description: Option<String>,
    /// `ACTIVE` or `IN_ACTIVE`.
    #[schema(pattern = "^(ACTIVE|IN_ACTIVE)$")]
    status: Option<String>,
    /// What to do with `user_identifiers`: `ADD`, `REPLACE` (the default) or `REMOVE`.
    #[schema(pattern = "^(ADD|REPLACE|REMOVE)$")]
    operation: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    user_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    group_identifiers: Option<Vec<String>>,
}

/// `POST orgs/create`.
#[utoipa::path(
    post,
    path = "/orgs/create",
    request_body = OrgBody,
    responses(
        (status = 200, description = "The Org.", body = OrgView),
        WithBody<V2>, Clashing<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn create(
    who: RequireManager<V2>,
    body: Json<V2, OrgBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let manager = who.acts(&services);
    manager.scope().require_server().map_err(AdminError::from)?;
    let name = required("name", body.name)?;
    let description = body.description.unwrap_or_default();
    let org = manager.create_org(&name, &description).await?;
    Ok(HttpResponse::Ok().json(show(&org)))
}

/// `POST orgs/{id}/update`.
#[utoipa::path(
    post,
    path = "/orgs/{id}/update",
    params(("id" = String, Path, description = "The number or name of an Org.")),
    request_body = OrgBody,
    responses(
        (status = 204, description = "Changed."),
        WithBody<V2>, Missing<V2>, Clashing<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn update(
    who: RequireManager<V2>,
    called: web::Path<String>,
    body: Json<V2, OrgBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    not_offered("group_identifiers", body.group_identifiers)?;
    let edit = OrgEdit {
        name: body.name,
        description: body.description,
        status: org_status(body.status.as_deref())?,
        operation: operation(body.operation.as_deref())?,
        users: body.user_identifiers,
    };
    who.acts(&services).update_org(&called, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST orgs/{id}/delete`.
#[utoipa::path(
    post,
    path = "/orgs/{id}/delete",
    params(("id" = String, Path, description = "The number or name of an Org.")),
    responses((status = 204, description = "Deleted."), Missing<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn delete(
    who: RequireManager<V2>,
    called: web::Path<String>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    who.acts(&services).delete_org(&called).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The body of `orgs/search`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = OrgSearch)]
pub struct SearchBody {
    #[serde(default, deserialize_with = "text")]
    org_identifier: Option<String>,
    #[serde(default, deserialize_with = "text")]
    name_pattern: Option<String>,
    #[serde(default, deserialize_with = "clearing")]
    description: Option<String>,
    #[schema(pattern = "^(ACTIVE|IN_ACTIVE)$")]
    status: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    user_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "text")]
    record_offset: Option<String>,
    #[serde(default, deserialize_with = "text")]
    record_size: Option<String>,
}

/// `POST orgs/search`: to an administrator of the server every Org, to anybody else those they may work in.
#[utoipa::path(
    post,
    path = "/orgs/search",
    request_body = SearchBody,
    responses(
        (status = 200, description = "The Orgs.", body = Vec<OrgView>),
        WithBody<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn search(
    who: RequireViewer<V2>,
    body: Json<V2, SearchBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let status = org_status(body.status.as_deref())?;
    let (offset, size) = page(body.record_offset.as_deref(), body.record_size.as_deref())?;
    let directory = &*services.directory;
    let mut orgs = match who.sees {
        AdminScope::Server => directory.list_orgs().await?,
        AdminScope::Org(_) => match directory.find_user_by_id(who.principal.user_id).await? {
            // Their own, even for an administrator of the server who came by the key of one Org.
            Some(user) => {
                let user = crate::domain::directory::User {
                    is_admin: false,
                    ..user
                };
                open_orgs(directory, &user).await?
            }
            None => Vec::new(),
        },
    };
    if let Some(users) = body.user_identifiers.filter(|users| !users.is_empty()) {
        let mut theirs = Vec::new();
        for called in &users {
            if let Some(user) = services.administration.find_user_called(called).await? {
                // What others belong to is not everybody's to know.
                if who.is_manager || user.id == who.principal.user_id {
                    theirs.extend(directory.orgs_of(user.id).await?.iter().map(|org| org.id));
                }
            }
        }
        orgs.retain(|org| theirs.contains(&org.id));
    }
    let pattern = pattern(body.name_pattern).map(|text| NameKey::fold(&text));
    orgs.retain(|org| {
        body.org_identifier
            .as_deref()
            .is_none_or(|called| is_called(org, called))
            && pattern
                .as_ref()
                .is_none_or(|text| NameKey::fold(&org.name).contains(text))
            && body
                .description
                .as_deref()
                .is_none_or(|text| NameKey::fold(text) == NameKey::fold(&org.description))
            && status.is_none_or(|status| status == org.status)
    });
    let found: Vec<OrgView> = orgs.iter().skip(offset).take(size).map(show).collect();
    Ok(HttpResponse::Ok().json(found))
}

fn is_called(org: &Org, called: &str) -> bool {
    called == org.id.to_string() || NameKey::new(called).ok() == NameKey::new(&org.name).ok()
}

/// An Org.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Org)]
struct OrgView {
    id: i64,
    name: String,
    /// `ACTIVE` or `IN_ACTIVE`.
    status: &'static str,
    description: String,
    visibility: &'static str,
}

fn show(org: &Org) -> OrgView {
    OrgView {
        id: org.id.0,
        name: org.name.clone(),
        status: match org.status {
            OrgStatus::Active => "ACTIVE",
            OrgStatus::Disabled => "IN_ACTIVE",
        },
        description: org.description.clone(),
        visibility: "SHOW",
    }
}
