//! Guards of the directory: who may change it, and how much of it anybody may look at.

use crate::api::caller::{Caller, services};
use crate::api::dialect::{ApiError, Dialect};
use crate::api::guard::RequireSession;
use crate::api::services::Services;
use crate::domain::administration::{Actor, AdminScope, Manager};
use crate::domain::directory::User;
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::principal::Principal;
use crate::domain::token::Access;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use std::marker::PhantomData;

/// An administrator is signed in, of the server or of the Org worked in.
#[derive(Debug)]
pub struct RequireManager<D> {
    principal: Principal,
    scope: AdminScope,
    by: Actor,
    dialect: PhantomData<fn() -> D>,
}

impl<D> RequireManager<D> {
    /// What they may do.
    pub fn acts<'a>(&self, services: &'a Services) -> Manager<'a> {
        let administration = &services.administration;
        administration.manager(self.scope, &self.principal, self.by.clone())
    }

    /// Who looks at what they get to see.
    pub const fn viewer(&self) -> (&Principal, AdminScope) {
        (&self.principal, self.scope)
    }
}

/// Somebody is signed in, not limited to one object: they may look at the users and groups of the Org
/// they work in, an administrator of the server at all.
#[derive(Debug)]
pub struct RequireViewer<D> {
    /// Who.
    pub principal: Principal,
    /// How far they see.
    pub sees: AdminScope,
    /// Whether what they see is theirs to administer.
    pub is_manager: bool,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect> FromRequest for RequireManager<D> {
    type Error = ApiError<D>;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = RequireSession::<D>::from_request(request, payload);
        let caller = Caller::<D>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let principal = (*session.await?).clone();
            let services = services(&request).ok_or(Failure::Internal)?;
            let Ok(caller) = caller.await;
            let (user, scope) = scope_of::<D>(services, &principal).await?;
            let scope = scope.ok_or_else(|| {
                Failure::forbidden(
                    "this needs an administrator of the server or of the Org worked in",
                )
            })?;
            Ok(Self {
                principal,
                scope,
                by: Actor::user(&user, caller.client),
                dialect: PhantomData,
            })
        })
    }
}

impl<D: Dialect> FromRequest for RequireViewer<D> {
    type Error = ApiError<D>;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = RequireSession::<D>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let principal = (*session.await?).clone();
            if principal.access != Access::Full {
                return Err(Failure::forbidden("this session may see one object only").into());
            }
            let services = services(&request).ok_or(Failure::Internal)?;
            let (_, scope) = scope_of::<D>(services, &principal).await?;
            Ok(Self {
                sees: scope.unwrap_or(AdminScope::Org(principal.org)),
                is_manager: scope.is_some(),
                principal,
                dialect: PhantomData,
            })
        })
    }
}

/// The record of whoever is signed in, and what they administer.
pub async fn scope_of<D>(
    services: &Services,
    who: &Principal,
) -> Result<(User, Option<AdminScope>), ApiError<D>> {
    let directory = &*services.directory;
    let user = directory
        .find_user_by_id(who.user_id)
        .await?
        .ok_or(Failure::Unauthenticated(Unauthenticated::DeadSession))?;
    let scope = AdminScope::of(directory, who, &user).await?;
    Ok((user, scope))
}
