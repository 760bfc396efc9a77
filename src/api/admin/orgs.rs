//! Orgs at the console. Administrators of one Org see theirs; changing Orgs is for administrators of the server.

use crate::api::admin::desk::{Acts, Looks, Nothing, Refusal};
use crate::api::admin::view;
use crate::api::form::required;
use crate::domain::administration::OrgEdit;
use crate::domain::directory::{Operation, OrgStatus};
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET orgs`: every Org there is to see, by number.
pub async fn list(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    let (_, scope) = desk.viewer();
    let orgs = desk.services().administration.list_orgs().await?;
    let seen = orgs
        .iter()
        .filter(|org| scope.may_manage_in(org.id).is_ok());
    let rows: Vec<Value> = seen.map(view::org).collect();
    Ok(HttpResponse::Ok().json(json!({ "orgs": rows })))
}

#[derive(Deserialize)]
pub struct OrgBody {
    name: Option<String>,
    description: Option<String>,
    status: Option<String>,
}

/// `POST orgs`: creates one.
pub async fn create(acts: Acts<OrgBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let description = body.description.unwrap_or_default();
    let name = required("name", body.name)?;
    let org = desk.manager().create_org(&name, &description).await?;
    Ok(HttpResponse::Created().json(view::org(&org)))
}

/// `PATCH orgs/{id}`: name, description, status. One that is switched off ends every session in it.
pub async fn change(acts: Acts<OrgBody>, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let edit = OrgEdit {
        name: body.name,
        description: body.description,
        status: match body.status.as_deref() {
            None => None,
            Some("active") => Some(OrgStatus::Active),
            Some("disabled") => Some(OrgStatus::Disabled),
            Some(_) => return Err(Failure::bad("status", "active or disabled").into()),
        },
        operation: Operation::Add,
        users: None,
    };
    desk.manager().update_org(&id, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE orgs/{id}`: with its memberships, groups and secret keys; its users stay.
pub async fn delete(acts: Acts<Nothing>, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    acts.desk.manager().delete_org(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
