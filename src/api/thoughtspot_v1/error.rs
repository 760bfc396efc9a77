//! Refusals in the words of the v1 API: a flat object whose `debug` is a JSON array inside a string.

use crate::api::dialect::{Dialect, Incident};
use crate::api::openapi::refusals::Described;
use crate::api::status;
use crate::api::thoughtspot;
use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// The dialect of REST API v1.
#[derive(Debug)]
pub struct V1;

impl Dialect for V1 {
    const NAME: &'static str = "thoughtspot_v1";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let status = match failure {
            Failure::SwitchedOff { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            other => status::status(other),
        };
        let body = thoughtspot::ErrorBody::new(failure, incident, spelled);
        thoughtspot::reply(status, failure, incident).json(body)
    }
}

impl Described for V1 {
    const PREFIX: &'static str = "V1";
    type Body = thoughtspot::ErrorBody;
}

/// The domain's words for parameters, as this API spells them.
fn spelled(field: &str) -> &str {
    match field {
        "org" => "orgid",
        "account type" => "usertype",
        "display name" => "displayname",
        "new password" => "password",
        "memberships" => "groups",
        "filters" | "sorts" | "parameters" | "variables" | "objects" => "jwt_user_options",
        other => other,
    }
}
