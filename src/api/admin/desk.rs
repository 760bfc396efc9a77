//! The guards of the console: every request names one of three, which judge in this order and leave nothing out.
//!
//! | judged | [`Looks`] | [`Asks`] | [`Acts`] |
//! |---|---|---|---|
//! | a live session, by cookie, not by Bearer | yes | yes | yes |
//! | of an administrator, of the server or of the Org worked in | yes | yes | yes |
//! | from our own page: an embedding page may read what the other APIs answer, but not this | yes | yes | yes |
//! | the session's token against forgery | | yes | yes |
//! | recent proof: the person was asked at a login, or for the password again, within 10 minutes | | | yes |
//! | the body, last, so that strangers learn nothing by sending one | | yes | yes |

use crate::api::admin::Admin;
use crate::api::admin::error::{COOKIE_ONLY, CSRF, FOREIGN, STALE};
use crate::api::admin::proof::{FRESH_FOR, Proofs};
use crate::api::admin_guard::RequireManager;
use crate::api::caller::services;
use crate::api::dialect::ApiError;
use crate::api::guard::is_own_page;
use crate::api::json::Json;
use crate::api::services::Services;
use crate::domain::administration::{AdminScope, Manager};
use crate::domain::clock::Timestamp;
use crate::domain::failure::Failure;
use crate::domain::principal::{Principal, Via};
use crate::domain::session::{Method, SessionHandle};
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, ORIGIN};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

const CSRF_HEADER: HeaderName = HeaderName::from_static("x-vestibule-csrf");
const CONFIRMED_HEADER: HeaderName = HeaderName::from_static("x-vestibule-confirmed");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What every handler of the console answers with.
pub type Refusal = ApiError<Admin>;

/// An administrator at the console.
pub struct Desk {
    manager: RequireManager<Admin>,
    /// The session's proofs.
    pub proofs: Proofs,
    /// The session's name for people.
    pub session: SessionHandle,
    /// Until when no further proof is needed.
    pub fresh_until: Timestamp,
    services: web::Data<Services>,
}

impl Desk {
    /// What they may do.
    pub fn manager(&self) -> Manager<'_> {
        self.manager.acts(&self.services)
    }

    /// Everything handlers work with.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The same, to be taken along to another thread.
    pub fn shared_services(&self) -> web::Data<Services> {
        self.services.clone()
    }

    /// Who, and how far they reach.
    pub const fn viewer(&self) -> (&Principal, AdminScope) {
        self.manager.viewer()
    }

    /// Refuses administrators of one Org.
    pub fn require_server(&self) -> Result<(), Failure> {
        let (_, scope) = self.viewer();
        scope
            .require_server()
            .map_err(|denied| Failure::forbidden(denied.0))
    }

    /// The name of the node that answers. Administrators of one Org tell nodes apart by it and learn no machine's name.
    pub fn node(&self) -> String {
        let node = &self.services.console.node;
        if self.require_server().is_ok() {
            return node.clone();
        }
        let mut digest = Sha256::new();
        digest.update(self.services.site.cluster_id);
        digest.update(node);
        let digest = digest.finalize();
        format!("{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
    }

    async fn enter(request: &HttpRequest) -> Result<Self, Refusal> {
        let manager = RequireManager::<Admin>::from_request(request, &mut Payload::None).await?;
        let services = services(request).ok_or(Failure::Internal)?.clone();
        let (principal, _) = manager.viewer();
        let Via::Session(id) = &principal.via else {
            return Err(Failure::forbidden(COOKIE_ONLY).into());
        };
        refuse_other_pages(request, &services)?;
        let proofs = Proofs::of(&services.site.cookie_key, id.digest()).ok_or(Failure::Internal)?;
        let confirmed = header(request, CONFIRMED_HEADER).and_then(|it| proofs.confirmed_until(it));
        let fresh_until = opened_until(principal).max(confirmed).unwrap_or_default();
        Ok(Self {
            session: SessionHandle::of(id),
            fresh_until,
            proofs,
            manager,
            services,
        })
    }

    fn require_csrf(&self, request: &HttpRequest) -> Result<(), Failure> {
        let is_right = header(request, CSRF_HEADER).is_some_and(|it| self.proofs.is_csrf(it));
        if is_right {
            return Ok(());
        }
        Err(Failure::forbidden(CSRF))
    }

    fn require_fresh(&self) -> Result<(), Failure> {
        if self.services.login.now() < self.fresh_until {
            return Ok(());
        }
        Err(Failure::forbidden(STALE))
    }
}

/// Until when the login itself is proof; none where no person was asked at it.
fn opened_until(principal: &Principal) -> Option<Timestamp> {
    let was_asked = match principal.method {
        Some(Method::Password | Method::Ldap) => true,
        Some(Method::Saml | Method::Oidc) => principal.is_proven_at_provider(),
        // A token of trusted authentication is what a secret key made, whoever sits there.
        Some(
            Method::Guest
            | Method::TrustedHeader
            | Method::TrustedToken
            | Method::ApiToken
            | Method::IdentityToken,
        )
        | None => false,
    };
    was_asked.then(|| principal.began_at.plus(FRESH_FOR))
}

/// Stricter than the other dialects, and for reading too: pages of `embed.origins` read with the user's cookie, and
/// one of them must not read the token against forgery.
fn refuse_other_pages(request: &HttpRequest, services: &Services) -> Result<(), Failure> {
    let origins = request.headers().get_all(ORIGIN);
    let is_own = |value: &actix_web::http::header::HeaderValue| {
        value
            .to_str()
            .is_ok_and(|origin| is_own_page(request, services, origin))
    };
    let mut is_foreign = origins.into_iter().any(|origin| !is_own(origin));
    if let Some(site) = request.headers().get(SEC_FETCH_SITE) {
        is_foreign |= !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if is_foreign {
        return Err(Failure::forbidden(FOREIGN));
    }
    Ok(())
}

fn header(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// Somebody looks.
pub struct Looks(pub Desk);

/// Somebody asks something that a URL must not hold.
pub struct Asks<T> {
    /// Who.
    pub desk: Desk,
    /// What.
    pub body: T,
}

/// Somebody changes something.
pub struct Acts<T> {
    /// Who.
    pub desk: Desk,
    /// How.
    pub body: T,
}

/// A body that says nothing: what is meant is in the path.
#[derive(Deserialize)]
pub struct Nothing {}

impl FromRequest for Looks {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(Desk::enter(&request).await?)) })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Asks<T> {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Json::<Admin, T>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let desk = Desk::enter(&request).await?;
            desk.require_csrf(&request)?;
            let body = body.await?.into_inner();
            Ok(Self { desk, body })
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Acts<T> {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Json::<Admin, T>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let desk = Desk::enter(&request).await?;
            desk.require_csrf(&request)?;
            desk.require_fresh()?;
            let body = body.await?.into_inner();
            Ok(Self { desk, body })
        })
    }
}
