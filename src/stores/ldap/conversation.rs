//! What is said in one login: who searches, whose entry it is, whether the password is theirs, which groups they are in.

use crate::domain::authn::{LdapAnswer, LdapGroup, LdapIdentity};
use crate::domain::directory::NameKey;
use crate::settings::LdapUserSetting;
use crate::stores::ldap::Plan;
use crate::stores::ldap::connection::{Connection, Entry, Found, Problem, Search};
use ldap3::{Scope, dn_escape, ldap_escape};
use secrecy::{ExposeSecret, SecretString};

/// Matches every entry.
const ANYTHING: &str = "(objectClass=*)";
/// Asks for no attributes (RFC 4511, section 4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";
/// Where a group has its short name.
const GROUP_NAME: &str = "cn";

impl Plan {
    pub(super) async fn judge(
        &self,
        line: &mut Connection,
        name: &str,
        password: &SecretString,
    ) -> Result<LdapAnswer, Problem> {
        match &self.users {
            LdapUserSetting::Pattern(pattern) => {
                self.judge_by_pattern(line, pattern, name, password).await
            }
            LdapUserSetting::Search { base, filter } => {
                self.judge_by_search(line, base, filter, name, password)
                    .await
            }
        }
    }

    async fn judge_by_pattern(
        &self,
        line: &mut Connection,
        pattern: &str,
        name: &str,
        password: &SecretString,
    ) -> Result<LdapAnswer, Problem> {
        let dn = fill(pattern, &[("{}", &dn_escape(name))]);
        if !line.bind(&dn, password.expose_secret()).await? {
            return Ok(LdapAnswer::WrongPassword);
        }
        self.be_service(line).await?;
        let found = line
            .search(Search {
                base: &dn,
                scope: Scope::Base,
                filter: ANYTHING,
                attributes: self.attributes(),
                limit: 0,
            })
            .await?;
        let entry = match found {
            Found::Entries(entries) => entries.into_iter().next(),
            Found::TooMany | Found::NoBase | Found::Elsewhere => None,
        };
        let Some(entry) = entry else {
            return Err(Problem::new(
                "the entry of a user with the right password cannot be read; may users, or bind_dn, read it?",
            ));
        };
        match self.spelling(&entry, name) {
            Some(username) => self.identify(line, &entry, username).await,
            None => Ok(LdapAnswer::UnknownUser),
        }
    }

    async fn judge_by_search(
        &self,
        line: &mut Connection,
        base: &str,
        filter: &str,
        name: &str,
        password: &SecretString,
    ) -> Result<LdapAnswer, Problem> {
        self.be_service(line).await?;
        let filter = fill(filter, &[("{}", &ldap_escape(name))]);
        let found = line
            .search(Search {
                base,
                scope: Scope::Subtree,
                filter: &filter,
                attributes: self.attributes(),
                // A second one is all it takes to know that the name is not enough.
                limit: 2,
            })
            .await?;
        let mut entries = match found {
            Found::Entries(entries) => entries,
            Found::TooMany => return Ok(ambiguous()),
            Found::NoBase => return Err(Problem::new("ldap.user_base does not exist there")),
            Found::Elsewhere => {
                tracing::warn!("ldap.user_base is on another LDAP server, which is not asked");
                return Ok(LdapAnswer::UnknownUser);
            }
        };
        let Some(entry) = entries.pop() else {
            return Ok(LdapAnswer::UnknownUser);
        };
        if !entries.is_empty() {
            return Ok(ambiguous());
        }
        // Before the bind: a name that is no user's here must not count towards a lock there.
        let Some(username) = self.spelling(&entry, name) else {
            return Ok(LdapAnswer::UnknownUser);
        };
        if !line.bind(entry.dn(), password.expose_secret()).await? {
            return Ok(LdapAnswer::WrongPassword);
        }
        self.be_service(line).await?;
        self.identify(line, &entry, username).await
    }

    /// Becomes `bind_dn`. Without one the line stays what it is: anonymous, or the user themselves.
    async fn be_service(&self, line: &mut Connection) -> Result<(), Problem> {
        let Some((dn, password)) = &self.service else {
            return Ok(());
        };
        if line.bind(dn, password.expose_secret()).await? {
            return Ok(());
        }
        Err(Problem::new("it refuses ldap.bind_dn and its password"))
    }

    /// The sign-in name as the entry spells it. An entry that was found by another attribute, or by a name that is the
    /// same to LDAP only, has none: else one person had several accounts and several counts of failures.
    fn spelling(&self, entry: &Entry, name: &str) -> Option<String> {
        let wanted = NameKey::new(name).ok()?;
        let mut names = entry.values(&self.username_attribute);
        let found = names.find(|value| NameKey::new(value).as_ref() == Ok(&wanted));
        if found.is_none() {
            let attribute = &self.username_attribute;
            tracing::info!(%attribute, "an LDAP entry was found whose sign-in name is another than the one typed");
        }
        found.map(str::to_owned)
    }

    async fn identify(
        &self,
        line: &mut Connection,
        entry: &Entry,
        username: String,
    ) -> Result<LdapAnswer, Problem> {
        let value = |attribute: &Option<String>| {
            let attribute = attribute.as_deref()?;
            entry.values(attribute).next().map(str::to_owned)
        };
        let groups = self.groups(line, entry.dn(), &username).await?;
        Ok(LdapAnswer::Right(LdapIdentity {
            dn: entry.dn().to_owned(),
            username,
            display_name: value(&self.display_name_attribute),
            email: value(&self.email_attribute),
            groups,
        }))
    }

