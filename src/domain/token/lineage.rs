//! What a token inherits that somebody minted for themselves, being signed in already.

use crate::domain::clock::Timestamp;
use crate::domain::session::SessionHandle;
use crate::domain::sso::ProviderLink;
use crate::domain::token::TokenDigest;
use std::fmt;

/// What a token inherits from what its owner presented to get it, and hands on to the sessions it opens.
///
/// Without it a session could mint a token, the token open a session, and so on for ever: no timeout and no end of
/// the first session would mean anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// When the token was minted; the record's `minted_at` is when the login behind it began.
    pub created_at: Timestamp,
    /// When what was presented ends at the latest: nothing that comes of it lives longer.
    pub ends_at: Timestamp,
    /// The session at the root of it all, when there is one: what ends it ends this too, unless its owner just signs out.
    pub origin: Option<SessionHandle>,
    /// The token at the root of it all, where no session is.
    pub root: Option<Family>,
    /// The identity provider's session at the root.
    pub provider: Option<ProviderLink>,
    /// Whether a Bearer was presented, and no session.
    pub is_by_bearer: bool,
}

/// What a user's tokens came of: one session, or one token that no session minted.
///
/// They share one limit, so that whoever may mint takes the place of nobody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family(u64);

impl Family {
    /// What the user got by showing their password.
    pub const BY_PASSWORD: Self = Self(0);

    /// What came of that session.
    pub const fn of_session(session: &SessionHandle) -> Self {
        Self(u64::from_be_bytes(*session.start()))
    }

    /// What came of that token.
    pub fn of_token(TokenDigest(digest): &TokenDigest) -> Self {
        let (start, _) = digest.as_chunks::<8>();
        Self(start.first().map_or(0, |start| u64::from_be_bytes(*start)))
    }

    /// The family as the number it is.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The family with that number.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What was presented for a token or, of a token, for a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presented {
    /// The session, where it was one.
    pub session: Option<SessionHandle>,
    /// Since when there is what was presented.
    pub since: Timestamp,
}

/// A family of a user's that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedFamily {
    /// Which.
    pub family: Family,
    /// Sessions that go on, whatever they came of, and mint as before.
    pub kept: Vec<SessionHandle>,
}
