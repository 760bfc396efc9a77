//! Looks whether a provider is fit for sign-ins, for `config check` and the like.

use super::OidcProvider;
use super::discovery::Known;
use crate::domain::clock::Timestamp;
use crate::domain::sso::ProviderError;
use openidconnect::core::CoreClientAuthMethod;

/// What was found, a line each.
pub(super) async fn probe(
    provider: &OidcProvider,
    now: Timestamp,
) -> Result<Vec<String>, ProviderError> {
    // Somebody who asks wants to know how it is now.
    provider.discovery.forget().await;
    let known = provider.discovery.known().await?;
    let mut lines = vec![format!(
        "discovery answers: {}",
        provider.discovery.issuer()
    )];
    lines.push(match known.key_names.len() {
        0 => "warning: no usable signing key (RSA from 2048 bits, P-256, P-384)".to_owned(),
        count => format!("{count} signing keys: {}", known.key_names.join(", ")),
    });
    lines.push(clock_line(known.date, now));
    let method = provider.auth.method();
    lines.push(format!("client {} by {method}", provider.client_id));
    lines.extend(warnings(&known, method));
    let more = known.metadata.additional_metadata();
    if more.end_session_endpoint.is_none() {
        lines.push("no end_session_endpoint: signing out here leaves them signed in there".into());
    }
    Ok(lines)
}

fn warnings(known: &Known, method: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if known.metadata.token_endpoint().is_none() {
        lines.push("warning: no token_endpoint".to_owned());
    }
    if let Some(methods) = known.metadata.token_endpoint_auth_methods_supported() {
        let offered: Vec<&str> = methods.iter().map(name_of).collect();
        if !offered.contains(&method) {
            let offered = offered.join(", ");
            lines.push(format!(
                "warning: the token endpoint knows {offered}, not {method}"
            ));
        }
    }
    lines
}

fn name_of(method: &CoreClientAuthMethod) -> &str {
    match method {
        CoreClientAuthMethod::ClientSecretBasic => "client_secret_basic",
        CoreClientAuthMethod::ClientSecretJwt => "client_secret_jwt",
        CoreClientAuthMethod::ClientSecretPost => "client_secret_post",
        CoreClientAuthMethod::None => "none",
        CoreClientAuthMethod::PrivateKeyJwt => "private_key_jwt",
        CoreClientAuthMethod::Extension(name) => name,
    }
}

fn clock_line(theirs: Option<Timestamp>, now: Timestamp) -> String {
    let Some(theirs) = theirs else {
        return "its answers have no date to compare clocks by".to_owned();
    };
    let (ahead, behind) = (theirs.since(now).as_secs(), now.since(theirs).as_secs());
    // Their date has whole seconds, and took a moment to get here.
    match (ahead, behind) {
        (0..=1, 0..=1) => "clocks agree".to_owned(),
        (0, behind) => format!("clock differs by {behind} s: theirs is behind"),
        (ahead, _) => format!("clock differs by {ahead} s: theirs is ahead"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_of_clocks_is_told_in_both_directions() {
        let date = Some(Timestamp::from_millis(784_111_777_000));
        let at = |seconds: u64| clock_line(date, Timestamp::from_millis(seconds * 1000));
        assert_eq!(at(784_111_777), "clocks agree");
        assert_eq!(at(784_111_897), "clock differs by 120 s: theirs is behind");
        assert_eq!(at(784_111_657), "clock differs by 120 s: theirs is ahead");
        assert!(clock_line(None, Timestamp::default()).contains("no date"));
    }
}
