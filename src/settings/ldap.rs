//! The settings of signing in by LDAP.

use crate::settings::Ldap;
use crate::settings::reader::Reader;
use secrecy::SecretString;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// The longest time one server gets: whoever signs in waits as long, once per server.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);

/// How the entry of whoever signs in is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LdapUserSetting {
    /// `ldap.user_dn_pattern`: its DN is made of the name.
    Pattern(String),
    /// `ldap.user_base` and `ldap.user_filter`: it is searched for.
    Search {
        /// Where.
        base: String,
        /// With `{}` for the name.
        filter: String,
    },
}

/// One item of `ldap.group_map`, written `LDAP group => group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapGroupSetting {
    /// The DN or the `cn` of a group there.
    pub ldap: String,
    /// The name of a group here.
    pub group: String,
}

impl fmt::Display for LdapGroupSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} => {}", self.ldap, self.group)
    }
}

pub(in crate::settings) fn ldap(reader: &mut Reader) -> Ldap {
    let urls = reader.list(
        "ldap.urls",
        "ldap://host[:port] or ldaps://host[:port]",
        parse_url,
    );
    let start_tls = reader.flag("ldap.start_tls");
    let allow_plaintext = reader.flag("ldap.allow_plaintext");
    let ca_file = reader.file("ldap.ca_file");
    let is_plain = |url: &Url| url.scheme() == "ldap" && !start_tls;
    if urls.iter().any(|url| is_plain(url) && !is_loopback(url)) && !allow_plaintext {
        reader.refuse_together(
            &["ldap.urls", "ldap.start_tls"],
            "passwords would travel in the clear: expected ldaps://, start_tls = true, or allow_plaintext = true",
        );
    }
    // Whoever names certificates expects them to be looked at.
    if ca_file.is_some() && !urls.is_empty() && urls.iter().all(is_plain) {
        reader.refuse_together(
            &["ldap.ca_file", "ldap.urls"],
            "certificates are of no use without TLS: expected ldaps://, start_tls = true, or no ca_file",
        );
    }
    let bind_dn = reader.line(
        "ldap.bind_dn",
        "a DN such as cn=vestibule,dc=example,dc=org",
    );
    let bind_password = bind_password(reader);
    if bind_dn.is_some() != bind_password.is_some() && !urls.is_empty() {
        reader.refuse_together(
            &[
                "ldap.bind_dn",
                "ldap.bind_password",
                "ldap.bind_password_file",
            ],
            "expected both a DN and its password (from one of the two), or neither for an anonymous search",
        );
    }
    let users = users(reader, urls.is_empty());
    let group_base = reader.line(
        "ldap.group_base",
        "a DN such as ou=groups,dc=example,dc=org",
    );
    let group_filter = filter(
        reader,
        "ldap.group_filter",
        &["{dn}", "{}"],
        "(member={dn})",
    );
    let group_map = reader.list_between(
        "ldap.group_map",
        ';',
        "\"LDAP group => group\", the LDAP group by its DN or its cn",
        parse_group,
    );
    if group_base.is_none() && !group_map.is_empty() {
        reader.refuse_together(
            &["ldap.group_map", "ldap.group_base"],
            "expected group_base to say where the groups are",
        );
    }
    Ldap {
        urls,
        start_tls,
        ca_file,
        bind_dn,
        bind_password,
        users,
        group_base,
        group_filter,
        username_attribute: attribute(reader, "ldap.username_attribute").unwrap_or_default(),
        display_name_attribute: attribute(reader, "ldap.display_name_attribute"),
        email_attribute: attribute(reader, "ldap.email_attribute"),
        group_map,
        create_users: reader.flag("ldap.create_users"),
        org: i64::try_from(reader.number("ldap.org", 0..=(usize::MAX >> 1))).unwrap_or_default(),
        timeout: timeout(reader),
    }
}

