//! Single sign-on put together: from the settings of each provider to its engine and its policy.

use crate::domain::clock::Clock;
use crate::domain::directory::{NameKey, OrgId};
use crate::domain::random::Random;
use crate::domain::sso::{
    Accounts, AttributeNames, IdentityProvider, Protocol, Provider, SingleSignOn, SsoPolicy,
};
#[cfg(feature = "oidc")]
use crate::idp::oidc::OidcProvider;
#[cfg(feature = "saml")]
use crate::idp::saml::SamlProvider;
use crate::server::assemble::Ground;
use crate::settings::{Settings, SsoAccounts, SsoProtocol, SsoProvider};
use anyhow::Context;
use std::sync::Arc;

/// The providers of the settings, and where sign-ins under way are kept.
pub fn single_sign_on(settings: &Settings, ground: &Ground) -> anyhow::Result<SingleSignOn> {
    Ok(SingleSignOn {
        providers: providers(settings, &ground.clock, &ground.random)?,
        flows: Arc::clone(&ground.stores.flows),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
    })
}

/// The providers of the settings. None of them is asked anything yet: one that is down does not stop our start.
pub fn providers(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> anyhow::Result<Vec<Provider>> {
    let provider = |one: &SsoProvider| provider(one, clock, random);
    settings.sso.iter().map(provider).collect()
}

fn provider(
    settings: &SsoProvider,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> anyhow::Result<Provider> {
    let context = || format!("[sso.{}]", settings.name);
    Ok(Provider {
        name: settings.name.clone(),
        label: settings.label.clone(),
        protocol: match settings.protocol {
            SsoProtocol::Saml => Protocol::Saml,
            SsoProtocol::Oidc => Protocol::Oidc,
        },
        hosts: settings.hosts.clone(),
        engine: engine(settings, clock, random).with_context(context)?,
        policy: policy(settings).with_context(context)?,
    })
}

fn policy(settings: &SsoProvider) -> anyhow::Result<SsoPolicy> {
    let mut groups = Vec::new();
    for rule in &settings.group_map {
        NameKey::new(&rule.ours)
            .with_context(|| format!("group_map: the group {:?}", rule.ours))?;
        groups.push((rule.theirs.clone(), rule.ours.clone()));
    }
    let mut orgs = Vec::new();
    for rule in &settings.org_map {
        let org = rule.ours.parse().context("org_map: a number")?;
        orgs.push((rule.theirs.clone(), OrgId(org)));
    }
    Ok(SsoPolicy {
        names: AttributeNames {
            username: settings.username_attribute.clone(),
            display_name: settings.display_name_attribute.clone(),
            email: settings.email_attribute.clone(),
            groups: settings.group_attribute.clone(),
            orgs: settings.org_attribute.clone(),
        },
        groups,
        orgs,
        org: OrgId(settings.org),
        creates_users: settings.create_users,
        accounts: match settings.accounts {
            SsoAccounts::Own => Accounts::Own,
            SsoAccounts::Type => Accounts::Type,
            SsoAccounts::Local => Accounts::Local,
        },
        accepts_admins: settings.admins,
        trusts_email: settings.trust_email,
    })
}

fn engine(
    settings: &SsoProvider,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> anyhow::Result<Arc<dyn IdentityProvider>> {
    match settings.protocol {
        SsoProtocol::Saml => saml(settings, clock, random),
        SsoProtocol::Oidc => oidc(settings, clock, random),
    }
}

#[cfg(feature = "saml")]
fn saml(
    settings: &SsoProvider,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> anyhow::Result<Arc<dyn IdentityProvider>> {
    let engine = SamlProvider::open(settings, Arc::clone(clock), Arc::clone(random))?;
    Ok(Arc::new(engine))
}

#[cfg(not(feature = "saml"))]
fn saml(
    _: &SsoProvider,
    _: &Arc<dyn Clock>,
    _: &Arc<dyn Random>,
) -> anyhow::Result<Arc<dyn IdentityProvider>> {
    anyhow::bail!("protocol: this program was built without SAML")
}

#[cfg(feature = "oidc")]
fn oidc(
    settings: &SsoProvider,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> anyhow::Result<Arc<dyn IdentityProvider>> {
    let engine = OidcProvider::open(settings, Arc::clone(clock), Arc::clone(random))?;
    Ok(Arc::new(engine))
}

#[cfg(not(feature = "oidc"))]
fn oidc(
    _: &SsoProvider,
    _: &Arc<dyn Clock>,
    _: &Arc<dyn Random>,
) -> anyhow::Result<Arc<dyn IdentityProvider>> {
    anyhow::bail!("protocol: this program was built without OpenID Connect")
}
