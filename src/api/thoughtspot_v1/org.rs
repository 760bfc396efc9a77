//! `session/orgs`: which Orgs there are for the user, and moving the session to another.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query, optional};
use crate::api::guard::RequireSession;
use crate::api::openapi::refusals::{Always, Guarded, WithBody, WithQuery};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::login::org_id;
use crate::domain::authn::open_orgs;
use crate::domain::directory::OrgId;
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many; -1 means all.
    #[param(value_type = i64, required = false)]
    batchsize: Option<String>,
    /// How many to leave out; -1 means none.
    #[param(value_type = i64, required = false)]
    offset: Option<String>,
}

/// The Orgs there are for the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgList {
    orgs: Vec<OrgEntry>,
    can_administer_all_orgs: bool,
    current_org_id: i64,
}

/// An Org in that list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgEntry {
    org_id: i64,
    org_name: String,
    description: String,
    is_active: bool,
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
#[utoipa::path(
    get,
    path = "/session/orgs",
    params(PageQuery),
    responses(
        (status = 200, description = "The Orgs.", body = OrgList),
        WithQuery<V1>, Guarded<V1>, Always<V1>,
    ),
)]
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
        .map(|org| OrgEntry {
            org_id: org.id.0,
            org_name: org.name,
            description: org.description,
            is_active: true,
        })
        .collect();
    Ok(HttpResponse::Ok().json(OrgList {
        orgs,
        can_administer_all_orgs: user.is_admin,
        current_org_id: who.org.0,
    }))
}

/// What the vendor's page has for all Orgs. An administrator of the server administers all of them from any, so for them
/// it moves nothing; to everybody else it is no Org.
const ALL_ORGS: OrgId = OrgId(-1);

/// The Org to move to.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1SwitchForm)]
pub struct SwitchForm {
    #[schema(value_type = i64)]
    orgid: Option<String>,
    /// Some public scripts write it so.
    #[schema(ignore)]
    org: Option<String>,
}

/// `PUT session/orgs`: the session keeps its id and goes on in the other Org; 204.
#[utoipa::path(
    put,
    path = "/session/orgs",
    request_body(content = SwitchForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204, description = "Moved."), WithBody<V1>, Guarded<V1>, Always<V1>),
)]
pub async fn switch(
    who: RequireSession<V1>,
    form: Form<V1, SwitchForm>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let form = form.into_inner();
    let to = org_id(form.orgid.or(form.org))?
        .ok_or_else(|| Failure::bad("orgid", "the number of an Org; it is missing or empty"))?;
    if to == ALL_ORGS && services.is_admin(&who).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    services.login.switch_org(&who, to, &caller.client).await?;
    Ok(HttpResponse::NoContent().finish())
}
