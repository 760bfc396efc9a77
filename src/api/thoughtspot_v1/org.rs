//! `session/orgs`: which Orgs there are for the user, and moving the session to another.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query};
use crate::api::guard::RequireSession;
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::login::org_id;
use crate::domain::authn::open_orgs;
use crate::domain::failure::{Failure, Unauthenticated};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub struct PageQuery {
    batchsize: Option<i64>,
    offset: Option<i64>,
}

/// `GET session/orgs`. `batchsize` and `offset` count Orgs; -1 means all.
pub async fn list(
    who: RequireSession<V1>,
    page: Query<V1, PageQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let page = page.into_inner();
    let user = services
        .directory
        .find_user_by_id(who.user_id)
        .await?
        .ok_or(Failure::Unauthenticated(Unauthenticated::DeadSession))?;
    let skip = usize::try_from(page.offset.unwrap_or(-1)).unwrap_or(0);
    let take = usize::try_from(page.batchsize.unwrap_or(-1)).unwrap_or(usize::MAX);
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
