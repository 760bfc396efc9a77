//! `auth/token/validate` and `revoke`: what a token is good for, and its end.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::guard::{RequireSession, bearer};
use crate::api::json::{Json, secret, text};
use crate::api::openapi::refusals::{Always, Guarded, WithBody};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::token_view::ValidToken;
use crate::domain::administration::Actor;
use crate::domain::authn::RedeemError;
use crate::domain::directory::NameKey;
use crate::domain::failure::Failure;
use crate::domain::principal::Principal;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

/// The body of `auth/token/validate` and `auth/token/revoke`.
#[derive(Default, Deserialize, ToSchema)]
pub struct GivenToken {
    #[schema(value_type = Option<String>, format = Password)]
    #[serde(default, deserialize_with = "secret")]
    token: Option<SecretString>,
    /// For `revoke`: the GUID or name of a user.
    #[serde(default, deserialize_with = "text")]
    user_identifier: Option<String>,
}

/// `POST auth/token/validate`: what a token is good for; 400 when it is no good.
#[utoipa::path(
    post,
    path = "/auth/token/validate",
    request_body = GivenToken,
    responses(
        (status = 200, description = "What it is good for.", body = ValidToken),
        WithBody<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn validate(
    _: RequireSession<V2>,
    body: Json<V2, GivenToken>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let token = body
        .into_inner()
        .token
        .ok_or_else(|| Failure::bad("token", "a token; it is missing"))?;
    let record = services
        .trusted
        .recognise(token.expose_secret())
        .await
        .map_err(bad_token)?;
    Ok(HttpResponse::Ok().json(ValidToken::new(record)))
}

/// `POST auth/token/revoke`: the token given; every session and token of `user_identifier`; with neither, the
/// Bearer that was presented.
#[utoipa::path(
    post,
    path = "/auth/token/revoke",
    request_body = GivenToken,
    responses((status = 204, description = "It has ended."), WithBody<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn revoke(
    who: RequireSession<V2>,
    request: HttpRequest,
    body: Json<V2, GivenToken>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let given = body.token.filter(|token| !token.expose_secret().is_empty());
    let presented = bearer(request.headers());
    match (given, body.user_identifier, presented) {
        (Some(token), _, _) => revoke_one(&services, &who, token.expose_secret(), &caller).await?,
        (None, Some(user), _) => revoke_all_of(&services, &who, &user, &caller).await?,
        (None, None, Some(token)) => revoke_one(&services, &who, token, &caller).await?,
        (None, None, None) => {
            return Err(Failure::bad("token", "a token, a user_identifier or a Bearer").into());
        }
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn revoke_one(
    services: &Services,
    who: &Principal,
    token: &str,
    caller: &Caller<V2>,
) -> Result<(), ApiError<V2>> {
    let record = services.trusted.recognise(token).await.map_err(bad_token)?;
    if record.user_id != who.user_id && !services.is_admin(who).await? {
        return Err(Failure::forbidden("this is another user's token").into());
    }
    services
        .trusted
        .revoke(token, &record, &caller.client)
        .await?;
    Ok(())
}

async fn revoke_all_of(
    services: &Services,
    who: &Principal,
    user: &str,
    caller: &Caller<V2>,
) -> Result<(), ApiError<V2>> {
    let me = services.require_user(who).await?;
    let is_me = me.id.to_string() == user
        || NameKey::new(user).is_ok_and(|key| NameKey::new(&me.name) == Ok(key));
    let target = if is_me {
        services.require_whole_account(who).await?;
        me.id
    } else if services.is_admin(who).await? {
        services.user_called("user_identifier", user).await?.id
    } else {
        return Err(Failure::forbidden("only an administrator ends another user's tokens").into());
    };
    let by = Actor::user(&me, caller.client.clone());
    services.administration.end_sessions_of(target, &by).await?;
    Ok(())
}

/// In a body a bad token is a bad parameter; only a presented one is a refusal of the caller.
fn bad_token(error: RedeemError) -> ApiError<V2> {
    match error {
        RedeemError::Store(cause) => cause.into(),
        other => ApiError::caused(
            Failure::bad(
                "token",
                "a live token; this one is malformed, expired or revoked",
            ),
            other,
        ),
    }
}
