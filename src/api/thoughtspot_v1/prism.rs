//! `/prism/?op=`: the query endpoint of embedded pages. We hold sessions, so that is what it can be asked for.

use crate::api::dialect::ApiError;
use crate::api::form::Query;
use crate::api::guard::RequireSession;
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::session::describe;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub struct Operation {
    op: Option<String>,
}

/// `POST /prism/?op=`: `{data}` for `GetSessionInfo`, `{errors}` naming the operation for any other.
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
        json!({ "data": { "sessionInfo": describe(&who, &services).await? } })
    } else {
        let message = format!("operation \"{name}\" is not offered by this server");
        json!({ "data": null, "errors": [{ "message": message }] })
    };
    Ok(HttpResponse::Ok().json(body))
}
