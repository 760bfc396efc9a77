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
    #[error("{field}: expected {expected}")]
    Field {
        /// Which, in the domain's words.
        field: &'static str,
        /// What was expected: it is told behind that word.
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
            DirectoryError::BadName { why, .. } => Self::name(why),
            DirectoryError::PrimaryOrg => Self::field(
                "org",
                "another Org than the Primary Org, which cannot be deleted",
            ),
            DirectoryError::NotInOrg(org) => Self::field(
                "memberships",
                format!("groups of the user's own Orgs, which Org {org} is none of"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::{NameKey, OrgId, check_email, check_text};
    use crate::domain::token::{Attributes, Filter, Sort};

    /// What may stand behind "expected": no sentence with a subject of its own.
    fn assert_follows(expected: &str) {
        let starts = [
            "at most ",
            "at least ",
            "a ",
            "an ",
            "no ",
            "names ",
            "groups ",
            "another ",
        ];
        assert!(
            starts.iter().any(|start| expected.starts_with(start)),
            "{expected}"
        );
        for verb in [" has ", " have ", " must ", " is not a ", "cannot be one"] {
            assert!(!expected.contains(verb), "{expected}");
        }
    }

    #[test]
    fn every_reason_can_stand_behind_expected() {
        let long = "x".repeat(2_000);
        for name in ["", " a", "a\0", &long] {
            assert_follows(&NameKey::new(name).unwrap_err().to_string());
        }
        for error in [PasswordError::TooShort, PasswordError::TooLong] {
            assert_follows(&error.to_string());
        }
        for text in ["\0", &long] {
            assert_follows(&check_text(text).unwrap_err().to_string());
        }
        assert_follows(&check_email("x").unwrap_err().to_string());
        let filter = |operator: &str, values: usize| Filter {
            column: "a".to_owned(),
            operator: operator.to_owned(),
            values: vec![String::new(); values],
        };
        let nameless = Sort {
            column: String::new(),
            is_ascending: true,
        };
        for (filters, sorts) in [
            (vec![filter("NEAR", 1)], Vec::new()),
            (vec![filter("EQ", 1_001)], Vec::new()),
            (Vec::new(), vec![nameless]),
        ] {
            let attributes = Attributes {
                filters,
                sorts,
                ..Attributes::default()
            };
            assert_follows(&attributes.validate().unwrap_err().to_string());
        }
        for error in [
            DirectoryError::PrimaryOrg,
            DirectoryError::NotInOrg(OrgId(7)),
            DirectoryError::BadName {
                what: "user",
                name: String::new(),
                why: NameError::Empty,
            },
        ] {
            let AdminError::Field { expected, .. } = AdminError::from(error) else {
                panic!("it is about no field");
            };
            assert_follows(&expected);
        }
    }
}
