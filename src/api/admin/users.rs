//! Users at the console.

use crate::api::admin::Admin;
use crate::api::admin::audit::refused_addresses;
use crate::api::admin::desk::{Acts, Looks, Nothing, Refusal};
use crate::api::admin::view;
use crate::api::form::{Query, optional, required};
use crate::domain::administration::{AccountEdit, MAX_FOUND, MembershipDraft, NewUser, UserSearch};
use crate::domain::directory::{AccountStatus, AccountType, Operation};
use crate::domain::failure::Failure;
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;

/// Users on one page unless the page says.
const PAGE: usize = 50;
/// The most users on one page.
const MOST_ON_PAGE: usize = 500;

#[derive(Deserialize)]
pub struct ListQuery {
    q: Option<String>,
    org: Option<String>,
    group: Option<String>,
    status: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
}

/// `GET users`: those whose name contains `q`, by name, a page at a time.
pub async fn list(
    Looks(desk): Looks,
    query: Query<Admin, ListQuery>,
) -> Result<HttpResponse, Refusal> {
    let query = query.into_inner();
    let (_, scope) = desk.viewer();
    let limit = query.limit.unwrap_or(PAGE).clamp(1, MOST_ON_PAGE);
    let search = UserSearch {
        name_contains: optional(query.q),
        orgs: optional(query.org).map(|org| vec![org]),
        groups: optional(query.group).map(|group| vec![group]),
        status: view::account_status(optional(query.status).as_deref())?,
        offset: query.offset.unwrap_or(0).min(MAX_FOUND * 1_000),
        // One more tells whether there is a next page.
        limit: limit + 1,
        ..UserSearch::default()
    };
    let services = desk.services();
    let mut users = services.administration.search_users(scope, &search).await?;
    let has_more = users.len() > limit;
    users.truncate(limit);
    let mut rows = Vec::with_capacity(users.len());
    for user in &users {
        let mut row = view::user(user);
        let orgs = services.directory.orgs_of(user.id).await?;
        let seen = orgs
            .iter()
            .filter(|org| scope.may_manage_in(org.id).is_ok());
        row["orgs"] = seen.map(|org| org.name.clone()).collect();
        rows.push(row);
    }
    Ok(HttpResponse::Ok().json(json!({ "users": rows, "has_more": has_more })))
}

/// `GET users/{id}`: one user with Orgs and groups.
pub async fn show(Looks(desk): Looks, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let (details, may_change) = desk.manager().user_details(&id).await?;
    let mut value = view::user(&details.user);
    value["has_password"] = details.has_password.into();
    value["may_change"] = may_change.into();
    let memberships = details.memberships.iter();
    value["memberships"] = memberships
        .map(|(org, groups)| -> Value {
            let groups: Vec<Value> = groups.iter().map(view::group).collect();
            json!({ "org": org.id.0, "name": org.name, "groups": groups })
        })
        .collect();
    Ok(HttpResponse::Ok().json(value))
}

/// A user to be created; groups as `GROUP` in the first Org or `ORG:GROUP`.
#[derive(Deserialize)]
pub struct UserBody {
    pub(super) name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<SecretString>,
    #[serde(default)]
    is_ldap: bool,
    #[serde(default)]
    is_admin: bool,
    pub(super) orgs: Option<Vec<String>>,
    pub(super) groups: Option<Vec<String>>,
    #[serde(default)]
    create_groups: bool,
    status: Option<String>,
}

/// `POST users`: creates one; without Orgs in the Org worked in.
pub async fn create(acts: Acts<UserBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let status = view::account_status(body.status.as_deref())?;
    if body.is_ldap && !desk.services().login.has_ldap() {
        return Err(Failure::bad("is_ldap", "false; no LDAP directory is configured").into());
    }
    let (principal, _) = desk.viewer();
    let orgs = body.orgs.filter(|orgs| !orgs.is_empty());
    let orgs = orgs.unwrap_or_else(|| vec![principal.org.to_string()]);
    let new = NewUser {
        display_name: optional(body.display_name),
        email: optional(body.email),
        account_type: if body.is_ldap {
            AccountType::Ldap
        } else {
            AccountType::Local
        },
        password: some_password(body.password),
        is_admin: body.is_admin,
        memberships: MembershipDraft::listed(orgs, body.groups.unwrap_or_default()),
        create_groups: body.create_groups,
        ..NewUser::named(required("name", body.name)?)
    };
    let status = status.unwrap_or(AccountStatus::Active);
    let user = desk.manager().admit(new, status).await?;
    Ok(HttpResponse::Created().json(view::user(&user)))
}

/// An empty one is none, as a form leaves it.
pub fn some_password(password: Option<SecretString>) -> Option<SecretString> {
    password.filter(|password| !password.expose_secret().is_empty())
}

#[derive(Deserialize)]
pub struct ChangeBody {
    display_name: Option<String>,
    email: Option<String>,
    status: Option<String>,
    is_admin: Option<bool>,
}

/// `PATCH users/{id}`: names, address, status, whether they administer the server. What is absent stays.
pub async fn change(
    acts: Acts<ChangeBody>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let edit = AccountEdit {
        name: None,
        display_name: body.display_name,
        email: body.email,
        account_type: None,
        is_admin: body.is_admin,
        status: view::account_status(body.status.as_deref())?,
        operation: Operation::Add,
        orgs: None,
        groups: None,
    };
    desk.manager().update_user(&id, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE users/{id}`: with every session and token.
pub async fn delete(acts: Acts<Nothing>, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    acts.desk.manager().delete_user(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists to join, leave or have instead.
#[derive(Deserialize)]
pub struct MembershipBody {
    operation: Option<String>,
    orgs: Option<Vec<String>>,
    groups: Option<Vec<String>>,
}

/// `POST users/{id}/memberships`: joins or leaves Orgs (number or name) and groups (GUID, or name).
pub async fn memberships(
    acts: Acts<MembershipBody>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let edit = AccountEdit {
        name: None,
        display_name: None,
        email: None,
        account_type: None,
        is_admin: None,
        status: None,
        operation: view::operation(body.operation.as_deref())?,
        orgs: body.orgs,
        groups: body.groups,
    };
    desk.manager().update_user(&id, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
pub struct PasswordBody {
    password: SecretString,
}

/// `POST users/{id}/password`: another user's new password; their sessions and tokens end.
pub async fn password(
    acts: Acts<PasswordBody>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    desk.manager().reset_password(&id, &body.password).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
pub struct UnlockBody {
    addresses: Option<Vec<String>>,
}

/// `POST users/{id}/unlock`: forgets failed attempts at them from those addresses; from all that this node's audit
/// trail has seen lately, when none is given.
pub async fn unlock(
    acts: Acts<UnlockBody>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let manager = desk.manager();
    let (details, _) = manager.user_details(&id).await?;
    let addresses: Vec<IpAddr> = match body.addresses {
        Some(listed) => listed
            .iter()
            .map(|text| text.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|_no_address| Failure::bad("addresses", "IPv4 or IPv6 addresses"))?,
        None => refused_addresses(&desk, &details.user.name).await?,
    };
    let throttle = &desk.services().login.throttle;
    manager.unlock(&id, throttle, &addresses).await?;
    let told: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Ok(HttpResponse::Ok().json(json!({ "addresses": told, "node": desk.node() })))
}

/// `POST users/{id}/release`: forgets which identity provider signed them in, as `vestibule sso release` does.
pub async fn release(acts: Acts<Nothing>, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let was_bound = acts.desk.manager().release_user(&id).await?;
    Ok(HttpResponse::Ok().json(json!({ "was_bound": was_bound })))
}
