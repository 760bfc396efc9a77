//! `/sign-in`: signing in with a password, or setting off to an identity provider; without scripts as well as with.

use crate::api::caller::{Caller, is_https, is_over_tls};
use crate::api::departure::own_base;
use crate::api::dialect::{ApiError, incident_of};
use crate::api::form::{Form, Query, flag, optional};
use crate::api::guard::refuse_forgery;
use crate::api::pages::form_token::FormCookies;
use crate::api::pages::html::{Pages, finish, see_other, start};
use crate::api::pages::org_choice;
use crate::api::pages::site::SignInSite;
use crate::api::pages::target::Target;
use crate::api::pages::words;
use crate::api::refused::Refused;
use crate::api::services::Services;
use crate::api::session_layer::{self, Presented, presented_id, with_presented};
use crate::api::status::{announce_wait, status};
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::login::{OpenRequest, Replaced};
use crate::domain::session::Check;
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Where somebody lands who was going nowhere in particular.
pub(super) const START: &str = "/";
/// The same for browsers that run no scripts: the start page could show them nothing.
const PLAIN_START: &str = "/sessions";

type Refusal = ApiError<Pages>;

#[derive(Deserialize)]
pub struct SignInQuery {
    to: Option<String>,
    #[serde(rename = "orgId", alias = "org")]
    org: Option<String>,
    /// Set by our own redirect after signing out.
    left: Option<String>,
}

