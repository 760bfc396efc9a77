//! Refusals in the words of REST API v2.0: the v1 object, nested where the real servers put it.

use crate::api::dialect::{Dialect, Incident};
use crate::api::openapi::refusals::Described;
use crate::api::status::status;
use crate::api::thoughtspot;
use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// The dialect of REST API v2.0.
#[derive(Debug)]
pub struct V2;

impl Dialect for V2 {
    const NAME: &'static str = "thoughtspot_v2";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let debug = thoughtspot::ErrorBody::new(failure, incident, spelled);
        let message = ErrorMessage { debug };
        let error = NestedError { message };
        thoughtspot::reply(status(failure), failure, incident).json(ErrorReply { error })
    }
}

impl Described for V2 {
    const PREFIX: &'static str = "V2";
    type Body = ErrorReply;
}

/// A refusal: what v1 sends, nested as live servers nest it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorReply {
    error: NestedError,
}

#[derive(Debug, Serialize, ToSchema)]
struct NestedError {
    message: ErrorMessage,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorMessage {
    debug: thoughtspot::ErrorBody,
}

/// The domain's words for parameters, as this API spells them.
fn spelled(field: &str) -> &str {
    match field {
        "org" => "org_identifier",
        "orgs" => "org_identifiers",
        "groups" | "memberships" => "group_identifiers",
        "users" => "user_identifiers",
        "account type" => "account_type",
        "display name" => "display_name",
        "new password" => "new_password",
        "filters" => "filter_rules",
        "parameters" => "parameter_values",
        "variables" => "variable_values",
        other => other,
    }
}
