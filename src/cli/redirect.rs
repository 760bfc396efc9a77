//! `redirect check`: what the redirect rules make of a target.

use crate::cli::output::{print, print_json};
use crate::cli::runtime;
use crate::domain::redirect::OriginRule;
use crate::server::addresses::{Addresses, redirect_policy};
use crate::settings::Settings;
use serde_json::json;

/// Prints the parsed parts of `url` and the rule that allows or refuses it; says whether it is allowed.
pub(in crate::cli) fn check(url: &str, settings: &Settings, json: bool) -> anyhow::Result<bool> {
    let saved = runtime()?.block_on(crate::server::saved_security_settings(settings))?;
    let listed = saved.all_cors_origins().chain(&saved.redirect_hosts);
    let rules = listed.filter_map(|text| OriginRule::parse(text, "directory").ok());
    let policy = redirect_policy(settings, &Addresses::wanted(settings))?.with(rules);
    let explanation = policy.explain(url);
    let is_allowed = explanation.verdict.is_ok();
    if json {
        let verdict = match &explanation.verdict {
            Ok(rule) => rule.to_string(),
            Err(refusal) => refusal.to_string(),
        };
        print_json(&json!({
            "allowed": is_allowed,
            "verdict": verdict,
            "scheme": explanation.scheme,
            "host": explanation.host,
            "port": explanation.port,
            "path": explanation.path,
            "query": explanation.query,
            "fragment": explanation.fragment,
        }))?;
    } else {
        print(&explanation.to_string())?;
    }
    Ok(is_allowed)
}
