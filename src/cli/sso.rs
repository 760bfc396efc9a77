//! `sso test`: whether a provider is fit for sign-ins, and whom one of its assertions would sign in here.

use crate::api::registration;
use crate::cli::Outcome;
use crate::cli::args::FormatArgs;
use crate::cli::output::{print, print_json};
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::random::{Random, SystemRandom};
use crate::domain::sso::{
    Assertion, Findings, Protocol, Provider, ProviderError, SsoIdentity, SsoPolicy,
};
use crate::server::addresses::Addresses;
use crate::server::sso::providers;
use crate::settings::Settings;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SsoCommand {
    /// Ask a provider whether it is fit for sign-ins, and show whom an assertion would sign in
    #[command(after_long_help = TEST_HELP)]
    Test(TestArgs),
    /// Let a user be bound anew: to the next provider, and the next person there, that signs them in
    Release {
        /// Sign-in name
        user: String,
    },
}

/// What `sso test --help` says about the files.
const TEST_HELP: &str = "\
Without a file only the provider is asked: discovery and keys (OIDC), metadata and certificates (SAML).

--claims FILE is a JSON object of claims or attributes, each a text or a list of texts; `sub` or `NameID`
names the subject. Nothing is verified: it shows what the attribute settings make of them.

  {\"sub\": \"00u1\", \"preferred_username\": \"alice\", \"groups\": [\"analysts\"]}

--response FILE (SAML) is a response as a browser posts it, Base64 or XML. It is judged in full, as at the
moment it was issued for; only whether it was asked for, and used before, cannot be known here.

The exit code is 1 if the provider is not fit or the assertion would be refused.";

#[derive(Args, Debug)]
pub(in crate::cli) struct TestArgs {
    /// The provider: NAME of its section [sso.NAME]; without it every one is asked
    name: Option<String>,
    /// Claims or attributes in JSON; "-" is standard input
    #[arg(long, value_name = "FILE", requires = "name")]
    claims: Option<PathBuf>,
    /// A SAML response
    #[arg(
        long,
        value_name = "FILE",
        requires = "name",
        conflicts_with = "claims"
    )]
    response: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

/// `sso test`.
pub(in crate::cli) async fn test(settings: &Settings, args: TestArgs) -> anyhow::Result<Outcome> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let all = open(settings, &clock)?;
    let asked = asked(&all, args.name.as_deref())?;
    if asked.is_empty() {
        print("no identity provider is configured: expected a section [sso.NAME]")?;
        return Ok(Outcome::Bad);
    }
    let mut report = Report {
        is_json: args.format.json,
        values: Vec::new(),
        outcome: Outcome::Good,
    };
    let origins = Addresses::wanted(settings).own_origins(settings);
    for provider in &asked {
        let found = provider.engine.probe(clock.now()).await;
        let is_reached = found.is_ok();
        let mut found = found.unwrap_or_else(|error| {
            let mut found = Findings::default();
            found.note(why(&error));
            found
        });
        registration::add_to(&mut found, &all, provider, &origins).await;
        report.provider(provider, is_reached, found)?;
    }
    // Files are taken beside a name only, so they are for one provider.
    if let [provider] = asked.as_slice() {
        let assertion = match (&args.claims, &args.response) {
            (Some(path), _) => Some(from_claims(&read(path)?)),
            (_, Some(path)) => Some(judged(provider, &read(path)?, settings, &*clock).await),
            (None, None) => None,
        };
        if let Some(assertion) = assertion {
            report.assertion(provider, assertion)?;
        }
    }
    report.finish()
}

/// The provider of that name, which must be there; without a name all of them.
fn asked<'a>(all: &'a [Provider], name: Option<&str>) -> anyhow::Result<Vec<&'a Provider>> {
    let Some(name) = name else {
        return Ok(all.iter().collect());
    };
    let one = all.iter().find(|one| one.name == name);
    let one = one.with_context(|| {
        let known: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        format!("no section [sso.{name}]; there are: {known}")
    })?;
    Ok(vec![one])
}

/// What is told: lines as they come, or one JSON array at the end.
struct Report {
    is_json: bool,
    values: Vec<Value>,
    outcome: Outcome,
}

impl Report {
    fn provider(
        &mut self,
        provider: &Provider,
        is_reached: bool,
        found: Findings,
    ) -> anyhow::Result<()> {
        let is_fit = is_reached && found.is_fit();
        let (name, protocol) = (&provider.name, provider.protocol.as_str());
        let lines = found.into_lines();
        if !is_fit {
            self.outcome = Outcome::Bad;
        }
        if !self.is_json {
            let word = if is_fit { "ready" } else { "not ready" };
            print(&format!("{name} ({protocol}): {word}"))?;
            for line in &lines {
                print(&format!("  {line}"))?;
            }
        }
        self.values.push(json!({
            "provider": name,
            "protocol": protocol,
            "ready": is_fit,
            "found": lines,
        }));
        Ok(())
    }

