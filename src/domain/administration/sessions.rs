//! Sessions: looking at them, and ending one, several or all.

use crate::domain::administration::{Actor, AdminError, Administration};
use crate::domain::audit::Act;
use crate::domain::directory::{KeyId, OrgId, User, UserId};
use crate::domain::session::{
    EndReason, Ending, RevokeScope, Session, SessionHandle, SessionSummary, UserTag,
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
            // A store in memory never waits, and a million sessions take long: whoever hears of these and everybody
            // else on this thread has a turn in between.
            tokio::task::yield_now().await;
        }
    }

    /// Ends one session with the tokens minted in it and what they opened, and says what it was.
    pub async fn end_session(
        &self,
        handle: &SessionHandle,
        by: &Actor,
    ) -> Result<Session, AdminError> {
        let ended = self.close(&[*handle], None, by).await?;
        let named = ended.into_iter().find(|one| one.handle == *handle);
        let named = named.map(|one| one.session);
        named.ok_or_else(|| AdminError::missing("session", &handle.to_string()))
    }

    /// Ends every session of a user but one, and says how many. With them end the tokens minted in them; those of the
    /// kept one, unless it is of the family of one that ends, and of secret keys live on. What opens from now on is not touched.
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
        let others = sessions.iter().map(|one| one.handle);
        let others: Vec<_> = others.filter(|handle| handle != kept).collect();
        let ended = self.close(&others, Some(*kept), by).await?;
        Ok(ended.len())
    }

    /// Ends every session in an Org, and every token for it.
    pub async fn end_sessions_in(&self, org: OrgId, by: &Actor) -> Result<(), AdminError> {
        self.revoke(RevokeScope::Org(org), by).await
    }

    /// Ends every session and token behind a secret key, which may mint new ones.
    pub async fn end_sessions_by(&self, key: KeyId, by: &Actor) -> Result<(), AdminError> {
        self.revoke(RevokeScope::Key(key), by).await
    }

    /// Ends one user's sessions with what came of them, and says which lived.
    async fn close(
        &self,
        named: &[SessionHandle],
        kept: Option<SessionHandle>,
        by: &Actor,
    ) -> Result<Vec<SessionSummary>, AdminError> {
        let mut ended = Vec::new();
        let Some(first) = named.first() else {
            return Ok(ended);
        };
        let ending = Ending {
            sessions: &*self.sessions,
            tokens: &*self.tokens,
            tag: first.tag(),
            kept,
            reason: EndReason::Revoked,
            at: self.clock.now(),
            clock: &*self.clock,
        };
        let mut tell = |one: SessionSummary| {
            let act = Act::SessionEnded {
                session: one.handle,
                owner: one.session.user_id,
                org: one.session.org,
                reason: ending.reason,
            };
            self.record(act, by);
            ended.push(one);
        };
        ending.end(named, &mut tell).await?;
        Ok(ended)
    }

    fn tag(&self, user: UserId) -> UserTag {
        UserTag::of(user, self.tag_key.expose_secret())
    }
}
