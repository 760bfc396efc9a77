//! `/prism/?op=`: the query endpoint of embedded pages. We hold sessions, so that is what it can be asked for.

use crate::api::dialect::ApiError;
use crate::api::form::Query;
use crate::api::guard::RequireSession;
use crate::api::openapi::refusals::{Always, Guarded, WithQuery};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::session::{SessionInfo, describe};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Operation {
    /// `GetSessionInfo`; any other name is answered with `errors`.
    #[param(value_type = String, required = false)]
    op: Option<String>,
}

/// An answer, or why there is none.
#[derive(Serialize, ToSchema)]
pub struct PrismAnswer {
    data: Option<PrismData>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<PrismError>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrismData {
    session_info: SessionInfo,
}

#[derive(Serialize, ToSchema)]
pub struct PrismError {
    message: String,
}

/// `POST /prism/?op=`: `{data}` for `GetSessionInfo`, `{errors}` naming the operation for any other.
#[utoipa::path(
    post,
    path = "/",
    params(Operation),
    responses(
        (status = 200, description = "An answer, or why there is none.", body = PrismAnswer),
        WithQuery<V1>, Guarded<V1>, Always<V1>,
    ),
)]
pub async fn answer(
    who: RequireSession<V1>,
    query: Query<V1, Operation>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let name: String = query
        .into_inner()
        .op
        .unwrap_or_default()
        .chars()
        .take(100)
        .collect();
    let body = if name == "GetSessionInfo" {
        let session_info = describe(&who, &services).await?;
        PrismAnswer {
            data: Some(PrismData { session_info }),
            errors: Vec::new(),
        }
    } else {
        let message = format!("operation \"{name}\" is not offered by this server");
        PrismAnswer {
            data: None,
            errors: vec![PrismError { message }],
        }
    };
    Ok(HttpResponse::Ok().json(body))
}
