//! The settings of single sign-on: one `[sso.NAME]` section per identity provider.

use crate::settings::reader::Reader;
use secrecy::SecretString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// `sso.NAME.protocol`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsoProtocol {
    /// SAML 2.0.
    Saml,
    /// `OpenID Connect`.
    Oidc,
}

/// Which users a provider may sign in besides those it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsoAccounts {
    /// Users whose account type is that of the protocol, and whom it made or was the first to sign in.
    Own,
    /// Users whose account type is that of the protocol, whichever provider signed them in before.
    Type,
    /// Local users as well that it was the first to sign in, administrators of the server excepted.
    Local,
}

/// One item of `sso.NAME.group_map` or `sso.NAME.org_map`, written `theirs => ours`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoMapSetting {
    /// A value of the provider's.
    pub theirs: String,
    /// A group's name, an Org's name or number here.
    pub ours: String,
}

impl fmt::Display for SsoMapSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} => {}", self.theirs, self.ours)
    }
}

/// `[sso.NAME]`
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub struct SsoProvider {
    /// NAME: lower-case letters, digits and hyphens.
    pub name: String,
    /// The words on the sign-in button.
    pub label: String,
    /// What is spoken.
    pub protocol: SsoProtocol,
    /// Hosts of ours where it is offered first; empty means every one.
    pub hosts: Vec<String>,
    /// Numbers of the Orgs it signs users into; empty means every one of the user's.
    pub orgs: Vec<i64>,
    /// OIDC: the issuer, whose discovery document is fetched.
    pub issuer: Option<Url>,
    /// OIDC: our name there.
    pub client_id: String,
    /// OIDC: for `client_secret_post`.
    pub client_secret: Option<SecretString>,
    /// OIDC: a private key in PEM (RSA or P-256) for `private_key_jwt`, in place of the secret.
    pub client_key_file: Option<PathBuf>,
    /// OIDC: the `kid` of that key, where the provider needs one.
    pub client_key_id: Option<String>,
    /// OIDC: whether answers come to an address of its own.
    pub own_callback: bool,
    /// OIDC: what is asked for; `openid` is always.
    pub scopes: Vec<String>,
    /// OIDC: certificates to trust for the provider in place of the public ones, in PEM.
    pub ca_file: Option<PathBuf>,
    /// SAML: the provider's metadata.
    pub metadata_file: Option<PathBuf>,
    /// SAML: our entity ID.
    pub entity_id: String,
    /// SAML: our private key in PEM, which signs requests and opens encrypted assertions.
    pub key_file: Option<PathBuf>,
    /// SAML: its certificate in PEM.
    pub cert_file: Option<PathBuf>,
    /// SAML: whether requests are signed.
    pub sign_requests: bool,
    /// SAML: whether the provider may speak first.
    pub idp_initiated: bool,
    /// How far clocks may differ.
    pub clock_skew: Duration,
    /// How long one request to the provider may take.
    pub timeout: Duration,
    /// The attribute or claim that holds the user's name; empty means `NameID` or `preferred_username`, else `sub`.
    pub username_attribute: Option<String>,
    /// The same for the name people read.
    pub display_name_attribute: Option<String>,
    /// The same for the mail address.
    pub email_attribute: Option<String>,
    /// OIDC: whether a mail address may be the user's name though the provider does not say that it is verified.
    pub trust_email: bool,
    /// The same for groups.
    pub group_attribute: Option<String>,
    /// The same for Orgs.
    pub org_attribute: Option<String>,
    /// Groups there and here.
    pub group_map: Vec<SsoMapSetting>,
    /// Orgs there and here.
    pub org_map: Vec<SsoMapSetting>,
    /// The Org of those whom no Org attribute places.
    pub org: i64,
    /// Whether somebody unknown becomes a user by signing in.
    pub create_users: bool,
    /// Which users it may sign in.
    pub accounts: SsoAccounts,
    /// Whether administrators of the server may be among them.
    pub admins: bool,
}

/// The longest time one request to a provider gets: whoever signs in waits as long.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);
/// The largest difference of clocks: an assertion is remembered as long beyond its own end.
const LARGEST_SKEW: Duration = Duration::from_mins(10);

pub(in crate::settings) fn sso(reader: &mut Reader) -> Vec<SsoProvider> {
    let names = reader.names();
    names
        .into_iter()
        .map(|name| provider(&mut Section { reader, name }))
        .collect()
}

/// One section, so that its name stands in one place.
struct Section<'a> {
    reader: &'a mut Reader,
    name: String,
}

