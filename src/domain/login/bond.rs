//! Whose an account here is: the bond between a user and one person at one provider.
//!
//! Names are one space for all providers, and a provider may give a name that one person had to another (`OpenID
//! Connect` Core, 5.7). So the first sign-in of a user binds the account to that provider, and to the person by what
//! the provider never gives to anybody else; who comes later under the same name is judged by that.

use crate::domain::audit::Refusal;
use crate::domain::directory::{SavedSettings, User, UserId};
use crate::domain::failure::StoreError;
use crate::domain::login::LoginError;
use crate::domain::sso::{Accounts, FlowDigest, Provider};
use anyhow::anyhow;
use std::fmt::Write;

/// How often a bond is judged anew that somebody else changes meanwhile.
const ATTEMPTS: usize = 3;

/// Where a user's bond is kept.
pub(in crate::domain) fn bond_of(user: UserId) -> String {
    format!("sso_provider:{user}")
}

/// Binds the user to the provider and the person, or refuses whom somebody else is bound to. Nothing may be ended or
/// changed of the user before: until then, the account may be another person's.
pub(in crate::domain::login) async fn claim(
    saved: &dyn SavedSettings,
    provider: &Provider,
    person: Option<&str>,
    user: &User,
) -> Result<(), LoginError> {
    let place = bond_of(user.id);
    let person = person.map(|person| digest(&provider.name, person));
    for _ in 0..ATTEMPTS {
        let before = saved.get(&place).await?;
        let bound = before.as_deref().map(read);
        let is_own = bound.is_none_or(|(name, _)| name == provider.name);
        if !is_own && provider.policy.accounts != Accounts::Type {
            return Err(LoginError::BadCredentials(Refusal::OtherProvider));
        }
        let bound_to = bound.filter(|_| is_own).and_then(|(_, person)| person);
        if let (Some(bound_to), Some(person)) = (bound_to, &person)
            && bound_to != person
        {
            return Err(LoginError::BadCredentials(Refusal::OtherSubject));
        }
        // Who is known by the name alone stays so until the provider says more.
        let wanted = match person.as_deref().or(bound_to) {
            Some(person) => format!("{} {person}", provider.name),
            None => provider.name.clone(),
        };
        if before.as_ref() == Some(&wanted)
            || saved
                .replace(&place, before.as_deref(), Some(&wanted))
                .await?
        {
            return Ok(());
        }
    }
    let busy = anyhow!("the provider of a user changes under several sign-ins at once");
    Err(StoreError::unavailable(busy).into())
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
