//! Trusted tokens: what a secret key or a session mints, and a client trades for a session or shows as a Bearer.

mod access;
mod attributes;
mod format;
mod lineage;
mod store;

pub use access::Access;
pub use attributes::{AttributeError, Attributes, Filter, MetadataRef, NamedValues, Sort};
pub use format::{TokenDigest, TokenMint, TokenText};
pub use lineage::{EndedFamily, Family, Lineage, Presented};
pub use store::{FoundToken, Purpose, Putting, Spending, TokenRecord, TokenStore};

use std::time::Duration;

/// How long a superseded token lives on when lifetimes are `compat` (the vendor's rule).
pub const SUPERSEDED_GRACE: Duration = Duration::from_mins(5);

/// How many tokens may have come of one session, one token or a password; of more, the one that would end first gives way.
pub const MOST_OF_A_FAMILY: usize = 500;

/// How many tokens one user may have that no secret key minted; one more is not minted.
///
/// Otherwise anybody who may sign in could fill the store, and nobody could sign in any more.
pub const MOST_OWN_TOKENS: usize = 10_000;

/// How long it is remembered that a family of tokens has ended: longer than a request that mints can take, for one that
/// was let in before comes through after.
pub const ENDED_FOR: Duration = Duration::from_mins(5);

/// How many sessions one token opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenReuse {
    /// Any number, for as long as it lives (the vendor's rule).
    #[default]
    Many,
    /// One. As a Bearer, which opens none, it stays good for as long as it lives.
    Once,
}

/// How long tokens of the v1 endpoint live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenLifetime {
    /// Until another token is minted with the same secret key, then [`SUPERSEDED_GRACE`]; never beyond the maximum age.
    UntilSuperseded,
    /// A fixed time.
    Fixed(Duration),
}
