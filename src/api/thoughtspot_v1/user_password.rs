//! `user/updatepassword` and `user/resetpassword`.

use crate::api::admin_guard::{RequireViewer, scope_of};
use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, required};
use crate::api::openapi::refusals::{Always, Guarded, Missing, WithBody, WithKey, WithPassword};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::administration::Actor;
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

/// The form of `user/updatepassword`.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1UpdatePasswordForm)]
pub struct UpdateForm {
    #[schema(min_length = 1, value_type = String)]
    name: Option<String>,
    #[schema(min_length = 1, value_type = String, format = Password)]
    currentpassword: Option<SecretString>,
    #[schema(min_length = 1, value_type = String, format = Password)]
    password: Option<SecretString>,
    /// The published Python client calls it so.
    #[schema(ignore)]
    newpassword: Option<SecretString>,
}

/// `POST user/updatepassword`: the current password is the right to set another. All sessions of the user
/// end, this one included if it is theirs.
#[utoipa::path(
    post,
    path = "/user/updatepassword",
    request_body(content = UpdateForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204, description = "It is set."), WithBody<V1>, WithPassword<V1>, Guarded<V1>, Always<V1>),
)]
pub async fn update(
    who: RequireViewer<V1>,
    form: Form<V1, UpdateForm>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let form = form.into_inner();
    let name = required("name", form.name)?;
    let current = secret("currentpassword", form.currentpassword)?;
    let new = secret("password", form.password.or(form.newpassword))?;
    let door = &services.login;
    let proof = door
        .confirm_password(&name, &current, &caller.client)
        .await?;
    let me = services.require_user(&who.principal).await?;
    let by = Actor::user(&me, caller.client);
    services
        .administration
        .change_password(proof, &current, &new, &by)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The form of `user/resetpassword`.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1ResetPasswordForm)]
pub struct ResetForm {
    /// A GUID or a name.
    #[schema(min_length = 1, value_type = String)]
    userid: Option<String>,
    /// A token of an administrator.
    #[schema(min_length = 1, value_type = String, format = Password)]
    auth_token: Option<SecretString>,
    #[schema(min_length = 1, value_type = String, format = Password)]
    password: Option<SecretString>,
}

/// `POST user/resetpassword`: the token is the credential, and must be an administrator's.
///
/// Not the user's own: a token that lives for minutes must not become a password.
#[utoipa::path(
    post,
    path = "/user/resetpassword",
    security(()),
    request_body(content = ResetForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204, description = "It is set."), WithBody<V1>, WithKey<V1>, Missing<V1>, Always<V1>),
)]
pub async fn reset(
    form: Form<V1, ResetForm>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let form = form.into_inner();
    let whose = required("userid", form.userid)?;
    let token = secret("auth_token", form.auth_token)?;
    let new = secret("password", form.password)?;
    let principal = services.login.bearer(token.expose_secret()).await?;
    let (user, scope) = scope_of::<V1>(&services, &principal).await?;
    let scope = scope.ok_or_else(|| {
        Failure::forbidden(
            "the token must be an administrator's, of the server or of the user's Org",
        )
    })?;
    let by = Actor::user(&user, caller.client);
    services
        .administration
        .manager(scope, &principal, by)
        .reset_password(&whose, &new)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn secret(field: &'static str, text: Option<SecretString>) -> Result<SecretString, Failure> {
    text.filter(|text| !text.expose_secret().is_empty())
        .ok_or_else(|| Failure::bad(field, "a value; it is missing or empty"))
}
