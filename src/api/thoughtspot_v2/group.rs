//! `groups/*` and `roles/search`.

use crate::api::admin_guard::{RequireManager, RequireViewer};
use crate::api::dialect::ApiError;
use crate::api::form::{optional, required};
use crate::api::json::{Json, text, texts};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::fields::{not_offered, operation, page, pattern};
use crate::domain::administration::{GroupEdit, GroupSearch};
use crate::domain::directory::{Directory, Group};
use crate::domain::failure::StoreError;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of `groups/create` and of `groups/{id}/update`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct GroupBody {
    name: Option<String>,
    display_name: Option<String>,
    operation: Option<String>,
    #[serde(deserialize_with = "texts")]
    privileges: Option<Vec<String>>,
    #[serde(deserialize_with = "texts")]
    user_identifiers: Option<Vec<String>>,
    #[serde(deserialize_with = "texts")]
    sub_group_identifiers: Option<Vec<String>>,
    #[serde(deserialize_with = "texts")]
    role_identifiers: Option<Vec<String>>,
}

/// `POST groups/create`: in the Org worked in.
pub async fn create(
    who: RequireManager<V2>,
    body: Json<V2, GroupBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    not_offered("sub_group_identifiers", body.sub_group_identifiers)?;
    not_offered("role_identifiers", body.role_identifiers)?;
    let name = required("name", body.name)?;
    let display_name = required("display_name", body.display_name)?;
    let privileges = body.privileges.unwrap_or_default();
    let users = body.user_identifiers.unwrap_or_default();
    let group = who
        .acts(&services)
        .create_group(&name, Some(&display_name), privileges, &users)
        .await?;
    Ok(HttpResponse::Ok().json(show(&*services.directory, &group).await?))
}

/// `POST groups/{id}/update`.
pub async fn update(
    who: RequireManager<V2>,
    called: web::Path<String>,
    body: Json<V2, GroupBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    not_offered("sub_group_identifiers", body.sub_group_identifiers)?;
    not_offered("role_identifiers", body.role_identifiers)?;
    let edit = GroupEdit {
        name: optional(body.name),
        display_name: optional(body.display_name),
        operation: operation(body.operation.as_deref())?,
        privileges: body.privileges,
        users: body.user_identifiers,
    };
    who.acts(&services).update_group(&called, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST groups/{id}/delete`.
pub async fn delete(
    who: RequireManager<V2>,
    called: web::Path<String>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    who.acts(&services).delete_group(&called).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The body of `groups/search`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SearchBody {
    #[serde(deserialize_with = "text")]
    group_identifier: Option<String>,
    name_pattern: Option<String>,
    display_name: Option<String>,
    #[serde(deserialize_with = "texts")]
    org_identifiers: Option<Vec<String>>,
    #[serde(deserialize_with = "texts")]
    privileges: Option<Vec<String>>,
    #[serde(deserialize_with = "texts")]
    user_identifiers: Option<Vec<String>>,
    #[serde(deserialize_with = "text")]
    record_offset: Option<String>,
    #[serde(deserialize_with = "text")]
    record_size: Option<String>,
}

/// `POST groups/search`: ordered by Org and name.
pub async fn search(
    who: RequireViewer<V2>,
    body: Json<V2, SearchBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let (offset, limit) = page(body.record_offset.as_deref(), body.record_size.as_deref())?;
    let some = |list: Option<Vec<String>>| list.filter(|list| !list.is_empty());
    let search = GroupSearch {
        group: body.group_identifier,
        name_contains: pattern(body.name_pattern),
        display_name: optional(body.display_name),
        orgs: body.org_identifiers,
        privileges: some(body.privileges),
        users: some(body.user_identifiers),
        offset,
        limit,
    };
    let administration = &services.administration;
    let groups = administration.search_groups(who.sees, &search).await?;
    let mut shown = Vec::with_capacity(groups.len());
    for group in &groups {
        shown.push(show(&*services.directory, group).await?);
    }
    Ok(HttpResponse::Ok().json(shown))
}

/// `POST roles/search`: we have none; one client asks before it starts.
pub async fn search_roles(_: RequireViewer<V2>) -> HttpResponse {
    HttpResponse::Ok().json(json!([]))
}

async fn show(directory: &dyn Directory, group: &Group) -> Result<Value, StoreError> {
    let users = directory.members_of(group.id).await?;
    let users: Vec<Value> = users
        .iter()
        .map(|user| json!({ "id": user.id.0, "name": user.name }))
        .collect();
    let org = directory.find_org(group.org).await?;
    Ok(json!({
        "id": group.id.0,
        "name": group.name,
        "display_name": group.display_name,
        "description": null,
        "privileges": group.privileges,
        "orgs": [{ "id": group.org.0, "name": org.map(|org| org.name) }],
        "users": users,
        "sub_groups": [],
        "roles": [],
        "tags": [],
        "type": "LOCAL_GROUP",
        "visibility": "SHARABLE",
        "parent_type": "GROUP",
        "complete_detail": true,
        "external": false,
        "hidden": false,
        "deleted": false,
        "deprecated": false,
        "system_group": false,
    }))
}
