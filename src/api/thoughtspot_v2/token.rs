//! `auth/token/*`: minting, validating and revoking tokens.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::guard::{RequireSession, bearer};
use crate::api::json::{Json, flag, text, texts};
use crate::api::openapi::refusals::{Always, Guarded, WithBody, WithKey, WithPassword};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::attributes::{
    FilterRule, NamedRule, ObjectRule, UserParameters, filters, named, objects,
};
use crate::api::thoughtspot_v2::token_view::{CustomReply, TokenReply, ValidToken};
use crate::api::thoughtspot_v2::user_view::OrgRef;
use crate::domain::administration::Actor;
use crate::domain::audit::Client;
use crate::domain::authn::{IssueRequest, Issued, Persist, Validity, Voucher};
use crate::domain::directory::{NameKey, OrgId};
use crate::domain::failure::Failure;
use crate::domain::principal::Principal;
use crate::domain::token::{Access, Attributes, Purpose};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long a token lives when the request does not say.
const DEFAULT_VALIDITY: u64 = 300;

/// What all three minting calls read; a secret key wins over a password beside it.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = TokenRequest)]
pub struct TokenBody {
    #[schema(min_length = 1, value_type = String)]
    username: Option<String>,
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretString>,
    #[schema(value_type = Option<String>, format = Password)]
    secret_key: Option<SecretString>,
    /// 300 without it.
    #[schema(minimum = 1, value_type = Option<u64>)]
    #[serde(default, deserialize_with = "text")]
    validity_time_in_sec: Option<String>,
    #[serde(default, deserialize_with = "text")]
    org_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    org_identifier: Option<String>,
    email: Option<String>,
    display_name: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    auto_create: Option<bool>,
    #[serde(default, deserialize_with = "texts")]
    group_identifiers: Option<Vec<String>>,
    /// For full and object tokens.
    user_parameters: Option<UserParameters>,
    /// For object tokens: the GUID of a Liveboard or visualization.
    object_id: Option<String>,
    // The rest is for custom tokens.
    /// `REPLACE`, `APPEND`, `NONE` or `RESET`.
    #[schema(pattern = "^(REPLACE|APPEND|NONE|RESET)$")]
    persist_option: Option<String>,
    filter_rules: Option<Vec<FilterRule>>,
    parameter_values: Option<Vec<NamedRule>>,
    variable_values: Option<Vec<NamedRule>>,
    objects: Option<Vec<ObjectRule>>,
    groups: Option<Vec<GroupRef>>,
}

/// A group by name or GUID.
#[derive(Deserialize, ToSchema)]
#[schema(as = TokenGroup)]
pub struct GroupRef {
    identifier: String,
}

/// What differs between the three.
struct Kind {
    access: Access,
    attributes: Attributes,
    persist: Persist,
    auto_create: bool,
    updates_existing: bool,
    groups: Option<Vec<String>>,
}

/// `POST auth/token/full`.
#[utoipa::path(
    post,
    path = "/auth/token/full",
    security(()),
    request_body = TokenBody,
    responses(
        (status = 200, description = "The token.", body = TokenReply),
        WithBody<V2>, WithPassword<V2>, WithKey<V2>, Always<V2>,
    ),
)]
pub async fn full(
    body: Json<V2, TokenBody>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let mut body = body.into_inner();
    let kind = of_user(&mut body, Access::Full)?;
    let issued = issue(body, kind, &services, &caller.client).await?;
    Ok(HttpResponse::Ok().json(TokenReply::new(&issued)))
}

/// `POST auth/token/object`: good for one object only, read-only.
#[utoipa::path(
    post,
    path = "/auth/token/object",
    security(()),
    request_body = TokenBody,
    responses(
        (status = 200, description = "The token.", body = TokenReply),
        WithBody<V2>, WithPassword<V2>, WithKey<V2>, Always<V2>,
    ),
)]
pub async fn object(
    body: Json<V2, TokenBody>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let mut body = body.into_inner();
    let id = body
        .object_id
        .take()
        .and_then(|id| Uuid::parse_str(&id).ok())
        .ok_or_else(|| Failure::bad("object_id", "the GUID of a Liveboard or visualization"))?;
    let kind = of_user(&mut body, Access::Object(id))?;
    let issued = issue(body, kind, &services, &caller.client).await?;
    Ok(HttpResponse::Ok().json(TokenReply::new(&issued)))
}

/// `POST auth/token/custom`: with attributes that may stay with the user.
#[utoipa::path(
    post,
    path = "/auth/token/custom",
    security(()),
    request_body = TokenBody,
    responses(
        (status = 200, description = "The token.", body = CustomReply),
        WithBody<V2>, WithPassword<V2>, WithKey<V2>, Always<V2>,
    ),
)]
pub async fn custom(
    body: Json<V2, TokenBody>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let mut body = body.into_inner();
    let kind = custom_kind(&mut body)?;
    let issued = issue(body, kind, &services, &caller.client).await?;
    let record = &issued.record;
    let org = services.directory.find_org(record.org).await?;
    let org = OrgRef {
        id: record.org.0,
        name: org.map(|org| org.name),
    };
    Ok(HttpResponse::Ok().json(CustomReply::new(&issued, org)))
}

