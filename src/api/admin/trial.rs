//! Whom an identity provider would sign in here, tried with claims or a response that somebody pasted.

use crate::api::admin::desk::{Asks, Refusal};
use crate::api::admin::view;
use crate::api::form::optional;
use crate::domain::failure::Failure;
use crate::domain::login::Foreseen;
use crate::domain::sso::{Assertion, Protocol, Provider, ProviderError, SsoIdentity};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

/// Exactly one of the two.
#[derive(Deserialize)]
pub struct TrialBody {
    /// Claims or attributes: a JSON object, as text.
    claims: Option<String>,
    /// A SAML response, Base64 or XML.
    response: Option<String>,
}

/// `POST providers/{name}/trial`: what `vestibule sso test` says of `--claims` and `--response`, and who that would be
/// among the users there are. Nothing is changed, and nothing of it is kept.
pub async fn run(asks: Asks<TrialBody>, name: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let Asks { desk, body } = asks;
    desk.require_server()?;
    let login = &desk.services().login;
    let mut all = login.sso.providers.iter();
    let provider = all.find(|one| one.name == *name);
    let provider = provider.ok_or_else(|| Failure::NotFound {
        what: "such provider".to_owned(),
    })?;
    let assertion = match (optional(body.claims), optional(body.response)) {
        (Some(claims), None) => Assertion::claimed(&claims)
            .map_err(|expected| Failure::bad("claims", expected.trim_start_matches("expected ")))
            .map(Ok)?,
        (None, Some(response)) if provider.protocol == Protocol::Saml => {
            let base = desk.services().site.own_origins.first();
            let base = base.map_or("", String::as_str);
            let callback = format!("{base}/callosum/v1/saml/SSO");
            let engine = &provider.engine;
            engine.rehearse(&response, &callback, login.now()).await
        }
        (None, Some(_)) => {
            return Err(Failure::bad("response", "claims: only SAML has responses to try").into());
        }
        _ => return Err(Failure::bad("", "either claims or a response").into()),
    };
    let identity = assertion.and_then(|said| provider.policy.identity(provider.protocol, &said));
    let reply = match identity {
        Ok(identity) => {
            let foreseen = login.foresee(provider, &identity).await?;
            mapped(provider, &identity, &foreseen)
        }
        Err(error) => json!({ "refused": refusal(&error) }),
    };
    Ok(HttpResponse::Ok().json(reply))
}

fn refusal(error: &ProviderError) -> Value {
    match error {
        ProviderError::Unavailable(cause) => {
            json!({ "why": "provider_unavailable", "detail": format!("{cause:#}") })
        }
        ProviderError::Refused { fault, detail } => {
            json!({ "why": fault.as_str(), "detail": detail })
        }
    }
}

fn mapped(provider: &Provider, identity: &SsoIdentity, foreseen: &Foreseen) -> Value {
    let orgs: Vec<Value> = foreseen.orgs.iter().map(view::org).collect();
    let held: Vec<&str> = foreseen
        .groups
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let refused = foreseen
        .refusal
        .map(|why| json!({ "why": why.as_str(), "detail": "" }));
    json!({
        "username": identity.username,
        "display_name": identity.display_name,
        "email": identity.email,
        "mapped_orgs": identity.orgs.iter().map(|org| org.0).collect::<Vec<_>>(),
        "unknown_orgs": identity.unknown_orgs,
        "groups": identity.groups,
        "creates_users": provider.policy.creates_users,
        "user": foreseen.user.as_ref().map(view::user),
        "orgs": orgs,
        "held_groups": held,
        "refused": refused,
    })
}
