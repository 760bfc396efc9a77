//! `users/*`: creating, searching, changing and deleting.

use crate::api::admin_guard::{RequireManager, RequireViewer};
use crate::api::dialect::ApiError;
use crate::api::form::{optional, required};
use crate::api::json::{Json, clearing, secret, text, texts};
use crate::api::openapi::refusals::{Always, Clashing, Guarded, Missing, WithBody};
use crate::api::services::Services;
use crate::api::thoughtspot::account_type;
use crate::api::thoughtspot_v2::V2;
use crate::api::thoughtspot_v2::fields::{
    account_status, not_offered, operation, page, pattern, some_password,
};
use crate::api::thoughtspot_v2::user_view;
use crate::api::thoughtspot_v2::user_view::UserView;
use crate::domain::administration::{AccountEdit, AdminScope, NewAccount, UserSearch};
use crate::domain::directory::{AccountStatus, AccountType, OrgId, User};
use crate::domain::failure::{Failure, StoreError};
use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

/// The body of `users/create` and of `users/{id}/update`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = UserRequest)]
pub struct UserBody {
    /// Needed to create.
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
    /// Needed to create.
    #[serde(default, deserialize_with = "text")]
    display_name: Option<String>,
    /// Needed to create.
    #[serde(default, deserialize_with = "clearing")]
    email: Option<String>,
    #[schema(value_type = Option<String>, format = Password)]
    #[serde(default, deserialize_with = "secret")]
    password: Option<SecretString>,
    /// `LOCAL_USER`, or `LDAP_USER` where LDAP is on; it cannot be changed later.
    #[schema(pattern = "^(LOCAL_USER|LDAP_USER|SAML_USER|OIDC_USER)$")]
    account_type: Option<String>,
    /// `ACTIVE`; anything else the vendor knows counts as `INACTIVE`.
    #[schema(pattern = "^(ACTIVE|INACTIVE|EXPIRED|LOCKED|PENDING|SUSPENDED)$")]
    account_status: Option<String>,
    /// What to do with Orgs and groups: `ADD`, `REPLACE` (the default) or `REMOVE`.
    #[schema(pattern = "^(ADD|REPLACE|REMOVE)$")]
    operation: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    org_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    group_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    role_identifiers: Option<Vec<String>>,
}

