//! What both `ThoughtSpot` dialects say alike: numeric codes, sentences, incident headers.

use crate::api::dialect::Incident;
use crate::api::status::whole_seconds;
use crate::domain::directory::AccountType;
use crate::domain::failure::{Failure, Unauthenticated};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

/// The incident id, as a header.
pub const INCIDENT_HEADER: HeaderName = HeaderName::from_static("x-callosum-incident-id");
/// The same id once more, where clients of traces look.
pub const TRACE_HEADER: HeaderName = HeaderName::from_static("x-callosum-trace-id");
/// Three dotted parts, as clients parse it; `.cl` makes the Embed SDK treat us as a cloud cluster.
pub const RELEASE_VERSION: &str = "26.8.0.cl-1";
/// The name of the cluster in replies that have room for one.
pub const CLUSTER_NAME: &str = "vestibule";

/// The word for where a user's password lives.
pub const fn account_type_word(account_type: AccountType) -> &'static str {
    match account_type {
        AccountType::Local => "LOCAL_USER",
        AccountType::Ldap => "LDAP_USER",
        AccountType::Saml => "SAML_USER",
        AccountType::Oidc => "OIDC_USER",
    }
}

/// Where a password shall live, as a request says it; LDAP only where that is on.
pub fn account_type(
    field: &'static str,
    text: Option<&str>,
    has_ldap: bool,
) -> Result<AccountType, Failure> {
    match text {
        None | Some("LOCAL_USER") => Ok(AccountType::Local),
        Some("LDAP_USER") if has_ldap => Ok(AccountType::Ldap),
        Some("SAML_USER") => Ok(AccountType::Saml),
        Some("OIDC_USER") => Ok(AccountType::Oidc),
        Some(_) if has_ldap => Err(Failure::bad(
            field,
            "LOCAL_USER, LDAP_USER, SAML_USER or OIDC_USER; REMOTE_USER is not offered",
        )),
        Some(_) => Err(Failure::bad(
            field,
            "LOCAL_USER, SAML_USER or OIDC_USER; LDAP_USER (with LDAP off) and REMOTE_USER are not offered",
        )),
    }
}

/// The object that v1 sends as it is and v2 wraps.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What kind of refusal it is.
    code: i32,
    #[schema(format = Uuid)]
    incident_id_guid: String,
    #[schema(format = Uuid)]
    trace_id_guid: String,
    /// A JSON array of sentences, as a string.
    debug: String,
}

impl ErrorBody {
    /// The body for a failure; `spelled` turns the domain's parameter names into the dialect's.
    pub fn new(failure: &Failure, incident: Incident, spelled: fn(&str) -> &str) -> Self {
        let (code, sentence) = words(failure, spelled);
        let id = incident.to_string();
        // A JSON array inside a string: clients parse it twice.
        let lines = [
            format!("Error Code: {code} Incident Id: {id}\nError Message: {sentence}"),
            String::new(),
        ];
        Self {
            code,
            incident_id_guid: id.clone(),
            trace_id_guid: id,
            debug: serde_json::to_string(&lines).unwrap_or_else(|_| "[null]".to_owned()),
        }
    }
}

/// The start of an error reply: status and the headers that go with it.
pub fn reply(status: StatusCode, failure: &Failure, incident: Incident) -> HttpResponseBuilder {
    let mut reply = HttpResponse::build(status);
    reply
        .insert_header((INCIDENT_HEADER, incident.to_string()))
        .insert_header((TRACE_HEADER, incident.to_string()));
    if let Some(wait) = failure.retry_after() {
        reply.insert_header((RETRY_AFTER, whole_seconds(wait)));
    }
    if let Failure::Unauthenticated(Unauthenticated::DeadToken | Unauthenticated::SpentToken) =
        failure
    {
        reply.insert_header((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
    }
    reply
}

/// Numeric code and sentence (docs/dialects/thoughtspot-v1.md, "Errors").
fn words(failure: &Failure, spelled: fn(&str) -> &str) -> (i32, String) {
    match failure {
        Failure::BadRequest { field, expected } if field.is_empty() => {
            (10002, format!("Invalid request: expected {expected}"))
        }
        Failure::BadRequest { field, expected } => (
            10002,
            format!(
                "Invalid parameter values {}: expected {expected}",
                spelled(field)
            ),
        ),
        // Clients look for this code, or for these words in front of the Org.
        Failure::OrgNotAllowed {
            field,
            called,
            expected,
        } => {
            let whose = called.as_ref().map_or_else(String::new, |org| {
                format!("you do not have access to org {org}; ")
            });
            let field = spelled(field);
            (
                13090,
                format!("Invalid parameter values {field}: {whose}expected {expected}"),
            )
        }
        Failure::Unauthenticated(why) => {
            let (code, sentence) = match why {
                Unauthenticated::NothingPresented => (10097, "Unauthorized: sign in first"),
                Unauthenticated::BadCredentials => (
                    10003,
                    "The user name or password is wrong, or the account may not sign in",
                ),
                Unauthenticated::DeadSession => (10097, "The session has ended; sign in again"),
                Unauthenticated::EndedSession(reason) => {
                    let why = reason.sentence();
                    return (
                        10097,
                        format!("The session has ended: {why}; sign in again"),
                    );
                }
                Unauthenticated::DeadToken => (
                    10003,
                    "The authentication token is unknown, expired or revoked",
                ),
                Unauthenticated::SpentToken => (
                    10003,
                    "The authentication token has been used already: it opens one session; get a new one",
                ),
                Unauthenticated::BadKey => (10003, "The secret key is wrong"),
            };
            (code, sentence.to_owned())
        }
        Failure::Forbidden { reason } => (10023, reason.clone()),
        Failure::TooManySessions => (10023, Failure::TOO_MANY_SESSIONS.to_owned()),
        Failure::TooManyTokens { .. } => (10023, Failure::TOO_MANY_TOKENS.to_owned()),
        Failure::NotFound { what } => (10002, format!("Not found: {what}")),
        Failure::MethodNotAllowed => (10002, "This path does not take that method".to_owned()),
        Failure::UnsupportedMediaType => (
            10002,
            "The body is not of a media type this path reads, or it is packed (Content-Encoding)"
                .to_owned(),
        ),
        Failure::TooLarge => (
            10002,
            "The body is larger than this server reads".to_owned(),
        ),
        Failure::TooSlow => (
            10002,
            "The body did not arrive whole in time; send it again".to_owned(),
        ),
        Failure::Conflict { reason } => (10002, reason.clone()),
        Failure::TooManyRequests { retry_after } => (
            10023,
            format!(
                "Too many failed attempts; try again in {} s",
                whole_seconds(*retry_after)
            ),
        ),
        Failure::SwitchedOff { feature } => {
            (10000, format!("Not enabled on this server: {feature}"))
        }
        Failure::Unavailable { .. } => (
            10000,
            "A store is away or too many ask at once; nothing was lost, try again".to_owned(),
        ),
        Failure::ReadOnly(why) => (10000, format!("Not changed: {why}")),
        Failure::Internal => (
            10000,
            "Internal error; the server's log has the cause under this incident id".to_owned(),
        ),
    }
}
