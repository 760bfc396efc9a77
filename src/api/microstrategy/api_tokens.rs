//! `auth/apiTokens`: a user's one API token, for programs that sign in with login mode 4096.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::body::Behind;
use crate::api::microstrategy::guard::Signed;
use crate::api::microstrategy::project::{hex_id, parse_id};
use crate::api::microstrategy::reply::json;
use crate::api::microstrategy::server::date;
use crate::api::services::Services;
use crate::domain::administration::Actor;
use crate::domain::directory::{ApiToken, User, UserId};
use crate::domain::failure::Failure;
use crate::domain::session::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use serde_json::{Value, json as value};
use std::time::Duration;

type Refusal = ApiError<MicroStrategy>;

/// `POST auth/apiTokens`: a new token in place of the old, told this once.
pub async fn create(
    Behind {
        who: signed,
        fields,
    }: Behind<Signed>,
    caller: Caller<MicroStrategy>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let site = services.microstrategy()?;
    let user = may_have(&signed, &services).await?;
    if signed.session.method == Method::ApiToken {
        // Or a token could renew itself for ever, and its lifetime would mean nothing.
        return Err(Failure::forbidden("an API token makes no other").into());
    }
    let owner = match fields.text("userId")? {
        None => user.id,
        Some(id) => owner_of_id(&id, &user, &services).await?,
    };
    let lifetime = match fields.number("lifeTimeInMinutes")? {
        None => site.api_token_lifetime,
        Some(minutes) => lifetime(minutes, site.api_token_lifetime)?,
    };
    let by = Actor::user(&user, caller.client);
    let administration = &services.administration;
    let (token, text) = administration
        .create_api_token(owner, lifetime, &by)
        .await?;
    let mut body = metadata(&token);
    body["apiToken"] = text.expose_secret().into();
    Ok(HttpResponse::Created().json(body))
}

fn lifetime(minutes: i64, most: Duration) -> Result<Duration, Failure> {
    let most_minutes = most.as_secs() / 60;
    u64::try_from(minutes)
        .ok()
        .filter(|minutes| (1..=most_minutes.max(1)).contains(minutes))
        .map(|minutes| Duration::from_secs(minutes * 60))
        .ok_or_else(|| Failure::bad("lifeTimeInMinutes", format!("1 to {most_minutes}")))
}

/// `GET auth/apiTokens`: when the caller's token was made and when it ends.
pub async fn show(
    signed: Signed,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let token = services.administration.api_token_of(signed.session.user_id);
    let token = token.await?.ok_or_else(none)?;
    Ok(json(&request, metadata(&token)))
}

/// `DELETE auth/apiTokens`: ends the caller's token and every session it opened.
pub async fn delete(
    signed: Signed,
    caller: Caller<MicroStrategy>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let user = may_have(&signed, &services).await?;
    let by = Actor::user(&user, caller.client);
    if !services
        .administration
        .delete_api_token(user.id, &by)
        .await?
    {
        return Err(none().into());
    }
    Ok(HttpResponse::NoContent().finish())
}

fn none() -> Failure {
    Failure::NotFound {
        what: "API token of this user".to_owned(),
    }
}

/// A guest has proved nothing that a token could stand for; nor has who was delegated to, perhaps by a guest.
async fn may_have(signed: &Signed, services: &Services) -> Result<User, Refusal> {
    if matches!(signed.session.method, Method::Guest | Method::IdentityToken) {
        return Err(Failure::forbidden("guests and delegates have no API tokens").into());
    }
    if !signed.principal.reach.is_empty() {
        // An API token stands for its user in every Org.
        let reason = "a session that is good for some Orgs only has no API tokens";
        return Err(Failure::forbidden(reason).into());
    }
    Ok(services.require_user(&signed.principal).await?)
}

async fn owner_of_id(id: &str, user: &User, services: &Services) -> Result<UserId, Refusal> {
    let owner = parse_id(id).map(UserId);
    if owner == Some(user.id) {
        return Ok(user.id);
    }
    if !user.is_admin {
        let reason = "only an administrator of the server makes API tokens for others";
        return Err(Failure::forbidden(reason).into());
    }
    let found = match owner {
        Some(owner) => services.directory.find_user_by_id(owner).await?,
        None => None,
    };
    let found = found.map(|found| found.id);
    Ok(found.ok_or_else(|| Failure::bad("userId", "the id of an existing user"))?)
}

fn metadata(token: &ApiToken) -> Value {
    value!({
        "userId": hex_id(token.user.0),
        "createTime": date(token.created_at),
        "expireTime": date(token.expires_at),
    })
}
