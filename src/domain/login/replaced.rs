//! Which session a login ends: the one that the browser who signs in holds already.

use crate::domain::session::{SessionId, UserTag};

/// A live session that came with a login.
#[derive(Clone, Debug)]
pub enum Replaced {
    /// It ends whoever signs in.
    OfAnybody(SessionId),
    /// It ends only for the user whose own it is.
    ///
    /// So where another site's page had the browser sign in: that must end nobody else's session, but would, with each
    /// view of an embedding page, leave one more of the same user behind.
    OfSameUser(SessionId),
}

impl Replaced {
    /// The session, where it ends whoever signs in.
    pub const fn by_anybody(&self) -> Option<&SessionId> {
        match self {
            Self::OfAnybody(id) => Some(id),
            Self::OfSameUser(_) => None,
        }
    }

    /// The session, where it ends when the user of that tag signs in.
    pub fn by(&self, user: UserTag) -> Option<&SessionId> {
        match self {
            Self::OfAnybody(id) => Some(id),
            Self::OfSameUser(id) => Some(id).filter(|id| id.tag() == user),
        }
    }
}
