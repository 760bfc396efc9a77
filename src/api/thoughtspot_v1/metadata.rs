//! `metadata/listvizheaders`: the call that documentation uses to show that a session works.

use crate::api::dialect::ApiError;
use crate::api::form::{Query, required};
use crate::api::guard::RequireSession;
use crate::api::openapi::refusals::{Always, Guarded, Missing, WithQuery};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::failure::Failure;
use crate::domain::token::Access;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VizQuery {
    /// The GUID of a saved Answer or Liveboard.
    #[param(value_type = Uuid)]
    id: Option<String>,
}

/// A visualization as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VizHeader {
    id: Uuid,
    name: String,
    title: Title,
    /// `CHART`, `HEADLINE`, `TABLE`, …
    viz_type: String,
    size: String,
    author: Uuid,
    owner: Uuid,
    modified_by: Uuid,
    created: u64,
    modified: u64,
}

/// Clients read `title.value.text`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Title {
    value: TitleValue,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TitleValue {
    text: String,
}

/// `GET metadata/listvizheaders?id=`: the visualizations of a Liveboard, in order.
#[utoipa::path(
    get,
    path = "/metadata/listvizheaders",
    params(VizQuery),
    responses(
        (status = 200, description = "What may be seen of it.", body = Vec<VizHeader>),
        WithQuery<V1>, Missing<V1>, Guarded<V1>, Always<V1>,
    ),
)]
pub async fn list_viz_headers(
    who: RequireSession<V1>,
    query: Query<V1, VizQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let query = query.into_inner();
    let id = required("id", query.id)?;
    let id = Uuid::parse_str(&id)
        .map_err(|_| Failure::bad("id", "the GUID of a saved Answer or Liveboard"))?;
    let found = services.directory.find_liveboard(id).await?;
    // Judged before "not found": a limited session must not learn which other objects exist.
    let is_shown = |object: Uuid| who.access.may_view(id) || who.access.may_view(object);
    let may_any = match (who.access, &found) {
        (Access::Full, _) => true,
        (access, Some(board)) => {
            access.may_view(id)
                || board
                    .visualizations
                    .iter()
                    .any(|viz| access.may_view(viz.id))
        }
        (access, None) => access.may_view(id),
    };
    if !may_any {
        return Err(Failure::forbidden("this session may see another object only").into());
    }
    let board = found.ok_or_else(|| Failure::NotFound {
        what: format!("Liveboard {id}"),
    })?;
    let headers: Vec<_> = board
        .visualizations
        .iter()
        .filter(|viz| is_shown(viz.id))
        .map(|viz| VizHeader {
            id: viz.id,
            name: viz.title.clone(),
            title: Title {
                value: TitleValue {
                    text: viz.title.clone(),
                },
            },
            viz_type: viz.kind.clone(),
            size: viz.size.clone(),
            author: board.owner.0,
            owner: board.owner.0,
            modified_by: board.owner.0,
            created: board.created_at.millis(),
            modified: board.modified_at.millis(),
        })
        .collect();
    Ok(HttpResponse::Ok().json(headers))
}