impl Section<'_> {
    fn key(&self, rest: &str) -> String {
        format!("sso.{}.{rest}", self.name)
    }

    fn is_given(&self, rest: &str) -> bool {
        self.reader.is_given(&self.key(rest))
    }

    fn line(&mut self, rest: &str) -> Option<String> {
        let key = self.key(rest);
        self.reader.line(&key, "a text of one line")
    }

    fn file(&mut self, rest: &str) -> Option<PathBuf> {
        let key = self.key(rest);
        self.reader.file(&key)
    }

    fn flag(&mut self, rest: &str) -> bool {
        let key = self.key(rest);
        self.reader.flag(&key)
    }

    fn map(&mut self, rest: &str, is_good: fn(&str) -> bool, expected: &str) -> Vec<SsoMapSetting> {
        let key = self.key(rest);
        self.reader.list_between(&key, ';', expected, |text| {
            let (theirs, ours) = text.rsplit_once("=>")?;
            let (theirs, ours) = (theirs.trim(), ours.trim());
            (!theirs.is_empty() && is_good(ours)).then(|| SsoMapSetting {
                theirs: theirs.to_owned(),
                ours: ours.to_owned(),
            })
        })
    }

    fn span(&mut self, rest: &str, most: Duration) -> Duration {
        let key = self.key(rest);
        let span = self.reader.duration(&key).unwrap_or_default();
        if span > most {
            let minutes = most.as_secs() / 60;
            self.reader.refuse(&key, format!("at most {minutes}m"));
        }
        span
    }

    fn refuse(&mut self, rests: &[&str], sentence: &str) {
        let keys: Vec<String> = rests.iter().map(|rest| self.key(rest)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.reader.refuse_together(&keys, sentence);
    }
}

fn provider(section: &mut Section<'_>) -> SsoProvider {
    let key = section.key("protocol");
    let words = [("oidc", SsoProtocol::Oidc), ("saml", SsoProtocol::Saml)];
    let protocol = section
        .reader
        .word(&key, "oidc or saml", &words, SsoProtocol::Oidc);
    let key = section.key("accounts");
    let words = [
        ("own", SsoAccounts::Own),
        ("type", SsoAccounts::Type),
        ("local", SsoAccounts::Local),
    ];
    let accounts = section
        .reader
        .word(&key, "own, type or local", &words, SsoAccounts::Own);
    let key = section.key("hosts");
    let hosts = section
        .reader
        .list(&key, "a host name without scheme and port", |text| {
            let is_host = !text.is_empty() && !text.contains(['/', ':', '@', ' ']);
            is_host.then(|| text.to_ascii_lowercase())
        });
    let key = section.key("orgs");
    let orgs = section
        .reader
        .numbers(&key, "the number of an Org", |text| {
            text.parse::<i64>().ok().filter(|org| *org >= 0)
        });
    let key = section.key("scopes");
    let scopes = section.reader.list(&key, "a scope such as email", |text| {
        let is_scope = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_scope.then(|| text.to_owned())
    });
    let key = section.key("org");
    let org = section.reader.number(&key, 0..=(usize::MAX >> 1));
    let timeout = section.span("timeout", LONGEST_TIMEOUT);
    if timeout.is_zero() {
        section.refuse(&["timeout"], "expected more than 0s");
    }
    let label = section.line("label");
    let provider = SsoProvider {
        label: label.unwrap_or_else(|| section.name.clone()),
        name: section.name.clone(),
        protocol,
        hosts,
        orgs,
        issuer: issuer(section),
        client_id: section.line("client_id").unwrap_or_default(),
        client_secret: client_secret(section),
        client_key_file: section.file("client_key_file"),
        client_key_id: section.line("client_key_id"),
        own_callback: section.flag("own_callback"),
        scopes,
        ca_file: section.file("ca_file"),
        metadata_file: section.file("metadata_file"),
        entity_id: section.line("entity_id").unwrap_or_default(),
        key_file: section.file("key_file"),
        cert_file: section.file("cert_file"),
        sign_requests: section.flag("sign_requests"),
        idp_initiated: section.flag("idp_initiated"),
        clock_skew: section.span("clock_skew", LARGEST_SKEW),
        timeout,
        username_attribute: section.line("username_attribute"),
        display_name_attribute: section.line("display_name_attribute"),
        email_attribute: section.line("email_attribute"),
        trust_email: section.flag("trust_email"),
        group_attribute: section.line("group_attribute"),
        org_attribute: section.line("org_attribute"),
        group_map: section.map("group_map", |ours| !ours.is_empty(), "\"theirs => group\""),
        org_map: section.map(
            "org_map",
            |ours| ours.parse::<i64>().is_ok_and(|id| id >= 0),
            "\"theirs => number of an Org\"",
        ),
        org: i64::try_from(org).unwrap_or_default(),
        create_users: section.flag("create_users"),
        accounts,
        admins: section.flag("admins"),
    };
    refuse_incomplete(section, &provider);
    provider
}

