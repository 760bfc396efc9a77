//! What the directory's requests have in common: paging, operations, states.

use crate::domain::administration::MAX_FOUND;
use crate::domain::directory::{AccountStatus, Operation, OrgStatus};
use crate::domain::failure::Failure;
use secrecy::{ExposeSecret, SecretString};

/// How many a search returns when it does not say.
const DEFAULT_SIZE: usize = 10;

/// `record_offset` and `record_size`: what to leave out and how many to return. A size of -1 means all, up to
/// [`MAX_FOUND`].
pub fn page(offset: Option<&str>, size: Option<&str>) -> Result<(usize, usize), Failure> {
    let offset = match offset {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| Failure::bad("record_offset", "a whole number from 0"))?,
    };
    let size = match size {
        None => DEFAULT_SIZE,
        Some("-1") => MAX_FOUND,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Failure::bad("record_size", "a whole number from 0, or -1 for all"))?
            .min(MAX_FOUND),
    };
    Ok((offset, size))
}

/// `operation`; the vendor's default replaces.
pub fn operation(text: Option<&str>) -> Result<Operation, Failure> {
    match text {
        None | Some("REPLACE") => Ok(Operation::Replace),
        Some("ADD") => Ok(Operation::Add),
        Some("REMOVE") => Ok(Operation::Remove),
        Some(_) => Err(Failure::bad("operation", "ADD, REPLACE or REMOVE")),
    }
}

/// `account_status`. Whatever is not active may not sign in, so we keep one such state and show it as INACTIVE.
pub fn account_status(text: Option<&str>) -> Result<Option<AccountStatus>, Failure> {
    match text {
        None => Ok(None),
        Some("ACTIVE") => Ok(Some(AccountStatus::Active)),
        Some("INACTIVE" | "EXPIRED" | "LOCKED" | "PENDING" | "SUSPENDED") => {
            Ok(Some(AccountStatus::Disabled))
        }
        Some(_) => Err(Failure::bad(
            "account_status",
            "ACTIVE, INACTIVE, EXPIRED, LOCKED, PENDING or SUSPENDED",
        )),
    }
}

/// `status` of an Org.
pub fn org_status(text: Option<&str>) -> Result<Option<OrgStatus>, Failure> {
    match text {
        None => Ok(None),
        Some("ACTIVE") => Ok(Some(OrgStatus::Active)),
        Some("IN_ACTIVE") => Ok(Some(OrgStatus::Disabled)),
        Some(_) => Err(Failure::bad("status", "ACTIVE or IN_ACTIVE")),
    }
}

/// A list of things we do not have: an empty one asks for nothing.
pub fn not_offered(field: &'static str, list: Option<Vec<String>>) -> Result<(), Failure> {
    if list.is_none_or(|list| list.is_empty()) {
        return Ok(());
    }
    Err(Failure::bad(field, "to be left out; this server has none"))
}

/// A password that must be there.
pub fn required_password(
    field: &'static str,
    password: Option<SecretString>,
) -> Result<SecretString, Failure> {
    some_password(password).ok_or_else(|| Failure::bad(field, "a value; it is missing or empty"))
}

/// A password; an empty one counts as absent.
pub fn some_password(password: Option<SecretString>) -> Option<SecretString> {
    password.filter(|password| !password.expose_secret().is_empty())
}

/// `%` stands for any text in the vendor's patterns; ours match within the name anyway.
pub fn pattern(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim_matches('%').to_owned())
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_ten_from_the_start_unless_it_says_otherwise() {
        assert_eq!(page(None, None), Ok((0, 10)));
        assert_eq!(page(Some("3"), Some("-1")), Ok((3, MAX_FOUND)));
        assert_eq!(page(None, Some("999999999")), Ok((0, MAX_FOUND)));
        for bad in ["-2", "x", "1.5"] {
            assert!(page(Some(bad), None).is_err(), "{bad}");
            assert!(page(None, Some(bad)).is_err(), "{bad}");
        }
    }
}
