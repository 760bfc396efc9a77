//! Guards: a handler that needs somebody signed in takes them as an argument.
//!
//! What may be presented is an ordered list. A Bearer, when sent, decides: valid it wins over any
//! cookie, invalid it is refused even beside a good one. Without a Bearer the session cookie decides.
//! Each answers *not presented*, *accepted* or *refused*; a refusal never falls through to the next.

use crate::api::caller::{is_over_tls, services};
use crate::api::dialect::{ApiError, Dialect};
use crate::api::refused::Refused;
use crate::api::request_log::Acting;
use crate::api::services::Services;
use crate::api::session_layer::{Presented, presented_id, take_back, with_presented};
use crate::domain::audit::Client;
use crate::domain::directory::{OrgId, User};
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::login::Replaced;
use crate::domain::principal::{Principal, Via};
use crate::domain::session::Check;
use actix_session::Session;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use std::marker::PhantomData;
use std::ops::Deref;

const ORG_HEADER: HeaderName = HeaderName::from_static("x-thoughtspot-orgs");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

const FOREIGN: &str =
    "a page of another site made this request; add its origin to embed.origins to allow it";

/// Somebody is signed in, and may make this kind of request from where they make it.
#[derive(Debug)]
pub struct RequireSession<D>(Principal, PhantomData<fn() -> D>);

impl<D> Deref for RequireSession<D> {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.0
    }
}

/// Somebody is signed in, or nothing at all was presented. Something bad is refused all the same.
#[derive(Debug)]
pub struct MaybeSession<D>(pub Option<Principal>, PhantomData<fn() -> D>);

/// An administrator of the whole server is signed in, limited neither to an object nor to an Org's key.
#[derive(Debug)]
pub struct RequireAdmin<D> {
    /// Who.
    pub principal: Principal,
    /// Their record.
    pub user: User,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect> FromRequest for RequireSession<D> {
    type Error = ApiError<D>;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            match authenticate::<D>(&request).await? {
                Some(principal) => Ok(Self(principal, PhantomData)),
                None => Err(Failure::Unauthenticated(Unauthenticated::NothingPresented).into()),
            }
        })
    }
}

impl<D: Dialect> FromRequest for MaybeSession<D> {
    type Error = ApiError<D>;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(authenticate::<D>(&request).await?, PhantomData)) })
    }
}

impl<D: Dialect> FromRequest for RequireAdmin<D> {
    type Error = ApiError<D>;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = RequireSession::<D>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let RequireSession(principal, _) = session.await?;
            let services = services(&request).ok_or(Failure::Internal)?;
            let user = services.require_user(&principal).await?;
            if !user.is_admin {
                let needs =
                    "this needs an administrator of the server, limited to no object or Org";
                return Err(Failure::forbidden(needs).into());
            }
            Ok(Self {
                principal,
                user,
                dialect: PhantomData,
            })
        })
    }
}

async fn authenticate<D: Dialect>(request: &HttpRequest) -> Result<Option<Principal>, ApiError<D>> {
    let services = services(request).ok_or(Failure::Internal)?;
    if let Some(token) = bearer(request.headers()) {
        let principal = services.login.bearer(token).await?;
        request.extensions_mut().insert(Acting(principal.user_id));
        return Ok(Some(in_asked_org(request, services, principal).await?));
    }
    let Some(principal) = from_cookie()? else {
        return Ok(None);
    };
    request.extensions_mut().insert(Acting(principal.user_id));
    refuse_forgery(request, services)?;
    Ok(Some(in_asked_org(request, services, principal).await?))
}

/// `x-thoughtspot-orgs` asks for one Org for one request: a cookie session's owner may visit any of theirs, a
/// token is good for its own only.
async fn in_asked_org<D>(
    request: &HttpRequest,
    services: &Services,
    principal: Principal,
) -> Result<Principal, ApiError<D>> {
    let Some(asked) = request.headers().get(ORG_HEADER) else {
        return Ok(principal);
    };
    let org = asked
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .map(OrgId)
        .ok_or_else(|| Failure::bad("x-thoughtspot-orgs", "the number of an Org"))?;
    Ok(services.login.visit_org(principal, org).await?)
}

/// The token of an `Authorization: Bearer` header; other schemes are none of ours.
///
/// Several headers are all looked at, or a Bearer behind another scheme would be overlooked and a
/// cookie would decide; of several Bearers none is believed, since readers differ about which counts.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut tokens = headers.get_all(AUTHORIZATION).filter_map(|value| {
        // Something unreadable is a Bearer that is no good, not an absent one.
        let text = value.to_str().unwrap_or("Bearer ?").trim();
        let (scheme, token) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = tokens.next()?;
    Some(if tokens.next().is_some() { "" } else { token })
}

