//! `session/v2/gettoken` and `v2/auth/token/fetch`: Bearer tokens for somebody who is signed in already.
//!
//! Clients of these two calls disagree about where the fields stand, so they stand twice: flat and under `data`.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Query, flag, optional};
use crate::api::guard::{RequireSession, is_by_cookie};
use crate::api::openapi::refusals::{Always, Guarded, Minting, WithQuery};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::authn::IssueRequest;
use crate::domain::failure::Failure;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

const REFRESH_HEADER: HeaderName = HeaderName::from_static("x-refresh-token");
/// A token that can be refreshed need not live long.
const REFRESHABLE_FOR: Duration = Duration::from_hours(1);
/// Any other, and the most that refreshing adds up to.
const VALID_FOR: Duration = Duration::from_hours(24);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GetTokenQuery {
    /// Whether a refresh token is wanted too.
    #[param(value_type = bool, required = false)]
    refresh: Option<String>,
}

/// The fields flat, and once more under `data`.
#[derive(Serialize, ToSchema)]
pub struct Twice<T> {
    #[serde(flatten)]
    flat: T,
    data: T,
}

impl<T: Clone> Twice<T> {
    fn of(fields: T) -> Self {
        Self {
            flat: fields.clone(),
            data: fields,
        }
    }
}

/// A token and what goes with it. Not `Debug`: it holds secrets.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldToken {
    token: String,
    /// Null unless it was asked for.
    refresh_token: Option<String>,
    /// Milliseconds since 1970.
    token_created_time: u64,
    /// An absolute moment in milliseconds, whatever its name says.
    token_expiry_duration: u64,
}

/// `GET session/v2/gettoken`: by cookie a token, with `refresh=true` also a refresh token; with
/// `X-Refresh-Token` both anew. A refresh token is spent by use, and refreshing never outlasts the first one.
#[utoipa::path(
    get,
    path = "/session/v2/gettoken",
    params(
        GetTokenQuery,
        ("X-Refresh-Token" = inline(Option<String>), Header, description = "A refresh token to trade in."),
    ),
    responses(
        (status = 200, description = "The token.", body = Twice<HeldToken>),
        WithQuery<V1>, Guarded<V1>, Minting<V1>, Always<V1>,
    ),
)]
pub async fn get_token(
    who: RequireSession<V1>,
    query: Query<V1, GetTokenQuery>,
    request: HttpRequest,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let wants_refresh = flag("refresh", query.into_inner().refresh.as_deref())?;
    let trusted = &services.trusted;
    let client = &caller.client;
    let (owner, is_refreshable) = match request.headers().get(REFRESH_HEADER) {
        Some(text) => {
            let text = text.to_str().unwrap_or_default();
            (trusted.spend_refresh(text, &who).await?, true)
        }
        None => ((*who).clone(), wants_refresh && is_by_cookie(&who)),
    };
    let validity = if is_refreshable {
        REFRESHABLE_FOR
    } else {
        VALID_FOR
    };
    let token = IssueRequest::held(owner.clone(), validity, None);
    let token = trusted.issue(token, client).await?;
    let refresh = if is_refreshable {
        let request = IssueRequest::refresh(owner, VALID_FOR);
        Some(trusted.issue(request, client).await?)
    } else {
        None
    };
    Ok(HttpResponse::Ok().json(Twice::of(HeldToken {
        token: token.text.expose().to_owned(),
        refresh_token: refresh.map(|refresh| refresh.text.expose().to_owned()),
        token_created_time: token.record.created_at().millis(),
        token_expiry_duration: token.record.expires_at.millis(),
    })))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FetchQuery {
    /// 1 or more; a day without it.
    #[param(value_type = u64, required = false)]
    validity_time_in_sec: Option<String>,
    /// The number or name of an Org of the caller's.
    #[param(value_type = String, required = false)]
    org_identifier: Option<String>,
}

/// A token and what goes with it. Not `Debug`: it holds a secret.
#[derive(Clone, Serialize, ToSchema)]
pub struct FetchedToken {
    token: String,
    creation_time_in_millis: u64,
    expiration_time_in_millis: u64,
    valid_for_user_id: Uuid,
    valid_for_username: String,
}

/// `GET v2/auth/token/fetch`: a token for another Org of the caller's, or for longer.
#[utoipa::path(
    get,
    path = "/v2/auth/token/fetch",
    params(FetchQuery),
    responses(
        (status = 200, description = "The token.", body = Twice<FetchedToken>),
        WithQuery<V1>, Guarded<V1>, Minting<V1>, Always<V1>,
    ),
)]
pub async fn fetch(
    who: RequireSession<V1>,
    query: Query<V1, FetchQuery>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let query = query.into_inner();
    let bad = || {
        Failure::bad(
            "validity_time_in_sec",
            "a whole number of seconds, 1 or more",
        )
    };
    let validity = match optional(query.validity_time_in_sec) {
        None => VALID_FOR,
        Some(text) => match text.parse() {
            Ok(0) | Err(_) => return Err(bad().into()),
            Ok(seconds) => Duration::from_secs(seconds),
        },
    };
    let asked = optional(query.org_identifier);
    // One answer for an Org of others and for none at all.
    let org = services.org_asked_for(asked.as_deref()).await?;
    let request = IssueRequest::held((*who).clone(), validity, org);
    let issued = services
        .trusted
        .issue(request, &caller.client)
        .await
        .map_err(|error| {
            let refused = ApiError::from(error).for_org(asked.as_deref());
            refused.sent_as(&[("org", "org_identifier")])
        })?;
    Ok(HttpResponse::Ok().json(Twice::of(FetchedToken {
        token: issued.text.expose().to_owned(),
        creation_time_in_millis: issued.record.created_at().millis(),
        expiration_time_in_millis: issued.record.expires_at.millis(),
        valid_for_user_id: issued.record.user_id.0,
        valid_for_username: issued.record.user_name,
    })))
}
