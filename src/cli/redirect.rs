//! `redirect check`: what the redirect rules make of a target.

use crate::settings::Settings;

/// Prints the parsed parts of `url` and the rule that allows or refuses it.
///
/// Not done: it waits for the rules of [`crate::domain::redirect`], and says so until they are called here.
pub(in crate::cli) fn check(url: &str, settings: &Settings, json: bool) -> anyhow::Result<bool> {
    anyhow::bail!(
        "`redirect check` does not know the redirect rules yet ({url}, {} allowed, json: {json})",
        settings.redirects.allow.len()
    )
}