#[derive(Deserialize)]
pub struct SignInForm {
    username: Option<String>,
    password: Option<SecretString>,
    rememberme: Option<String>,
    org: Option<String>,
    to: Option<String>,
    /// Sent by browsers that run no scripts.
    plain: Option<String>,
    token: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html", config = "static/templates/askama.toml")]
struct SignInPage<'a> {
    site: &'a SignInSite,
    /// Labels and links.
    providers: Vec<(&'a str, String)>,
    notes: Vec<String>,
    /// Whose session there is already, and where to go with it.
    signed_in: Option<(String, &'a str)>,
    error: Option<&'a str>,
    /// Whether the error is about name or password.
    is_about_fields: bool,
    username: &'a str,
    is_remembered: bool,
    has_orgs: bool,
    org: &'a str,
    to: &'a str,
    token: String,
}

/// What was typed and may be shown again, and what is wrong with it.
#[derive(Default)]
struct Shown<'a> {
    error: Option<&'a str>,
    is_about_fields: bool,
    notes: Vec<String>,
    username: &'a str,
    is_remembered: bool,
    org: &'a str,
    /// As it was asked for; judged anew each time.
    to: &'a str,
}

/// `GET /sign-in`: the form.
pub async fn show(
    request: HttpRequest,
    query: Query<Pages, SignInQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let query = query.into_inner();
    let mut notes = Vec::new();
    let ended = with_presented(|presented| match presented {
        Presented::Checked(_, Check::Ended(reason) | Check::JustEnded(reason, _)) => Some(*reason),
        _ => None,
    });
    if let Some(reason) = ended {
        notes.push(words::last_session(reason));
    } else if query.left.is_some() && presented_id().is_none() {
        notes.push(words::SIGNED_OUT.to_owned());
    }
    let shown = Shown {
        notes,
        to: query.to.as_deref().unwrap_or_default(),
        org: query.org.as_deref().map(str::trim).unwrap_or_default(),
        ..Shown::default()
    };
    let page = page(&request, &services, StatusCode::OK, shown).await;
    Ok(page)
}

/// `POST /sign-in`: through the door, and on to where one was going.
pub async fn sign_in(
    request: HttpRequest,
    form: Form<Pages, SignInForm>,
    caller: Caller<Pages>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let form = form.into_inner();
    let is_remembered = flag("rememberme", form.rememberme.as_deref())?;
    let username = form.username.as_deref().unwrap_or_default();
    let shown = Shown {
        username,
        is_remembered,
        org: form.org.as_deref().unwrap_or_default(),
        to: form.to.as_deref().unwrap_or_default(),
        ..Shown::default()
    };
    // Whoever signs this browser in must be the one who sits at it.
    if refuse_forgery(&request, &services).is_err() {
        let shown = shown.failed(words::FOREIGN_FORM);
        return Ok(page(&request, &services, StatusCode::FORBIDDEN, shown).await);
    }
    let given = form.token.as_deref().unwrap_or_default();
    if !FormCookies::of(&request).prove(&services, is_secure(&request, &services), given) {
        let shown = shown.failed(words::STALE_FORM);
        return Ok(page(&request, &services, StatusCode::FORBIDDEN, shown).await);
    }
    let password = form
        .password
        .filter(|password| !password.expose_secret().is_empty());
    let (false, Some(password)) = (username.is_empty(), password) else {
        let shown = shown.failed_on_fields(words::NO_NAME_OR_PASSWORD);
        return Ok(page(&request, &services, StatusCode::BAD_REQUEST, shown).await);
    };
    let outcome = async {
        let org = optional(form.org.clone());
        let org = org.as_deref().map(str::trim).filter(|org| !org.is_empty());
        let org = services.org_asked_for(org).await?;
        let request = OpenRequest {
            org,
            is_remembered,
            replaced: presented_id().map(Replaced::OfAnybody),
            ..OpenRequest::default()
        };
        let door = &services.login;
        let opened = door
            .log_in(username, &password, request, &caller.client)
            .await;
        opened.map_err(Refused::from)
    };
    let opened = match outcome.await {
        Ok(opened) => opened,
        Err(why) => return refused(&request, &services, why, shown).await,
    };
    session_layer::hand_out(&cookies, &opened);
    let own = own_base(&request, &services);
    let target = Target::read(shown.to, &own, &services.live.load().redirects);
    let start = if form.plain.is_some() {
        PLAIN_START
    } else {
        START
    };
    let location = target.map_or_else(|| start.to_owned(), |target| target.location);
    let location = if shown.org.trim().is_empty() {
        let detour = org_choice::detour(&services, opened.session.user_id, &location).await;
        // They are signed in: a store that does not answer now is no reason to say anything else.
        detour.ok().flatten().unwrap_or(location)
    } else {
        location
    };
    Ok(see_other(&location))
}

/// The form again, with a sentence about what is wrong. A name that was typed stays; a password never does.
async fn refused(
    request: &HttpRequest,
    services: &Services,
    why: Refused,
    shown: Shown<'_>,
) -> Result<HttpResponse, Refusal> {
    let throttled;
    let shown = match &why.failure {
        Failure::Unauthenticated(Unauthenticated::BadCredentials) => {
            shown.failed_on_fields(words::WRONG_CREDENTIALS)
        }
        Failure::OrgNotAllowed { .. } => shown.failed(words::WRONG_ORG),
        Failure::TooManyRequests { retry_after } => {
            throttled = words::too_many_attempts(*retry_after);
            shown.failed(&throttled)
        }
        Failure::TooManySessions => shown.failed(words::TOO_MANY_SESSIONS),
        Failure::Unavailable { .. } => shown.failed(words::STORE_AWAY),
        Failure::ReadOnly(_) => shown.failed(words::failed(&why.failure).1),
        _ => return Err(why.into()),
    };
    // The form says it in its own words, so nobody else logs the cause.
    why.log(incident_of(request));
    let failure = &why.failure;
    let mut reply = page(request, services, status(failure), shown).await;
    announce_wait(&mut reply, failure);
    Ok(reply)
}

impl<'a> Shown<'a> {
    fn failed(self, error: &'a str) -> Self {
        Self {
            error: Some(error),
            ..self
        }
    }