fn from_cookie() -> Result<Option<Principal>, Refused> {
    with_presented(|presented| match presented {
        Presented::Nothing => Ok(None),
        Presented::Checked(id, Check::Live(session)) => {
            Ok(Some(Principal::of_session(id, session)))
        }
        Presented::StoreAway(error) => Err(Refused::unchecked(error)),
        dead => Err(Failure::Unauthenticated(why_dead(dead)).into()),
    })
}

/// What to tell whoever presented no live session. Only a cookie with our signature, of a session that is
/// still remembered, is told why it ended; to anything else there is nothing to tell.
fn why_dead(presented: &Presented) -> Unauthenticated {
    match presented {
        Presented::Nothing => Unauthenticated::NothingPresented,
        Presented::Checked(_, Check::Ended(reason) | Check::JustEnded(reason, _)) => {
            Unauthenticated::EndedSession(*reason)
        }
        Presented::Bad | Presented::Checked(..) | Presented::StoreAway(_) => {
            Unauthenticated::DeadSession
        }
    }
}

/// Refuses a state-changing request that the browser's own headers say another site made (decision 3 of the
/// contract). Scripts send neither header and pass; a Bearer is not sent by a browser on its own.
pub fn refuse_forgery(request: &HttpRequest, services: &Services) -> Result<(), Failure> {
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if !is_safe && is_foreign(request, services) {
        return Err(Failure::forbidden(FOREIGN));
    }
    Ok(())
}

/// Whether the browser's own headers say that another site's page made the request.
fn is_foreign(request: &HttpRequest, services: &Services) -> bool {
    let header = |name| request.headers().get(name).map(|value| value.to_str());
    match (header(ORIGIN), header(SEC_FETCH_SITE)) {
        (Some(Ok(origin)), _) => {
            !is_own_page(request, services, origin) && !services.is_embed_origin(origin)
        }
        (None, Some(Ok(site))) => site.eq_ignore_ascii_case("cross-site"),
        (Some(Err(_)), _) | (None, Some(Err(_))) => true,
        (None, None) => false,
    }
}

/// The live session that a login ends: the one presented with it.
///
/// Another site's page may have the browser sign in, but must not end what it could not have ended by a logout: then
/// only a session of the very user who signs in makes way. That is how embedding pages do it by a frame or a link,
/// which tell no origin, with each view.
pub fn replaced(request: &HttpRequest, services: &Services) -> Option<Replaced> {
    let id = presented_id()?;
    Some(if is_foreign(request, services) {
        Replaced::OfSameUser(id)
    } else {
        Replaced::OfAnybody(id)
    })
}

/// Refuses a login by GET that another site's page has the browser make unseen, with a picture or a fetch. Windows
/// and frames may go there from anywhere, which SDKs rely on.
pub fn refuse_unseen_login(request: &HttpRequest, services: &Services) -> Result<(), Failure> {
    let says = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let is_seen = matches!(says(SEC_FETCH_MODE), None | Some(b"navigate"));
    let is_cross_site = says(SEC_FETCH_SITE) == Some(b"cross-site");
    if !is_seen && is_cross_site && is_foreign(request, services) {
        return Err(Failure::forbidden(FOREIGN));
    }
    Ok(())
}

/// Whether the origin is that of our own pages, as this browser may know us.
pub fn is_own_page(request: &HttpRequest, services: &Services, origin: &str) -> bool {
    services.is_own_origin(origin) || is_listener(request, origin)
}

/// Whether the origin is the very address this connection came in on.
fn is_listener(request: &HttpRequest, origin: &str) -> bool {
    let scheme = if is_over_tls(request) {
        "https"
    } else {
        "http"
    };
    request
        .conn_data::<crate::api::caller::LocalAddress>()
        .is_some_and(|local| origin == format!("{scheme}://{}", local.0))
}

/// Ends the cookie session of a logout; a Bearer beside it lives on until it is revoked.
///
/// Refused when nothing live was presented. The cookies are taken back whenever one of ours came, dead or alive.
pub async fn close_session<D: Dialect>(
    request: &HttpRequest,
    client: &Client,
    cookies: &Session,
    services: &Services,
) -> Result<(), ApiError<D>> {
    // A store that is away says nothing about the session: the cookie stays as it is.
    with_presented(|presented| match presented {
        Presented::StoreAway(error) => Err(Refused::unchecked(error)),
        _ => Ok(()),
    })?;
    let was_live = match presented_id() {
        None => false,
        Some(id) => {
            refuse_forgery(request, services)?;
            services.login.log_out(&id, client).await?
        }
    };
    take_back(cookies);
    if was_live {
        return Ok(());
    }
    if let Some(token) = bearer(request.headers()) {
        services.login.bearer(token).await?;
        return Ok(());
    }
    Err(Failure::Unauthenticated(with_presented(why_dead)).into())
}

/// Whether the principal came by cookie.
pub const fn is_by_cookie(principal: &Principal) -> bool {
    matches!(principal.via, Via::Session(_))
}
