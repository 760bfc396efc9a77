//! A user's own sessions: looking at them, and ending some of them once it is sure who asks.
//!
//! Whoever finds an unlocked screen must not sign its owner out everywhere, so ending takes proof anew: the
//! password where there is one, judged by the door like any other; for those whom something else signs in, a
//! session that is fresh, and of an identity provider one for which it had them prove who they are.

use crate::domain::audit::{Act, AuditEvent, Client};
use crate::domain::directory::{AccountType, OrgId, User};
use crate::domain::failure::{Failure, StoreError, Unauthenticated};
use crate::domain::login::{Login, LoginError};
use crate::domain::principal::{Principal, Via};
use crate::domain::session::{EndReason, Ending, SessionHandle, SessionSummary};
use crate::domain::token::Access;
use secrecy::SecretString;
use std::time::Duration;

/// How long having signed in is proof enough, for users without a password.
pub const FRESH: Duration = Duration::from_mins(5);

/// The sessions of whoever is signed in.
#[derive(Debug)]
pub struct OwnSessions {
    /// The one that asks.
    pub this: SessionHandle,
    /// All of them, it included, the last used first.
    pub sessions: Vec<SessionSummary>,
}

/// What somebody has to show before a session of theirs is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofNeeded {
    /// Their password.
    Password,
    /// Nothing but the session they have: it is fresh.
    Nothing,
    /// A new session: this one is too old, or came of no question, and there is no password to ask for.
    FreshSession,
}

/// That the owner of a session has just proved who they are; only the door makes one.
#[derive(Debug)]
pub struct Confirmed(());

