//! What becomes of a browser that is back from an identity provider: each dialect says it for its own.

use crate::api::services::Services;
use crate::domain::failure::Failure;
use crate::domain::login::{OpenRequest, Opened};
use crate::domain::redirect::SafeRedirect;
use actix_session::Session;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use std::fmt;

/// A dialect's end of a sign-in at a provider.
pub trait Landing: fmt::Debug + Send + Sync {
    /// What it is called in what is kept meanwhile.
    fn name(&self) -> &'static str;

    /// What kind of session its clients use.
    fn request(&self, request: &HttpRequest, services: &Services) -> Result<OpenRequest, Failure>;

    /// The reply with the session's cookies. `target` is what the sign-in began with, checked then.
    fn land(
        &self,
        request: &HttpRequest,
        services: &Services,
        cookies: &Session,
        target: &Target,
        opened: &Opened,
    ) -> HttpResponse;

    /// Where somebody who was refused may sign in another way, and end where they wanted to.
    fn way_back(&self, _: &Services, _: &Target) -> String {
        "/sign-in".to_owned()
    }
}

/// [`Landing::way_back`] of a sign-in, left beside the request for the page of its refusal.
#[derive(Clone, Debug)]
pub struct WayBack(pub String);

/// Where a browser wants to be when it is signed in. Checked before it leaves, and kept here meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// There, fragment included.
    Url(String),
    /// It stays, and tells the window that opened it, if that is of this origin.
    Opener(String),
}

impl Target {
    /// A redirect's target.
    pub fn url(target: &SafeRedirect) -> Self {
        Self::Url(target.location().to_owned())
    }

    /// As one text, with the landing it is for.
    pub fn to_text(&self, landing: &dyn Landing) -> String {
        let (kind, rest) = match self {
            Self::Url(url) => ("url", url),
            Self::Opener(origin) => ("opener", origin),
        };
        format!("{} {kind} {rest}", landing.name())
    }

    /// Reads what [`Target::to_text`] wrote: the landing's name and the target.
    pub fn parse(text: &str) -> Option<(&str, Self)> {
        let (landing, rest) = text.split_once(' ')?;
        let target = match rest.split_once(' ')? {
            ("url", url) => Self::Url(url.to_owned()),
            ("opener", origin) => Self::Opener(origin.to_owned()),
            _ => return None,
        };
        Some((landing, target))
    }
}

/// On to that address, which nobody may keep: the reply carries cookies.
pub fn go_to(url: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, url))
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}
