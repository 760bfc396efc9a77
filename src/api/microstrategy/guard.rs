//! Guards: a token and a cookie, both there and of one session; or an administrator's.

use crate::api::caller::services;
use crate::api::dialect::ApiError;
use crate::api::guard::refuse_forgery;
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::cookies::presented;
use crate::api::microstrategy::site::Site;
use crate::api::services::Services;
use crate::domain::clock::Timestamp;
use crate::domain::directory::User;
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::login::{IDLE_SLACK, Shared};
use crate::domain::principal::Principal;
use crate::domain::session::{BlockId, Method, Session, SessionId};
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use std::time::Duration;

/// How much later than advertised a session ends at the least (contract decision 17).
const END_SLACK: Duration = Duration::from_secs(1);

/// Where the token travels, both ways.
pub const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-mstr-authtoken");

/// Somebody is signed in: token and cookie of one live session came together.
#[derive(Debug)]
pub struct Signed {
    /// The session, as stores know it.
    pub id: SessionId,
    /// The session.
    pub session: Session,
    /// Who it is.
    pub principal: Principal,
    /// The timeout that is advertised: the idle one, or what is left to the absolute end.
    pub timeout: Duration,
}

impl Signed {
    /// The session whose fate this one shares, which may be itself.
    pub fn lender(&self) -> &SessionId {
        self.session.notes.shares.as_ref().unwrap_or(&self.id)
    }
}

impl FromRequest for Signed {
    type Error = ApiError<MicroStrategy>;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let services = services(&request).ok_or(Failure::Internal)?;
            let block = belonging(request.headers(), services.microstrategy()?)?;
            let signed = check(services, &block).await?;
            refuse_forgery(&request, services)?;
            Ok(signed)
        })
    }
}

/// An administrator of the server is signed in.
#[derive(Debug)]
pub struct Administrator {
    /// Their record.
    pub user: User,
}

impl FromRequest for Administrator {
    type Error = ApiError<MicroStrategy>;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let signed = Signed::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let signed = signed.await?;
            let services = services(&request).ok_or(Failure::Internal)?;
            let user = services.require_user(&signed.principal).await?;
            if !user.is_admin {
                return Err(Failure::forbidden("this needs an administrator of the server").into());
            }
            Ok(Self { user })
        })
    }
}

/// The id whose token came with it. Which belongs to which is known without asking a store.
pub fn belonging(headers: &HeaderMap, site: &Site) -> Result<BlockId, Failure> {
    let mut tokens = headers.get_all(AUTH_TOKEN);
    let (token, second) = (tokens.next(), tokens.next());
    let ids = presented(headers, &site.ids);
    let Some(token) = token else {
        let why = if ids.is_empty() {
            Unauthenticated::NothingPresented
        } else {
            Unauthenticated::DeadSession
        };
        return Err(Failure::Unauthenticated(why));
    };
    // Readers differ about which of several counts, so none does.
    let token = token.to_str().ok().filter(|_| second.is_none());
    token
        .and_then(|token| {
            ids.into_iter()
                .find(|id| site.ids.is_token_of(id, token.trim()))
        })
        .ok_or(Failure::Unauthenticated(Unauthenticated::DeadSession))
}

/// The live session of that id; its idle timeout starts anew.
pub async fn check(
    services: &Services,
    block: &BlockId,
) -> Result<Signed, ApiError<MicroStrategy>> {
    let id = block.session_id();
    match services.login.check_shared(&id).await? {
        Shared::Live { own, lender } => {
            let now = services.login.now();
            let idle = lender.as_ref().unwrap_or(&own).lifetime.idle;
            let left = lender.iter().chain([&own]).map(|one| left(one, now)).min();
            let mut principal = Principal::of_session(&id, &own);
            // Handed on, a guest's session is a guest's still.
            if lender.is_some_and(|lender| lender.method == Method::Guest) {
                principal.method = Some(Method::Guest);
            }
            Ok(Signed {
                principal,
                id,
                session: *own,
                timeout: idle
                    .saturating_sub(IDLE_SLACK)
                    .min(left.unwrap_or_default()),
            })
        }
        Shared::Over(reason) => {
            let why = reason.map_or(Unauthenticated::DeadSession, Unauthenticated::EndedSession);
            Err(Failure::Unauthenticated(why).into())
        }
    }
}

/// What may be advertised of the time to a session's absolute end: whole seconds, of which it outlives the last.
fn left(session: &Session, now: Timestamp) -> Duration {
    let end = session.opened_at.plus(session.lifetime.absolute);
    let left = Duration::from_millis(end.millis().saturating_sub(now.millis()));
    left.saturating_sub(END_SLACK)
}
