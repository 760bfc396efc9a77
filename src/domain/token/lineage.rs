//! What a token inherits that somebody minted for themselves, being signed in already.

use crate::domain::clock::Timestamp;
use crate::domain::session::SessionHandle;
use crate::domain::sso::ProviderLink;

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
    /// The identity provider's session at the root.
    pub provider: Option<ProviderLink>,
    /// Whether a Bearer was presented, and no session.
    pub is_by_bearer: bool,
}