    /// A search that does not come to its end is a problem, not a smaller list: groups that are missing from it would
    /// be left.
    async fn groups(
        &self,
        line: &mut Connection,
        dn: &str,
        name: &str,
    ) -> Result<Vec<LdapGroup>, Problem> {
        let Some(base) = &self.group_base else {
            return Ok(Vec::new());
        };
        let values = [("{dn}", &*ldap_escape(dn)), ("{}", &*ldap_escape(name))];
        let filter = fill(&self.group_filter, &values);
        let found = line
            .search(Search {
                base,
                scope: Scope::Subtree,
                filter: &filter,
                attributes: vec![GROUP_NAME],
                limit: 0,
            })
            .await?;
        let why = match found {
            Found::Entries(entries) => {
                let group = |entry: &Entry| LdapGroup {
                    dn: entry.dn().to_owned(),
                    names: entry.values(GROUP_NAME).map(str::to_owned).collect(),
                };
                return Ok(entries.iter().map(group).collect());
            }
            Found::TooMany => "somebody is in more groups than it lists; narrow ldap.group_filter",
            Found::NoBase => "ldap.group_base does not exist there",
            Found::Elsewhere => "ldap.group_base is on another server, which is not asked",
        };
        Err(Problem::new(why))
    }

    /// What `config check` wants to know.
    pub(super) async fn look_around(&self, line: &mut Connection) -> Result<(), Problem> {
        self.be_service(line).await?;
        let user_base = match &self.users {
            LdapUserSetting::Search { base, .. } => Some(("ldap.user_base", base)),
            LdapUserSetting::Pattern(_) => None,
        };
        let group_base = self
            .group_base
            .as_ref()
            .filter(|_| self.service.is_some() || user_base.is_some())
            .map(|base| ("ldap.group_base", base));
        for (key, base) in user_base.into_iter().chain(group_base) {
            let found = line
                .search(Search {
                    base,
                    scope: Scope::Base,
                    filter: ANYTHING,
                    attributes: vec![NO_ATTRIBUTES],
                    limit: 0,
                })
                .await?;
            match found {
                Found::Entries(entries) if !entries.is_empty() => {}
                Found::Elsewhere => {
                    return Err(Problem::new(format!("{key} is on another server")));
                }
                Found::Entries(_) | Found::TooMany | Found::NoBase => {
                    return Err(Problem::new(format!(
                        "{key} does not exist there, or may not be read"
                    )));
                }
            }
        }
        if user_base.is_none() && self.service.is_none() {
            // Nothing to search as nobody: that the server speaks LDAP at all is what there is to learn.
            line.search(Search {
                base: "",
                scope: Scope::Base,
                filter: ANYTHING,
                attributes: vec![NO_ATTRIBUTES],
                limit: 0,
            })
            .await?;
        }
        Ok(())
    }

    fn attributes(&self) -> Vec<&str> {
        let mut names = vec![self.username_attribute.as_str()];
        names.extend(self.display_name_attribute.as_deref());
        names.extend(self.email_attribute.as_deref());
        names
    }
}

fn ambiguous() -> LdapAnswer {
    tracing::warn!("more than one LDAP entry fits a sign-in name; narrow ldap.user_filter");
    LdapAnswer::UnknownUser
}

/// Puts values in the places of their placeholders, in one pass: a placeholder within a value stays as it is.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    'next: while let Some(c) = rest.chars().next() {
        for (placeholder, value) in values {
            if let Some(after) = rest.strip_prefix(placeholder) {
                filled.push_str(value);
                rest = after;
                continue 'next;
            }
        }
        filled.push(c);
        rest = &rest[c.len_utf8()..];
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_within_a_value_is_text() {
        let values = [("{dn}", "uid={},ou=ü"), ("{}", "{dn}{}")];
        assert_eq!(
            fill("(|(member={dn})(memberUid={}))", &values),
            "(|(member=uid={},ou=ü)(memberUid={dn}{}))"
        );
    }

    #[test]
    fn case_46_nothing_in_a_name_is_special_in_a_filter_or_a_dn() {
        for (name, in_filter, in_dn) in [
            (
                "*)(uid=*",
                r"(uid=\2a\29\28uid=\2a)",
                r"uid=*)(uid\3d*,dc=x",
            ),
            (
                "alice,ou=admins",
                "(uid=alice,ou=admins)",
                r"uid=alice\2cou\3dadmins,dc=x",
            ),
            (r"a\2a", r"(uid=a\5c2a)", r"uid=a\5c2a,dc=x"),
            (
                "#1 +;<>\"",
                "(uid=#1 +;<>\")",
                r"uid=\231 \2b\3b\3c\3e\22,dc=x",
            ),
            (" a ", "(uid= a )", r"uid=\20a\20,dc=x"),
            ("\0", r"(uid=\00)", r"uid=\00,dc=x"),
            ("jürgen", "(uid=jürgen)", "uid=jürgen,dc=x"),
        ] {
            assert_eq!(fill("(uid={})", &[("{}", &ldap_escape(name))]), in_filter);
            assert_eq!(fill("uid={},dc=x", &[("{}", &dn_escape(name))]), in_dn);
            assert!(ldap3::parse_filter(in_filter).is_ok(), "{in_filter}");
        }
    }
}
