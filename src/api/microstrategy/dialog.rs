//! `auth/login-dialog.jsp` and `auth/login`: signing in on a page of the server's, in a tab of the client's.
//!
//! The client says where it ends: at an address (`redirectURL`), or in a message to the window that opened the tab
//! (`callback-origin`). Both are checked before anything else happens.

use crate::api::caller::Caller;
use crate::api::departure::{Departing, depart};
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query, optional};
use crate::api::guard::refuse_forgery;
use crate::api::landing::{Landing, Target, go_to};
use crate::api::microstrategy::auth::{off, replaced};
use crate::api::microstrategy::cookies;
use crate::api::microstrategy::dialog_page::{Dialog, Shown, signed_in};
use crate::api::microstrategy::site::{Mode, Site};
use crate::api::services::Services;
use crate::domain::failure::Failure;
use crate::domain::login::{IDLE_SLACK, OpenRequest, Opened};
use crate::domain::sso::Protocol;
use actix_session::Session;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, http, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;

type Refusal = ApiError<Dialog>;

/// How to sign in, and where to end.
#[derive(Deserialize)]
pub struct DialogFields {
    #[serde(rename = "loginMode")]
    mode: Option<String>,
    #[serde(rename = "callback-origin")]
    callback_origin: Option<String>,
    #[serde(rename = "redirectURL")]
    redirect: Option<String>,
    provider: Option<String>,
    username: Option<String>,
    password: Option<SecretString>,
}

/// `GET auth/login-dialog.jsp`: to the identity provider, or a form where nothing says which.
pub async fn show(
    query: Query<Dialog, DialogFields>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let fields = query.into_inner();
    let target = target(&fields, &services)?;
    match judge(&fields, &target, &request, &services)? {
        // Whoever only asks whether the page is there begins nothing.
        (_, shown) if request.method() == http::Method::HEAD => Ok(shown.dialog(&services)),
        (Some(mode @ (Mode::Saml | Mode::Oidc)), _) => {
            to_provider(mode, &fields, &target, &request, &services).await
        }
        (_, shown) => Ok(shown.dialog(&services)),
    }
}

/// `POST auth/login`: what the form of the dialog sends, and what older clients send of their own.
pub async fn log_in(
    form: Form<Dialog, DialogFields>,
    caller: Caller<Dialog>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let fields = form.into_inner();
    let target = target(&fields, &services)?;
    let (mode, _) = judge(&fields, &target, &request, &services)?;
    // Without one it is this one, which may be off as any other.
    let mode = mode.map_or_else(|| require_on(Mode::Standard, &services), Ok)?;
    if matches!(mode, Mode::Saml | Mode::Oidc) {
        return to_provider(mode, &fields, &target, &request, &services).await;
    }
    // A page of another site must not sign its visitor in to an account of its own.
    refuse_forgery(&request, &services)?;
    let wanted = DialogLanding.request(&request, &services)?;
    let missing = |field| Failure::bad(field, "a value; it is missing or empty");
    let name = optional(fields.username).ok_or_else(|| missing("username"))?;
    // No attempt: nobody has an empty password, and it would count against whose name it is.
    let password = fields.password.filter(|it| !it.expose_secret().is_empty());
    let password = password.ok_or_else(|| missing("password"))?;
    let login = &services.login;
    let opened = match mode {
        Mode::Standard => login.log_in(&name, &password, wanted, &caller.client).await,
        Mode::Ldap => {
            login
                .log_in_by_ldap(&name, &password, wanted, &caller.client)
                .await
        }
        other => return Err(off(other).into()),
    };
    Ok(landed(&request, &services, &target, &opened?))
}

/// The mode asked for, and what is shown of the request from here on, whatever becomes of it.
fn judge(
    fields: &DialogFields,
    target: &Target,
    request: &HttpRequest,
    services: &Services,
) -> Result<(Option<Mode>, Shown), Failure> {
    let mut shown = Shown::ending_at(target);
    request.extensions_mut().insert(shown.clone());
    let mode = mode_of(fields.mode.as_deref(), services)?;
    shown.mode = mode.filter(|mode| matches!(mode, Mode::Standard | Mode::Ldap));
    shown.has_mode = true;
    shown.username = fields.username.clone().unwrap_or_default();
    request.extensions_mut().insert(shown.clone());
    Ok((mode, shown))
}

