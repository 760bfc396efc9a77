//! `auth/login`, `auth/logout` and `auth/token`: the ways in, the way out, and the token of a cookie.

use crate::api::caller::{Caller, is_from_trusted_proxy};
use crate::api::dialect::ApiError;
use crate::api::guard::refuse_forgery;
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::body::Fields;
use crate::api::microstrategy::cookies;
use crate::api::microstrategy::guard::{AUTH_TOKEN, belonging, check};
use crate::api::microstrategy::site::{Mode, Site};
use crate::api::services::Services;
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::login::{IDLE_SLACK, OpenRequest, Opened, Replaced};
use crate::domain::session::{Method, SessionNotes};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

type Refusal = ApiError<MicroStrategy>;

/// `POST auth/login`.
pub async fn log_in(
    fields: Fields,
    caller: Caller<MicroStrategy>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let site = services.microstrategy()?;
    let mode = mode_of(&fields, site, &services)?;
    let open = OpenRequest {
        replaced: replaced(&request, &services)?,
        ..wanted(&fields, site, &services)?
    };
    let opened = match mode {
        Mode::Standard => {
            let (name, password) = name_and_password(&fields)?;
            let login = services
                .login
                .log_in(&name, &password, open, &caller.client);
            login.await?
        }
        Mode::Guest => {
            let guest = site.guest_user.as_deref().unwrap_or_default();
            let login = services
                .login
                .log_in_named(Method::Guest, guest, open, &caller.client);
            login.await?
        }
        Mode::TrustedHeader => {
            let name = named_by_proxy(&request, site, &services)?;
            let login = &services.login;
            login
                .log_in_named(Method::TrustedHeader, &name, open, &caller.client)
                .await?
        }
        Mode::ApiToken => {
            let token = required("username", fields.secret("username")?)?;
            let login = &services.login;
            login
                .log_in_by_api_token(token.expose_secret(), open, &caller.client)
                .await?
        }
        Mode::Ldap => {
            let (name, password) = name_and_password(&fields)?;
            let login = &services.login;
            login
                .log_in_by_ldap(&name, &password, open, &caller.client)
                .await?
        }
        Mode::Saml | Mode::Oidc => return Err(off(mode).into()),
    };
    Ok(answer(&request, &services, site, &opened))
}

/// The mode asked for, when it is one that a login may have and is switched on. Never another one in its place.
fn mode_of(fields: &Fields, site: &Site, services: &Services) -> Result<Mode, Failure> {
    let number = fields
        .number("loginMode")?
        .unwrap_or(Mode::Standard.number());
    if number == -1 {
        return Err(Failure::bad(
            "loginMode",
            "identity tokens to be sent to /api/auth/delegate",
        ));
    }
    let mode = Mode::of(number)
        .ok_or_else(|| Failure::bad("loginMode", "one of 1, 8, 16, 64 and 4096"))?;
    if matches!(mode, Mode::Saml | Mode::Oidc) {
        let base = &site.base_path;
        let page = format!(
            "another mode: this one is for browsers, which open {base}/auth/login-dialog.jsp?loginMode={number}"
        );
        return Err(Failure::bad("loginMode", page));
    }
    if !services.live.load().web.modes.contains(&number) {
        return Err(off(mode));
    }
    if fields.flag("changePassword")? {
        return Err(Failure::bad(
            "changePassword",
            "false: passwords are not changed at a login here",
        ));
    }
    Ok(mode)
}

/// The refusal of a mode that is not offered.
pub const fn off(mode: Mode) -> Failure {
    Failure::SwitchedOff {
        feature: mode.feature(),
    }
}

fn name_and_password(fields: &Fields) -> Result<(String, SecretString), Failure> {
    let name = required("username", fields.text("username")?)?;
    // An empty one is as wrong as any other, and nobody's: as an attempt it would only count against whose name it is.
    let password = fields.secret("password")?;
    let wrong = Failure::Unauthenticated(Unauthenticated::BadCredentials);
    Ok((name, password.ok_or(wrong)?))
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::bad(field, "a value; it is missing or empty"))
}

