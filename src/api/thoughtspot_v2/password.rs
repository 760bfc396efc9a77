//! `users/change-password`, `users/reset-password` and `users/force-logout`: what ends sessions.

use crate::api::admin_guard::{RequireManager, RequireViewer};
use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::required;
use crate::api::json::{Json, secret, text, texts};
use crate::api::openapi::refusals::{Always, Guarded, Missing, WithBody, WithPassword};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::fields::required_password;
use crate::domain::administration::Actor;
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

/// The body of `users/change-password` and `users/reset-password`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = PasswordRequest)]
pub struct PasswordBody {
    /// A GUID or a name.
    #[schema(min_length = 1, value_type = String)]
    #[serde(default, deserialize_with = "text")]
    user_identifier: Option<String>,
    /// Needed to change it.
    #[schema(value_type = Option<String>, format = Password)]
    #[serde(default, deserialize_with = "secret")]
    current_password: Option<SecretString>,
    #[schema(value_type = String, format = Password, required = true)]
    #[serde(default, deserialize_with = "secret")]
    new_password: Option<SecretString>,
}

/// The domain sets a password; these calls have two.
const NEW_PASSWORD: &[(&str, &str)] = &[("password", "new_password")];

/// `POST users/change-password`: the current password is the right to set another.
///
/// Whose it is may be anybody signed in who knows it: they could sign in with it as well. All sessions of
/// the user end, this one included if it is theirs.
#[utoipa::path(
    post,
    path = "/users/change-password",
    request_body = PasswordBody,
    responses((status = 204, description = "It is set."), WithBody<V2>, WithPassword<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn change(
    who: RequireViewer<V2>,
    body: Json<V2, PasswordBody>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let whose = required("user_identifier", body.user_identifier)?;
    let current = required_password("current_password", body.current_password)?;
    let new = required_password("new_password", body.new_password)?;
    let administration = &services.administration;
    // Unknown goes on to the door, which answers as it does to a wrong password.
    let found = administration.find_user_called(&whose).await?;
    let name = found.map_or(whose, |user| user.name);
    let door = &services.login;
    let proof = door
        .confirm_password(&name, &current, &caller.client)
        .await?;
    let me = services.require_user(&who.principal).await?;
    let by = Actor::user(&me, caller.client);
    let done = administration
        .change_password(proof, &current, &new, &by)
        .await;
    done.map_err(|error| ApiError::from(error).sent_as(NEW_PASSWORD))?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST users/reset-password`: an administrator sets another user's password.
#[utoipa::path(
    post,
    path = "/users/reset-password",
    request_body = PasswordBody,
    responses((status = 204, description = "It is set."), WithBody<V2>, Missing<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn reset(
    who: RequireManager<V2>,
    body: Json<V2, PasswordBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let called = required("user_identifier", body.user_identifier)?;
    let new = required_password("new_password", body.new_password)?;
    let done = who.acts(&services).reset_password(&called, &new).await;
    done.map_err(|error| ApiError::from(error).sent_as(NEW_PASSWORD))?;
    Ok(HttpResponse::NoContent().finish())
}

/// The body of `users/force-logout`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = ForceLogoutRequest)]
pub struct LogoutBody {
    /// GUIDs or names; without a list, everybody.
    #[serde(default, deserialize_with = "texts")]
    user_identifiers: Option<Vec<String>>,
}

/// `POST users/force-logout`: ends the sessions and tokens of those users; without a list, everybody's.
///
/// An empty list is refused: a script whose list came out empty did not mean everybody.
#[utoipa::path(
    post,
    path = "/users/force-logout",
    request_body = LogoutBody,
    responses((status = 204, description = "They have ended."), WithBody<V2>, Missing<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn force_logout(
    who: RequireManager<V2>,
    body: Json<V2, LogoutBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let users = body.into_inner().user_identifiers;
    if users.as_ref().is_some_and(Vec::is_empty) {
        let expected = "users; leave it out to sign everybody out";
        return Err(Failure::bad("user_identifiers", expected).into());
    }
    who.acts(&services).end_sessions(users.as_deref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
