//! Turns a code into tokens, and asks for claims the ID token does not have.

use super::OidcProvider;
use super::claims;
use super::discovery::Known;
use super::jws::malformed;
use crate::domain::clock::Timestamp;
use crate::domain::sso::{AssertionFault, Begun, ProviderError};
use anyhow::anyhow;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// Whether the mail address is known to be the person's (Core 5.1).
pub(super) const EMAIL_VERIFIED: &str = "email_verified";

/// What the token endpoint gives.
#[derive(Deserialize)]
pub(super) struct Tokens {
    /// Who it is about.
    pub id_token: SecretString,
    /// For the userinfo endpoint.
    pub access_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

/// Turns a code into tokens. The library's own exchange knows no `private_key_jwt`, and its errors carry what came.
pub(super) async fn redeem(
    provider: &OidcProvider,
    known: &Known,
    code: &SecretString,
    begun: &Begun,
    now: Timestamp,
) -> Result<Tokens, ProviderError> {
    let unavailable = |what: &str| ProviderError::Unavailable(anyhow!("{what}"));
    let endpoint = known
        .metadata
        .token_endpoint()
        .ok_or_else(|| unavailable("the discovery document has no token_endpoint"))?;
    let mut form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.expose_secret().to_owned()),
        ("redirect_uri", begun.callback.clone()),
        ("code_verifier", begun.verifier.clone()),
    ];
    provider
        .auth
        .add_to(
            &mut form,
            &provider.client_id,
            endpoint.as_str(),
            provider.random.as_ref(),
            known.theirs(now),
        )
        .map_err(ProviderError::Unavailable)?;
    let reply = provider.http.post(endpoint.as_str(), &form).await?;
    let refusal: Option<Refusal> = reply.json();
    // What stands in front of a provider answers in HTML, whatever the status; a provider's own word is JSON. "Not
    // there" and "too slow" are no verdict on a code unless the provider says so in its form.
    let is_word = refusal.is_some() || !matches!(reply.status, 404 | 408);
    if !is_word || reply.json::<IgnoredAny>().is_none() {
        return Err(unavailable(&format!(
            "{endpoint}: it answers {} without a word of the provider's",
            reply.status
        )));
    }
    if reply.status == 200 {
        return reply
            .json()
            .ok_or_else(|| malformed("the token endpoint's answer has no ID token"));
    }
    let words = refusal.map(|refusal| {
        let description = refusal.error_description.unwrap_or_default();
        format!("{} {description}", refusal.error)
    });
    let words = words.unwrap_or_default();
    let hidden = [
        code.expose_secret(),
        &begun.verifier,
        provider.auth.secret().unwrap_or_default(),
    ];
    Err(ProviderError::refused(
        AssertionFault::CodeRefused,
        format!(
            "the token endpoint answers {} {}",
            reply.status,
            harmless(&words, &hidden)
        ),
    ))
}

/// A provider's words without what it may repeat of ours.
fn harmless(words: &str, hidden: &[&str]) -> String {
    let mut words = words.to_owned();
    for secret in hidden.iter().filter(|secret| !secret.is_empty()) {
        words = words.replace(secret, "…");
    }
    claims::shown(&words)
}

/// Adds what the userinfo endpoint says to claims that lack something the settings name.
pub(super) async fn complete(
    provider: &OidcProvider,
    known: &Known,
    tokens: &Tokens,
    found: &mut Map<String, Value>,
) -> Result<(), ProviderError> {
    let is_missing = |name: &&String| !found.contains_key(name.as_str());
    if let (true, Some(endpoint), Some(token)) = (
        provider.wanted.iter().any(|name| is_missing(&name)),
        known.metadata.userinfo_endpoint(),
        &tokens.access_token,
    ) {
        let token = token.expose_secret();
        let reply = provider.http.get(endpoint.as_str(), Some(token)).await?;
        // Going on without would take groups away from somebody who has them.
        let strange = |what: String| ProviderError::Unavailable(anyhow!("userinfo: {what}"));
        if reply.status != 200 {
            return Err(strange(format!("it answers {}", reply.status)));
        }
        let mut more: Map<String, Value> = reply
            .json()
            .ok_or_else(|| strange(format!("expected JSON, got {:?}", reply.kind)))?;
        // Else a token of somebody else's would bring that person's name and groups (Core 5.3.2).
        if claims::word(&more, "sub") != claims::word(found, "sub") {
            return Err(malformed("userinfo is about somebody else"));
        }
        // It is about the address beside it, and says nothing of another one in the token.
        if found.contains_key("email") && more.get("email") != found.get("email") {
            more.remove(EMAIL_VERIFIED);
        }
        for (name, value) in more {
            found.entry(name).or_insert(value);
        }
    }
    refuse_distributed(provider, found)
}

/// Entra leaves groups out when there are many and names a place to ask: taken for "none" it would end memberships.
fn refuse_distributed(
    provider: &OidcProvider,
    found: &Map<String, Value>,
) -> Result<(), ProviderError> {
    let elsewhere = found.get("_claim_names").and_then(Value::as_object);
    let is_elsewhere =
        |name: &&String| elsewhere.is_some_and(|names| names.contains_key(name.as_str()));
    match provider.wanted.iter().find(is_elsewhere) {
        Some(name) => Err(malformed(&format!(
            "the claim {name:?} is kept elsewhere (distributed claims), which is not followed"
        ))),
        None => Ok(()),
    }
}
