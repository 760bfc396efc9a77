//! `session/v2/gettoken` and `v2/auth/token/fetch`: Bearer tokens for somebody who is signed in already.
//!
//! Clients of these two calls disagree about where the fields stand, so they stand twice: flat and under `data`.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Query, flag, optional};
use crate::api::guard::{RequireSession, is_by_cookie};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::authn::IssueRequest;
use crate::domain::failure::Failure;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const REFRESH_HEADER: HeaderName = HeaderName::from_static("x-refresh-token");
/// A token that can be refreshed need not live long.
const REFRESHABLE_FOR: Duration = Duration::from_hours(1);
/// Any other, and the most that refreshing adds up to.
const VALID_FOR: Duration = Duration::from_hours(24);

#[derive(Deserialize)]
pub struct GetTokenQuery {
    refresh: Option<String>,
}

/// `GET session/v2/gettoken`: by cookie a token, with `refresh=true` also a refresh token; with
/// `X-Refresh-Token` both anew. A refresh token is spent by use, and refreshing never outlasts the first one.
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
    let now = services.login.now();
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
    Ok(HttpResponse::Ok().json(twice(json!({
        "token": token.text.expose(),
        "refreshToken": refresh.as_ref().map(|refresh| refresh.text.expose()),
        "tokenCreatedTime": now.millis(),
        // An absolute moment in milliseconds, whatever its name says.
        "tokenExpiryDuration": token.record.expires_at.millis(),
    }))))
}

#[derive(Deserialize)]
pub struct FetchQuery {
    validity_time_in_sec: Option<String>,
    org_identifier: Option<String>,
}

/// `GET v2/auth/token/fetch`: a token for another Org of the caller's, or for longer.
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
    let org = optional(query.org_identifier);
    let org = services.org_called(org.as_deref()).await?;
    let request = IssueRequest::held((*who).clone(), validity, org);
    let issued = services.trusted.issue(request, &caller.client).await?;
    Ok(HttpResponse::Ok().json(twice(json!({
        "token": issued.text.expose(),
        "creation_time_in_millis": services.login.now().millis(),
        "expiration_time_in_millis": issued.record.expires_at.millis(),
        "valid_for_user_id": issued.record.user_id.0,
        "valid_for_username": issued.record.user_name,
    }))))
}

/// The fields flat, and once more under `data`.
fn twice(fields: Value) -> Value {
    let mut body = fields.as_object().cloned().unwrap_or_default();
    body.insert("data".to_owned(), fields);
    Value::Object(body)
}
