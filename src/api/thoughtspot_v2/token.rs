//! `auth/token/full`, `object` and `custom`: minting tokens.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::json::{Unread, flag, parse, secret, text, texts};
use crate::api::openapi::refusals::{Always, WithBody, WithKey, WithPassword};
use crate::api::services::Services;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::attributes::{
    FilterRule, NamedRule, ObjectRule, UserParameters, filters, named, objects,
};
use crate::api::thoughtspot_v2::strange_rules::refuse_strange_rules;
use crate::api::thoughtspot_v2::token_view::{CustomReply, TokenReply};
use crate::api::thoughtspot_v2::user_view::OrgRef;
use crate::domain::audit::Client;
use crate::domain::authn::{IssueRequest, Issued, Persist, Validity, Voucher};
use crate::domain::directory::OrgId;
use crate::domain::failure::Failure;
use crate::domain::principal::Principal;
use crate::domain::token::{Access, Attributes, Purpose};
use actix_web::{HttpResponse, web};
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
    #[schema(min_length = 1, value_type = String, required = true)]
    #[serde(default, deserialize_with = "text")]
    username: Option<String>,
    #[schema(value_type = Option<String>, format = Password)]
    #[serde(default, deserialize_with = "secret")]
    password: Option<SecretString>,
    #[schema(value_type = Option<String>, format = Password)]
    #[serde(default, deserialize_with = "secret")]
    secret_key: Option<SecretString>,
    /// 300 without it.
    #[schema(minimum = 1, value_type = Option<u64>)]
    #[serde(default, deserialize_with = "text")]
    validity_time_in_sec: Option<String>,
    #[serde(default, deserialize_with = "text")]
    org_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    org_identifier: Option<String>,
    #[serde(default, deserialize_with = "text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "text")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    auto_create: Option<bool>,
    #[serde(default, deserialize_with = "texts")]
    group_identifiers: Option<Vec<String>>,
    /// For full and object tokens.
    user_parameters: Option<UserParameters>,
    /// For object tokens: the GUID of a Liveboard or visualization.
    #[serde(default, deserialize_with = "text")]
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

/// A body whose access rules are all read: what does not know a rule's name must not mint as if there were none.
fn read(body: &Unread<V2>) -> Result<TokenBody, Failure> {
    let parsed = parse(body.as_bytes())?;
    refuse_strange_rules(body.as_bytes())?;
    Ok(parsed)
}

impl TokenBody {
    /// Rules of custom tokens in a call for another kind, which has its own place for them.
    fn refuse_custom_rules(&self) -> Result<(), Failure> {
        let named = |list: &Option<Vec<NamedRule>>| list.as_ref().is_some_and(|it| !it.is_empty());
        let given = [
            (
                "filter_rules",
                self.filter_rules.as_ref().is_some_and(|it| !it.is_empty()),
            ),
            ("parameter_values", named(&self.parameter_values)),
            ("variable_values", named(&self.variable_values)),
            (
                "objects",
                self.objects.as_ref().is_some_and(|it| !it.is_empty()),
            ),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((name, _)) => Err(Failure::bad(
                name,
                "to be left out; auth/token/custom takes it, here rules stand in user_parameters",
            )),
        }
    }
}

/// What differs between the three.
struct Kind {
    access: Access,
    attributes: Attributes,
    persist: Persist,
    auto_create: bool,
    updates_existing: bool,
    groups: Option<Vec<String>>,
    /// How the call spells what the domain finds fault with.
    sent: &'static [(&'static str, &'static str)],
}

/// How rules are called within `user_parameters`.
const IN_USER_PARAMETERS: &[(&str, &str)] = &[
    ("filters", "user_parameters.runtime_filters"),
    ("sorts", "user_parameters.runtime_sorts"),
    ("parameters", "user_parameters.parameters"),
    ("objects", "user_parameters.objects"),
];

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
    body: Unread<V2>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let mut body = read(&body)?;
    body.refuse_custom_rules()?;
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
    body: Unread<V2>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let mut body = read(&body)?;
    body.refuse_custom_rules()?;
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
    body: Unread<V2>,
    caller: Caller<V2>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let mut body = read(&body)?;
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
        sent: IN_USER_PARAMETERS,
    })
}

fn custom_kind(body: &mut TokenBody) -> Result<Kind, Failure> {
    if body
        .user_parameters
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(Failure::bad(
            "user_parameters",
            "to be left out; here rules are filter_rules, parameter_values and variable_values",
        ));
    }
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
        sent: &[("groups", "groups[].identifier")],
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
    let org_sent = match &body.org_identifier {
        None if body.org_id.is_some() => "org_id",
        _ => "org_identifier",
    };
    let asked = body.org_identifier.or(body.org_id);
    let org = services.org_asked_for(asked.as_deref()).await?;
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
    let issued = services.trusted.issue(request, client).await;
    issued.map_err(|error| {
        let refused = ApiError::from(error).for_org(asked.as_deref());
        refused.sent_as(&[("org", org_sent)]).sent_as(kind.sent)
    })
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
