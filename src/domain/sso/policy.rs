//! From what a provider asserts to who that is here: names, groups, Orgs.

use crate::domain::directory::{NameKey, OrgId};
use crate::domain::sso::{Assertion, AssertionFault, Protocol, ProviderError};

/// The longest user name an assertion may bring, in bytes; directories take no longer one either.
const MAX_NAME_BYTES: usize = 254;

/// Which attribute or claim holds what; none is the protocol's own.
#[derive(Clone, Debug, Default)]
pub struct AttributeNames {
    /// The user's name here.
    pub username: Option<String>,
    /// The name people read.
    pub display_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// Groups.
    pub groups: Option<String>,
    /// Orgs.
    pub orgs: Option<String>,
}

/// Which users a provider signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// Of its protocol's account type, whom it made or was the first to sign in.
    Own,
    /// Of that account type, whichever provider signed them in before.
    Type,
    /// As [`Accounts::Own`], and local users, administrators of the server excepted.
    Local,
}

/// What becomes of those a provider vouches for.
#[derive(Clone, Debug)]
pub struct SsoPolicy {
    /// Which attribute holds what.
    pub names: AttributeNames,
    /// Groups there and here.
    pub groups: Vec<(String, String)>,
    /// Orgs there and here.
    pub orgs: Vec<(String, OrgId)>,
    /// The Org of those whom no rule places, and of the groups.
    pub org: OrgId,
    /// Whether somebody unknown becomes a user by signing in.
    pub creates_users: bool,
    /// Which users it signs in.
    pub accounts: Accounts,
    /// Whether administrators of the server are let in.
    pub accepts_admins: bool,
    /// Whether a mail address may be the name of which the provider does not say whether it is verified.
    pub trusts_email: bool,
}

/// Somebody as a provider describes them, in our terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoIdentity {
    /// The user's name.
    pub username: String,
    /// What the provider calls this person and nobody else, ever; none where it has no such word.
    pub person: Option<String>,
    /// The name people read.
    pub display_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// Orgs they are due.
    pub orgs: Vec<OrgId>,
    /// Groups they are due.
    pub groups: Vec<String>,
    /// Values of the Org attribute that no rule knows.
    pub unknown_orgs: Vec<String>,
}

/// What is tried where the settings name no attribute.
struct Usual {
    username: &'static [&'static str],
    display_name: &'static [&'static str],
    email: &'static [&'static str],
}

const SAML: Usual = Usual {
    username: &[],
    display_name: &["displayName"],
    email: &["mail"],
};
const OIDC: Usual = Usual {
    username: &["preferred_username"],
    display_name: &["name", "displayName"],
    email: &["email"],
};

impl SsoPolicy {
    /// Who that is here.
    pub fn identity(
        &self,
        protocol: Protocol,
        assertion: &Assertion,
    ) -> Result<SsoIdentity, ProviderError> {
        let usual = match protocol {
            Protocol::Saml => &SAML,
            Protocol::Oidc => &OIDC,
        };
        let names = &self.names;
        if protocol == Protocol::Saml && names.username.is_none() && assertion.form.is_transient() {
            // A new one at each sign-in would make a new user of each, and may come back as somebody else's.
            let detail = "the NameID is transient: set username_attribute, or have the provider send another format";
            return Err(ProviderError::refused(AssertionFault::NoSubject, detail));
        }
        let username = match &names.username {
            // A named attribute that is missing is no reason to take something else for the name.
            Some(name) => one(assertion, name),
            None => usual
                .username
                .iter()
                .find_map(|name| one(assertion, name))
                .or(Some(assertion.subject.as_str())),
        };
        let is_mail = names.username.as_deref() == Some("email");
        if protocol == Protocol::Oidc && is_mail && !self.believes_email(assertion) {
            // Anybody could have typed it there.
            let detail = "the mail address that is to be the name is not verified";
            return Err(ProviderError::refused(AssertionFault::NoSubject, detail));
        }
        let username = username.map(str::trim).filter(|name| is_name(name));
        let username = username.ok_or_else(|| {
            let wanted = names.username.as_deref().unwrap_or("the subject");
            ProviderError::refused(
                AssertionFault::NoSubject,
                format!("{wanted} holds no user name"),
            )
        })?;
        let orgs = values(assertion, names.orgs.as_deref());
        let (known, unknown): (Vec<&str>, Vec<&str>) = orgs
            .iter()
            .copied()
            .partition(|value| self.orgs.iter().any(|(theirs, _)| theirs == value));
        let held = values(assertion, names.groups.as_deref());
        Ok(SsoIdentity {
            username: username.to_owned(),
            person: person(protocol, assertion),
            display_name: text(assertion, names.display_name.as_deref(), usual.display_name),
            email: text(assertion, names.email.as_deref(), usual.email),
            orgs: each_once(
                self.orgs
                    .iter()
                    .filter(|(theirs, _)| known.contains(&theirs.as_str()))
                    .map(|(_, org)| *org),
            ),
            groups: each_once(
                self.groups
                    .iter()
                    .filter(|(theirs, _)| held.contains(&theirs.as_str()))
                    .map(|(_, ours)| ours.clone()),
            ),
            unknown_orgs: unknown.into_iter().map(str::to_owned).collect(),
        })
    }