/// The user a trusted proxy names. Anybody else's header is as if it were not there, and a proxy that sends two
/// did not overwrite its client's.
fn named_by_proxy(
    request: &HttpRequest,
    site: &Site,
    services: &Services,
) -> Result<String, Failure> {
    let refused = Failure::Unauthenticated(Unauthenticated::BadCredentials);
    if !is_from_trusted_proxy(request.head(), &services.site.trusted_proxies) {
        return Err(refused);
    }
    let header = site
        .trusted_header
        .as_ref()
        .ok_or_else(|| off(Mode::TrustedHeader))?;
    let mut values = request.headers().get_all(header);
    match (values.next(), values.next()) {
        (Some(value), None) => std::str::from_utf8(value.as_bytes())
            .ok()
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .ok_or(refused),
        _ => Err(refused),
    }
}

/// What kind of session the body asks for.
pub fn wanted(fields: &Fields, site: &Site, services: &Services) -> Result<OpenRequest, Failure> {
    Ok(OpenRequest {
        idle: Some(services.live.load().web.iserver_timeout + IDLE_SLACK),
        ids: Some(Arc::clone(&site.ids)),
        notes: SessionNotes {
            working_set: fields.count("workingSet")?,
            max_search: fields.count("maxSearch")?,
            ..SessionNotes::default()
        },
        ..OpenRequest::default()
    })
}

/// The live session that came with a login: it ends when the new one opens. What is dead, or only half there,
/// is as if it had not come.
pub fn replaced(request: &HttpRequest, services: &Services) -> Result<Option<Replaced>, Failure> {
    let Ok(block) = belonging(request.headers(), services.microstrategy()?) else {
        return Ok(None);
    };
    let id = block.session_id();
    // Another site's page must not end somebody else's session by signing its visitor in anew.
    Ok(Some(if refuse_forgery(request, services).is_ok() {
        Replaced::OfAnybody(id)
    } else {
        Replaced::OfSameUser(id)
    }))
}

/// 204 with the token and both cookies.
pub fn answer(
    request: &HttpRequest,
    services: &Services,
    site: &Site,
    opened: &Opened,
) -> HttpResponse {
    let mut reply = HttpResponse::NoContent();
    if let Some(block) = &opened.block {
        reply.insert_header((AUTH_TOKEN, site.ids.token(block).as_str()));
        cookies::hand_out(&mut reply, request, services, site, block);
    }
    reply.finish()
}

/// `POST auth/logout`.
pub async fn log_out(
    caller: Caller<MicroStrategy>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let site = services.microstrategy()?;
    let block = belonging(request.headers(), site)?;
    let signed = check(&services, &block).await?;
    refuse_forgery(&request, &services)?;
    let was_live = services
        .login
        .log_out_shared(&signed.id, &signed.session, &caller.client)
        .await?;
    if !was_live {
        return Err(Failure::Unauthenticated(Unauthenticated::DeadSession).into());
    }
    let mut reply = HttpResponse::NoContent();
    cookies::take_back(&mut reply, &request, &services, site);
    Ok(reply.finish())
}

/// `GET auth/token`: the token of the session whose cookie came, for pages that signed in elsewhere.
pub async fn token(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let site = services.microstrategy()?;
    let mut live = None;
    let mut dead = Refusal::from(Failure::Unauthenticated(Unauthenticated::NothingPresented));
    for block in cookies::presented(request.headers(), &site.ids) {
        match check(&services, &block).await {
            // Somebody may have planted one of theirs beside the visitor's: of two live ones none is believed.
            Ok(_) if live.is_some() => {
                return Err(Failure::Unauthenticated(Unauthenticated::DeadSession).into());
            }
            Ok(_) => live = Some(block),
            Err(error) if error.is_unauthenticated() => dead = error,
            Err(error) => return Err(error),
        }
    }
    let block = live.ok_or(dead)?;
    Ok(HttpResponse::NoContent()
        .insert_header((AUTH_TOKEN, site.ids.token(&block).as_str()))
        .finish())
}
