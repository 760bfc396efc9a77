//! Signing out here and at the provider: asked for by a page of ours, confirmed by the provider.

use crate::api::caller::Caller;
use crate::api::departure::own_base;
use crate::api::dialect::ApiError;
use crate::api::guard::refuse_forgery;
use crate::api::landing::go_to;
use crate::api::refused::Refused;
use crate::api::services::Services;
use crate::api::session_layer::{self, Presented, with_presented};
use crate::api::sso::page::SIGNED_OUT;
use crate::api::sso::saml::LOGOUT;
use crate::api::sso::{Sso, page};
use crate::domain::session::Check;
use crate::domain::sso::{Protocol, ProviderLink};
use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};

type Refusal = ApiError<Sso>;

/// Where a browser lands that is signed out everywhere.
const COMPLETE: &str = "/callosum/v1/oidc/logout/complete";

/// `GET …/logout`: a page with a button. A link alone signs nobody out: any page could have it followed.
pub async fn ask(_: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Refusal> {
    Ok(page::confirm_logout(&services))
}

/// `POST …/logout`: ends the session here, then sends the browser to the provider to end the one there.
pub async fn begin(
    caller: Caller<Sso>,
    cookies: Session,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    refuse_forgery(&request, &services)?;
    let live = with_presented(|presented| match presented {
        Presented::Checked(id, Check::Live(session)) => {
            Ok(Some((id.clone(), session.notes.provider.clone())))
        }
        // Nobody may be told that they are out while nothing is known.
        Presented::StoreAway(error) => Err(Refused::unchecked(error)),
        _ => Ok(None),
    })?;
    let Some((id, link)) = live else {
        session_layer::take_back(&cookies);
        return Ok(go_to(SIGNED_OUT));
    };
    services.login.log_out(&id, &caller.client).await?;
    session_layer::take_back(&cookies);
    let url = match link {
        Some(link) => url_there(&link, &request, &services).await,
        None => None,
    };
    Ok(go_to(url.as_deref().unwrap_or(SIGNED_OUT)))
}

/// None where the provider has no such place or is away: the session here is over either way.
async fn url_there(
    link: &ProviderLink,
    request: &HttpRequest,
    services: &Services,
) -> Option<String> {
    let provider = services.login.sso.find(&link.provider)?;
    let base = own_base(request, services);
    let path = match provider.protocol {
        Protocol::Saml => LOGOUT,
        Protocol::Oidc => COMPLETE,
    };
    let return_to = format!("{base}{path}");
    let asked = provider.engine.begin_logout(link, "", &return_to).await;
    asked
        .inspect_err(|error| {
            tracing::warn!(provider = provider.name, %error, "not signed out at the provider");
        })
        .ok()
        .flatten()
}

/// `GET oidc/logout/complete`: where the provider sends the browser when it has signed out there.
pub async fn complete() -> HttpResponse {
    go_to(SIGNED_OUT)
}
