//! Looks whether a provider is fit for sign-ins, for `config check` and the like.

use super::OidcProvider;
use super::client_auth::ClientAuth;
use super::discovery::Known;
use super::jws::ALGORITHMS;
use crate::domain::clock::Timestamp;
use crate::domain::sso::{Findings, ProviderError};
use openidconnect::core::CoreClientAuthMethod;
use std::time::Duration;

/// What was found.
pub(super) async fn probe(
    provider: &OidcProvider,
    now: Timestamp,
) -> Result<Findings, ProviderError> {
    let known = provider.discovery.ask().await?;
    let mut found = Findings::default();
    found.note(format!(
        "discovery answers: {}",
        provider.discovery.issuer()
    ));
    match known.key_names.len() {
        0 => found.defect("no usable signing key (RSA from 2048 bits, P-256, P-384)"),
        count => found.note(format!(
            "{count} signing keys: {}",
            known.key_names.join(", ")
        )),
    }
    let clocks = clock_line(known.date, now);
    if are_apart(known.date, now, provider.skew) {
        let most = provider.skew.as_secs();
        found.defect(&format!("{clocks}; clock_skew allows {most} s"));
    } else {
        found.note(clocks);
    }
    judge_client(provider, &known, &mut found);
    let more = known.metadata.additional_metadata();
    if more.end_session_endpoint.is_none() {
        found.note("no end_session_endpoint: signing out here leaves them signed in there");
    }
    Ok(found)
}

/// Whether a code can be redeemed, and what comes for it be believed.
fn judge_client(provider: &OidcProvider, known: &Known, found: &mut Findings) {
    let method = provider.auth.method();
    found.note(format!("client {} by {method}", provider.client_id));
    if known.metadata.token_endpoint().is_none() {
        found.defect("no token_endpoint");
    }
    if let Some(methods) = known.metadata.token_endpoint_auth_methods_supported() {
        let offered: Vec<&str> = methods.iter().map(name_of).collect();
        if !offered.contains(&method) {
            let offered = offered.join(", ");
            let line = format!("the token endpoint knows {offered}, not {method}");
            match provider.auth {
                // Providers that know public clients seldom list them.
                ClientAuth::Public => found.warn(&line),
                ClientAuth::Secret(_) | ClientAuth::Key(_) => found.defect(&line),
            }
        }
    }
    let signs = known.metadata.id_token_signing_alg_values_supported();
    if !signs.iter().any(|one| ALGORITHMS.contains(one)) {
        found.defect("it signs ID tokens by no method that is taken here");
    }
}

/// Whether clocks differ by more than tokens may. Their date has whole seconds.
fn are_apart(theirs: Option<Timestamp>, now: Timestamp, skew: Duration) -> bool {
    let most = skew + Duration::from_secs(1);
    theirs.is_some_and(|theirs| theirs.since(now) > most || now.since(theirs) > most)
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
