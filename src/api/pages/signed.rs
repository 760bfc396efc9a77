//! Whoever is signed in while a page is shown to them, and proof that a form of theirs came from that page.

use crate::api::guard::refuse_forgery;
use crate::api::pages::form_token;
use crate::api::refused::Refused;
use crate::api::services::Services;
use crate::api::session_layer::{Presented, with_presented};
use crate::domain::failure::Failure;
use crate::domain::principal::Principal;
use crate::domain::session::{Check, SessionId};
use actix_web::HttpRequest;

/// Somebody with a live session.
pub struct Signed {
    /// Their session.
    pub id: SessionId,
    /// Who.
    pub who: Principal,
}

impl Signed {
    /// None when nobody is signed in by cookie; the page of an API's Bearer this is not.
    pub fn in_as() -> Result<Option<Self>, Refused> {
        with_presented(|presented| match presented {
            Presented::Checked(id, Check::Live(session)) => Ok(Some(Self {
                id: id.clone(),
                who: Principal::of_session(id, session),
            })),
            Presented::StoreAway(error) => Err(Refused::unchecked(error)),
            _ => Ok(None),
        })
    }

    /// What a form shown to them carries.
    pub fn form_token(&self, services: &Services) -> String {
        form_token::for_session(services, &self.id)
    }

    /// Refuses a form that another site sent, or that was made for another session.
    pub fn prove(
        &self,
        request: &HttpRequest,
        services: &Services,
        token: Option<&str>,
    ) -> Result<(), Failure> {
        refuse_forgery(request, services)?;
        if form_token::is_for_session(services, &self.id, token.unwrap_or_default()) {
            return Ok(());
        }
        Err(Failure::forbidden("the form was made for another session"))
    }
}
