//! `user/` and `user/list`: making users and looking at them.

use crate::api::admin_guard::{RequireManager, RequireViewer};
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query, optional, required};
use crate::api::openapi::refusals::{Always, Clashing, Guarded, Missing, WithBody, WithQuery};
use crate::api::services::Services;
use crate::api::thoughtspot::{account_type, account_type_word};
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::new_user::NewUserForm;
use crate::domain::administration::{
    AdminError, AdminScope, GroupSearch, MAX_FOUND, NewAccount, UserSearch,
};
use crate::domain::directory::{AccountStatus, Group, OrgId, User, privileges_in};
use crate::domain::failure::{Failure, StoreError};
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// `POST user/`: a user in the Org worked in, or in `orgid`.
#[utoipa::path(
    post,
    path = "/user/",
    request_body(content = NewUserForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The user.", body = UserDetails),
        WithBody<V1>, Missing<V1>, Clashing<V1>, Guarded<V1>, Always<V1>,
    ),
)]
pub async fn create(
    who: RequireManager<V1>,
    form: Form<V1, NewUserForm>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let mut form = form.into_inner();
    if optional(form.visibility.take()).is_some_and(|visibility| visibility != "DEFAULT") {
        return Err(Failure::bad("visibility", "DEFAULT; other values are not offered").into());
    }
    let (orgs, email) = (form.orgs()?, form.email()?);
    let manager = who.acts(&services);
    if let Some(sent) = &orgs {
        let found = manager.require_orgs(&sent.value).await;
        found.map_err(|error| ApiError::from(error).sent_as(&[("orgs", sent.name)]))?;
    }
    let usertype = optional(form.usertype);
    let account_type = account_type("usertype", usertype.as_deref(), services.login.has_ldap())?;
    let groups = optional(form.groups).map_or(Ok(Vec::new()), |text| {
        serde_json::from_str(&text)
            .map_err(|_| Failure::bad("groups", "a JSON array of names or GUIDs"))
    })?;
    let new = NewAccount {
        name: required("name", form.name)?,
        display_name: Some(required("displayname", form.displayname)?),
        email: email.value,
        account_type,
        password: form
            .password
            .filter(|password| !password.expose_secret().is_empty()),
        orgs: orgs.map(|sent| sent.value.iter().map(OrgId::to_string).collect()),
        groups,
        status: AccountStatus::Active,
    };
    let user = manager.create_user(new).await;
    let user = user.map_err(|error| ApiError::from(error).sent_as(&[("email", email.name)]))?;
    let (principal, sees) = who.viewer();
    let shown = details(&services, &user, principal.org, sees, true).await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// The query of `GET user/`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// A GUID.
    #[param(value_type = String, required = false)]
    userid: Option<String>,
    #[param(value_type = String, required = false)]
    name: Option<String>,
}

/// One user, or a list of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Found {
    One(Box<UserDetails>),
    All(Vec<UserDetails>),
}

/// `GET user/`: one user by id or name; with neither, everybody in sight.
#[utoipa::path(
    get,
    path = "/user/",
    params(UserQuery),
    responses(
        (status = 200, description = "The user, or everybody.", body = Found),
        WithQuery<V1>, Missing<V1>, Guarded<V1>, Always<V1>,
    ),
)]
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
        None => Ok(HttpResponse::Ok().json(Found::All(shown))),
        Some(called) => {
            let one = shown.pop().ok_or_else(|| Failure::NotFound {
                what: format!("user \"{called}\""),
            })?;
            Ok(HttpResponse::Ok().json(Found::One(Box::new(one))))
        }
    }
}

/// `GET user/list`: the groups and users of the Org worked in, in one list of principals.
#[utoipa::path(
    get,
    path = "/user/list",
    responses(
        (status = 200, description = "Groups, then users.", body = Vec<UserOrGroup>),
        Guarded<V1>, Always<V1>,
    ),
)]
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
    let mut principals: Vec<UserOrGroup> = groups.iter().map(group_principal).collect();
    for user in &users {
        let groups = services.directory.groups_of(user.id, org).await?;
        principals.push(user_principal(user, &groups));
    }
    Ok(HttpResponse::Ok().json(principals))
}

/// A user or a group in one list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Principal)]
#[serde(rename_all = "camelCase")]
struct UserOrGroup {
    /// `LOCAL_USER` or `LOCAL_GROUP`.
    principal_type_enum: &'static str,
    id: Uuid,
    name: String,
    display_name: String,
    description: Option<String>,
    /// Users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<String>,
    /// Users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    /// Users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<u64>,
    /// Groups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    privileges: Option<Vec<String>>,
    group_names: Vec<String>,
    visibility: &'static str,
}

fn group_principal(group: &Group) -> UserOrGroup {
    UserOrGroup {
        principal_type_enum: "LOCAL_GROUP",
        id: group.id.0,
        name: group.name.clone(),
        display_name: group.display_name.clone(),
        description: None,
        mail: None,
        created: None,
        modified: None,
        privileges: Some(group.privileges.clone()),
        group_names: Vec::new(),
        visibility: "DEFAULT",
    }
}

