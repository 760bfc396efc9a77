//! What a provider has to be told of us, and what is wrong with that: for operators, in lines.

use crate::api::departure::callback;
use crate::domain::sso::{Findings, Protocol, Provider, sharing};

/// Adds where answers of a provider come in, for each of our origins, to be registered there; and whether it can be told
/// from others whose answers come in at the same address.
pub async fn add_to(
    found: &mut Findings,
    providers: &[Provider],
    provider: &Provider,
    origins: &[String],
) {
    let what = match provider.protocol {
        Protocol::Saml => "assertion consumer service",
        Protocol::Oidc => "redirect URI",
    };
    for origin in origins {
        found.note(format!("{what}: {}", callback(origin, provider)));
    }
    let others: Vec<&str> = sharing(providers, provider)
        .map(|other| other.name.as_str())
        .collect();
    // One that is away has said so already.
    if others.is_empty() || provider.engine.names_itself().await.unwrap_or(true) {
        return;
    }
    found.defect(&format!(
        "its answers do not name it (iss, RFC 9207), and the redirect URI is that of {} too: set own_callback, and \
         register the other one",
        others.join(", ")
    ));
}