fn of_user(body: &mut TokenBody, access: Access) -> Result<Kind, Failure> {
    let attributes = match body.user_parameters.take() {
        Some(parameters) => parameters.into_attributes()?,
        None => Attributes::default(),
    };
    Ok(Kind {
        access,
        attributes,
        persist: Persist::No,
        auto_create: body.auto_create.unwrap_or(false),
        updates_existing: true,
        groups: body.group_identifiers.take(),
    })
}

fn custom_kind(body: &mut TokenBody) -> Result<Kind, Failure> {
    let has_variables = body.variable_values.as_ref().is_some_and(|v| !v.is_empty());
    // The vendor requires it; its own Python client leaves it out.
    let persist = match body.persist_option.as_deref().unwrap_or("NONE") {
        "REPLACE" => Persist::Replace,
        "APPEND" => Persist::Append,
        "NONE" | "RESET" if has_variables => {
            return Err(Failure::bad(
                "persist_option",
                "REPLACE or APPEND beside variable_values",
            ));
        }
        "NONE" => Persist::No,
        "RESET" => Persist::Reset,
        _ => {
            return Err(Failure::bad(
                "persist_option",
                "REPLACE, APPEND, NONE or RESET",
            ));
        }
    };
    let attributes = Attributes {
        filters: filters(body.filter_rules.take().unwrap_or_default()),
        sorts: Vec::new(),
        parameters: named(body.parameter_values.take().unwrap_or_default()),
        variables: named(body.variable_values.take().unwrap_or_default()),
        objects: objects("objects", body.objects.take().unwrap_or_default())?,
    };
    let groups = body.groups.take();
    Ok(Kind {
        access: Access::Full,
        attributes,
        persist,
        auto_create: body.auto_create.unwrap_or(true),
        updates_existing: false,
        groups: groups.map(|list| list.into_iter().map(|group| group.identifier).collect()),
    })
}

/// A secret key wins over a password beside it.
async fn issue(
    body: TokenBody,
    kind: Kind,
    services: &Services,
    client: &Client,
) -> Result<Issued, ApiError<V2>> {
    let username = body
        .username
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Failure::bad("username", "a value; it is missing or empty"))?;
    let is_given = |secret: &SecretString| !secret.expose_secret().is_empty();
    let secret_key = body.secret_key.filter(is_given);
    let password = body.password.filter(is_given);
    let validity = validity(body.validity_time_in_sec.as_deref())?;
    let org = body.org_identifier.or(body.org_id);
    let org = services.org_asked_for(org.as_deref()).await?;
    let voucher = match (secret_key, password) {
        (Some(key), _) => Voucher::Key(key),
        (None, Some(password)) => {
            let door = &services.login;
            let proof = door.vouch(&username, &password, client).await?;
            Voucher::Proof(Box::new(proof))
        }
        (None, None) => {
            return Err(Failure::bad("secret_key", "a secret_key or a password").into());
        }
    };
    let request = IssueRequest {
        voucher,
        validity: Validity::For(validity),
        purpose: Purpose::Access,
        username,
        org,
        access: kind.access,
        auto_create: kind.auto_create,
        updates_existing: kind.updates_existing,
        email: body.email.filter(|email| !email.is_empty()),
        display_name: body.display_name.filter(|name| !name.is_empty()),
        groups: kind.groups,
        replace_groups: true,
        attributes: kind.attributes,
        persist: kind.persist,
    };
    Ok(services.trusted.issue(request, client).await?)
}

/// A token for whoever is signed in already.
pub async fn issue_held(
    services: &Services,
    who: &Principal,
    validity: Duration,
    org: Option<OrgId>,
    client: &Client,
) -> Result<Issued, ApiError<V2>> {
    let request = IssueRequest::held(who.clone(), validity, org);
    Ok(services.trusted.issue(request, client).await?)
}

fn validity(text: Option<&str>) -> Result<Duration, Failure> {
    let bad = || {
        Failure::bad(
            "validity_time_in_sec",
            "a whole number of seconds, 1 or more",
        )
    };
    let seconds = match text {
        None => DEFAULT_VALIDITY,
        Some(text) => text.parse().map_err(|_| bad())?,
    };
    if seconds == 0 {
        return Err(bad());
    }
    Ok(Duration::from_secs(seconds))
}

/// The body of `auth/token/validate` and `auth/token/revoke`.
#[derive(Default, Deserialize, ToSchema)]
pub struct GivenToken {
    #[schema(value_type = Option<String>, format = Password)]
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
fn bad_token(error: crate::domain::authn::RedeemError) -> ApiError<V2> {
    use crate::domain::authn::RedeemError;
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