fn users(reader: &mut Reader, is_off: bool) -> LdapUserSetting {
    let pattern = reader.parsed(
        "ldap.user_dn_pattern",
        "a DN with {} for one whole value, such as uid={},ou=people,dc=example,dc=org, or nothing",
        |text| (text.is_empty() || is_dn_pattern(text)).then(|| text.to_owned()),
    );
    let base = reader.line("ldap.user_base", "a DN such as ou=people,dc=example,dc=org");
    let filter = filter(reader, "ldap.user_filter", &["{}"], "(uid={})");
    let pattern = pattern.filter(|text| !text.is_empty());
    if pattern.is_some() == base.is_some() && !is_off {
        reader.refuse_together(
            &["ldap.user_dn_pattern", "ldap.user_base"],
            "expected exactly one of them, to say how the entry of whoever signs in is found",
        );
    }
    match pattern {
        Some(pattern) => LdapUserSetting::Pattern(pattern),
        None => LdapUserSetting::Search {
            base: base.unwrap_or_default(),
            filter,
        },
    }
}

fn timeout(reader: &mut Reader) -> Duration {
    let timeout = reader.lifetime("ldap.timeout").unwrap_or_default();
    if timeout > LONGEST_TIMEOUT {
        reader.refuse("ldap.timeout", "more than 0s, at most 1m");
    }
    timeout
}

/// The password of `bind_dn`, from the setting itself or from a file; one line end after it is dropped.
fn bind_password(reader: &mut Reader) -> Option<SecretString> {
    let given = reader.secret("ldap.bind_password", "a password", |_| true);
    let path = reader.file("ldap.bind_password_file");
    let from_file = match path.as_deref().map(read_password) {
        Some(None) => {
            reader.refuse(
                "ldap.bind_password_file",
                "a file that can be read and holds a password in UTF-8",
            );
            None
        }
        Some(found) => found,
        None => None,
    };
    if given.is_some() && from_file.is_some() {
        reader.refuse_together(
            &["ldap.bind_password", "ldap.bind_password_file"],
            "expected one of them",
        );
    }
    given.or(from_file)
}

fn read_password(path: &Path) -> Option<SecretString> {
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).ok()?);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    (!text.is_empty()).then(|| SecretString::from(text))
}

/// An attribute's name; empty means none.
fn attribute(reader: &mut Reader, key: &str) -> Option<String> {
    let is_needed = key == "ldap.username_attribute";
    let is_good = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    };
    reader
        .parsed(key, "the name of an attribute, such as uid", |text| {
            ((text.is_empty() && !is_needed) || is_good(text)).then(|| text.to_owned())
        })
        .filter(|text| !text.is_empty())
}

/// A filter that names at least one of those placeholders. The client parses it once more at the start.
fn filter(reader: &mut Reader, key: &str, placeholders: &[&str], example: &str) -> String {
    let expected = format!(
        "a filter in parentheses with {} in it, such as {example}",
        placeholders.join(" or ")
    );
    reader
        .parsed(key, &expected, |text| {
            let is_enclosed = text.starts_with('(') && text.ends_with(')');
            let is_used = placeholders.iter().any(|one| text.contains(one));
            (is_enclosed && is_used).then(|| text.to_owned())
        })
        .unwrap_or_default()
}

