//! Checks sessions, and tells the trail of each that time has just ended.

use crate::domain::audit::{Act, AuditEvent, AuditSink, Client};
use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::session::{Check, SessionHandle, SessionId, SessionStore};

/// Whether the session of that id lives at `now`; its idle timeout starts anew.
///
/// A store says once that a session lived until now. Whoever checks one checks it here, or that word would be lost.
pub(in crate::domain) async fn check_told(
    sessions: &dyn SessionStore,
    audit: &dyn AuditSink,
    id: &SessionId,
    now: Timestamp,
) -> Result<Check, StoreError> {
    Ok(match sessions.check(id, now).await? {
        Check::JustEnded(reason, session) => {
            audit.record(AuditEvent {
                at: now,
                act: Act::SessionEnded {
                    session: SessionHandle::of(id),
                    owner: session.user_id,
                    org: session.org,
                    reason,
                },
                user_id: Some(session.user_id),
                user_name: Some(session.user_name),
                // Nobody asked for this end, so it has no client of its own.
                client: Client {
                    address: None,
                    agent: String::new(),
                    dialect: "server",
                    incident: String::new(),
                },
            });
            Check::Ended(reason)
        }
        found => found,
    })
}