    fn failed_on_fields(self, error: &'a str) -> Self {
        Self {
            is_about_fields: true,
            ..self.failed(error)
        }
    }
}

async fn page(
    request: &HttpRequest,
    services: &Services,
    status: StatusCode,
    mut shown: Shown<'_>,
) -> HttpResponse {
    let own = own_base(request, services);
    let wanted = Some(shown.to).filter(|to| !to.is_empty());
    let policy = services.live.load();
    let target = wanted.and_then(|to| Target::read(to, &own, &policy.redirects));
    if wanted.is_some() && target.is_none() {
        shown.notes.push(words::TARGET_DROPPED.to_owned());
        shown.to = "";
    }
    let has_target = target.is_some();
    let target = target.unwrap_or_else(|| Target::own(START, &own));
    let (token, cookie) = FormCookies::of(request).issue(services, is_secure(request, services));
    let site = &services.sign_in;
    // Not knowing whether there are several Orgs is no reason to turn anybody away.
    let has_orgs = services
        .directory
        .list_orgs()
        .await
        .is_ok_and(|orgs| orgs.len() > 1);
    // Providers for other Orgs are not offered; with our directory away all are.
    let called = Some(shown.org).filter(|org| !org.is_empty());
    let org = services.org_asked_for(called).await.ok().flatten();
    let page = SignInPage {
        site,
        providers: site.buttons(&own, &target, org.zip(called)),
        notes: shown.notes,
        signed_in: signed_in_name().map(|name| {
            let go_on = if has_target { &target.location } else { START };
            (words::signed_in_as(&name), go_on)
        }),
        error: shown.error,
        is_about_fields: shown.is_about_fields,
        username: shown.username,
        is_remembered: shown.is_remembered,
        has_orgs: has_orgs || !shown.org.is_empty(),
        org: shown.org,
        to: shown.to,
        token,
    };
    let mut reply = start(status, target.foreign_origin.as_deref());
    if let Some(cookie) = cookie {
        reply.append_header((SET_COOKIE, cookie));
    }
    finish(reply, &page)
}

fn signed_in_name() -> Option<String> {
    with_presented(|presented| match presented {
        Presented::Checked(_, Check::Live(session)) => Some(session.user_name.clone()),
        _ => None,
    })
}

fn is_secure(request: &HttpRequest, services: &Services) -> bool {
    is_https(request.head(), is_over_tls(request), services)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pages::ProviderButton;

    #[test]
    fn providers_are_buttons_that_come_back_to_the_target() {
        let provider = ProviderButton {
            label: "Acme <SSO>".to_owned(),
            href: "/callosum/v1/saml/login?provider=acme".to_owned(),
            hosts: Vec::new(),
            orgs: Vec::new(),
        };
        let site = SignInSite {
            title: "Ours".to_owned(),
            goes_to_provider: false,
            asks_for_org: true,
            colour: None,
            logo: None,
            providers: vec![provider.clone()],
        };
        let target = Target {
            absolute: "https://a.example/v2/#/x?y=1&z".to_owned(),
            location: "/v2/#/x?y=1&z".to_owned(),
            foreign_origin: None,
        };
        let page = SignInPage {
            site: &site,
            providers: vec![(&provider.label, provider.link(&target, None))],
            notes: vec!["<note>".to_owned()],
            signed_in: None,
            error: None,
            is_about_fields: false,
            username: "",
            is_remembered: false,
            has_orgs: false,
            org: "",
            to: "",
            token: String::new(),
        };
        let text = page.render().unwrap();
        assert!(text.contains("Acme &#60;SSO&#62;</a>"), "{text}");
        let link = "/callosum/v1/saml/login?provider=acme&#38;targetURLPath=https%3A%2F%2Fa%2Eexample%2Fv2%2F%23%2Fx%3Fy%3D1%26z\"";
        assert!(text.contains(link), "{text}");
        assert!(
            text.contains("&#60;note&#62;") && !text.contains("Org"),
            "{text}"
        );
    }
}
