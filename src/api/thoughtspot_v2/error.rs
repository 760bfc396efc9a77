//! Refusals in the words of REST API v2.0: the v1 object, nested where the real servers put it.

use crate::api::dialect::{Dialect, Incident};
use crate::api::thoughtspot;
use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use serde_json::json;

/// The dialect of REST API v2.0.
#[derive(Debug)]
pub struct V2;

impl Dialect for V2 {
    const NAME: &'static str = "thoughtspot_v2";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let body = thoughtspot::ErrorBody::new(failure, incident, spelled);
        thoughtspot::reply(thoughtspot::status(failure), failure, incident)
            .json(json!({ "error": { "message": { "debug": body } } }))
    }
}

/// The domain's words for parameters, as this API spells them.
fn spelled(field: &str) -> &str {
    match field {
        "org" => "org_identifier",
        "orgs" => "org_identifiers",
        "groups" | "memberships" => "group_identifiers",
        "users" => "user_identifiers",
        "display name" => "display_name",
        "new password" => "new_password",
        "status" => "status, account_status",
        "attributes" => "filter_rules, parameter_values, variable_values or user_parameters",
        other => other,
    }
}
