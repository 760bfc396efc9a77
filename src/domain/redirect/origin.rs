//! Origins, and the rules that name the allowed ones.

use crate::domain::redirect::refusal::RedirectRefusal;
use crate::domain::redirect::target::split;
use std::fmt;
use std::net::Ipv4Addr;
use url::Url;

/// The schemes a browser may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| name.eq_ignore_ascii_case(scheme.as_str()))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(super) fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port, compared exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    /// Reads `https://host[:port]`, with at most a `/` behind it; without a scheme it means https.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let text = &with_scheme(text);
        let parts = split(text).map_err(OriginError::Url)?;
        if !matches!(parts.path, "" | "/") || !parts.tail.is_empty() {
            return Err(OriginError::NotAnOrigin);
        }
        if parts.authority.contains('*') {
            return Err(OriginError::NotInFull);
        }
        parts.origin(text).map_err(OriginError::Url)
    }

    pub(super) fn new(scheme: Scheme, host: String, port: u16) -> Self {
        Self { scheme, host, port }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        self.scheme.as_str()
    }

    /// The host in lower case; IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own if none was given.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether a parsed URL has this origin and no user name.
    pub(super) fn is_of(&self, url: &Url) -> bool {
        url.scheme() == self.scheme.as_str()
            && url.host_str() == Some(&self.host)
            && url.port_or_known_default() == Some(self.port)
            && url.username().is_empty()
            && url.password().is_none()
    }

    /// Whether it can only be this machine. Names under `localhost` are left out: resolvers disagree on them.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host == "[::1]"
            || self
                .host
                .parse::<Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// A rule that allows origins, and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginRule {
    /// One origin.
    Exact {
        /// The origin.
        origin: Origin,
        /// `server`, `embed.origins`, `redirects.allow` or `directory`.
        source: &'static str,
    },
    /// `https://*.example.com`: exactly one label more than the parent, never the parent itself.
    OneLabel {
        /// What stands behind the `*.`; its scheme and port bind too.
        parent: Origin,
        /// `server`, `embed.origins`, `redirects.allow` or `directory`.
        source: &'static str,
    },
}

/// Why a text is not an origin rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Something behind the authority.
    #[error("an origin is scheme, host and port only, without path, query or fragment")]
    NotAnOrigin,
    /// A `*` where it means nothing, or too much.
    #[error(
        "a * stands for one whole label before at least two others, as in https://*.example.com"
    )]
    Wildcard,
    /// A `*` where each origin is listed by itself.
    #[error("each origin is written in full; a * stands for nothing here")]
    NotInFull,
    /// Not a usable URL to begin with.
    #[error(transparent)]
    Url(RedirectRefusal),
}

impl OriginRule {
    /// Reads `https://host[:port]` or `https://*.parent[:port]`; without a scheme it means https.
    pub fn parse(text: &str, source: &'static str) -> Result<Self, OriginError> {
        let text = with_scheme(text);
        let Some((scheme, parent)) = text.split_once("://*.") else {
            let origin = Origin::parse(&text).map_err(in_a_rule)?;
            return Ok(Self::Exact { origin, source });
        };
        // A stand-in label lets the parser judge the parent as part of a name: `*.0.0.1` must not come
        // to mean 127.0.0.1.
        let child = Origin::parse(&format!("{scheme}://w.{parent}")).map_err(in_a_rule)?;
        let host = child.host.strip_prefix("w.").unwrap_or_default().to_owned();
        if host.split('.').filter(|label| !label.is_empty()).count() < 2 {
            return Err(OriginError::Wildcard);
        }
        let parent = Origin { host, ..child };
        Ok(Self::OneLabel { parent, source })
    }

    /// Where the rule was written.
    pub fn source(&self) -> &'static str {
        match self {
            Self::Exact { source, .. } | Self::OneLabel { source, .. } => source,
        }
    }

    /// Whether the rule allows this origin.
    pub fn matches(&self, origin: &Origin) -> bool {
        match self {
            Self::Exact { origin: listed, .. } => listed == origin,
            Self::OneLabel { parent, .. } => {
                parent.scheme == origin.scheme
                    && parent.port == origin.port
                    && is_child(&origin.host, &parent.host)
            }
        }
    }
}

impl fmt::Display for OriginRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact { origin, .. } => origin.fmt(f),
            Self::OneLabel { parent, .. } => {
                let host = format!("*.{}", parent.host);
                Origin::new(parent.scheme, host, parent.port).fmt(f)
            }
        }
    }
}

/// Rules may have a `*`, so it is where it stands that is wrong.
fn in_a_rule(error: OriginError) -> OriginError {
    match error {
        OriginError::NotInFull => OriginError::Wildcard,
        other => other,
    }
}

fn is_child(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|label| !label.is_empty() && !label.contains('.'))
}

fn with_scheme(text: &str) -> String {
    if text.is_empty() || text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    }
}
