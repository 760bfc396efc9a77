//! Directory records and sessions as the console shows them. Moments are milliseconds since 1970.

use crate::api::device::device;
use crate::domain::clock::Timestamp;
use crate::domain::directory::{
    AccountStatus, AccountType, Group, Operation, Org, OrgStatus, SecretKey, User,
};
use crate::domain::failure::Failure;
use crate::domain::session::{SessionHandle, SessionSummary};
use serde_json::{Value, json};

/// A user, without what they belong to.
pub fn user(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "name": user.name,
        "display_name": user.display_name,
        "email": user.email,
        "account_type": match user.account_type {
            AccountType::Local => "local",
            AccountType::Ldap => "ldap",
            AccountType::Saml => "saml",
            AccountType::Oidc => "oidc",
        },
        "status": status_word(user.status),
        "is_admin": user.is_admin,
        "created_at": user.created_at.millis(),
        "modified_at": user.modified_at.millis(),
    })
}

const fn status_word(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => "active",
        AccountStatus::Disabled => "disabled",
    }
}

/// Reads `active` or `disabled`.
pub fn account_status(word: Option<&str>) -> Result<Option<AccountStatus>, Failure> {
    match word {
        None => Ok(None),
        Some("active") => Ok(Some(AccountStatus::Active)),
        Some("disabled") => Ok(Some(AccountStatus::Disabled)),
        Some(_) => Err(Failure::bad("status", "active or disabled")),
    }
}

/// Reads `add`, `remove` or `replace`.
pub fn operation(word: Option<&str>) -> Result<Operation, Failure> {
    match word {
        Some("add") => Ok(Operation::Add),
        Some("remove") => Ok(Operation::Remove),
        Some("replace") => Ok(Operation::Replace),
        _ => Err(Failure::bad("operation", "add, remove or replace")),
    }
}

/// An Org.
pub fn org(org: &Org) -> Value {
    json!({
        "id": org.id.0,
        "name": org.name,
        "description": org.description,
        "status": match org.status {
            OrgStatus::Active => "active",
            OrgStatus::Disabled => "disabled",
        },
    })
}

/// A group.
pub fn group(group: &Group) -> Value {
    json!({
        "id": group.id.to_string(),
        "org": group.org.0,
        "name": group.name,
        "display_name": group.display_name,
        "privileges": group.privileges,
    })
}

/// A secret key; the key itself is not in it.
pub fn key(key: &SecretKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "label": key.label,
        "org": key.org.map(|org| org.0),
        "created_at": key.created_at.millis(),
        "last_used_at": key.last_used_at.map(Timestamp::millis),
        "retired_at": key.retired_at.map(Timestamp::millis),
    })
}

/// A live session. Its id is a handle: whoever has it can name the session, not be it.
pub fn session(summary: &SessionSummary, own: SessionHandle) -> Value {
    let session = &summary.session;
    json!({
        "id": summary.handle.to_string(),
        "is_own": summary.handle == own,
        "user": session.user_name,
        "user_id": session.user_id.to_string(),
        "org": session.org.0,
        "method": session.method.as_str(),
        "key_id": session.key.map(|key| key.to_string()),
        "address": session.address,
        "agent": session.agent,
        "device": device(&session.agent),
        "is_remembered": session.is_remembered,
        "opened_at": session.opened_at.millis(),
        "last_seen_at": session.last_seen_at.millis(),
        "expires_at": session.expires_at().millis(),
    })
}
