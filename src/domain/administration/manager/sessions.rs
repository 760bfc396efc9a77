//! Sessions, within a scope: looking at them, and ending one, a user's, an Org's, a key's or everybody's.

use crate::domain::administration::manager::Manager;
use crate::domain::administration::{AdminError, AdminScope, Denied, SessionFilter};
use crate::domain::session::{SessionHandle, SessionSummary};

const FOREIGN_SESSION: Denied = Denied("no session of your Org is called that");

/// Whose sessions end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeWish {
    /// One, by its handle.
    One(String),
    /// A user's, by GUID or name, with their tokens.
    User(String),
    /// All in an Org, by number or name, with the tokens for it.
    Org(String),
    /// All behind a secret key, by its id, with its tokens.
    Key(String),
    /// Everybody's, the administrator's own included.
    Everybody,
}

impl Manager<'_> {
    /// The filter for what is called so, judged: an administrator of one Org sees what works in that Org.
    pub async fn session_filter(
        &self,
        user: Option<&str>,
        org: Option<&str>,
        key: Option<&str>,
    ) -> Result<SessionFilter, AdminError> {
        let user = match user {
            Some(called) => Some(self.seen_user(called).await?),
            None => None,
        };
        let org = match org {
            Some(called) => self.orgs_called(&[called.to_owned()]).await?.pop(),
            None => None,
        };
        let key = match key {
            Some(id) => {
                self.scope.require_server()?;
                Some(self.administration.key_called(id).await?)
            }
            None => None,
        };
        let org = match self.scope {
            AdminScope::Server => org,
            AdminScope::Org(own) => Some(own),
        };
        Ok(SessionFilter { user, org, key })
    }

    /// Tells every live session that a filter of [`Manager::session_filter`] takes.
    pub async fn each_session(
        &self,
        filter: SessionFilter,
        tell: impl FnMut(SessionSummary) + Send,
    ) -> Result<(), AdminError> {
        self.administration.each_session(filter, tell).await
    }

    /// Ends what was wished for.
    pub async fn revoke(&self, wish: &RevokeWish) -> Result<(), AdminError> {
        let administration = self.administration;
        match wish {
            RevokeWish::One(handle) => self.end_one(handle).await,
            RevokeWish::User(called) => self.end_sessions(Some(std::slice::from_ref(called))).await,
            RevokeWish::Org(called) => {
                let org = self.require_org(called).await?;
                administration.end_sessions_in(org.id, &self.by).await
            }
            RevokeWish::Key(id) => {
                self.scope.require_server()?;
                let key = administration.key_called(id).await?;
                administration.end_sessions_by(key, &self.by).await
            }
            RevokeWish::Everybody => self.end_sessions(None).await,
        }
    }

    /// Ends a user's sessions but one, and says how many.
    pub async fn end_other_sessions(&self, called: &str, kept: &str) -> Result<usize, AdminError> {
        let user = self.account(called).await?;
        let kept =
            SessionHandle::parse(kept).ok_or_else(|| AdminError::missing("session", kept))?;
        self.administration
            .end_other_sessions_of(user.id, &kept, &self.by)
            .await
    }

    async fn end_one(&self, called: &str) -> Result<(), AdminError> {
        let no_such = || self.no_such("session", called, FOREIGN_SESSION.0);
        let handle = SessionHandle::parse(called).ok_or_else(no_such)?;
        let administration = self.administration;
        if let AdminScope::Org(own) = self.scope {
            let now = administration.clock.now();
            let of_owner = administration.sessions.list(handle.tag(), now).await?;
            let found = of_owner.into_iter().find(|one| one.handle == handle);
            let session = found.ok_or_else(no_such)?.session;
            if session.org != own {
                return Err(no_such());
            }
            self.account(&session.user_id.to_string()).await?;
        }
        let ended = administration.end_session(&handle, &self.by).await;
        ended.map(drop)
    }

    /// A user who may be looked at.
    async fn seen_user(
        &self,
        called: &str,
    ) -> Result<crate::domain::directory::UserId, AdminError> {
        let (details, _) = self.user_details(called).await?;
        Ok(details.user.id)
    }
}
