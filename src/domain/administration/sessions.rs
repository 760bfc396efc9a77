//! Sessions: looking at them, and ending one, several or all.

use crate::domain::administration::{Actor, AdminError, Administration};
use crate::domain::audit::Act;
use crate::domain::directory::{KeyId, OrgId, User, UserId};
use crate::domain::session::{
    EndReason, RevokeScope, Session, SessionHandle, SessionSummary, UserTag,
};
use secrecy::ExposeSecret;
use std::collections::HashSet;

/// Which sessions a listing is about; nothing chosen is everybody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Only of this user.
    pub user: Option<UserId>,
    /// Only those that work in this Org.
    pub org: Option<OrgId>,
    /// Only those behind which this secret key stands.
    pub key: Option<KeyId>,
}

impl SessionFilter {
    fn takes(&self, session: &Session) -> bool {
        self.org.is_none_or(|org| session.org == org)
            && self.key.is_none_or(|key| session.key == Some(key))
    }
}

impl Administration {
    /// The user of that name.
    pub async fn user_called(&self, name: &str) -> Result<User, AdminError> {
        self.require_user(name).await
    }

    /// The secret key with that id.
    pub async fn key_called(&self, id: &str) -> Result<KeyId, AdminError> {
        let keys = self.directory.list_keys().await?;
        let known = |wanted| keys.iter().any(|key| key.id == KeyId(wanted));
        id.parse()
            .ok()
            .filter(|wanted| known(*wanted))
            .map(KeyId)
            .ok_or_else(|| AdminError::missing("key", id))
    }

    /// Tells every live session that the filter takes, each once. One user's come the oldest first.
    ///
    /// Without a user it walks through everybody's, in steps that let others work in between.
    pub async fn each_session(
        &self,
        filter: SessionFilter,
        mut tell: impl FnMut(SessionSummary) + Send,
    ) -> Result<(), AdminError> {
        let now = self.clock.now();
        if let Some(user) = filter.user {
            for summary in self.sessions.list(self.tag(user), now).await? {
                if filter.takes(&summary.session) {
                    tell(summary);
                }
            }
            return Ok(());
        }
        let mut told = HashSet::new();
        let mut from = None;
        loop {
            let page = self.sessions.list_all(from, now).await?;
            for summary in page.sessions {
                if filter.takes(&summary.session) && told.insert(summary.handle) {
                    tell(summary);
                }
            }
            let Some(next) = page.next else {
                return Ok(());
            };
            from = Some(next);
        }
    }

    /// Ends one session, and says what it was.
    pub async fn end_session(
        &self,
        handle: &SessionHandle,
        by: &Actor,
    ) -> Result<Session, AdminError> {
        let ended = self.close(handle, by).await?;
        ended.ok_or_else(|| AdminError::missing("session", &handle.to_string()))
    }

    /// Ends every session of a user but one, and says how many. Their tokens live on; what they open from now
    /// on is not touched.
    pub async fn end_other_sessions_of(
        &self,
        user: UserId,
        kept: &SessionHandle,
        by: &Actor,
    ) -> Result<usize, AdminError> {
        let now = self.clock.now();
        let sessions = self.sessions.list(self.tag(user), now).await?;
        // A slip in the id must not end the session that was to stay.
        if !sessions.iter().any(|one| one.handle == *kept) {
            return Err(AdminError::missing("session", &kept.to_string()));
        }
        let mut ended = 0;
        for one in sessions.iter().filter(|one| one.handle != *kept) {
            ended += usize::from(self.close(&one.handle, by).await?.is_some());
        }
        Ok(ended)
    }

    /// Ends every session in an Org, and every token for it.
    pub async fn end_sessions_in(&self, org: OrgId, by: &Actor) -> Result<(), AdminError> {
        self.revoke(RevokeScope::Org(org), by).await
    }

    /// Ends every session and token behind a secret key, which may mint new ones.
    pub async fn end_sessions_by(&self, key: KeyId, by: &Actor) -> Result<(), AdminError> {
        self.revoke(RevokeScope::Key(key), by).await
    }

    async fn close(
        &self,
        handle: &SessionHandle,
        by: &Actor,
    ) -> Result<Option<Session>, AdminError> {
        let reason = EndReason::Revoked;
        let now = self.clock.now();
        let ended = self.sessions.close_by_handle(handle, reason, now).await?;
        if let Some(session) = &ended {
            let act = Act::SessionEnded {
                session: *handle,
                owner: session.user_id,
                org: session.org,
                reason,
            };
            self.record(act, by);
        }
        Ok(ended)
    }

    fn tag(&self, user: UserId) -> UserTag {
        UserTag::of(user, self.tag_key.expose_secret())
    }
}
