//! How much a session or token may see.

use uuid::Uuid;

/// How much a session or token may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Whatever the user may see.
    #[default]
    Full,
    /// One Liveboard or visualization, read-only.
    Object(Uuid),
}

impl Access {
    /// Whether the object of that id may be seen.
    pub fn may_view(self, object: Uuid) -> bool {
        match self {
            Self::Full => true,
            Self::Object(only) => only == object,
        }
    }
}
