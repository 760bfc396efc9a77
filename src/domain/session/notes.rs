//! What a dialect keeps with the sessions it opens; to every other it means nothing.

use crate::domain::directory::OrgId;
use crate::domain::session::{SessionHandle, SessionId};
use crate::domain::sso::ProviderLink;

/// What the dialect that opened a session keeps with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionNotes {
    /// How many results the client wants kept in memory; told back, never acted on.
    pub working_set: Option<u32>,
    /// How many searches the client wants to run at a time; told back, never acted on.
    pub max_search: Option<u32>,
    /// The session this one shares its fate with: it lives only as long as that one does.
    pub shares: Option<SessionId>,
    /// The identity provider's session it came from: it ends with that one.
    pub provider: Option<ProviderLink>,
    /// The session that minted the token which opened this one, or the first of several such: what ends that one ends
    /// this, unless its owner just signs out.
    pub origin: Option<SessionHandle>,
    /// Orgs it may work in; none is every one of the user's.
    pub orgs: Vec<OrgId>,
}

impl SessionNotes {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
