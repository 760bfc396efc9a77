//! Groups at the console.

use crate::api::admin::Admin;
use crate::api::admin::desk::{Acts, Looks, Nothing, Refusal};
use crate::api::admin::view;
use crate::api::form::{Query, optional, required};
use crate::domain::administration::{GroupEdit, GroupSearch};
use crate::domain::directory::Operation;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

/// Groups on one page unless the page says.
const PAGE: usize = 100;
/// The most groups on one page.
const MOST_ON_PAGE: usize = 500;

#[derive(Deserialize)]
pub struct ListQuery {
    q: Option<String>,
    org: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
}

/// `GET groups`: those whose name contains `q`, by Org and name, a page at a time.
pub async fn list(
    Looks(desk): Looks,
    query: Query<Admin, ListQuery>,
) -> Result<HttpResponse, Refusal> {
    let query = query.into_inner();
    let (_, scope) = desk.viewer();
    let limit = query.limit.unwrap_or(PAGE).clamp(1, MOST_ON_PAGE);
    let search = GroupSearch {
        name_contains: optional(query.q),
        orgs: optional(query.org).map(|org| vec![org]),
        offset: query.offset.unwrap_or(0),
        limit: limit + 1,
        ..GroupSearch::default()
    };
    let administration = &desk.services().administration;
    let mut groups = administration.search_groups(scope, &search).await?;
    let has_more = groups.len() > limit;
    groups.truncate(limit);
    let rows: Vec<Value> = groups.iter().map(view::group).collect();
    Ok(HttpResponse::Ok().json(json!({ "groups": rows, "has_more": has_more })))
}

/// `GET groups/{id}`: one group and its members.
pub async fn show(Looks(desk): Looks, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let (group, members) = desk.manager().members(&id).await?;
    let mut value = view::group(&group);
    value["members"] = members
        .iter()
        .map(|user| json!({ "id": user.id.to_string(), "name": user.name, "display_name": user.display_name }))
        .collect();
    Ok(HttpResponse::Ok().json(value))
}

#[derive(Deserialize)]
pub struct GroupBody {
    org: Option<String>,
    name: Option<String>,
    display_name: Option<String>,
    privileges: Option<Vec<String>>,
    users: Option<Vec<String>>,
}

/// `POST groups`: creates one with members, in the Org worked in or the one named.
pub async fn create(acts: Acts<GroupBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let org = optional(body.org);
    let manager = desk.manager().working_in(org.as_deref()).await?;
    let group = manager
        .create_group(
            &required("name", body.name)?,
            optional(body.display_name).as_deref(),
            body.privileges.unwrap_or_default(),
            &body.users.unwrap_or_default(),
        )
        .await?;
    Ok(HttpResponse::Created().json(view::group(&group)))
}

#[derive(Deserialize)]
pub struct ChangeBody {
    name: Option<String>,
    display_name: Option<String>,
    privileges: Option<Vec<String>>,
    users: Option<Vec<String>>,
    operation: Option<String>,
}

/// `PATCH groups/{id}`: names, rights (all of them), members (added, removed or replaced). What is absent stays.
pub async fn change(
    acts: Acts<ChangeBody>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let users = match body.users {
        Some(listed) => Some((view::operation(body.operation.as_deref())?, listed)),
        None => None,
    };
    let privileges = body.privileges.map(|listed| (Operation::Replace, listed));
    let edit = GroupEdit {
        name: body.name,
        display_name: body.display_name,
        privileges,
        users,
    };
    desk.manager().update_group(&id, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE groups/{id}`: its members stay.
pub async fn delete(acts: Acts<Nothing>, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    acts.desk.manager().delete_group(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
