//! The answer of either protocol: taken up where it was begun, judged by the door, landed by the dialect.

use crate::api::caller::{Caller, is_https};
use crate::api::departure::{browser_of, callback, forget, own_base};
use crate::api::dialect::ApiError;
use crate::api::landing::{Landing, Target, WayBack};
use crate::api::services::Services;
use crate::api::sso::Sso;
use crate::domain::audit::Client;
use crate::domain::failure::Failure;
use crate::domain::login::{LoginError, Opened, ProviderAnswer};
use crate::domain::sso::{Answer, Errand, Protocol, Provider, SsoError};
use actix_session::Session;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

type Refusal = ApiError<Sso>;

/// An answer that has come in, and everything about its arrival.
pub struct Arrival<'a> {
    pub request: &'a HttpRequest,
    pub services: &'a Services,
    pub cookies: &'a Session,
    pub caller: &'a Caller<Sso>,
    pub protocol: Protocol,
}

impl Arrival<'_> {
    /// The sign-in with that handle, if it was begun in this browser.
    pub async fn errand(&self, handle: &str) -> Result<Errand, Refusal> {
        let browser = browser_of(self.request, self.services, handle).unwrap_or_default();
        let sso = &self.services.login.sso;
        let errand = sso.resume(handle, &browser).await;
        let errand = errand.map_err(Self::refused)?;
        if let Some((name, target)) = Target::parse(&errand.purpose)
            && let Some(landing) = self.services.landing(name)
        {
            let way = WayBack(landing.way_back(self.services, &target));
            self.request.extensions_mut().insert(way);
        }
        Ok(errand)
    }

    /// What a sign-in that cannot go on is told; the particulars are in the log.
    pub fn refused(error: SsoError) -> Refusal {
        let failure = match &error {
            SsoError::NotUnderWay => Failure::bad(
                "",
                "the answer to a sign-in begun in this browser less than ten minutes ago, once",
            ),
            SsoError::NoProvider => Failure::SwitchedOff {
                feature: "this identity provider",
            },
            SsoError::Provider(_) | SsoError::Store(_) => {
                return LoginError::from(error).into();
            }
        };
        ApiError::caused(failure, error)
    }

    /// Lets the browser in and sends it where it wanted to be.
    pub async fn land(
        &self,
        errand: &Errand,
        handle: &str,
        answer: &Answer,
    ) -> Result<HttpResponse, Refusal> {
        let services = self.services;
        let (name, target) = Target::parse(&errand.purpose).ok_or(Failure::Internal)?;
        let landing = services.landing(name).ok_or(Failure::Internal)?;
        let provider = services.login.sso.find(&errand.provider);
        let provider = provider
            .filter(|provider| provider.protocol == self.protocol)
            .ok_or_else(|| Self::refused(SsoError::NoProvider))?;
        let opened = self.open(provider, landing, answer, Some(errand)).await?;
        let mut reply = landing.land(self.request, services, self.cookies, &target, &opened);
        let is_https = is_https(
            self.request.head(),
            self.request.app_config().secure(),
            services,
        );
        forget(&mut reply, handle, is_https);
        Ok(reply)
    }

    /// Opens a session as the landing's clients use it. No errand: nobody here had asked for the answer.
    pub async fn open(
        &self,
        provider: &Provider,
        landing: &dyn Landing,
        answer: &Answer,
        errand: Option<&Errand>,
    ) -> Result<Opened, Refusal> {
        let wanted = landing.request(self.request, self.services)?;
        let callback = callback(&own_base(self.request, self.services), self.protocol);
        let said = ProviderAnswer {
            provider,
            answer,
            begun: errand.map(|errand| &errand.begun),
            is_forced: errand.is_some_and(|errand| errand.is_forced),
            callback: &callback,
        };
        let client: &Client = &self.caller.client;
        let login = &self.services.login;
        Ok(login.log_in_by_provider(said, wanted, client).await?)
    }
}
