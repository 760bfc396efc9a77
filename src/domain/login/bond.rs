//! Whose an account here is: the bond between a user and one person at one provider.
//!
//! Names are one space for all providers, and a provider may give a name that one person had to another (`OpenID
//! Connect` Core, 5.7). So the first sign-in of a user binds the account to that provider, and to the person by what
//! the provider never gives to anybody else; who comes later under the same name is judged by that.

use crate::domain::audit::Refusal;
use crate::domain::directory::{AccountType, User, UserId};
use crate::domain::failure::StoreError;
use crate::domain::login::{Login, LoginError};
use crate::domain::sso::{Accounts, FlowDigest, Provider};
use anyhow::anyhow;
use std::fmt::Write;

/// How often a bond is judged anew that somebody else changes meanwhile.
const ATTEMPTS: usize = 3;

/// Where a user's bond is kept.
pub(in crate::domain) fn bond_of(user: UserId) -> String {
    format!("sso_provider:{user}")
}

impl Login {
    /// Binds the user to the provider and the person, or refuses whom somebody else is bound to. Nothing may be ended
    /// or changed of the user before: until then, the account may be another person's.
    pub(in crate::domain::login) async fn claim(
        &self,
        provider: &Provider,
        person: Option<&str>,
        user: &User,
    ) -> Result<(), LoginError> {
        let place = bond_of(user.id);
        let person = person.map(|person| digest(&provider.name, person));
        for _ in 0..ATTEMPTS {
            let before = self.directory.get(&place).await?;
            if before.is_none() {
                self.refuse_foreign_org(provider, user).await?;
            }
            let wanted = bind(before.as_deref(), provider, person.as_deref())
                .map_err(LoginError::BadCredentials)?;
            let is_done = before.as_ref() == Some(&wanted) || {
                let saved = self
                    .directory
                    .replace(&place, before.as_deref(), Some(&wanted));
                saved.await?
            };
            if is_done {
                return Ok(());
            }
        }
        let busy = anyhow!("the provider of a user changes under several sign-ins at once");
        Err(StoreError::unavailable(busy).into())
    }

    /// Whether [`Login::claim`] would let them in; nothing is bound.
    pub(in crate::domain::login) async fn may_claim(
        &self,
        provider: &Provider,
        person: Option<&str>,
        user: &User,
    ) -> Result<(), LoginError> {
        let person = person.map(|person| digest(&provider.name, person));
        let before = self.directory.get(&bond_of(user.id)).await?;
        if before.is_none() {
            self.refuse_foreign_org(provider, user).await?;
        }
        bind(before.as_deref(), provider, person.as_deref())
            .map(drop)
            .map_err(LoginError::BadCredentials)
    }

    /// Refuses users that other providers could claim with the same right, if they are in an Org that this one is not
    /// for: what one tenant's provider says is nothing to another tenant's users.
    async fn refuse_foreign_org(&self, provider: &Provider, user: &User) -> Result<(), LoginError> {
        let policy = &provider.policy;
        let is_rival = |one: &&Provider| {
            let is_local = user.account_type == AccountType::Local;
            one.name != provider.name && (is_local || one.protocol == provider.protocol)
        };
        let has_rivals = self.sso.providers.iter().any(|one| is_rival(&one));
        if !has_rivals || policy.accounts == Accounts::Type {
            return Ok(());
        }
        let held = self.directory.orgs_of(user.id).await?;
        let mut held = held.iter().map(|org| org.id);
        if held.all(|org| org == policy.org || policy.orgs.iter().any(|(_, one)| *one == org)) {
            return Ok(());
        }
        Err(LoginError::BadCredentials(Refusal::ForeignOrg))
    }
}

/// The bond there is to be in place of that one.
fn bind(
    before: Option<&str>,
    provider: &Provider,
    person: Option<&str>,
) -> Result<String, Refusal> {
    let bound = before.map(read);
    let is_own = bound.is_none_or(|(name, _)| name == provider.name);
    if !is_own && provider.policy.accounts != Accounts::Type {
        return Err(Refusal::OtherProvider);
    }
    let known = bound.filter(|_| is_own).and_then(|(_, person)| person);
    if let (Some(known), Some(person)) = (known, person)
        && known != person
    {
        return Err(Refusal::OtherSubject);
    }
    // Who is known by the name alone stays so until the provider says more.
    Ok(match person.or(known) {
        Some(person) => format!("{} {person}", provider.name),
        None => provider.name.clone(),
    })
}

/// The provider, and the person where one is known. Providers' names have no blanks.
fn read(bond: &str) -> (&str, Option<&str>) {
    match bond.split_once(' ') {
        Some((provider, person)) => (provider, Some(person)),
        None => (bond, None),
    }
}

/// A digest: the provider's words for people are long or secret with some, and nobody has to read them here.
fn digest(provider: &str, person: &str) -> String {
    let FlowDigest(bytes) = FlowDigest::of("person", &[provider, person]);
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