/// `POST users/create`.
#[utoipa::path(
    post,
    path = "/users/create",
    request_body = UserBody,
    responses(
        (status = 200, description = "The user.", body = UserView),
        WithBody<V2>, Missing<V2>, Clashing<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn create(
    who: RequireManager<V2>,
    body: Json<V2, UserBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let has_ldap = services.login.has_ldap();
    let account_type = account_type("account_type", body.account_type.as_deref(), has_ldap)?;
    not_offered("role_identifiers", body.role_identifiers)?;
    let new = NewAccount {
        name: required("name", body.name)?,
        display_name: Some(required("display_name", body.display_name)?),
        email: Some(required("email", body.email)?),
        account_type,
        password: some_password(body.password),
        orgs: body.org_identifiers,
        groups: body.group_identifiers.unwrap_or_default(),
        status: account_status(body.account_status.as_deref())?.unwrap_or(AccountStatus::Active),
    };
    let user = who.acts(&services).create_user(new).await?;
    let (principal, sees) = who.viewer();
    let viewer = Viewer {
        org: principal.org,
        sees,
        is_manager: true,
    };
    Ok(HttpResponse::Ok().json(viewer.show(&services, &user).await?))
}

/// `POST users/{id}/update`.
#[utoipa::path(
    post,
    path = "/users/{id}/update",
    params(("id" = String, Path, description = "The GUID or name of a user.")),
    request_body = UserBody,
    responses(
        (status = 204, description = "Changed."),
        WithBody<V2>, Missing<V2>, Clashing<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn update(
    who: RequireManager<V2>,
    called: web::Path<String>,
    body: Json<V2, UserBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let has_ldap = services.login.has_ldap();
    let wanted = body.account_type.as_deref();
    let account_type = account_type("account_type", wanted, has_ldap)?;
    let account_type = wanted.map(|_| account_type);
    not_offered("role_identifiers", body.role_identifiers)?;
    if some_password(body.password).is_some() {
        return Err(Failure::bad("password", "users/reset-password for a new password").into());
    }
    let edit = AccountEdit {
        name: optional(body.name),
        display_name: optional(body.display_name),
        email: body.email,
        account_type,
        is_admin: None,
        status: account_status(body.account_status.as_deref())?,
        operation: operation(body.operation.as_deref())?,
        orgs: body.org_identifiers,
        groups: body.group_identifiers,
    };
    who.acts(&services).update_user(&called, edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST users/{id}/delete`.
#[utoipa::path(
    post,
    path = "/users/{id}/delete",
    params(("id" = String, Path, description = "The GUID or name of a user.")),
    responses((status = 204, description = "Deleted."), Missing<V2>, Guarded<V2>, Always<V2>),
)]
pub async fn delete(
    who: RequireManager<V2>,
    called: web::Path<String>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    who.acts(&services).delete_user(&called).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The body of `users/search`.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = UserSearch)]
pub struct SearchBody {
    #[serde(default, deserialize_with = "text")]
    user_identifier: Option<String>,
    #[serde(default, deserialize_with = "text")]
    name_pattern: Option<String>,
    #[serde(default, deserialize_with = "text")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    email: Option<String>,
    account_type: Option<String>,
    #[schema(pattern = "^(ACTIVE|INACTIVE|EXPIRED|LOCKED|PENDING|SUSPENDED)$")]
    account_status: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    org_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    group_identifiers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "text")]
    record_offset: Option<String>,
    #[serde(default, deserialize_with = "text")]
    record_size: Option<String>,
}

/// `POST users/search`: ordered by name.
#[utoipa::path(
    post,
    path = "/users/search",
    request_body = SearchBody,
    responses(
        (status = 200, description = "The users.", body = Vec<UserView>),
        WithBody<V2>, Guarded<V2>, Always<V2>,
    ),
)]
pub async fn search(
    who: RequireViewer<V2>,
    body: Json<V2, SearchBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V2>> {
    let body = body.into_inner();
    let (offset, limit) = page(body.record_offset.as_deref(), body.record_size.as_deref())?;
    // Whoever has another kind of account is not here, which is an answer and no mistake.
    let wanted = body.account_type.as_deref();
    let account_type = match wanted {
        Some("LOCAL_USER") => Some(AccountType::Local),
        Some("LDAP_USER") => Some(AccountType::Ldap),
        Some("SAML_USER") => Some(AccountType::Saml),
        Some("OIDC_USER") => Some(AccountType::Oidc),
        _ => None,
    };
    let is_unheard_of = wanted.is_some() && account_type.is_none();
    let search = UserSearch {
        user: body.user_identifier,
        name_contains: pattern(body.name_pattern),
        display_name: optional(body.display_name),
        email: optional(body.email),
        orgs: body.org_identifiers,
        groups: body.group_identifiers.filter(|list| !list.is_empty()),
        account_type,
        status: account_status(body.account_status.as_deref())?,
        offset,
        limit,
    };
    let users = if is_unheard_of {
        Vec::new()
    } else {
        let administration = &services.administration;
        administration.search_users(who.sees, &search).await?
    };
    let viewer = Viewer {
        org: who.principal.org,
        sees: who.sees,
        is_manager: who.is_manager,
    };
    let mut shown = Vec::with_capacity(users.len());
    for user in &users {
        let is_self = user.id == who.principal.user_id;
        let viewer = Viewer {
            is_manager: viewer.is_manager || is_self,
            ..viewer
        };
        shown.push(viewer.show(&services, user).await?);
    }
    Ok(HttpResponse::Ok().json(shown))
}

/// Who looks at a user.
#[derive(Clone, Copy)]
struct Viewer {
    /// The Org worked in.
    org: OrgId,
    sees: AdminScope,
    /// Administers the user, or is them.
    is_manager: bool,
}

impl Viewer {
    /// The user as far as they may be seen: other Orgs are nobody's business but an administrator of the
    /// server's, and what decides which rows a user sees is none of a colleague's.
    async fn show(self, services: &Services, user: &User) -> Result<UserView, StoreError> {
        let directory = &*services.directory;
        let orgs = directory.orgs_of(user.id).await?;
        let is_here = user.is_admin || orgs.iter().any(|org| org.id == self.org);
        let current = if is_here { self.org } else { user.last_org };
        let mut shown = user_view::show(directory, user, current).await?;
        if let AdminScope::Org(own) = self.sees {
            let orgs = orgs.iter().filter(|org| org.id == own);
            shown.orgs = orgs.map(user_view::org_ref).collect();
        }
        if !self.is_manager {
            shown.keep_to_a_colleague();
        }
        Ok(shown)
    }
}