    /// Whom an assertion would sign in, or why it would not.
    fn assertion(
        &mut self,
        provider: &Provider,
        assertion: anyhow::Result<Assertion>,
    ) -> anyhow::Result<()> {
        let policy = &provider.policy;
        let identity = assertion.and_then(|assertion| {
            let identity = policy.identity(provider.protocol, &assertion);
            identity.map_err(|error| anyhow::anyhow!(why(&error)))
        });
        match identity {
            Ok(identity) => self.identity(policy, &identity),
            Err(error) => {
                self.outcome = Outcome::Bad;
                let words = format!("{error:#}");
                self.values.push(json!({ "refused": words }));
                if self.is_json {
                    return Ok(());
                }
                Ok(print(&format!("would be refused: {words}"))?)
            }
        }
    }

    fn identity(&mut self, policy: &SsoPolicy, identity: &SsoIdentity) -> anyhow::Result<()> {
        let orgs: Vec<i64> = if identity.orgs.is_empty() {
            vec![policy.org.0]
        } else {
            identity.orgs.iter().map(|org| org.0).collect()
        };
        self.values.push(json!({
            "username": identity.username,
            "display_name": identity.display_name,
            "email": identity.email,
            "orgs": orgs,
            "groups": identity.groups,
            "unknown_orgs": identity.unknown_orgs,
            "creates_users": policy.creates_users,
        }));
        if self.is_json {
            return Ok(());
        }
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        let orgs: Vec<String> = orgs.iter().map(ToString::to_string).collect();
        let lines = [
            ("would sign in", identity.username.clone()),
            ("display name", or_none(&identity.display_name)),
            ("email", or_none(&identity.email)),
            ("Orgs", orgs.join(", ")),
            ("groups", identity.groups.join(", ")),
            ("Orgs of no rule", identity.unknown_orgs.join(", ")),
            (
                "somebody unknown",
                if policy.creates_users {
                    "becomes a user"
                } else {
                    "is refused (create_users = false)"
                }
                .to_owned(),
            ),
        ];
        for (what, value) in lines {
            let value = if value.is_empty() { "none" } else { &value };
            print(&format!("{what:<18}{value}"))?;
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Outcome> {
        if self.is_json {
            print_json(&Value::Array(self.values))?;
        }
        Ok(self.outcome)
    }
}

/// What is found of the providers the settings name, for `config check`: each by its name.
pub(in crate::cli) async fn check(
    settings: &Settings,
) -> anyhow::Result<Vec<(String, Result<Findings, String>)>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut found = Vec::new();
    let all = open(settings, &clock)?;
    let origins = Addresses::wanted(settings).own_origins(settings);
    for provider in &all {
        let answer = provider.engine.probe(clock.now()).await;
        let mut answer = answer.map_err(|error| why(&error));
        if let Ok(found) = &mut answer {
            registration::add_to(found, &all, provider, &origins).await;
        }
        found.push((format!("sso.{}", provider.name), answer));
    }
    Ok(found)
}

fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Vec<Provider>> {
    if settings.sso.is_empty() {
        return Ok(Vec::new());
    }
    let random: Arc<dyn Random> = Arc::new(SystemRandom::open()?);
    providers(settings, clock, &random)
}

fn why(error: &ProviderError) -> String {
    match error {
        ProviderError::Unavailable(cause) => format!("{cause:#}"),
        ProviderError::Refused { fault, detail } => format!("{fault}: {detail}"),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("standard input");
    }
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Claims as the file has them; nothing vouches for them.
fn from_claims(text: &str) -> anyhow::Result<Assertion> {
    Assertion::claimed(text).map_err(|expected| anyhow::anyhow!("the claims: {expected}"))
}

/// A response judged as if it had just come in answer to the very question it says it answers.
async fn judged(
    provider: &Provider,
    text: &str,
    settings: &Settings,
    clock: &dyn Clock,
) -> anyhow::Result<Assertion> {
    anyhow::ensure!(
        provider.protocol == Protocol::Saml,
        "--response is for SAML; expected --claims for OIDC"
    );
    let own = Addresses::wanted(settings).own_origins(settings);
    let base = own.first().map_or("", String::as_str);
    let callback = format!("{base}/callosum/v1/saml/SSO");
    let judged = provider.engine.rehearse(text, &callback, clock.now());
    judged.await.map_err(|error| anyhow::anyhow!(why(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser;

    #[test]
    fn a_user_is_released_by_name_and_not_without() {
        let line = |words: &str| Cli::try_parse_from(words.split(' '));
        let cli = line("vestibule sso release ann").unwrap();
        assert!(matches!(
            cli.command,
            Some(Command::Sso(SsoCommand::Release { user })) if user == "ann"
        ));
        assert!(line("vestibule sso release").is_err());
    }
}
