//! `user/session/invalidate`: an administrator ends the sessions of some users, or of everybody.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, optional};
use crate::api::guard::RequireAdmin;
use crate::api::openapi::refusals::{Always, Guarded, WithBody};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::administration::Actor;
use crate::domain::directory::{NameKey, UserId};
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whose sessions end; with neither, everybody's.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1InvalidateForm)]
pub struct InvalidateForm {
    /// A JSON array of names, as a string.
    #[schema(value_type = String, required = false)]
    username: Option<String>,
    /// A JSON array of GUIDs, as a string.
    #[schema(value_type = String, required = false)]
    userid: Option<String>,
}

/// `POST user/session/invalidate`: `username` and `userid` are JSON arrays in a string; with neither,
/// everybody's sessions end. All names are looked up before any session ends. An empty array is
/// refused: a script whose list came out empty did not mean everybody.
#[utoipa::path(
    post,
    path = "/user/session/invalidate",
    request_body(content = InvalidateForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204, description = "They have ended."), WithBody<V1>, Guarded<V1>, Always<V1>),
)]
pub async fn invalidate_sessions(
    admin: RequireAdmin<V1>,
    form: Form<V1, InvalidateForm>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let form = form.into_inner();
    let names = list("username", optional(form.username))?;
    let ids = list("userid", optional(form.userid))?;
    let mut users: Vec<UserId> = Vec::new();
    for name in &names {
        let found = match NameKey::new(name) {
            Ok(key) => services.directory.find_user(&key).await?,
            Err(_) => None,
        };
        let user = found.ok_or_else(|| Failure::bad("username", "names of existing users"))?;
        users.push(user.id);
    }
    for id in &ids {
        let found = match Uuid::parse_str(id) {
            Ok(id) => services.directory.find_user_by_id(UserId(id)).await?,
            Err(_) => None,
        };
        let user = found.ok_or_else(|| Failure::bad("userid", "GUIDs of existing users"))?;
        users.push(user.id);
    }
    let by = Actor::user(&admin.user, caller.client);
    if names.is_empty() && ids.is_empty() {
        services.administration.end_all_sessions(&by).await?;
    }
    for user in users {
        services.administration.end_sessions_of(user, &by).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

fn list(field: &'static str, text: Option<String>) -> Result<Vec<String>, Failure> {
    let bad = || {
        Failure::bad(
            field,
            "a JSON array of strings, not empty; leave it out for everybody",
        )
    };
    text.map_or(Ok(Vec::new()), |text| {
        let names: Vec<String> = serde_json::from_str(&text).map_err(|_| bad())?;
        if names.is_empty() {
            Err(bad())
        } else {
            Ok(names)
        }
    })
}
