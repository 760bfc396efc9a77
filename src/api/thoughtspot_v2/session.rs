//! `auth/session/*`: the ways in and out, and who is signed in.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::guard::{RequireSession, bearer, close_session, replaced};
use crate::api::json::{Json, flag, secret, text};
use crate::api::openapi::refusals::{Always, Guarded, Minting, WithBody, WithPassword};
use crate::api::services::Services;
use crate::api::session_layer;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::token::issue_held;
use crate::api::thoughtspot_v2::user_view;
use crate::api::thoughtspot_v2::user_view::UserView;
use crate::domain::failure::Failure;
use crate::domain::login::OpenRequest;
use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// What `GET auth/session/token` hands out lives this long.
const SESSION_TOKEN_VALIDITY: Duration = Duration::from_hours(24);

/// User name and password; neither when a Bearer is to become a cookie session.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = LoginRequest)]
pub struct LoginBody {
    #[serde(default, deserialize_with = "text")]
    username: Option<String>,
    #[schema(value_type = Option<String>, format = Password)]
    #[serde(default, deserialize_with = "secret")]
    password: Option<SecretString>,
    /// The number or name of an Org; without it the last one.
    #[serde(default, deserialize_with = "text")]
    org_identifier: Option<String>,
    /// Whether the session outlives the browser.
    #[serde(default, deserialize_with = "flag")]
    remember_me: Option<bool>,
}

/// `POST auth/session/login`: user name and password, or a Bearer and no credentials; 204 and cookies.
#[utoipa::path(
    post,
    path = "/auth/session/login",
    security((), ("bearer" = [])),
    request_body = LoginBody,
    responses(
        (status = 204, description = "Signed in.", headers(("Set-Cookie" = String, description = "JSESSIONID, then clientId."))),
        WithBody<V2>, WithPassword<V2>, Always<V2>,
    ),
)]
pub async fn log_in(
    body: Json<V2, LoginBody>,
    request: HttpRequest,
    caller: Caller<V2>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let asked = body.org_identifier.as_deref();
    let open = OpenRequest {
        org: services.org_asked_for(asked).await?,
        is_remembered: body.remember_me.unwrap_or(false),
        replaced: replaced(&request, &services),
        ..OpenRequest::default()
    };
    let username = body.username.filter(|name| !name.is_empty());
    let opened = match (username, body.password, bearer(request.headers())) {
        (Some(username), Some(password), _) => {
            let door = &services.login;
            door.log_in(&username, &password, open, &caller.client)
                .await
                .map_err(|error| ApiError::from(error).for_org(asked))?
        }
        (Some(_), None, _) => return Err(Failure::bad("password", "a value; it is missing").into()),
        (None, _, Some(token)) => {
            let door = &services.login;
            door.redeem_token(token, None, open, &caller.client)
                .await
                .map_err(|error| ApiError::from(error).for_org(asked))?
        }
        (None, Some(_), None) => {
            return Err(Failure::bad("username", "a value; it is missing or empty").into());
        }
        (None, None, None) => {
            return Err(Failure::bad("username", "a user name and a password, or a Bearer").into());
        }
    };
    session_layer::hand_out(&cookies, &opened);
    Ok(HttpResponse::NoContent().finish())
}

/// `POST auth/session/logout`: ends the cookie session; a Bearer beside it lives on.
#[utoipa::path(
    post,
    path = "/auth/session/logout",
    responses((status = 204, description = "Signed out."), Guarded<V2>, Always<V2>),
)]
pub async fn log_out(
    request: HttpRequest,
    caller: Caller<V2>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    close_session(&request, &caller.client, &cookies, &services).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET auth/session/user`.
#[utoipa::path(
    get,
    path = "/auth/session/user",
    responses((status = 200, description = "Who is signed in.", body = UserView), Guarded<V2>, Always<V2>),
)]
pub async fn user(
    who: RequireSession<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let user = services.require_user(&who).await?;
    // What this session or token may see, which includes what only the token brought.
    let seen = crate::domain::directory::User {
        attributes: who.attributes.clone(),
        ..user
    };
    Ok(HttpResponse::Ok().json(user_view::show(&*services.directory, &seen, who.org).await?))
}

/// `POST auth/session/user`: the same; one published client posts.
#[utoipa::path(
    post,
    path = "/auth/session/user",
    responses((status = 200, description = "Who is signed in.", body = UserView), Guarded<V2>, Always<V2>),
)]
pub async fn user_by_post(
    who: RequireSession<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    user(who, services).await
}

/// A token and what goes with it. Not `Debug`: it holds a secret.
#[derive(Serialize, ToSchema)]
pub struct SessionToken {
    token: String,
    creation_time_in_millis: u64,
    expiration_time_in_millis: u64,
    valid_for_user_id: Uuid,
    valid_for_username: String,
}

/// `GET auth/session/token`: a fresh token for whoever is signed in, good for 24 hours; one minted from a
/// token ends with it.
#[utoipa::path(
    get,
    path = "/auth/session/token",
    responses(
        (status = 200, description = "The token.", body = SessionToken),
        Guarded<V2>, Minting<V2>, Always<V2>,
    ),
)]
pub async fn token(
    who: RequireSession<V2>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let issued = issue_held(
        &services,
        &who,
        SESSION_TOKEN_VALIDITY,
        None,
        &caller.client,
    )
    .await?;
    Ok(HttpResponse::Ok().json(SessionToken {
        token: issued.text.expose().to_owned(),
        creation_time_in_millis: issued.record.created_at().millis(),
        expiration_time_in_millis: issued.record.expires_at.millis(),
        valid_for_user_id: issued.record.user_id.0,
        valid_for_username: issued.record.user_name,
    }))
}