fn user_principal(user: &User, groups: &[Group]) -> UserOrGroup {
    UserOrGroup {
        principal_type_enum: account_type_word(user.account_type),
        id: user.id.0,
        name: user.name.clone(),
        display_name: user.display_name.clone(),
        description: None,
        mail: user.email.clone(),
        created: Some(user.created_at.millis()),
        modified: Some(user.modified_at.millis()),
        privileges: None,
        group_names: groups.iter().map(|group| group.name.clone()).collect(),
        visibility: "DEFAULT",
    }
}

/// Everything clients read of a user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserDetails {
    header: UserHeader,
    complete: bool,
    incomplete_detail: Vec<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    parent_type: &'static str,
    visibility: &'static str,
    /// `ACTIVE` or `INACTIVE`.
    state: &'static str,
    is_super_user: bool,
    is_system_principal: bool,
    user_email: Option<String>,
    user_content: UserContent,
    privileges: BTreeSet<String>,
    assigned_groups: Vec<Uuid>,
    inherited_groups: Vec<Uuid>,
    org_ids: Vec<i64>,
}

/// Where the product shows what somebody is beyond their name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserContent {
    user_properties: UserProperties,
}

/// An address, shown here as well as in `userEmail`.
#[derive(Debug, Serialize, ToSchema)]
struct UserProperties {
    mail: Option<String>,
}

/// What every object has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserHeader {
    id: Uuid,
    name: String,
    display_name: String,
    author: Uuid,
    owner: Uuid,
    created: u64,
    modified: u64,
    tags: Vec<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    is_external: bool,
    is_deleted: bool,
}

async fn details(
    services: &Services,
    user: &User,
    here: OrgId,
    sees: AdminScope,
    may_know: bool,
) -> Result<UserDetails, StoreError> {
    let directory = &*services.directory;
    let orgs = directory.orgs_of(user.id).await?;
    let is_here = user.is_admin || orgs.iter().any(|org| org.id == here);
    let current = if is_here { here } else { user.last_org };
    let groups = directory.groups_of(user.id, current).await?;
    let groups: Vec<_> = groups.iter().map(|group| group.id.0).collect();
    let privileges = if may_know {
        privileges_in(directory, user, current).await?
    } else {
        BTreeSet::new()
    };
    let orgs: Vec<i64> = orgs
        .iter()
        .map(|org| org.id)
        .filter(|org| sees == AdminScope::Server || sees == AdminScope::Org(*org))
        .map(|org| org.0)
        .collect();
    Ok(UserDetails {
        header: UserHeader {
            id: user.id.0,
            name: user.name.clone(),
            display_name: user.display_name.clone(),
            author: user.id.0,
            owner: user.id.0,
            created: user.created_at.millis(),
            modified: user.modified_at.millis(),
            tags: Vec::new(),
            kind: account_type_word(user.account_type),
            is_external: false,
            is_deleted: false,
        },
        complete: true,
        incomplete_detail: Vec::new(),
        kind: account_type_word(user.account_type),
        parent_type: "USER",
        visibility: "DEFAULT",
        state: match user.status {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Disabled => "INACTIVE",
        },
        is_super_user: user.is_admin,
        is_system_principal: false,
        user_email: user.email.clone(),
        user_content: UserContent {
            user_properties: UserProperties {
                mail: user.email.clone(),
            },
        },
        privileges,
        assigned_groups: groups.clone(),
        inherited_groups: groups,
        org_ids: orgs,
    })
}

/// The form of `user/activate` and `user/inactivate`.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1UserStatusForm)]
pub struct StatusForm {
    /// A GUID or a name.
    #[schema(min_length = 1, value_type = String)]
    userid: Option<String>,
    /// In place of `userid`.
    #[schema(value_type = String, required = false)]
    username: Option<String>,
    /// Some public scripts write it so.
    #[schema(ignore)]
    name: Option<String>,
    /// Refused, where a password would have been set without a word: `user/resetpassword` sets it.
    #[schema(ignore)]
    password: Option<SecretString>,
}

/// `POST user/activate`: lets a user sign in again.
#[utoipa::path(
    post,
    path = "/user/activate",
    request_body(content = StatusForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204, description = "Done."), WithBody<V1>, Missing<V1>, Guarded<V1>, Always<V1>),
)]
pub async fn activate(
    who: RequireManager<V1>,
    form: Form<V1, StatusForm>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    set_status(&who, form.into_inner(), &services, AccountStatus::Active).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST user/inactivate`: from then on nothing of the user's lives.
#[utoipa::path(
    post,
    path = "/user/inactivate",
    request_body(content = StatusForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204, description = "Done."), WithBody<V1>, Missing<V1>, Guarded<V1>, Always<V1>),
)]
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
    if form.password.is_some() {
        let expected = "not to be given: user/resetpassword sets one";
        return Err(Failure::bad("password", expected).into());
    }
    let called = optional(form.userid).or_else(|| optional(form.username));
    let called = required("userid", called.or(form.name))?;
    let done: Result<(), AdminError> = who.acts(services).set_status(&called, status).await;
    Ok(done?)
}
