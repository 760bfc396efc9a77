//! The providers of the settings: which one a sign-in goes to, and whose an answer can be.

use crate::domain::directory::OrgId;
use crate::domain::sso::{
    Answer, AssertionFault, IdentityProvider, Protocol, ProviderError, SsoPolicy,
};
use std::sync::Arc;

/// A provider and what becomes of those it vouches for.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name in the settings and in paths.
    pub name: String,
    /// The words on its button.
    pub label: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// Hosts of ours where it is offered first; none is every one.
    pub hosts: Vec<String>,
    /// Orgs it signs users into; none is every one of the user's.
    pub orgs: Vec<OrgId>,
    /// Whether its answers come to an address of ours that no other provider's come to.
    pub has_own_callback: bool,
    /// Speaks it.
    pub engine: Arc<dyn IdentityProvider>,
    /// What becomes of those it vouches for.
    pub policy: SsoPolicy,
}

impl Provider {
    /// Whether it may sign users into that Org.
    pub fn is_for(&self, org: OrgId) -> bool {
        self.orgs.is_empty() || self.orgs.contains(&org)
    }
}

/// What a sign-in says of the provider it wants.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is to be spoken.
    pub protocol: Protocol,
    /// The provider by name.
    pub name: Option<&'a str>,
    /// The Org to be signed in to.
    pub org: Option<OrgId>,
    /// By which of our hosts the browser came.
    pub host: &'a str,
}

/// The provider asked for by name, if it may sign users into the Org asked for.
///
/// Else the best of those that may: one bound to that Org before one that is for every Org, then one meant for that
/// host of ours before one that is for any. Without a word about the Org the host counts first, and one that is for
/// every Org comes before one that is not.
pub fn choose<'a>(providers: &'a [Provider], asked: &Asked<'_>) -> Option<&'a Provider> {
    let mut fitting = providers.iter().filter(|one| {
        one.protocol == asked.protocol && asked.org.is_none_or(|org| one.is_for(org))
    });
    if let Some(name) = asked.name {
        return fitting.find(|one| one.name == name);
    }
    let is_elsewhere = |one: &Provider| {
        let mut hosts = one.hosts.iter();
        !hosts.any(|own| own.eq_ignore_ascii_case(asked.host))
    };
    fitting
        .filter(|one| one.hosts.is_empty() || !is_elsewhere(one))
        .min_by_key(|one| match asked.org {
            Some(_) => (one.orgs.is_empty(), is_elsewhere(one)),
            None => (is_elsewhere(one), !one.orgs.is_empty()),
        })
}

/// The other providers whose answers come to the same address of ours unsigned, as those of OIDC do.
///
/// Sections of one and the same provider are not meant: their codes are that provider's either way.
pub fn sharing<'a>(
    providers: &'a [Provider],
    provider: &'a Provider,
) -> impl Iterator<Item = &'a Provider> {
    let shares = |one: &Provider| one.protocol == Protocol::Oidc && !one.has_own_callback;
    providers.iter().filter(move |one| {
        let is_other = one.engine.issuer() != provider.engine.issuer();
        is_other && shares(one) && shares(provider)
    })
}

/// Refuses an answer that does not say whose it is, and could be of more than one provider.
///
/// A hostile provider sends the browser on to an honest one, with our name there and the state of its own sign-in. The
/// honest one's code would then be shown to the hostile one, which could use it (the mix-up attack). Where each has an
/// address of its own the answer comes in at the wrong one.
pub fn refuse_unnamed(
    providers: &[Provider],
    provider: &Provider,
    answer: &Answer,
) -> Result<(), ProviderError> {
    let Answer::Oidc { issuer: None, .. } = answer else {
        return Ok(());
    };
    match sharing(providers, provider).next() {
        None => Ok(()),
        Some(other) => Err(ProviderError::refused(
            AssertionFault::WrongIssuer,
            format!(
                "the answer has no iss, and came to an address that is also {}'s: set own_callback for {}",
                other.name, provider.name
            ),
        )),
    }
}
