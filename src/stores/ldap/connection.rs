//! One connection to one server: binds and searches, their result codes sorted into answers and problems.

use ldap3::{LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions};
use std::fmt;
use tokio::task::JoinHandle;
use url::Url;

/// Result codes of RFC 4511, appendix A, and what some servers mean by them.
mod code {
    pub const SUCCESS: u32 = 0;
    pub const SIZE_LIMIT_EXCEEDED: u32 = 4;
    pub const REFERRAL: u32 = 10;
    pub const NO_SUCH_OBJECT: u32 = 32;
    /// The password or the entry is to blame, not the server: constraintViolation (too many tries),
    /// noSuchObject, invalidDNSyntax, inappropriateAuthentication (no password), invalidCredentials,
    /// insufficientAccessRights, unwillingToPerform (account switched off), namingViolation.
    pub const REFUSALS: [u32; 8] = [19, NO_SUCH_OBJECT, 34, 48, 49, 50, 53, 64];
}

/// Why a server could not judge; never holds anything that was sent.
#[derive(Debug)]
pub(super) struct Problem(String);

impl Problem {
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<LdapError> for Problem {
    fn from(error: LdapError) -> Self {
        // Its words only: the debug form of some errors has the request in it, password included.
        Self(error.to_string())
    }
}

/// An entry that was found.
pub(super) struct Entry(SearchEntry);

impl Entry {
    pub(super) fn dn(&self) -> &str {
        &self.0.dn
    }

    /// The values of an attribute, whose name servers write in whatever case.
    pub(super) fn values<'a>(&'a self, attribute: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .attrs
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(attribute))
            .flat_map(|(_, values)| values.iter().map(String::as_str))
    }
}

/// What a search came to.
pub(super) enum Found {
    Entries(Vec<Entry>),
    /// More than were asked for.
    TooMany,
    /// The base does not exist.
    NoBase,
    /// The base is on another server. Never followed: it would have the password go where the entry says.
    Elsewhere,
}

/// Where and what to search.
pub(super) struct Search<'a> {
    pub base: &'a str,
    pub scope: Scope,
    pub filter: &'a str,
    pub attributes: Vec<&'a str>,
    /// The most entries; 0 is as many as the server gives.
    pub limit: i32,
}

/// A connection. It ends with this value, whatever the server is doing.
pub(super) struct Connection {
    ldap: ldap3::Ldap,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(super) async fn open(settings: LdapConnSettings, url: &Url) -> Result<Self, Problem> {
        let (connection, ldap) = LdapConnAsync::from_url_with_settings(settings, url).await?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer hears of it as well.
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "an LDAP connection ended");
            }
        });
        Ok(Self { ldap, driver })
    }

    /// Whether the server takes the password for that DN's.
    pub(super) async fn bind(&mut self, dn: &str, password: &str) -> Result<bool, Problem> {
        // Either of them empty asks for an anonymous bind, and that succeeds.
        if dn.is_empty() || password.is_empty() {
            return Ok(false);
        }
        let result = self.ldap.simple_bind(dn, password).await?;
        match result.rc {
            code::SUCCESS => Ok(true),
            code::REFERRAL => {
                tracing::warn!(
                    dn,
                    "an LDAP bind was referred to another server, which is not followed"
                );
                Ok(false)
            }
            rc if code::REFUSALS.contains(&rc) => {
                tracing::debug!(dn, rc, why = %result.text, "an LDAP bind was refused");
                Ok(false)
            }
            rc => Err(refused("the bind", rc, &result.text)),
        }
    }

    pub(super) async fn search(&mut self, search: Search<'_>) -> Result<Found, Problem> {
        let options = SearchOptions::new().sizelimit(search.limit);
        let result = self
            .ldap
            .with_search_options(options)
            .search(
                search.base,
                search.scope,
                search.filter,
                search.attributes.as_slice(),
            )
            .await?;
        let mut entries = Vec::new();
        for item in result.0 {
            if item.is_ref() {
                let base = search.base;
                tracing::debug!(base, "an LDAP search met a referral, which is not followed");
            } else if !item.is_intermediate() {
                entries.push(Entry(SearchEntry::construct(item)));
            }
        }
        match result.1.rc {
            code::SUCCESS => Ok(Found::Entries(entries)),
            code::SIZE_LIMIT_EXCEEDED => Ok(Found::TooMany),
            code::NO_SUCH_OBJECT => Ok(Found::NoBase),
            code::REFERRAL => Ok(Found::Elsewhere),
            rc => Err(refused("the search", rc, &result.1.text)),
        }
    }
}

fn refused(what: &str, rc: u32, words: &str) -> Problem {
    Problem(format!("{what} failed with result code {rc}: {words:?}"))
}
