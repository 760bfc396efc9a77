//! What an operator sees who asks why a target is allowed or refused.

use crate::domain::redirect::{AllowedBy, RedirectRefusal};
use std::fmt;
use url::Url;

/// A target as a browser reads it, and the verdict. The parts are empty when no browser could read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The scheme.
    pub scheme: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The port, the scheme's own if none was given.
    pub port: Option<u16>,
    /// The path.
    pub path: Option<String>,
    /// The query, without its `?`.
    pub query: Option<String>,
    /// The fragment, without its `#`.
    pub fragment: Option<String>,
    /// The rule that allows it, or why it is refused.
    pub verdict: Result<AllowedBy, RedirectRefusal>,
}

impl Explanation {
    pub(super) fn new(target: &str, verdict: Result<AllowedBy, RedirectRefusal>) -> Self {
        let url = Url::parse(target).ok();
        let url = url.as_ref();
        Self {
            scheme: url.map(|url| url.scheme().to_owned()),
            host: url.and_then(|url| url.host_str().map(str::to_owned)),
            port: url.and_then(Url::port_or_known_default),
            path: url.map(|url| url.path().to_owned()),
            query: url.and_then(|url| url.query().map(str::to_owned)),
            fragment: url.and_then(|url| url.fragment().map(str::to_owned)),
            verdict,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port.map(|port| port.to_string());
        for (name, part) in [
            ("scheme", &self.scheme),
            ("host", &self.host),
            ("port", &port),
            ("path", &self.path),
            ("query", &self.query),
            ("fragment", &self.fragment),
        ] {
            if let Some(part) = part {
                writeln!(f, "{name:<9} {part}")?;
            }
        }
        match &self.verdict {
            Ok(rule) => write!(f, "allowed   by {rule}"),
            Err(refusal) => write!(f, "refused   {refusal}"),
        }
    }
}

// A target may carry a token in its query, so a stray `{:?}` shows the verdict only.
impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("host", &self.host)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