    fn believes_email(&self, assertion: &Assertion) -> bool {
        match assertion.attributes.get("email_verified") {
            // Some providers write it as text, and not all of them as JSON does.
            Some(said) => matches!(said.as_slice(), [word] if word.eq_ignore_ascii_case("true")),
            None => self.trusts_email,
        }
    }
}

/// What names this person for good.
fn person(protocol: Protocol, assertion: &Assertion) -> Option<String> {
    let subject = &assertion.subject;
    match protocol {
        Protocol::Oidc => Some(subject.clone()),
        Protocol::Saml if assertion.form.is_transient() => None,
        Protocol::Saml if assertion.form.is_persistent() => Some(subject.clone()),
        // Sign-in names and mail addresses, which some providers write as they were typed.
        Protocol::Saml => Some(NameKey::fold(subject)),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control)
}

/// The value of an attribute that has exactly one: of several none is more the right one than the others.
fn one<'a>(assertion: &'a Assertion, name: &str) -> Option<&'a str> {
    match assertion.attributes.get(name).map(Vec::as_slice) {
        Some([value]) => Some(value),
        _ => None,
    }
}

fn text(assertion: &Assertion, named: Option<&str>, usual: &[&str]) -> Option<String> {
    let found = match named {
        Some(name) => one(assertion, name),
        None => usual.iter().find_map(|name| one(assertion, name)),
    };
    found.map(str::to_owned)
}

fn values<'a>(assertion: &'a Assertion, name: Option<&str>) -> Vec<&'a str> {
    let held = name.and_then(|name| assertion.attributes.get(name));
    held.into_iter().flatten().map(String::as_str).collect()
}

