//! `groups/*` and `roles/search`.

use crate::api::admin_guard::{RequireManager, RequireViewer};
use crate::api::dialect::ApiError;
use crate::api::form::{optional, required};
use crate::api::json::{Json, text, texts};
use crate::api::openapi::refusals::{Always, Clashing, Guarded, Missing, WithBody};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::fields::{not_offered, operation, page, pattern};
use crate::api::thoughtspot_v2::user_view::{OrgRef, UserRef};
use crate::domain::administration::{GroupEdit, GroupSearch};
use crate::domain::directory::{Directory, Group};
use crate::domain::failure::StoreError;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The body of `groups/create` and of `groups/{id}/update`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = GroupRequest)]
pub struct GroupBody {
    /// Needed to create.
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
    /// Needed to create.
    #[serde(default, deserialize_with = "text")]
    display_name: Option<String>,
    /// What to do with `user_identifiers` and `privileges`: `ADD`, `REPLACE` (the default) or `REMOVE`.
    #[schema(pattern = "^(ADD|REPLACE|REMOVE)$")]
    operation: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    privileges: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    user_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    sub_group_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    role_identifiers: Option<Vec<String>>,
}

/// `POST groups/create`: in the Org worked in.
#[utoipa::path(
    post,
    path = "/groups/create",
    request_body = GroupBody,
    responses(
        (status = 200, description = "The group.", body = GroupView),
        WithBody<V2>, Missing<V2>, Clashing<V2>, Guarded<V2>, Always<V2>,
    ),
)]
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
#[utoipa::path(
    post,
    path = "/groups/{id}/update",
    params(("id" = String, Path, description = "The GUID or name of a group.")),
    request_body = GroupBody,
    responses(
        (status = 204, description = "Changed."),
        WithBody<V2>, Missing<V2>, Clashing<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn update(
    who: RequireManager<V2>,
    called: web::Path<String>,
    body: Json<V2, GroupBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    not_offered("sub_group_identifiers", body.sub_group_identifiers)?;
    not_offered("role_identifiers", body.role_identifiers)?;
    let operation = operation(body.operation.as_deref())?;
    let edit = GroupEdit {
        name: optional(body.name),
        display_name: optional(body.display_name),
        privileges: body.privileges.map(|listed| (operation, listed)),
        users: body.user_identifiers.map(|listed| (operation, listed)),
    };
    who.acts(&services).update_group(&called, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST groups/{id}/delete`.
#[utoipa::path(
    post,
    path = "/groups/{id}/delete",
    params(("id" = String, Path, description = "The GUID or name of a group.")),
    responses((status = 204, description = "Deleted."), Missing<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn delete(
    who: RequireManager<V2>,
    called: web::Path<String>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    who.acts(&services).delete_group(&called).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The body of `groups/search`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = GroupSearch)]
pub struct SearchBody {
    #[serde(default, deserialize_with = "text")]
    group_identifier: Option<String>,
    #[serde(default, deserialize_with = "text")]
    name_pattern: Option<String>,
    #[serde(default, deserialize_with = "text")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    org_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    privileges: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    user_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "text")]
    record_offset: Option<String>,
    #[serde(default, deserialize_with = "text")]
    record_size: Option<String>,
}

/// `POST groups/search`: ordered by Org and name.
#[utoipa::path(
    post,
    path = "/groups/search",
    request_body = SearchBody,
    responses(
        (status = 200, description = "The groups.", body = Vec<GroupView>),
        WithBody<V2>, Guarded<V2>, Always<V2>,
    ),
)]
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

/// A role. There are none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Role {
    id: Uuid,
    name: String,
}

/// `POST roles/search`: we have none; one client asks before it starts.
#[utoipa::path(
    post,
    path = "/roles/search",
    responses((status = 200, description = "None.", body = Vec<Role>), Guarded<V2>, Always<V2>),
)]
pub async fn search_roles(_: RequireViewer<V2>) -> HttpResponse {
    HttpResponse::Ok().json(Vec::<Role>::new())
}

/// Everything clients read of a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the wire has this many; nothing of ours reads them"
)]
pub struct GroupView {
    id: Uuid,
    name: String,
    display_name: String,
    description: Option<String>,
    privileges: Vec<String>,
    orgs: Vec<OrgRef>,
    users: Vec<UserRef>,
    sub_groups: Vec<String>,
    roles: Vec<Role>,
    tags: Vec<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    visibility: &'static str,
    parent_type: &'static str,
    complete_detail: bool,
    external: bool,
    hidden: bool,
    deleted: bool,
    deprecated: bool,
    system_group: bool,
}

async fn show(directory: &dyn Directory, group: &Group) -> Result<GroupView, StoreError> {
    let users = directory.members_of(group.id).await?;
    let org = directory.find_org(group.org).await?;
    Ok(GroupView {
        id: group.id.0,
        name: group.name.clone(),
        display_name: group.display_name.clone(),
        description: None,
        privileges: group.privileges.clone(),
        orgs: vec![OrgRef {
            id: group.org.0,
            name: org.map(|org| org.name),
        }],
        users: users
            .into_iter()
            .map(|user| UserRef {
                id: user.id.0,
                name: user.name,
            })
            .collect(),
        sub_groups: Vec::new(),
        roles: Vec::new(),
        tags: Vec::new(),
        kind: "LOCAL_GROUP",
        visibility: "SHARABLE",
        parent_type: "GROUP",
        complete_detail: true,
        external: false,
        hidden: false,
        deleted: false,
        deprecated: false,
        system_group: false,
    })
}
