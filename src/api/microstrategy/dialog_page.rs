//! What people see of the login dialog: the form and the ways to providers, what went wrong, and that they are in.

use crate::api::caller::services;
use crate::api::dialect::{Dialect, Incident};
use crate::api::landing::Target;
use crate::api::message_page::{page, refused};
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::site::Mode;
use crate::api::pages::{SignInSite, words};
use crate::api::services::Services;
use crate::api::status::{announce_wait, status};
use crate::domain::failure::Failure;
use crate::domain::sso::Protocol;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The dialect of a person at the dialog: every refusal is the dialog once more, or a page that leads back to it.
#[derive(Debug)]
pub struct Dialog;

impl Dialect for Dialog {
    const NAME: &'static str = MicroStrategy::NAME;

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        MicroStrategy::render(failure, incident)
    }

    fn render_for(request: &HttpRequest, failure: &Failure, incident: Incident) -> HttpResponse {
        let Some(services) = services(request) else {
            return Self::render(failure, incident);
        };
        let shown = request.extensions().get::<Shown>().cloned();
        match shown {
            Some(shown) if shown.has_mode => shown.again(services, failure, incident),
            Some(shown) => {
                let way = shown.link(services, "");
                refused(services, failure, incident, Some(&way))
            }
            // Where it was to end is nowhere anybody is sent, so there is no way on.
            None => refused(services, failure, incident, None),
        }
    }
}

/// What came with a request and may be shown again: put beside it as soon as it is judged.
#[derive(Clone, Debug)]
pub struct Shown {
    /// `callback-origin`, allowed.
    pub origin: String,
    /// `redirectURL`, allowed.
    pub redirect: String,
    /// The name typed.
    pub username: String,
    /// The mode of passwords that was asked for; none is the first that is on.
    pub mode: Option<Mode>,
    /// Whether the mode is known to be one with a dialog, and on.
    pub has_mode: bool,
}

#[derive(Template)]
#[template(path = "dialog.html", config = "static/templates/askama.toml")]
struct DialogPage<'a> {
    site: &'a SignInSite,
    base: &'a str,
    shown: &'a Shown,
    mode: Option<Mode>,
    /// Labels and links.
    providers: Vec<(String, String)>,
    error: Option<String>,
    incident: Option<Incident>,
}

impl Shown {
    /// Nothing but where it ends.
    pub fn ending_at(target: &Target) -> Self {
        let (redirect, origin) = match target {
            Target::Url(url) => (url.clone(), String::new()),
            Target::Opener(origin) => (String::new(), origin.clone()),
        };
        Self {
            origin,
            redirect,
            username: String::new(),
            mode: None,
            has_mode: false,
        }
    }

    /// The dialog.
    pub fn dialog(&self, services: &Services) -> HttpResponse {
        page(StatusCode::OK, &self.page(services))
    }

    /// The dialog with what went wrong.
    fn again(&self, services: &Services, failure: &Failure, incident: Incident) -> HttpResponse {
        // Whoever mistyped needs nobody else.
        let is_theirs = words::is_empty_field(failure)
            || matches!(
                failure,
                Failure::Unauthenticated(_) | Failure::TooManyRequests { .. }
            );
        let dialog = DialogPage {
            error: Some(words::dialog_refused(failure)),
            incident: (!is_theirs).then_some(incident),
            ..self.page(services)
        };
        let mut reply = page(status(failure), &dialog);
        announce_wait(&mut reply, failure);
        reply
    }

    fn page<'a>(&'a self, services: &'a Services) -> DialogPage<'a> {
        let live = services.live.load();
        let is_on = |mode: &Mode| live.web.modes.contains(&mode.number());
        let passwords = [Mode::Standard, Mode::Ldap];
        let providers = services.login.sso.providers.iter();
        let offered = providers.filter_map(|provider| {
            let mode = match provider.protocol {
                Protocol::Saml => Mode::Saml,
                Protocol::Oidc => Mode::Oidc,
            };
            let name = encoded(&provider.name);
            let link = self.link(services, &format!("loginMode={mode}&provider={name}&"));
            is_on(&mode).then(|| (words::sign_in_with(&provider.label), link))
        });
        DialogPage {
            site: &services.sign_in,
            base: base(services),
            shown: self,
            mode: self.mode.or_else(|| passwords.into_iter().find(is_on)),
            // Links, as the redirect behind a form could be held against the page's policy.
            providers: offered.collect(),
            error: None,
            incident: None,
        }
    }

    /// The dialog's address with this end; `more` is further parameters.
    pub fn link(&self, services: &Services, more: &str) -> String {
        format!(
            "{}/auth/login-dialog.jsp?{more}callback-origin={}&redirectURL={}",
            base(services),
            encoded(&self.origin),
            encoded(&self.redirect)
        )
    }
}

fn base(services: &Services) -> &str {
    let site = services.microstrategy.as_ref();
    site.map_or("", |site| site.base_path.as_str())
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[derive(Template)]
#[template(path = "opener.html", config = "static/templates/askama.toml")]
struct OpenerPage<'a> {
    site: &'a SignInSite,
    origin: &'a str,
}

/// The page that tells its opener.
pub fn signed_in(services: &Services, origin: &str) -> HttpResponse {
    let opener = OpenerPage {
        site: &services.sign_in,
        origin,
    };
    page(StatusCode::OK, &opener)
}
