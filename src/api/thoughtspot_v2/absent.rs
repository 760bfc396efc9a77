//! What `ThoughtSpot` has and a session server does not: signed-in callers get a clear answer instead of a 404.

use crate::api::dialect::ApiError;
use crate::api::guard::RequireSession;
use crate::api::openapi::refusals::{Always, Guarded};
use crate::api::thoughtspot_v2::V2;
use crate::domain::failure::Failure;
use actix_web::HttpResponse;

/// `POST metadata/tml/export`: there is no modelling content here to move; 403.
#[utoipa::path(post, path = "/metadata/tml/export", responses(Guarded<V2>, Always<V2>))]
pub async fn export_tml(_: RequireSession<V2>) -> Result<HttpResponse, ApiError<V2>> {
    refuse_tml()
}

/// `POST metadata/tml/import`: there is no modelling content here to move; 403.
#[utoipa::path(post, path = "/metadata/tml/import", responses(Guarded<V2>, Always<V2>))]
pub async fn import_tml(_: RequireSession<V2>) -> Result<HttpResponse, ApiError<V2>> {
    refuse_tml()
}

fn refuse_tml() -> Result<HttpResponse, ApiError<V2>> {
    Err(Failure::SwitchedOff {
        feature: "TML export and import; this server keeps sign-in, not modelling content",
    }
    .into())
}