fn each_once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for item in all {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::sso::NameForm;

    fn assertion(attributes: &[(&str, &[&str])]) -> Assertion {
        Assertion {
            id: "1".to_owned(),
            good_until: Timestamp::from_millis(0),
            subject: "u-1".to_owned(),
            form: NameForm::default(),
            session_index: None,
            attributes: attributes
                .iter()
                .map(|(name, values)| {
                    let values = values.iter().map(|&value| value.to_owned());
                    ((*name).to_owned(), values.collect())
                })
                .collect(),
        }
    }

    fn policy(names: AttributeNames) -> SsoPolicy {
        SsoPolicy {
            names,
            groups: vec![
                ("ops".to_owned(), "Operators".to_owned()),
                ("admins".to_owned(), "Operators".to_owned()),
                ("x".to_owned(), "X".to_owned()),
            ],
            orgs: vec![("7".to_owned(), OrgId(7)), ("eu".to_owned(), OrgId(8))],
            org: OrgId(0),
            creates_users: true,
            accounts: Accounts::Own,
            accepts_admins: false,
            trusts_email: false,
        }
    }

    #[test]
    fn unless_told_the_usual_names_are_read() {
        let policy = policy(AttributeNames::default());
        let said = assertion(&[
            ("mail", &["a@b.example"]),
            ("displayName", &["Ann"]),
            ("preferred_username", &["ann"]),
            ("email", &["c@d.example"]),
        ]);
        let saml = policy.identity(Protocol::Saml, &said).unwrap();
        assert_eq!(saml.username, "u-1");
        assert_eq!(saml.email.as_deref(), Some("a@b.example"));
        let oidc = policy.identity(Protocol::Oidc, &said).unwrap();
        assert_eq!(oidc.username, "ann");
        assert_eq!(oidc.email.as_deref(), Some("c@d.example"));
        assert_eq!(oidc.display_name.as_deref(), Some("Ann"));
    }

    #[test]
    fn a_named_attribute_that_is_missing_or_ambiguous_names_nobody() {
        let names = AttributeNames {
            username: Some("uid".to_owned()),
            ..AttributeNames::default()
        };
        let policy = policy(names);
        for said in [
            assertion(&[]),
            assertion(&[("uid", &["a", "b"])]),
            assertion(&[("uid", &[" "])]),
            assertion(&[("uid", &["a\nb"])]),
        ] {
            let refused = policy.identity(Protocol::Saml, &said).unwrap_err();
            assert!(matches!(
                refused,
                ProviderError::Refused {
                    fault: AssertionFault::NoSubject,
                    ..
                }
            ));
        }
    }

    #[test]
    fn a_transient_name_id_names_nobody_unless_an_attribute_does() {
        let mut said = assertion(&[("uid", &["ann"])]);
        let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
        said.form.format = Some(format.to_owned());
        let policy_of = |username: Option<&str>| {
            policy(AttributeNames {
                username: username.map(str::to_owned),
                ..AttributeNames::default()
            })
        };
        let refused = policy_of(None).identity(Protocol::Saml, &said).unwrap_err();
        assert!(
            refused.to_string().contains("username_attribute"),
            "{refused}"
        );
        let found = policy_of(Some("uid"))
            .identity(Protocol::Saml, &said)
            .unwrap();
        assert_eq!((found.username.as_str(), found.person), ("ann", None));
    }

    #[test]
    fn a_person_is_who_the_provider_calls_so_for_good() {
        let policy = policy(AttributeNames::default());
        let mut said = assertion(&[]);
        said.subject = "Ann".to_owned();
        let person = |protocol, said: &Assertion| policy.identity(protocol, said).unwrap().person;
        assert_eq!(person(Protocol::Oidc, &said).as_deref(), Some("Ann"));
        assert_eq!(person(Protocol::Saml, &said).as_deref(), Some("ann"));
        let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
        said.form.format = Some(format.to_owned());
        assert_eq!(person(Protocol::Saml, &said).as_deref(), Some("Ann"));
    }

    #[test]
    fn a_mail_address_that_nobody_verified_names_nobody() {
        let names = AttributeNames {
            username: Some("email".to_owned()),
            ..AttributeNames::default()
        };
        let strict = policy(names);
        let trusting = SsoPolicy {
            trusts_email: true,
            ..strict.clone()
        };
        // Whether one that does not say is believed, and whether each is where it need not say.
        for (verified, is_good, is_trusted) in [
            (Some(&["true"][..]), true, true),
            (Some(&["True"]), true, true),
            (Some(&["false"]), false, false),
            (Some(&["False"]), false, false),
            (Some(&["0"]), false, false),
            (Some(&[]), false, false),
            (Some(&["true", "false"]), false, false),
            (None, false, true),
        ] {
            let mut said = assertion(&[("email", &["a@b.example"])]);
            if let Some(words) = verified {
                let words = words.iter().map(|&word| word.to_owned()).collect();
                said.attributes.insert("email_verified".to_owned(), words);
            }
            let is_believed = |policy: &SsoPolicy| policy.identity(Protocol::Oidc, &said).is_ok();
            assert_eq!(is_believed(&strict), is_good, "{said:?}");
            assert_eq!(is_believed(&trusting), is_trusted, "{said:?}");
        }
    }

    #[test]
    fn groups_and_orgs_are_those_the_rules_know() {
        let names = AttributeNames {
            groups: Some("groups".to_owned()),
            orgs: Some("tenant".to_owned()),
            ..AttributeNames::default()
        };
        let said = assertion(&[
            ("groups", &["ops", "admins", "others"]),
            ("tenant", &["eu", "us"]),
        ]);
        let found = policy(names).identity(Protocol::Saml, &said).unwrap();
        assert_eq!(found.groups, ["Operators"]);
        assert_eq!(found.orgs, [OrgId(8)]);
        assert_eq!(found.unknown_orgs, ["us"]);
    }
}
