//! `auth/identityToken` and `auth/delegate`: one session lends itself to another application, once.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::auth::{answer, wanted};
use crate::api::microstrategy::body::Fields;
use crate::api::microstrategy::guard::Signed;
use crate::api::microstrategy::project::hex_id;
use crate::api::microstrategy::reply::json;
use crate::api::services::Services;
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::session::Check;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use serde_json::json as value;

type Refusal = ApiError<MicroStrategy>;

const IDENTITY_TOKEN: HeaderName = HeaderName::from_static("x-mstr-identitytoken");
/// The login mode that a delegation is.
const DELEGATION: i64 = -1;

/// `POST auth/identityToken`: a token for this session, in a header.
pub async fn create(
    signed: Signed,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let user = services.require_user(&signed.principal).await?;
    let session = &signed.session;
    let token = services
        .trusted
        .mint_identity(signed.lender(), &user, session.org, session.opened_at)
        .await?;
    Ok(HttpResponse::Created()
        .insert_header((IDENTITY_TOKEN, token.expose()))
        .finish())
}

/// `GET auth/identityToken`: whose it is. Looking does not use it up.
pub async fn look(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let dead = Failure::Unauthenticated(Unauthenticated::DeadToken);
    let token = request
        .headers()
        .get(IDENTITY_TOKEN)
        .and_then(|token| token.to_str().ok())
        .ok_or_else(|| dead.clone())?;
    let record = services.trusted.look_at_identity(token).await?;
    let Some(session) = record.session else {
        return Err(dead.into());
    };
    // A token does not outlive the session it stands for.
    match services.login.check(&session).await? {
        Check::Live(_) => {
            let id = hex_id(record.user_id.0);
            Ok(json(&request, value!({ "userId": id })))
        }
        _ => Err(dead.into()),
    }
}

/// `POST auth/delegate`: an identity token for a session of one's own.
///
/// What else came with it stays as it is: the very session the token stands for may be among it.
pub async fn delegate(
    fields: Fields,
    caller: Caller<MicroStrategy>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let site = services.microstrategy()?;
    if fields
        .number("loginMode")?
        .is_some_and(|mode| mode != DELEGATION)
    {
        return Err(Failure::bad("loginMode", "-1").into());
    }
    let token = fields
        .secret("identityToken")?
        .ok_or_else(|| Failure::bad("identityToken", "a value; it is missing or empty"))?;
    let open = wanted(&fields, site, &services)?;
    let opened = services
        .login
        .delegate(token.expose_secret(), open, &caller.client)
        .await?;
    Ok(answer(&request, &services, site, &opened))
}
