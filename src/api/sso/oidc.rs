//! `OpenID Connect`: to the provider, back with a code, and what the provider says behind the browser's back.

use crate::api::caller::Caller;
use crate::api::departure::{Departing, callback, depart, is_handle, own_base, wanted};
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query, flag};
use crate::api::landing::Target;
use crate::api::services::Services;
use crate::api::sso::answers::Arrival;
use crate::api::sso::{BrowserLanding, Sso, graver, page};
use crate::domain::failure::Failure;
use crate::domain::login::LoginError;
use crate::domain::sso::{
    Answer, AssertionFault, LogoutNotice, LogoutWord, Protocol, ProviderError, SsoError,
};
use actix_session::Session;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use anyhow::anyhow;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

type Refusal = ApiError<Sso>;

/// What a sign-in begins with, in both protocols.
#[derive(Deserialize)]
pub struct BeginQuery {
    /// Where the browser wants to be.
    #[serde(rename = "targetURLPath")]
    target: Option<String>,
    /// The provider by name.
    provider: Option<String>,
    /// Whether the person has to prove who they are anew.
    #[serde(rename = "forceAuthn")]
    forced: Option<String>,
}

/// Sends a browser to a provider of that protocol.
pub async fn begin_with(
    protocol: Protocol,
    query: BeginQuery,
    request: &HttpRequest,
    services: &Services,
) -> Result<HttpResponse, Refusal> {
    let target = wanted(request, services, query.target.as_deref())?;
    let departing = Departing {
        protocol,
        provider: query.provider.as_deref().filter(|name| !name.is_empty()),
        is_forced: flag("forceAuthn", query.forced.as_deref())?,
        landing: &BrowserLanding,
        target: &Target::url(&target),
    };
    depart(request, services, departing).await
}

/// `GET oidc/login`
pub async fn begin(
    query: Query<Sso, BeginQuery>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    begin_with(Protocol::Oidc, query.into_inner(), &request, &services).await
}

/// What a provider adds to the redirect URL.
#[derive(Deserialize)]
pub struct CallbackQuery {
    state: Option<String>,
    code: Option<SecretString>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `GET oidc/callback`
pub async fn finish(
    query: Query<Sso, CallbackQuery>,
    caller: Caller<Sso>,
    cookies: Session,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let query = query.into_inner();
    let arrival = Arrival {
        request: &request,
        services: &services,
        cookies: &cookies,
        caller: &caller,
        protocol: Protocol::Oidc,
    };
    let state = query.state.filter(|state| is_handle(state));
    let state = state.ok_or_else(|| Arrival::refused(SsoError::NotUnderWay))?;
    let errand = arrival.errand(&state).await?;
    if let Some(error) = query.error {
        let words = query.error_description.unwrap_or_default();
        // A provider's words, but anybody can type an address: shortened and without controls.
        let shown: String = format!("{error}: {words}")
            .escape_debug()
            .take(300)
            .collect();
        let refused = match error.as_str() {
            // Trouble of the provider's own: nobody was judged.
            "server_error" | "temporarily_unavailable" => {
                ProviderError::Unavailable(anyhow!("it says {shown}"))
            }
            _ => ProviderError::refused(AssertionFault::NotSuccessful, shown),
        };
        let refused =
            services
                .login
                .refused_by_provider(Protocol::Oidc, refused.into(), &caller.client);
        return match error.as_str() {
            "access_denied" => Ok(page::turned_down(
                &request,
                &services,
                &caller.client.incident,
            )),
            _ => Err(refused.into()),
        };
    }
    let code = query.code.filter(|code| !code.expose_secret().is_empty());
    let code = code.ok_or_else(|| Failure::bad("code", "a value; it is missing or empty"))?;
    let answer = Answer::Oidc {
        code,
        issuer: query.iss,
    };
    arrival.land(&errand, &state, &answer).await
}

/// What a provider posts when somebody has signed out there.
#[derive(Deserialize)]
pub struct LogoutForm {
    logout_token: Option<String>,
}

/// `POST oidc/backchannel-logout`: 204, once the sessions are over; 400 when the token is not believed.
pub async fn log_out_by_back_channel(
    form: Form<Sso, LogoutForm>,
    caller: Caller<Sso>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let token = form.into_inner().logout_token.unwrap_or_default();
    let notice = LogoutNotice::OidcToken(token);
    let callback = callback(&own_base(&request, &services), Protocol::Oidc);
    let login = &services.login;
    let (mut refused, mut is_heeded) = (SsoError::NoProvider, false);
    let providers = login.sso.providers.iter();
    // The token says whose it is, but only a signature tells: each provider is asked whether it is its own.
    for provider in providers.filter(|one| one.protocol == Protocol::Oidc) {
        let word = provider
            .engine
            .read_logout(&notice, &callback, login.now())
            .await;
        match word {
            Ok(LogoutWord::Request(there)) => {
                let ended = login.log_out_by_provider(provider, &there, &caller.client);
                match ended.await {
                    // On to the others: two sections may stand for one provider.
                    Ok(_) => is_heeded = true,
                    Err(error @ SsoError::Provider(_)) => refused = graver(refused, error),
                    Err(error) => return Err(LoginError::from(error).into()),
                }
            }
            Ok(LogoutWord::Answer { .. }) => {}
            Err(error) => {
                // Trouble with the right provider must not be taken for the verdict of another.
                let is_foreign = matches!(
                    error,
                    ProviderError::Refused {
                        fault: AssertionFault::WrongIssuer,
                        ..
                    }
                );
                if !is_foreign {
                    refused = graver(refused, error.into());
                }
            }
        }
    }
    if is_heeded {
        return Ok(HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .finish());
    }
    Err(match refused {
        SsoError::Provider(ProviderError::Refused { fault, detail }) => {
            let incident = caller.client.incident.as_str();
            tracing::warn!(incident, %fault, detail, "a sign-out notice was refused");
            Failure::bad("logout_token", "a token that this provider signed, once").into()
        }
        SsoError::NoProvider => {
            Failure::bad("logout_token", "a token of a configured provider").into()
        }
        error => LoginError::from(error).into(),
    })
}
