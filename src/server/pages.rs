//! The sign-in page put together: from the settings to its looks and the providers it offers.

use crate::api::pages::{Colour, Logo, ProviderButton, SignInSite};
use crate::settings::{Settings, SsoProtocol, SsoProvider};
use anyhow::Context;
use std::path::Path;

/// What the settings say of it. The logo is read now: one that cannot be shown stops the start.
pub fn sign_in_site(settings: &Settings) -> anyhow::Result<SignInSite> {
    let pages = &settings.pages;
    Ok(SignInSite {
        title: pages.title.clone(),
        goes_to_provider: pages.auto_redirect,
        asks_for_org: pages.ask_org,
        colour: pages.colour.as_deref().and_then(Colour::parse),
        logo: pages.logo_file.as_deref().map(logo).transpose()?,
        providers: settings.sso.iter().map(button).collect(),
    })
}

fn logo(path: &Path) -> anyhow::Result<Logo> {
    let body = std::fs::read(path).map_err(anyhow::Error::from);
    body.and_then(|body| Ok(Logo::read(body)?))
        .with_context(|| format!("pages.logo_file: {}", path.display()))
}

fn button(provider: &SsoProvider) -> ProviderButton {
    let protocol = match provider.protocol {
        SsoProtocol::Saml => "saml",
        SsoProtocol::Oidc => "oidc",
    };
    ProviderButton {
        label: provider.label.clone(),
        // Names are lower-case letters, digits and hyphens.
        href: format!("/callosum/v1/{protocol}/login?provider={}", provider.name),
        hosts: provider.hosts.clone(),
    }
}
