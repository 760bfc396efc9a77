//! Redirect targets: [`SafeRedirect`] is the only thing a redirect handler accepts.
//!
//! A target is read twice, once by eye (`target`) and once by the parser browsers use, and the two
//! must agree about scheme and authority. What remains is compared with a list of origins. Anything a
//! browser would have to repair (`https:\\host`, `https:host`, a tab in the scheme, a host in octal) is refused
//! instead of repaired, because the repair is where checks and browsers have always differed.

mod explanation;
mod origin;
mod refusal;
mod target;
#[cfg(test)]
mod tests;

pub use explanation::Explanation;
pub use origin::{Origin, OriginError, OriginRule};
pub use refusal::RedirectRefusal;
pub use target::MAX_TARGET_BYTES;

use std::fmt;
use std::sync::Arc;
use target::Target;

/// Where this server may send a browser.
#[derive(Clone, Debug)]
pub struct RedirectPolicy {
    rules: Arc<[OriginRule]>,
    allow_loopback: bool,
}

impl RedirectPolicy {
    /// A policy of these rules; `allow_loopback` is for a server that listens on loopback only.
    pub fn new(rules: Vec<OriginRule>, allow_loopback: bool) -> Self {
        Self {
            rules: rules.into(),
            allow_loopback,
        }
    }

    /// This policy with more rules; those it had are asked first.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = OriginRule>) -> Self {
        let rules: Vec<OriginRule> = self.rules.iter().cloned().chain(more).collect();
        Self::new(rules, self.allow_loopback)
    }

    /// The origins that are allowed, those asked first in front.
    pub fn rules(&self) -> &[OriginRule] {
        &self.rules
    }

    /// Whether every origin on this very machine is allowed besides.
    pub const fn allows_loopback(&self) -> bool {
        self.allow_loopback
    }

    /// The target as a `Location`, or why not. `target` has been form-decoded once by the caller.
    pub fn check(&self, target: &str) -> Result<SafeRedirect, RedirectRefusal> {
        let target = Target::read(target)?;
        match self.rule_for(&target.origin) {
            Some(rule) => Ok(SafeRedirect {
                location: target.location,
                origin: target.origin,
                rule,
            }),
            None => Err(RedirectRefusal::not_listed(&target.origin)),
        }
    }

    /// How a browser reads the target and what this policy makes of it, for an operator's eyes.
    pub fn explain(&self, target: &str) -> Explanation {
        Explanation::new(target, self.check(target).map(|safe| safe.rule))
    }

    fn rule_for(&self, origin: &Origin) -> Option<AllowedBy> {
        self.rules
            .iter()
            .find(|rule| rule.matches(origin))
            .map(|rule| AllowedBy::Rule(rule.clone()))
            .or_else(|| {
                (self.allow_loopback && origin.is_loopback()).then_some(AllowedBy::Loopback)
            })
    }
}

/// What let a target through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedBy {
    /// An origin of the list.
    Rule(OriginRule),
    /// The server listens on loopback only, and so does the target.
    Loopback,
}

impl fmt::Display for AllowedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => write!(f, "{}: {rule}", rule.source()),
            Self::Loopback => f.write_str("server: it listens on loopback only"),
        }
    }
}

/// A redirect target that passed a [`RedirectPolicy`]; only the policy makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeRedirect {
    location: String,
    origin: Origin,
    rule: AllowedBy,
}

impl SafeRedirect {
    /// The header value: visible ASCII without spaces, and the caller's text wherever that was possible.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The host a browser will go to, in lower case.
    pub fn host(&self) -> &str {
        self.origin.host()
    }

    /// What let it through.
    pub fn rule(&self) -> &AllowedBy {
        &self.rule
    }
}

// Targets carry tokens in their queries, so only the origin prints.
impl fmt::Debug for SafeRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafeRedirect({}/…)", self.origin)
    }
}
