//! `user/` and `user/list`: making users and looking at them.

use crate::api::admin_guard::{RequireManager, RequireViewer};
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query, optional, required};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::domain::administration::{
    AdminError, AdminScope, GroupSearch, MAX_FOUND, NewAccount, UserSearch,
};
use crate::domain::directory::{AccountStatus, Group, OrgId, User, privileges_in};
use crate::domain::failure::{Failure, StoreError};
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

/// The form of `POST user/`.
#[derive(Deserialize)]
pub struct NewUserForm {
    name: Option<String>,
    password: Option<SecretString>,
    displayname: Option<String>,
    email: Option<String>,
    groups: Option<String>,
    usertype: Option<String>,
    orgid: Option<String>,
}

/// `POST user/`: a user in the Org worked in, or in `orgid`.
pub async fn create(
    who: RequireManager<V1>,
    form: Form<V1, NewUserForm>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let form = form.into_inner();
    if !matches!(form.usertype.as_deref(), None | Some("" | "LOCAL_USER")) {
        return Err(Failure::bad("usertype", "LOCAL_USER; other types are not offered").into());
    }
    let groups = optional(form.groups).map_or(Ok(Vec::new()), |text| {
        serde_json::from_str(&text)
            .map_err(|_| Failure::bad("groups", "a JSON array of names or GUIDs"))
    })?;
    let new = NewAccount {
        name: required("name", form.name)?,
        display_name: Some(required("displayname", form.displayname)?),
        email: optional(form.email),
        password: form
            .password
            .filter(|password| !password.expose_secret().is_empty()),
        orgs: optional(form.orgid).map(|org| vec![org]),
        groups,
        status: AccountStatus::Active,
    };
    let user = who.acts(&services).create_user(new).await?;
    let (principal, sees) = who.viewer();
    let shown = details(&services, &user, principal.org, sees, true).await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// The query of `GET user/`.
#[derive(Deserialize)]
pub struct UserQuery {
    userid: Option<String>,
    name: Option<String>,
}

/// `GET user/`: one user by id or name; with neither, everybody in sight.
pub async fn get(
    who: RequireViewer<V1>,
    query: Query<V1, UserQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let query = query.into_inner();
    let called = optional(query.userid).or_else(|| optional(query.name));
    let search = UserSearch {
        user: called.clone(),
        limit: MAX_FOUND,
        ..UserSearch::default()
    };
    let administration = &services.administration;
    let users = administration.search_users(who.sees, &search).await?;
    let mut shown = Vec::with_capacity(users.len());
    for user in &users {
        let may_know = who.is_manager || user.id == who.principal.user_id;
        let org = who.principal.org;
        shown.push(details(&services, user, org, who.sees, may_know).await?);
    }
    match called {
        None => Ok(HttpResponse::Ok().json(shown)),
        Some(called) => {
            let one = shown.pop().ok_or_else(|| Failure::NotFound {
                what: format!("user \"{called}\""),
            })?;
            Ok(HttpResponse::Ok().json(one))
        }
    }
}

/// `GET user/list`: the groups and users of the Org worked in, in one list of principals.
pub async fn list(
    who: RequireViewer<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let org = who.principal.org;
    let here = AdminScope::Org(org);
    let administration = &services.administration;
    let search = GroupSearch {
        limit: MAX_FOUND,
        ..GroupSearch::default()
    };
    let groups = administration.search_groups(here, &search).await?;
    let search = UserSearch {
        limit: MAX_FOUND,
        ..UserSearch::default()
    };
    let users = administration.search_users(here, &search).await?;
    let mut principals: Vec<Value> = groups.iter().map(group_principal).collect();
    for user in &users {
        let groups = services.directory.groups_of(user.id, org).await?;
        principals.push(user_principal(user, &groups));
    }
    Ok(HttpResponse::Ok().json(principals))
}

fn group_principal(group: &Group) -> Value {
    json!({
        "principalTypeEnum": "LOCAL_GROUP",
        "id": group.id.0,
        "name": group.name,
        "displayName": group.display_name,
        "description": null,
        "privileges": group.privileges,
        "groupNames": [],
        "visibility": "DEFAULT",
    })
}

fn user_principal(user: &User, groups: &[Group]) -> Value {
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    json!({
        "principalTypeEnum": "LOCAL_USER",
        "id": user.id.0,
        "name": user.name,
        "displayName": user.display_name,
        "description": null,
        "mail": user.email,
        "created": user.created_at.millis(),
        "modified": user.modified_at.millis(),
        "groupNames": names,
        "visibility": "DEFAULT",
    })
}

async fn details(
    services: &Services,
    user: &User,
    here: OrgId,
    sees: AdminScope,
    may_know: bool,
) -> Result<Value, StoreError> {
    let directory = &*services.directory;
    let orgs = directory.orgs_of(user.id).await?;
    let is_here = user.is_admin || orgs.iter().any(|org| org.id == here);
    let current = if is_here { here } else { user.last_org };
    let groups = directory.groups_of(user.id, current).await?;
    let groups: Vec<_> = groups.iter().map(|group| group.id.0).collect();
    let privileges = if may_know {
        privileges_in(directory, user, current).await?
    } else {
        std::collections::BTreeSet::new()
    };
    let orgs: Vec<i64> = orgs
        .iter()
        .map(|org| org.id)
        .filter(|org| sees == AdminScope::Server || sees == AdminScope::Org(*org))
        .map(|org| org.0)
        .collect();
    Ok(json!({
        "header": {
            "id": user.id.0,
            "name": user.name,
            "displayName": user.display_name,
            "author": user.id.0,
            "owner": user.id.0,
            "created": user.created_at.millis(),
            "modified": user.modified_at.millis(),
            "tags": [],
            "type": "LOCAL_USER",
            "isExternal": false,
            "isDeleted": false,
        },
        "complete": true,
        "incompleteDetail": [],
        "type": "LOCAL_USER",
        "parentType": "USER",
        "visibility": "DEFAULT",
        "state": match user.status {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Disabled => "INACTIVE",
        },
        "isSuperUser": user.is_admin,
        "isSystemPrincipal": false,
        "userEmail": user.email,
        "privileges": privileges,
        "assignedGroups": groups,
        "inheritedGroups": groups,
        "orgIds": orgs,
    }))
}

/// The form of `user/activate` and `user/inactivate`.
#[derive(Deserialize)]
pub struct StatusForm {
    userid: Option<String>,
    name: Option<String>,
}

/// `POST user/activate`: lets a user sign in again.
pub async fn activate(
    who: RequireManager<V1>,
    form: Form<V1, StatusForm>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    set_status(&who, form.into_inner(), &services, AccountStatus::Active).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST user/inactivate`: from then on nothing of the user's lives.
pub async fn inactivate(
    who: RequireManager<V1>,
    form: Form<V1, StatusForm>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    set_status(&who, form.into_inner(), &services, AccountStatus::Disabled).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn set_status(
    who: &RequireManager<V1>,
    form: StatusForm,
    services: &Services,
    status: AccountStatus,
) -> Result<(), ApiError<V1>> {
    let called = required("userid", optional(form.userid).or(form.name))?;
    let done: Result<(), AdminError> = who.acts(services).set_status(&called, status).await;
    Ok(done?)
}
