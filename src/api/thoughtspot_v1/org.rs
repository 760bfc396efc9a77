//! `session/orgs`: which Orgs there are for the user, and moving the session to another.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query, optional};
use crate::api::guard::RequireSession;
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::login::org_id;
use crate::domain::authn::open_orgs;
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub struct PageQuery {
    batchsize: Option<String>,
    offset: Option<String>,
}

/// A number of Orgs; none for -1, which means all.
fn count(field: &'static str, text: Option<String>) -> Result<Option<usize>, Failure> {
    let number: Option<i64> = optional(text)
        .map(|text| text.trim().parse())
        .transpose()
        .map_err(|_| Failure::bad(field, "a whole number; -1 means all"))?;
    Ok(number.and_then(|number| usize::try_from(number).ok()))
}

/// `GET session/orgs`. `batchsize` and `offset` count Orgs; -1 means all.
pub async fn list(
    who: RequireSession<V1>,
    page: Query<V1, PageQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let page = page.into_inner();
    let user = services.require_user(&who).await?;
    let skip = count("offset", page.offset)?.unwrap_or(0);
    let take = count("batchsize", page.batchsize)?.unwrap_or(usize::MAX);
    let orgs: Vec<_> = open_orgs(&*services.directory, &user)
        .await?
        .into_iter()
        .skip(skip)
        .take(take)
        .map(|org| {
            json!({
                "orgId": org.id.0,
                "orgName": org.name,
                "description": org.description,
                "isActive": true,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "orgs": orgs,
        "canAdministerAllOrgs": user.is_admin,
        "currentOrgId": who.org.0,
    })))
}

#[derive(Deserialize)]
pub struct SwitchForm {
    orgid: Option<String>,
    /// Some public scripts write it so.
    org: Option<String>,
}

/// `PUT session/orgs`: the session keeps its id and goes on in the other Org; 204.
pub async fn switch(
    who: RequireSession<V1>,
    form: Form<V1, SwitchForm>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let form = form.into_inner();
    let to = org_id(form.orgid.or(form.org))?
        .ok_or_else(|| Failure::bad("orgid", "the number of an Org; it is missing or empty"))?;
    services.login.switch_org(&who, to, &caller.client).await?;
    Ok(HttpResponse::NoContent().finish())
}