/// Whether `{}` stands once, and for a whole value: beside other text it could not be escaped rightly.
fn is_dn_pattern(text: &str) -> bool {
    let mut parts = text.split("{}");
    let (Some(before), Some(after), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    before.ends_with('=') && before.len() > 1 && (after.is_empty() || after.starts_with([',', '+']))
}

fn parse_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_good = matches!(url.scheme(), "ldap" | "ldaps")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    is_good.then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn parse_group(text: &str) -> Option<LdapGroupSetting> {
    let (ldap, group) = text.rsplit_once("=>")?;
    let (ldap, group) = (ldap.trim(), group.trim());
    (!ldap.is_empty() && !group.is_empty()).then(|| LdapGroupSetting {
        ldap: ldap.to_owned(),
        group: group.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Loaded, Sources};

    fn load(flags: &[(&str, &str)]) -> Result<Ldap, String> {
        let flags = flags.iter().map(|(key, value)| {
            let key = format!("ldap.{key}");
            (key, (*value).to_owned())
        });
        let sources = Sources {
            flags: flags.collect(),
            ..Sources::default()
        };
        Loaded::load(&sources)
            .map(|loaded| loaded.settings.ldap)
            .map_err(|error| error.to_string())
    }

    const PATTERN: (&str, &str) = ("user_dn_pattern", "uid={},ou=people,dc=example,dc=org");

    #[test]
    fn it_is_off_until_a_server_is_named() {
        assert!(load(&[]).unwrap().urls.is_empty());
        let one = load(&[("urls", "ldaps://a.example"), PATTERN]).unwrap();
        assert_eq!(one.urls.len(), 1);
        assert_eq!(one.users, LdapUserSetting::Pattern(PATTERN.1.to_owned()));
        assert!(!one.create_users);
    }

    #[test]
    fn passwords_travel_in_the_clear_on_this_machine_only_unless_it_is_allowed() {
        for (url, start_tls, allow, is_good) in [
            ("ldap://a.example", "false", "false", false),
            ("ldap://a.example", "true", "false", true),
            ("ldap://a.example", "false", "true", true),
            (
                "ldaps://a.example,ldap://b.example",
                "false",
                "false",
                false,
            ),
            ("ldap://127.0.0.1:389", "false", "false", true),
            ("ldap://[::1]", "false", "false", true),
            ("ldap://LOCALHOST", "false", "false", true),
            ("ldap://127.0.0.1.evil.example", "false", "false", false),
        ] {
            let flags = [
                ("urls", url),
                ("start_tls", start_tls),
                ("allow_plaintext", allow),
                PATTERN,
            ];
            let loaded = load(&flags);
            assert_eq!(loaded.is_ok(), is_good, "{url}: {loaded:?}");
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_was_expected() {
        let url = ("urls", "ldap://127.0.0.1");
        for (flags, words) in [
            (vec![url], "exactly one of them"),
            (vec![url, PATTERN, ("user_base", "dc=x")], "exactly one"),
            (vec![("urls", "http://a")], "ldaps://host"),
            (vec![("urls", "ldap://u:p1anted@a")], "ldaps://host"),
            (vec![("user_dn_pattern", "uid=x{},dc=a")], "one whole value"),
            (vec![("user_dn_pattern", "{}@a.example")], "one whole value"),
            (vec![("user_filter", "(uid=alice)")], "{}"),
            (
                vec![("group_filter", "member={dn}")],
                "parentheses with {dn} or {} in it, such as (member={dn})",
            ),
            (vec![("username_attribute", "")], "attribute"),
            (vec![("email_attribute", "mail)(x")], "attribute"),
            (vec![("timeout", "0s")], "more than 0s"),
            (vec![("timeout", "2m")], "at most 1m"),
            (vec![("group_map", "a -> b")], "=>"),
            (vec![("group_map", "a => b")], "group_base"),
            (vec![url, PATTERN, ("bind_dn", "cn=a")], "its password"),
            (vec![url, PATTERN, ("bind_password", "x")], "a DN"),
            (vec![("bind_password_file", "/missing")], "file"),
        ] {
            let refused = load(&flags).unwrap_err();
            assert!(refused.contains(words), "{flags:?}: {refused}");
            assert!(!refused.contains("Some("), "{refused}");
        }
    }

    #[test]
    fn groups_by_dn_are_separated_by_semicolons() {
        let map = "cn=ops,ou=groups,dc=example,dc=org => Operators; analysts=>Analysts;";
        let flags = [("group_base", "dc=example,dc=org"), ("group_map", map)];
        let loaded = load(&flags).unwrap();
        let texts: Vec<String> = loaded.group_map.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "cn=ops,ou=groups,dc=example,dc=org => Operators",
                "analysts => Analysts"
            ]
        );
    }

    #[test]
    fn case_56_the_bind_password_comes_from_a_file_and_never_shows() {
        use secrecy::ExposeSecret;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("word");
        std::fs::write(&file, " p1anted \n").unwrap();
        let sources = |key: &str, value: &str| Sources {
            flags: vec![(key.to_owned(), value.to_owned())],
            ..Sources::default()
        };
        let from_file = sources("ldap.bind_password_file", file.to_str().unwrap());
        let given = sources("ldap.bind_password", " p1anted ");
        for sources in [from_file, given] {
            let loaded = Loaded::load(&sources).unwrap();
            let password = loaded.settings.ldap.bind_password.as_ref().unwrap();
            assert_eq!(password.expose_secret(), " p1anted ");
            assert!(!format!("{loaded:?}").contains("p1anted"));
        }
    }
}
