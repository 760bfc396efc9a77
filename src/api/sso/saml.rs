//! SAML: to the provider, back with a posted response, our metadata, and single logout.

use crate::api::caller::Caller;
use crate::api::departure::{browser_of, callback, host_of, is_handle, own_base, wanted};
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query};
use crate::api::landing::{Landing, Target, go_to};
use crate::api::services::Services;
use crate::api::session_layer;
use crate::api::sso::answers::Arrival;
use crate::api::sso::oidc::{BeginQuery, begin_with};
use crate::api::sso::page::SIGNED_OUT;
use crate::api::sso::{BrowserLanding, Sso, graver, logout, page};
use crate::domain::failure::Failure;
use crate::domain::login::LoginError;
use crate::domain::session::Check;
use crate::domain::sso::{
    Answer, AssertionFault, LogoutNotice, LogoutWord, Protocol, ProviderError, SsoError,
};
use actix_session::Session;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

type Refusal = ApiError<Sso>;

/// Where single logout happens.
pub const LOGOUT: &str = "/callosum/v1/saml/logout";

/// `GET saml/login`
pub async fn begin(
    query: Query<Sso, BeginQuery>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    begin_with(Protocol::Saml, query.into_inner(), &request, &services).await
}

/// What a provider has the browser post.
#[derive(Deserialize)]
pub struct ResponseForm {
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
    /// Our own mark: the browser has posted it once more, from a page of ours.
    again: Option<String>,
}

/// `POST saml/SSO`
pub async fn finish(
    form: Form<Sso, ResponseForm>,
    caller: Caller<Sso>,
    cookies: Session,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let form = form.into_inner();
    let response = form.response.filter(|response| !response.is_empty());
    let response =
        response.ok_or_else(|| Failure::bad("SAMLResponse", "a value; it is missing or empty"))?;
    let arrival = Arrival {
        request: &request,
        services: &services,
        cookies: &cookies,
        caller: &caller,
        protocol: Protocol::Saml,
    };
    let Some(handle) = form.relay_state.as_deref().filter(|state| is_handle(state)) else {
        return unsolicited(&arrival, response, form.relay_state.as_deref()).await;
    };
    // A form that another site posts brings no Lax cookies, and without https ours cannot be anything else. Posted
    // once more from our own page it does.
    if browser_of(&request, &services, handle).is_none() && form.again.is_none() {
        return Ok(page::post_again(&services, &response, handle));
    }
    let errand = arrival.errand(handle).await?;
    arrival.land(&errand, handle, &Answer::Saml(response)).await
}

/// An answer nobody here asked for: only of a provider that may speak first.
async fn unsolicited(
    arrival: &Arrival<'_>,
    response: String,
    relay_state: Option<&str>,
) -> Result<HttpResponse, Refusal> {
    let services = arrival.services;
    let issuer = issuer_of(&response).unwrap_or_default();
    let answer = Answer::Saml(response);
    let request = arrival.request;
    let base = own_base(request, services);
    let callback = callback(&base, Protocol::Saml);
    let sso = &services.login.sso;
    let sections = sso.of_issuer(Protocol::Saml, &issuer, host_of(&base));
    let provider = sso.whose(sections, &answer, &callback).await;
    let Some(provider) = provider else {
        let detail = "the issuer is no configured provider";
        let refused = ProviderError::refused(AssertionFault::WrongIssuer, detail);
        let client = &arrival.caller.client;
        let login = &services.login;
        return Err(login
            .refused_by_provider(Protocol::Saml, refused.into(), client)
            .into());
    };
    // It may say where to go, by the same rule as everybody.
    let target = wanted(arrival.request, services, relay_state)
        .or_else(|_| wanted(arrival.request, services, None))?;
    let landing = &BrowserLanding;
    let opened = arrival.open(provider, landing, &answer, None).await?;
    let target = Target::url(&target);
    Ok(landing.land(request, services, arrival.cookies, &target, &opened))
}