fn refuse_incomplete(section: &mut Section<'_>, provider: &SsoProvider) {
    match provider.protocol {
        SsoProtocol::Oidc => {
            if !section.is_given("issuer") || !section.is_given("client_id") {
                section.refuse(&["issuer", "client_id"], "expected both for OIDC");
            }
            if provider.client_secret.is_some() && provider.client_key_file.is_some() {
                section.refuse(
                    &["client_secret", "client_key_file"],
                    "expected one of them: a secret, or a key in its place",
                );
            }
        }
        SsoProtocol::Saml => {
            if !section.is_given("metadata_file") {
                section.refuse(&["metadata_file"], "expected a file for SAML");
            }
            if !section.is_given("entity_id") {
                section.refuse(&["entity_id"], "expected a name for SAML");
            }
        }
    }
    if section.is_given("key_file") != section.is_given("cert_file") {
        section.refuse(&["key_file", "cert_file"], "expected both or neither");
    }
    if provider.sign_requests && !section.is_given("key_file") {
        section.refuse(
            &["sign_requests", "key_file"],
            "expected a key to sign with",
        );
    }
    refuse_orgs_out_of_reach(section, provider);
    let maps = [
        (
            !provider.group_map.is_empty(),
            provider.group_attribute.is_none(),
            "group",
        ),
        (
            !provider.org_map.is_empty(),
            provider.org_attribute.is_none(),
            "org",
        ),
    ];
    for (has_map, lacks_attribute, what) in maps {
        if has_map && lacks_attribute {
            let rests = [format!("{what}_map"), format!("{what}_attribute")];
            let rests: Vec<&str> = rests.iter().map(String::as_str).collect();
            section.refuse(&rests, "expected the attribute that the map reads");
        }
    }
}

/// Whom it could put into no Org that it signs users into would never get in.
fn refuse_orgs_out_of_reach(section: &mut Section<'_>, provider: &SsoProvider) {
    if provider.orgs.is_empty() {
        return;
    }
    let is_out = |org: &i64| !provider.orgs.contains(org);
    let mut mapped = provider
        .org_map
        .iter()
        .filter_map(|one| one.ours.parse().ok());
    if is_out(&provider.org) {
        section.refuse(&["orgs", "org"], "expected `org` to be one of `orgs`");
    }
    if mapped.any(|org| is_out(&org)) {
        let words = "expected every Org of `org_map` to be one of `orgs`";
        section.refuse(&["orgs", "org_map"], words);
    }
}

/// The provider's documents have to name the very same.
fn issuer(section: &mut Section<'_>) -> Option<Url> {
    let key = section.key("issuer");
    let expected = "an https address such as https://idp.example.com/realms/main without user, query or fragment \
                    (http on this machine only), or nothing";
    section.reader.optional(&key, expected, |text| {
        let url = Url::parse(text).ok()?;
        let is_near = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_near);
        let is_bare = url.query().is_none() && url.fragment().is_none();
        let is_plain = url.username().is_empty() && url.password().is_none();
        (is_safe && is_bare && is_plain).then_some(url)
    })
}

fn client_secret(section: &mut Section<'_>) -> Option<SecretString> {
    let key = section.key("client_secret");
    let given = section.reader.secret(&key, "a secret", |_| true);
    let path = section.file("client_secret_file");
    let from_file = match path.as_deref().map(read_secret) {
        Some(None) => {
            section.refuse(
                &["client_secret_file"],
                "expected a file that holds a secret in UTF-8",
            );
            None
        }
        found => found.flatten(),
    };
    if given.is_some() && from_file.is_some() {
        section.refuse(
            &["client_secret", "client_secret_file"],
            "expected one of them",
        );
    }
    given.or(from_file)
}

fn read_secret(path: &Path) -> Option<SecretString> {
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).ok()?);
    let text = text.trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| SecretString::from(text))
}

#[cfg(test)]
mod tests;
