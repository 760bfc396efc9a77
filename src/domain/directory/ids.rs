//! Ids of directory records, each its own type so that none stands in for another.

use std::fmt;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A user's id (the GUID that clients see).
    UserId
);
uuid_id!(
    /// A group's id.
    GroupId
);
uuid_id!(
    /// A secret key's id. Not the key: this may be logged.
    KeyId
);

/// An Org's number. 0 is the Primary Org, which always exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgId(pub i64);

impl OrgId {
    /// The Org every server starts with.
    pub const PRIMARY: Self = Self(0);
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
