//! Directory records as the operator sees them, in JSON: the words that scripts rely on.

use crate::domain::administration::UserDetails;
use crate::domain::clock::Timestamp;
use crate::domain::directory::{
    AccountStatus, AccountType, Group, Org, OrgStatus, SecretKey, User,
};
use crate::domain::session::SessionSummary;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An Org.
pub(in crate::operator) fn org(org: &Org) -> Value {
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
pub(in crate::operator) fn group(group: &Group) -> Value {
    json!({
        "id": group.id.to_string(),
        "org": group.org.0,
        "name": group.name,
        "display_name": group.display_name,
        "privileges": group.privileges,
    })
}

/// A user.
pub(in crate::operator) fn user(user: &User) -> Value {
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
        "status": match user.status {
            AccountStatus::Active => "active",
            AccountStatus::Disabled => "disabled",
        },
        "is_admin": user.is_admin,
        "last_org": user.last_org.0,
        "created_at": date(user.created_at),
        "modified_at": date(user.modified_at),
    })
}

/// A user with everything.
pub(in crate::operator) fn user_details(details: &UserDetails) -> Value {
    let mut value = user(&details.user);
    value["has_password"] = details.has_password.into();
    value["orgs"] = details
        .memberships
        .iter()
        .map(|(org, groups)| {
            let groups: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            json!({ "id": org.id.0, "name": org.name, "groups": groups })
        })
        .collect();
    value
}

/// A secret key; the key itself is not in it.
pub(in crate::operator) fn key(key: &SecretKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "label": key.label,
        "org": key.org.map(|org| org.0),
        "status": if key.retired_at.is_some() { "retired" } else { "active" },
        "created_at": date(key.created_at),
        "last_used_at": key.last_used_at.map(date),
        "retired_at": key.retired_at.map(date),
    })
}

/// A live session. Its id is a handle: whoever has it can end the session, not be it.
pub(in crate::operator) fn session(summary: &SessionSummary) -> Value {
    let session = &summary.session;
    json!({
        "id": summary.handle.to_string(),
        "user": session.user_name,
        "user_id": session.user_id.to_string(),
        "org": session.org.0,
        "method": session.method.as_str(),
        "key_id": session.key.map(|key| key.to_string()),
        "address": session.address,
        "agent": session.agent,
        "remembered": session.is_remembered,
        "opened_at": date(session.opened_at),
        "last_seen_at": date(session.last_seen_at),
        "expires_at": date(session.expires_at()),
    })
}

/// A moment as RFC 3339 in UTC, to the second.
fn date(at: Timestamp) -> String {
    i64::try_from(at.seconds())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{} s", at.seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_a_date() {
        let at = Timestamp::from_millis(1_700_000_000_999);
        assert_eq!(date(at), "2023-11-14T22:13:20Z");
        assert!(date(Timestamp::from_millis(u64::MAX)).ends_with(" s"));
    }
}
