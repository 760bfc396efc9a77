//! Why an administrator's act was not done.

use crate::domain::administration::Denied;
use crate::domain::authn::PasswordError;
use crate::domain::directory::{DirectoryError, NameError};
use crate::domain::failure::{Failure, StoreError};

/// Why the last one who may sign in is not taken away: nobody could sign in and put it right.
pub(in crate::domain::administration) const LAST_ADMINISTRATOR: &str =
    "this is the last active administrator of the server; make another user one first";

/// An act of administration that was not done. Unless it says so, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// A value is wrong.
    #[error("{field}: {expected}")]
    Field {
        /// Which, in the domain's words.
        field: &'static str,
        /// What is wrong with it or was expected, as a sentence.
        expected: String,
    },
    /// What should be unique is taken.
    #[error("{what} \"{name}\" exists already")]
    Exists {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What the act is about is not there.
    #[error("there is no {what} \"{name}\"")]
    Missing {
        /// The kind of thing.
        what: &'static str,
        /// What was looked for.
        name: String,
    },
    /// The act is beyond the scope of whoever asked for it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hasher(String),
    /// The change is written, but sessions and tokens that should have ended may live on: do it again.
    #[error("{}: {}", not_revoked(.0), .0.why())]
    NotRevoked(StoreError),
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn not_revoked(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unwritten(_) => {
            "the change is made and the sessions have ended, but a stop or crash before that is written would bring them \
             back; free space, then do it again"
        }
        _ => "the change is made, but sessions could not be ended; do it again",
    }
}

impl AdminError {
    pub(in crate::domain::administration) fn field(
        field: &'static str,
        expected: impl Into<String>,
    ) -> Self {
        Self::Field {
            field,
            expected: expected.into(),
        }
    }

    pub(in crate::domain::administration) fn name(error: NameError) -> Self {
        Self::field("name", error.to_string())
    }

    pub(in crate::domain::administration) fn missing(what: &'static str, name: &str) -> Self {
        Self::Missing {
            what,
            name: name.to_owned(),
        }
    }
}

impl From<DirectoryError> for AdminError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Exists { what, name } => Self::Exists { what, name },
            DirectoryError::Missing { what, name } => Self::Missing { what, name },
            DirectoryError::BadName { .. } => Self::field("name", error.to_string()),
            DirectoryError::PrimaryOrg => Self::field("org", error.to_string()),
            DirectoryError::NotInOrg(org) => Self::field(
                "memberships",
                format!("the user is not a member of Org {org}"),
            ),
            DirectoryError::LastAdministrator => Denied(LAST_ADMINISTRATOR).into(),
            DirectoryError::Store(error) => Self::Store(error),
        }
    }
}

impl From<PasswordError> for AdminError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooShort | PasswordError::TooLong => {
                Self::field("password", error.to_string())
            }
            PasswordError::Hasher(cause) => Self::Hasher(cause),
        }
    }
}

impl From<&AdminError> for Failure {
    fn from(error: &AdminError) -> Self {
        match error {
            AdminError::Field { field, expected } => Self::bad(*field, expected.clone()),
            AdminError::Exists { .. } => Self::Conflict {
                reason: error.to_string(),
            },
            AdminError::Missing { what, name } => Self::NotFound {
                what: format!("{what} \"{name}\""),
            },
            AdminError::Denied(why) => Self::forbidden(why.0),
            AdminError::Hasher(_) => Self::Internal,
            AdminError::NotRevoked(cause) | AdminError::Store(cause) => cause.into(),
        }
    }
}
