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
use crate::api::message_page::{escaped, page};
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::auth::{off, replaced};
use crate::api::microstrategy::cookies;
use crate::api::microstrategy::site::{Mode, Site};
use crate::api::services::Services;
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::login::{IDLE_SLACK, OpenRequest, Opened};
use crate::domain::sso::Protocol;
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Deserialize;
use std::fmt::Write;
use std::sync::Arc;

type Refusal = ApiError<MicroStrategy>;

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
    query: Query<MicroStrategy, DialogFields>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let fields = query.into_inner();
    let target = target(&fields, &services)?;
    match mode_of(fields.mode.as_deref(), &services)? {
        Some(mode @ (Mode::Saml | Mode::Oidc)) => {
            to_provider(mode, &fields, &target, &request, &services).await
        }
        _ => Ok(dialog(&fields, &services, None)),
    }
}

/// `POST auth/login`: what the form of the dialog sends, and what older clients send of their own.
pub async fn log_in(
    form: Form<MicroStrategy, DialogFields>,
    caller: Caller<MicroStrategy>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let fields = form.into_inner();
    let target = target(&fields, &services)?;
    let mode = mode_of(fields.mode.as_deref(), &services)?.unwrap_or(Mode::Standard);
    if matches!(mode, Mode::Saml | Mode::Oidc) {
        return to_provider(mode, &fields, &target, &request, &services).await;
    }
    // A page of another site must not sign its visitor in to an account of its own.
    refuse_forgery(&request, &services)?;
    let landing = &DialogLanding;
    let wanted = landing.request(&request, &services)?;
    let name = fields.username.clone().unwrap_or_default();
    let password = fields.password.clone().unwrap_or_default();
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
    match opened {
        Ok(opened) => Ok(landed(&request, &services, &target, &opened)),
        Err(error) => {
            let failure = Failure::from(&error);
            let refused = Failure::Unauthenticated(Unauthenticated::BadCredentials);
            if failure == refused {
                return Ok(dialog(
                    &fields,
                    &services,
                    Some("The user name or password is wrong, or the account may not sign in."),
                ));
            }
            Err(error.into())
        }
    }
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
    let mode = text.trim().parse().ok().and_then(Mode::of);
    let mode =
        mode.ok_or_else(|| Failure::bad("loginMode", "one of 1, 16, 1048576 and 4194304"))?;
    if !services.live.load().web.modes.contains(&mode.number()) {
        return Err(off(mode));
    }
    Ok(Some(mode))
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
            let safe = checked.map_err(|refusal| Failure::from(&refusal))?;
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

/// The form, and a link for each provider. Links, as a form's redirect could be held against the page's policy.
fn dialog(fields: &DialogFields, services: &Services, complaint: Option<&str>) -> HttpResponse {
    let base = services
        .microstrategy
        .as_ref()
        .map_or("", |site| site.base_path.as_str());
    let origin = fields.callback_origin.as_deref().unwrap_or_default();
    let redirect = fields.redirect.as_deref().unwrap_or_default();
    let live = services.live.load();
    let is_on = |mode: Mode| live.web.modes.contains(&mode.number());
    // Writing to a String cannot fail.
    let mut body = String::new();
    if is_on(Mode::Standard) || is_on(Mode::Ldap) {
        let mode = if is_on(Mode::Standard) { 1 } else { 16 };
        let name = escaped(fields.username.as_deref().unwrap_or_default());
        let complaint = complaint.map_or(String::new(), |words| {
            format!(
                "<p id=\"error\" class=\"error\" role=\"alert\">{}</p>\n",
                escaped(words)
            )
        });
        let _ = write!(
            body,
            "<form method=\"post\" action=\"{}/auth/login\">\n\
             <input type=\"hidden\" name=\"loginMode\" value=\"{mode}\">\n\
             <input type=\"hidden\" name=\"callback-origin\" value=\"{}\">\n\
             <input type=\"hidden\" name=\"redirectURL\" value=\"{}\">\n\
             <div class=\"field\"><label for=\"username\">Username</label>\n\
             <input id=\"username\" name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" \
             spellcheck=\"false\" required value=\"{name}\"></div>\n\
             <div class=\"field\"><label for=\"password\">Password</label>\n\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required></div>\n\
             {complaint}<button type=\"submit\" class=\"primary\">Sign in</button>\n</form>\n",
            escaped(base),
            escaped(origin),
            escaped(redirect)
        );
    }
    for provider in &services.login.sso.providers {
        let mode = match provider.protocol {
            Protocol::Saml => Mode::Saml,
            Protocol::Oidc => Mode::Oidc,
        };
        if !is_on(mode) {
            continue;
        }
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let href = format!(
            "{base}/auth/login-dialog.jsp?loginMode={mode}&provider={}&callback-origin={}&redirectURL={}",
            encoded(&provider.name),
            encoded(origin),
            encoded(redirect)
        );
        let _ = writeln!(
            body,
            "<p><a class=\"button\" href=\"{}\">Sign in with {}</a></p>",
            escaped(&href),
            escaped(&provider.label)
        );
    }
    let status = match complaint {
        Some(_) => StatusCode::UNAUTHORIZED,
        None => StatusCode::OK,
    };
    page(status, "Sign in", &body)
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
}

fn landed(
    request: &HttpRequest,
    services: &Services,
    target: &Target,
    opened: &Opened,
) -> HttpResponse {
    let mut reply = match target {
        Target::Url(url) => go_to(url),
        Target::Opener(origin) => page(
            StatusCode::OK,
            "You are signed in",
            &format!(
                "<p class=\"lead\">You can close this window.</p>\n\
                 <div id=\"opener\" data-origin=\"{}\"></div>\n\
                 <script type=\"module\" src=\"/static/login-complete.js\"></script>",
                escaped(origin)
            ),
        ),
    };
    if let (Ok(site), Some(block)) = (services.microstrategy(), &opened.block) {
        cookies::hand_out_in(reply.headers_mut(), request, services, site, block);
    }
    reply
}