/// The first issuer a message names, unjudged: only to find the provider that is to judge it.
fn issuer_of(message: &str) -> Option<String> {
    let bytes = STANDARD.decode(message.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("Issuer")?;
    let (_, rest) = rest.split_once('>')?;
    let (issuer, _) = rest.split_once('<')?;
    Some(issuer.trim().to_owned())
}

/// Which provider's view of us is wanted.
#[derive(Deserialize)]
pub struct MetadataQuery {
    provider: Option<String>,
}

/// `GET saml/metadata`
pub async fn metadata(
    query: Query<Sso, MetadataQuery>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let name = query.into_inner().provider;
    let base = own_base(&request, &services);
    let sso = &services.login.sso;
    let provider = match name.as_deref() {
        Some(name) => sso.find(name).filter(|one| one.protocol == Protocol::Saml),
        None => sso.choose(Protocol::Saml, None, ""),
    };
    let first = || {
        sso.providers
            .iter()
            .find(|one| one.protocol == Protocol::Saml)
    };
    let provider = provider.or_else(|| name.is_none().then(first).flatten());
    let text = provider.and_then(|provider| {
        let callback = callback(&base, Protocol::Saml);
        provider
            .engine
            .metadata(&callback, &format!("{base}{LOGOUT}"))
    });
    let text = text.ok_or_else(|| Failure::NotFound {
        what: "a SAML provider of that name".to_owned(),
    })?;
    Ok(HttpResponse::Ok()
        .content_type("application/samlmetadata+xml")
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(text))
}

/// `GET saml/logout`: a message of the provider's, or somebody who wants to sign out.
pub async fn log_out_by_redirect(
    caller: Caller<Sso>,
    cookies: Session,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let query = request.query_string();
    let is_message = query
        .split('&')
        .any(|pair| pair.starts_with("SAMLRequest=") || pair.starts_with("SAMLResponse="));
    if !is_message {
        return logout::ask(request, services).await;
    }
    let notice = LogoutNotice::SamlRedirect(query.to_owned());
    heed(&notice, None, &caller, &cookies, &request, &services).await
}

/// What a provider has the browser post, or somebody who wants to sign out.
#[derive(Deserialize)]
pub struct LogoutForm {
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// `POST saml/logout`
pub async fn log_out_by_post(
    form: Form<Sso, LogoutForm>,
    caller: Caller<Sso>,
    cookies: Session,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let form = form.into_inner();
    let is_request = form.request.is_some();
    let Some(message) = form.request.or(form.response) else {
        return logout::begin(caller, cookies, request, services).await;
    };
    let issuer = issuer_of(&message);
    let notice = LogoutNotice::SamlPost {
        message,
        is_request,
        relay_state: form.relay_state,
    };
    heed(&notice, issuer, &caller, &cookies, &request, &services).await
}

/// Ends what the provider says is over, and lets the browser carry our confirmation.
async fn heed(
    notice: &LogoutNotice,
    issuer: Option<String>,
    caller: &Caller<Sso>,
    cookies: &Session,
    request: &HttpRequest,
    services: &Services,
) -> Result<HttpResponse, Refusal> {
    let login = &services.login;
    let callback = format!("{}{LOGOUT}", own_base(request, services));
    let mut refused = SsoError::NoProvider;
    let mut reply = None;
    let providers = login.sso.providers.iter();
    let fitting = providers.filter(|one| {
        let is_named = issuer
            .as_deref()
            .is_none_or(|issuer| one.engine.issuer() == issuer);
        one.protocol == Protocol::Saml && is_named
    });
    for provider in fitting {
        match provider
            .engine
            .read_logout(notice, &callback, login.now())
            .await
        {
            Ok(LogoutWord::Request(there)) => {
                let was_live = session_layer::presented_id();
                let ended = login.log_out_by_provider(provider, &there, &caller.client);
                match ended.await {
                    Ok(_) => {}
                    // Carried here a second time: this section has heard it, another perhaps not.
                    Err(error @ SsoError::Provider(_)) => {
                        refused = graver(refused, error);
                        continue;
                    }
                    Err(error) => return Err(LoginError::from(error).into()),
                }
                // Only the cookie of a session that is over now: whoever carries the message may be somebody else.
                if let Some(id) = was_live
                    && !matches!(login.check(&id).await, Ok(Check::Live(_)))
                {
                    session_layer::take_back(cookies);
                }
                // On to the others: two sections may stand for one provider.
                reply = Some(go_to(there.reply_url.as_deref().unwrap_or(SIGNED_OUT)));
            }
            Ok(LogoutWord::Answer { .. }) => return Ok(go_to(SIGNED_OUT)),
            Err(error) => refused = graver(refused, error.into()),
        }
    }
    if let Some(reply) = reply {
        return Ok(reply);
    }
    if let SsoError::Provider(ProviderError::Refused { fault, detail }) = &refused {
        let incident = caller.client.incident.as_str();
        tracing::warn!(incident, %fault, detail, "a sign-out message was refused");
        let expected = "a message that a configured provider signed, once";
        return Err(Failure::bad("SAMLRequest", expected).into());
    }
    Err(LoginError::from(refused).into())
}
