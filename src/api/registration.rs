//! What a provider has to be told of us, and what is wrong with that: for operators, in lines.

use crate::api::departure::callback;
use crate::domain::sso::{Protocol, Provider, sharing};

/// Where answers of a provider come in, for each of our origins, to be registered there; and whether it can be told
/// from others whose answers come in at the same address.
pub async fn lines(providers: &[Provider], provider: &Provider, origins: &[String]) -> Vec<String> {
    let what = match provider.protocol {
        Protocol::Saml => "assertion consumer service",
        Protocol::Oidc => "redirect URI",
    };
    let mut lines: Vec<String> = origins
        .iter()
        .map(|origin| format!("{what}: {}", callback(origin, provider)))
        .collect();
    let others: Vec<&str> = sharing(providers, provider)
        .map(|other| other.name.as_str())
        .collect();
    // One that is away has said so already.
    let is_nameless = !others.is_empty() && !provider.engine.names_itself().await.unwrap_or(true);
    if is_nameless {
        lines.push(format!(
            "warning: sign-ins are refused: its answers do not name it (iss, RFC 9207), and {} shares the redirect \
             URI; set own_callback and register the other one",
            others.join(", ")
        ));
    }
    lines
}