async fn to_provider(
    mode: Mode,
    fields: &DialogFields,
    target: &Target,
    request: &HttpRequest,
    services: &Services,
) -> Result<HttpResponse, Refusal> {
    let departing = Departing {
        protocol: match mode {
            Mode::Saml => Protocol::Saml,
            _ => Protocol::Oidc,
        },
        provider: fields.provider.as_deref().filter(|name| !name.is_empty()),
        org: None,
        is_forced: false,
        landing: &DialogLanding,
        target,
    };
    depart(request, services, departing).await
}

/// The mode asked for, when it is one of browsers and switched on; none when nothing was said.
fn mode_of(text: Option<&str>, services: &Services) -> Result<Option<Mode>, Failure> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // The others have nothing to show: whoever asks for one must not be given another.
    let mode = text.trim().parse().ok().and_then(Mode::of);
    let mode = mode
        .filter(|mode| mode.has_dialog())
        .ok_or_else(|| Failure::bad("loginMode", "one of 1, 16, 1048576 and 4194304"))?;
    require_on(mode, services).map(Some)
}

fn require_on(mode: Mode, services: &Services) -> Result<Mode, Failure> {
    let is_on = services.live.load().web.modes.contains(&mode.number());
    is_on.then_some(mode).ok_or_else(|| off(mode))
}

/// Where the sign-in ends; both ways pass the rules of redirects and of embedding.
fn target(fields: &DialogFields, services: &Services) -> Result<Target, Failure> {
    let redirect = optional(fields.redirect.clone());
    let origin = optional(fields.callback_origin.clone());
    match (redirect, origin) {
        (Some(_), Some(_)) => Err(Failure::bad(
            "redirectURL",
            "either redirectURL or callback-origin",
        )),
        (Some(url), None) => {
            let checked = services.live.load().redirects.check(&url);
            let safe = checked.map_err(|refusal| match Failure::from(&refusal) {
                // By the name it has here.
                Failure::BadRequest { expected, .. } => Failure::bad("redirectURL", expected),
                other => other,
            })?;
            Ok(Target::url(&safe))
        }
        (None, Some(origin)) => {
            if services.is_embed_origin(&origin) || services.is_own_origin(&origin) {
                return Ok(Target::Opener(origin));
            }
            Err(Failure::bad(
                "callback-origin",
                "an origin of embed.origins, such as https://app.example.com",
            ))
        }
        (None, None) => Ok(Target::Opener(String::new())),
    }
}

/// Browsers of this dialect's clients: its cookies, and on to the address, or a message to the opener.
#[derive(Debug)]
pub struct DialogLanding;

impl Landing for DialogLanding {
    fn name(&self) -> &'static str {
        "dialog"
    }

    fn request(&self, request: &HttpRequest, services: &Services) -> Result<OpenRequest, Failure> {
        let site: &Site = services.microstrategy()?;
        Ok(OpenRequest {
            idle: Some(services.live.load().web.iserver_timeout + IDLE_SLACK),
            ids: Some(Arc::clone(&site.ids)),
            replaced: replaced(request, services)?,
            ..OpenRequest::default()
        })
    }

    fn land(
        &self,
        request: &HttpRequest,
        services: &Services,
        _: &Session,
        target: &Target,
        opened: &Opened,
    ) -> HttpResponse {
        landed(request, services, target, opened)
    }

    fn way_back(&self, services: &Services, target: &Target) -> String {
        Shown::ending_at(target).link(services, "")
    }
}

fn landed(
    request: &HttpRequest,
    services: &Services,
    target: &Target,
    opened: &Opened,
) -> HttpResponse {
    let mut reply = match target {
        Target::Url(url) => go_to(url),
        Target::Opener(origin) => signed_in(services, origin),
    };
    if let (Ok(site), Some(block)) = (services.microstrategy(), &opened.block) {
        cookies::hand_out_in(reply.headers_mut(), request, services, site, block);
    }
    reply
}
