//! The ways in that only the `MicroStrategy` dialect offers: guests, a proxy's word, API tokens, identity tokens.
//!
//! None of them can be guessed at, so none is throttled; each is audited under its own method.

use crate::domain::audit::{Client, Refusal};
use crate::domain::authn::{Authenticated, RedeemError};
use crate::domain::directory::{ADMINISTRATION, AccountStatus, NameKey, User, privileges_in};
use crate::domain::failure::StoreError;
use crate::domain::login::{Login, LoginError, OpenRequest, Opened};
use crate::domain::session::{Check, EndReason, Method, Session, SessionId, SessionNotes};
use std::time::Duration;

/// How long after its advertised idle timeout a session of this dialect still lives.
///
/// Clients count whole seconds and renew after the timeout, not before: ended to the second, sessions would
/// be over when they come. Contract decision 17 allows 1 s to 2 s; a store may take a use for up to 250 ms older.
pub const IDLE_SLACK: Duration = Duration::from_millis(1_500);

/// What a check of a session, and of the one whose fate it shares, found.
#[derive(Debug)]
pub enum Shared {
    /// It lives.
    Live {
        /// The session presented.
        own: Box<Session>,
        /// The one it shares its fate with.
        lender: Option<Box<Session>>,
    },
    /// It is over, or was never there; why, where that is known.
    Over(Option<EndReason>),
}

impl Login {
    /// Opens a session for the user of that name, whom nobody had to prove to be: the guest, or whom a trusted
    /// proxy names. The caller answers for that.
    pub async fn log_in_named(
        &self,
        method: Method,
        name: &str,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let result = async {
            let proof = self.find_named(method, name).await?;
            self.open(proof, request, client).await
        }
        .await;
        self.audit_login(method, name, &result, client);
        result
    }

    async fn find_named(&self, method: Method, name: &str) -> Result<Authenticated, LoginError> {
        let began_at = self.clock.now();
        let user = match NameKey::new(name) {
            Ok(key) => self.directory.find_user(&key).await?,
            Err(_) => None,
        };
        let refused = |why| Err(LoginError::BadCredentials(why));
        let Some(user) = user else {
            return refused(Refusal::UnknownUser);
        };
        if user.status != AccountStatus::Active {
            return refused(Refusal::UserDisabled);
        }
        // Anybody at all is a guest: a setting mistyped, or rights given later, must not make administrators of them.
        if method == Method::Guest && self.administers(&user).await? {
            return refused(Refusal::AdminElsewhere);
        }
        Ok(Authenticated::by(method, user, None, began_at))
    }

    /// Whether the user administers the server or, by a group, any Org.
    pub async fn administers(&self, user: &User) -> Result<bool, StoreError> {
        if user.is_admin {
            return Ok(true);
        }
        for org in self.directory.orgs_of(user.id).await? {
            let privileges = privileges_in(&*self.directory, user, org.id).await?;
            if privileges.contains(ADMINISTRATION) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens a session for an API token, which ends with the token.
    pub async fn log_in_by_api_token(
        &self,
        token: &str,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let result = async {
            let proof = self.trusted.by_api_token(token).await?;
            self.open(proof, request, client).await
        }
        .await;
        self.audit_login(Method::ApiToken, "", &result, client);
        result
    }

    /// Opens a session that shares the fate of the one an identity token stands for.
    ///
    /// Only the other one's idle timeout counts for it: whoever checks it must check both.
    pub async fn delegate(
        &self,
        identity_token: &str,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let result = self.open_delegated(identity_token, request, client).await;
        self.audit_login(Method::IdentityToken, "", &result, client);
        result
    }

    async fn open_delegated(
        &self,
        identity_token: &str,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let delegation = self.trusted.spend_identity(identity_token).await?;
        let Check::Live(shared) = self.check(&delegation.session).await? else {
            // It has just been signed out of.
            return Err(LoginError::Token(RedeemError::Dead));
        };
        let request = OpenRequest {
            org: Some(delegation.org),
            // The lender's clock is the one that counts.
            idle: Some(self.policy.absolute),
            notes: SessionNotes {
                shares: Some(delegation.session),
                ..shared.notes
            },
            ..request
        };
        self.open(delegation.proof, request, client).await
    }

    /// Whether a session lives and, if it shares another's fate, whether that one does. Both idle timeouts start anew.
    pub async fn check_shared(&self, id: &SessionId) -> Result<Shared, StoreError> {
        let own = match self.check(id).await? {
            Check::Live(own) => own,
            Check::Ended(reason) | Check::JustEnded(reason, _) => {
                return Ok(Shared::Over(Some(reason)));
            }
            Check::Unknown => return Ok(Shared::Over(None)),
        };
        let Some(lender) = &own.notes.shares else {
            return Ok(Shared::Live { own, lender: None });
        };
        let reason = match self.check(lender).await? {
            Check::Live(lender) => {
                let lender = Some(lender);
                return Ok(Shared::Live { own, lender });
            }
            Check::Ended(reason) | Check::JustEnded(reason, _) => reason,
            // Forgotten: it ended longer ago than anybody remembers why.
            Check::Unknown => EndReason::IdleTimeout,
        };
        self.sessions.close(id, reason, self.clock.now()).await?;
        Ok(Shared::Over(Some(reason)))
    }

    /// Closes a session and the one whose fate it shares; false when it did not live.
    pub async fn log_out_shared(
        &self,
        id: &SessionId,
        session: &Session,
        client: &Client,
    ) -> Result<bool, StoreError> {
        if let Some(lender) = &session.notes.shares {
            self.log_out(lender, client).await?;
        }
        self.log_out(id, client).await
    }
}
