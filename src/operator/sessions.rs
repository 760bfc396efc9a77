//! The operator's commands about sessions.

use crate::domain::administration::{Actor, AdminError, Administration, SessionFilter};
use crate::domain::session::SessionHandle;
use crate::operator::{Event, SessionsOf, view};
use serde_json::{Value, json};

/// Tells live sessions, one row each.
pub(in crate::operator) async fn list(
    admin: &Administration,
    of: SessionsOf,
    sink: &mut (impl FnMut(Event) + Send),
) -> Result<Value, AdminError> {
    let filter = match of {
        SessionsOf::Everybody => SessionFilter::default(),
        SessionsOf::User(name) => SessionFilter {
            user: Some(admin.user_called(&name).await?.id),
            ..SessionFilter::default()
        },
        SessionsOf::Org(org) => SessionFilter {
            org: Some(admin.require_org(&org).await?.id),
            ..SessionFilter::default()
        },
        SessionsOf::Key(id) => SessionFilter {
            key: Some(admin.key_called(&id).await?),
            ..SessionFilter::default()
        },
    };
    admin
        .each_session(filter, |summary| sink(Event::Row(view::session(&summary))))
        .await?;
    Ok(Value::Null)
}

/// Ends one.
pub(in crate::operator) async fn revoke_one(
    admin: &Administration,
    id: &str,
    by: &Actor,
) -> Result<Value, AdminError> {
    let handle = handle(id)?;
    let session = admin.end_session(&handle, by).await?;
    Ok(json!({ "id": id, "user": session.user_name, "status": "revoked" }))
}

/// Ends all of a user's but one.
pub(in crate::operator) async fn revoke_others(
    admin: &Administration,
    user: &str,
    kept: &str,
    by: &Actor,
) -> Result<Value, AdminError> {
    let kept = handle(kept)?;
    let user = admin.user_called(user).await?;
    let ended = admin.end_other_sessions_of(user.id, &kept, by).await?;
    Ok(json!({ "user": user.name, "kept": kept.to_string(), "ended": ended }))
}

/// Ends many. How many is not counted: it costs the same for one and for a million.
pub(in crate::operator) async fn revoke(
    admin: &Administration,
    of: SessionsOf,
    by: &Actor,
) -> Result<Value, AdminError> {
    let whose = match of {
        SessionsOf::Everybody => {
            admin.end_all_sessions(by).await?;
            "everybody".to_owned()
        }
        SessionsOf::User(name) => {
            let user = admin.user_called(&name).await?;
            admin.end_sessions_of(user.id, by).await?;
            format!("user {}", user.name)
        }
        SessionsOf::Org(org) => {
            let org = admin.require_org(&org).await?;
            admin.end_sessions_in(org.id, by).await?;
            format!("Org {} ({})", org.name, org.id)
        }
        SessionsOf::Key(id) => {
            let key = admin.key_called(&id).await?;
            admin.end_sessions_by(key, by).await?;
            format!("key {key}")
        }
    };
    Ok(json!({ "of": whose, "status": "revoked" }))
}

fn handle(id: &str) -> Result<SessionHandle, AdminError> {
    SessionHandle::parse(id).ok_or_else(|| AdminError::Missing {
        what: "session",
        name: id.to_owned(),
    })
}