/// Why somebody's own sessions were not shown or not ended.
#[derive(Debug, thiserror::Error)]
pub enum OwnSessionsError {
    /// Not by a session, or by one that is limited to an object.
    #[error("this takes a session of one's own, limited to no object")]
    NotBySession,
    /// The password was not right, or could not be judged.
    #[error("the password was not accepted: {0}")]
    NotConfirmed(#[source] LoginError),
    /// There is no password to ask for, and the session is not fresh.
    #[error("signed in too long ago, or without being asked")]
    NotFresh,
    /// No session of theirs, or none any longer.
    #[error("there is no such session of this user")]
    NoSuchSession,
    /// The session that asks: it signs out instead.
    #[error("this is the session that asks")]
    ThisSession,
    /// The user was deleted meanwhile.
    #[error("the user is gone")]
    UserGone,
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<&OwnSessionsError> for Failure {
    fn from(error: &OwnSessionsError) -> Self {
        match error {
            OwnSessionsError::NotBySession => Self::forbidden(
                "this takes a session by cookie that is limited to no object; a token has no sessions of its own",
            ),
            // Not a 401: the session that asks lives on.
            OwnSessionsError::NotConfirmed(LoginError::BadCredentials(_)) => {
                Self::forbidden("the password is wrong")
            }
            OwnSessionsError::NotConfirmed(error) => error.into(),
            OwnSessionsError::NotFresh => Self::forbidden(
                "this user has no password here and signed in too long ago; sign out and in again (at an identity provider with forceAuthn=true), then do it within 5 minutes",
            ),
            OwnSessionsError::NoSuchSession => Self::NotFound {
                what: "a session of yours by that id".to_owned(),
            },
            OwnSessionsError::ThisSession => Self::Conflict {
                reason: "this is the session you are using; sign out instead".to_owned(),
            },
            OwnSessionsError::UserGone => Self::Unauthenticated(Unauthenticated::DeadSession),
            OwnSessionsError::Store(error) => error.into(),
        }
    }
}

impl Login {
    /// The sessions of whoever is signed in, as far as what they presented reaches.
    pub async fn own_sessions(&self, who: &Principal) -> Result<OwnSessions, OwnSessionsError> {
        let this = own_handle(who)?;
        let tag = self.trusted.tag(who.user_id);
        let mut sessions = self.sessions.list(tag, self.clock.now()).await?;
        let reach = self.reach(who).await?;
        // A tag is a short digest: two users may share one.
        sessions.retain(|one| {
            let is_theirs = one.session.user_id == who.user_id;
            let org = one.session.org;
            is_theirs && (one.handle == this || (reach.includes(org) && who.may_reach(org)))
        });
        sessions.sort_by_key(|one| {
            let seen = std::cmp::Reverse(one.session.last_seen_at);
            (one.handle != this, seen, one.handle)
        });
        Ok(OwnSessions { this, sessions })
    }

    /// What whoever is signed in has to show before a session of theirs is ended.
    pub async fn proof_needed(&self, who: &Principal) -> Result<ProofNeeded, OwnSessionsError> {
        own_handle(who)?;
        let user = self.owner(who).await?;
        if self.has_password(&user).await? {
            return Ok(ProofNeeded::Password);
        }
        // A provider that remembers people signs in whoever sits at the unlocked screen.
        // And a token that an older session minted opens a new one as often as its holder likes.
        let is_direct = who.origin.is_none();
        let counts = is_direct && (who.provider.is_none() || who.is_proven_at_provider());
        Ok(if counts && self.clock.now().since(who.began_at) <= FRESH {
            ProofNeeded::Nothing
        } else {
            ProofNeeded::FreshSession
        })
    }

    /// Has whoever is signed in prove it anew: throttled as a login is, and audited when it fails.
    pub async fn confirm_owner(
        &self,
        who: &Principal,
        password: &SecretString,
        client: &Client,
    ) -> Result<Confirmed, OwnSessionsError> {
        match self.proof_needed(who).await? {
            ProofNeeded::Nothing => return Ok(Confirmed(())),
            ProofNeeded::FreshSession => return Err(OwnSessionsError::NotFresh),
            ProofNeeded::Password => {}
        }
        let name = self.owner(who).await?.name;
        let proof = self
            .confirm_password(&name, password, client)
            .await
            .map_err(OwnSessionsError::NotConfirmed)?;
        // Deleted and made anew under the same name between the two: another person.
        if proof.user().id != who.user_id {
            return Err(OwnSessionsError::UserGone);
        }
        Ok(Confirmed(()))
    }

    /// Ends another session of whoever is signed in. Somebody else's is as if it were not there.
    pub async fn end_own_session(
        &self,
        who: &Principal,
        handle: &SessionHandle,
        _: &Confirmed,
        client: &Client,
    ) -> Result<(), OwnSessionsError> {
        let own = self.own_sessions(who).await?;
        if *handle == own.this {
            return Err(OwnSessionsError::ThisSession);
        }
        let is_own = own.sessions.iter().any(|one| one.handle == *handle);
        if is_own {
            let ended = self.end_own(who, own.this, &[*handle], client).await?;
            if ended.contains(handle) {
                return Ok(());
            }
        }
        Err(OwnSessionsError::NoSuchSession)
    }

    /// Ends every session of whoever is signed in but the one that asks, and says how many. With them end the tokens
    /// minted in them and what those opened. Tokens of secret keys live on, and those of the session that asks unless
    /// it came of one that ends, or one of those of it: then nobody could say which of the family's are its alone.
    pub async fn end_other_sessions(
        &self,
        who: &Principal,
        _: &Confirmed,
        client: &Client,
    ) -> Result<usize, OwnSessionsError> {
        let own = self.own_sessions(who).await?;
        let others = own.sessions.iter().map(|one| one.handle);
        let others: Vec<_> = others.filter(|handle| *handle != own.this).collect();
        let ended = self.end_own(who, own.this, &others, client).await?;
        Ok(ended.len())
    }

    /// Ends those sessions with what came of them, and says which lived.
    async fn end_own(
        &self,
        who: &Principal,
        this: SessionHandle,
        named: &[SessionHandle],
        client: &Client,
    ) -> Result<Vec<SessionHandle>, StoreError> {
        let ending = Ending {
            sessions: &*self.sessions,
            tokens: self.trusted.tokens(),
            tag: this.tag(),
            kept: Some(this),
            reason: EndReason::EndedByOwner,
            at: self.clock.now(),
            clock: &*self.clock,
        };
        let mut ended = Vec::new();
        let mut tell = |one: SessionSummary| {
            self.audit.record(AuditEvent {
                at: ending.at,
                act: Act::SessionEnded {
                    session: one.handle,
                    owner: who.user_id,
                    org: one.session.org,
                    reason: ending.reason,
                },
                user_id: Some(who.user_id),
                user_name: Some(who.user_name.clone()),
                client: client.clone(),
            });
            ended.push(one.handle);
        };
        ending.end(named, &mut tell).await?;
        Ok(ended)
    }

    async fn owner(&self, who: &Principal) -> Result<User, OwnSessionsError> {
        let user = self.directory.find_user_by_id(who.user_id).await?;
        user.ok_or(OwnSessionsError::UserGone)
    }

    async fn has_password(&self, user: &User) -> Result<bool, StoreError> {
        Ok(match user.account_type {
            AccountType::Local => self.directory.password_hash(user.id).await?.is_some(),
            AccountType::Ldap => self.has_ldap(),
            // One left over from before does not count at the door either.
            AccountType::Saml | AccountType::Oidc => false,
        })
    }

    /// A key that is good for one Org must not show what its users do in others.
    async fn reach(&self, who: &Principal) -> Result<Reach, StoreError> {
        let Some(id) = who.secret_key() else {
            return Ok(Reach::Everywhere);
        };
        let keys = self.directory.list_keys().await?;
        let key = keys.iter().find(|key| key.id == id);
        Ok(match key.map(|key| key.org) {
            Some(None) => Reach::Everywhere,
            Some(Some(org)) => Reach::Org(org),
            None => Reach::Nowhere,
        })
    }
}

/// Whose sessions of one's own are in reach, by the Org they work in.
enum Reach {
    Everywhere,
    Org(OrgId),
    Nowhere,
}

impl Reach {
    fn includes(&self, org: OrgId) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Org(own) => *own == org,
            Self::Nowhere => false,
        }
    }
}

fn own_handle(who: &Principal) -> Result<SessionHandle, OwnSessionsError> {
    match &who.via {
        Via::Session(id) if who.access == Access::Full => Ok(SessionHandle::of(id)),
        Via::Session(_) | Via::Bearer => Err(OwnSessionsError::NotBySession),
    }
}
