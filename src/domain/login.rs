//! THE DOOR: every dialect opens, closes and moves sessions here and nowhere else.
//!
//! Order of checks, written once: throttle → find the user (the same hashing work when there is none) →
//! verify (here or by LDAP) → account state → Org → open → audit. Unknown user, wrong password and disabled account are
//! one answer in words, status and time; which it was is in the audit trail only. The throttle comes
//! first so that guessing costs us no hashing; the Org comes after the password so that nobody
//! without one learns who belongs where.

mod bond;
mod error;
mod own;
mod password;
mod replaced;
mod sso;
mod switch;
mod verify;
mod web;

pub(in crate::domain) use bond::bond_of;
pub use error::LoginError;
pub use own::{Confirmed, FRESH, OwnSessions, OwnSessionsError, ProofNeeded};
pub use replaced::Replaced;
pub use sso::{Foreseen, ProviderAnswer};
pub use switch::SwitchError;
pub use web::{IDLE_SLACK, Shared};

use crate::domain::audit::{Act, AuditEvent, AuditSink, Client, Refusal};
use crate::domain::authn::{
    Authenticated, LdapAuth, OrgRefused, PasswordPool, RedeemError, Settler, TrustedAuth,
    choose_org,
};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::directory::{Directory, OrgId, User};
use crate::domain::failure::StoreError;
use crate::domain::login::verify::Realm;
use crate::domain::principal::Principal;
use crate::domain::random::Random;
use crate::domain::session::{
    BlockId, BlockIds, Check, EndReason, Lifetime, Method, Opening, Revocations, Session,
    SessionHandle, SessionId, SessionLimit, SessionNotes, SessionStore, check_told,
};
use crate::domain::sso::SingleSignOn;
use crate::domain::throttle::Throttle;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// The most of a `User-Agent` that is kept.
const AGENT_CHARS: usize = 200;

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub struct SessionPolicy {
    /// The longest pause between two uses.
    pub idle: Duration,
    /// The longest life.
    pub absolute: Duration,
    /// Both, for sessions the browser was asked to remember.
    pub remembered: Duration,
    /// How many one user may have at a time; none is any number.
    pub limit: Option<SessionLimit>,
}

impl SessionPolicy {
    const fn lifetime(&self, is_remembered: bool) -> Lifetime {
        if is_remembered {
            Lifetime {
                idle: self.remembered,
                absolute: self.remembered,
            }
        } else {
            Lifetime {
                idle: self.idle,
                absolute: self.absolute,
            }
        }
    }
}

/// What kind of session is wanted.
#[derive(Debug, Default)]
pub struct OpenRequest {
    /// In which Org; none means the user's last one.
    pub org: Option<OrgId>,
    /// Whether the browser shall keep it.
    pub is_remembered: bool,
    /// The session the same browser holds already: it ends when the new one opens.
    pub replaced: Option<Replaced>,
    /// The longest pause between two uses, where it is not the policy's.
    pub idle: Option<Duration>,
    /// Makes the id, where the client's is of 128 bits.
    pub ids: Option<Arc<BlockIds>>,
    /// What the dialect keeps with it.
    pub notes: SessionNotes,
}

/// An open session and its owner.
#[derive(Debug)]
pub struct Opened {
    /// Its id, for the session layer to hand out.
    pub id: SessionId,
    /// The id as its client carries it, where that is one of 128 bits.
    pub block: Option<BlockId>,
    /// The session.
    pub session: Session,
}

/// The door.
#[derive(Debug)]
pub struct Login {
    /// Users and Orgs.
    pub directory: Arc<dyn Directory>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Tokens of trusted authentication.
    pub trusted: Arc<TrustedAuth>,
    /// Where passwords are hashed.
    pub passwords: PasswordPool,
    /// Signing in by LDAP, when it is on.
    pub ldap: Option<LdapAuth>,
    /// Signing in at identity providers.
    pub sso: SingleSignOn,
    /// Ends everything of somebody who has lost an Org.
    pub revocations: Arc<dyn Revocations>,
    /// Makes users of those whom providers vouch for.
    pub settler: Settler,
    /// Attempt limits.
    pub throttle: Throttle,
    /// Where events go.
    pub audit: Arc<dyn AuditSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// How long sessions live.
    pub policy: SessionPolicy,
}

impl Login {
    /// Opens a session for a user name and password, judged where that user's password lives.
    pub async fn log_in(
        &self,
        username: &str,
        password: &SecretString,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let realm = Realm::Everybody;
        let result = self
            .open_by_password(username, password, realm, request, client)
            .await;
        self.audit_login(Method::Password, username, &result, client);
        result
    }

    /// The same for users of the LDAP directory only, those it makes users of included. A local user is refused in
    /// the words and the time of a wrong password, whatever the password.
    ///
    /// With LDAP off everybody is refused; a dialect that has a word for that asks [`Login::has_ldap`] first.
    pub async fn log_in_by_ldap(
        &self,
        username: &str,
        password: &SecretString,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let realm = Realm::LdapOnly;
        let result = self
            .open_by_password(username, password, realm, request, client)
            .await;
        self.audit_login(Method::Ldap, username, &result, client);
        result
    }

    async fn open_by_password(
        &self,
        username: &str,
        password: &SecretString,
        realm: Realm,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let (proof, bucket) = self.try_password(username, password, realm, client).await?;
        // At the same time, so that forgetting the failed attempts costs no round trip of its own.
        let (opened, ()) = tokio::join!(
            self.open(proof, request, client),
            self.throttle.succeeded(&bucket)
        );
        opened
    }

    /// Whether an LDAP directory judges passwords.
    pub const fn has_ldap(&self) -> bool {
        self.ldap.is_some()
    }

    /// Opens a session for a trusted token, which lives on as a Bearer and, unless it is good for one
    /// session only, for more of them.
    pub async fn redeem_token(
        &self,
        token: &str,
        username: Option<&str>,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let result = async {
            let proof = self.trusted.authenticate(token, username).await?;
            self.open(proof, request, client).await
        }
        .await;
        let name = username.unwrap_or_default();
        self.audit_login(Method::TrustedToken, name, &result, client);
        result
    }

    async fn open(
        &self,
        proof: Authenticated,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        if let (Some(bound), Some(wanted)) = (proof.org(), request.org)
            && bound != wanted
        {
            return Err(LoginError::OrgNotAllowed);
        }
        let user = proof.user();
        let wanted = proof.org().or(request.org);
        let org = choose_org(&*self.directory, user, wanted)
            .await
            .map_err(|refused| match (refused, wanted) {
                // Nobody asked for an Org: the account is what is wrong, as with one that is disabled.
                (OrgRefused::NotAllowed, None) => {
                    LoginError::BadCredentials(Refusal::OrgNotAllowed)
                }
                (refused, _) => refused.into(),
            })?;
        // Last of what can refuse a good token: an attempt that fails on its Org does not use it up. What
        // fails after it does: better a token minted anew than one that opened two sessions.
        if let Some(token) = proof.token().filter(|_| proof.is_spent_by_use()) {
            self.trusted.spend(token).await?;
        }
        let mut notes = request.notes;
        if proof.is_bound() {
            notes.orgs = vec![org];
        }
        let tag = self.trusted.tag(user.id);
        let block = request.ids.map(|ids| ids.fresh(tag, &*self.random));
        let id = match &block {
            Some(block) => block.session_id(),
            None => SessionId::fresh(tag, &*self.random),
        };
        let mut lifetime = self.policy.lifetime(request.is_remembered);
        lifetime.idle = request.idle.unwrap_or(lifetime.idle);
        if let Some(lineage) = proof.lineage() {
            let left = lineage.ends_at.since(proof.began_at());
            lifetime.absolute = lifetime.absolute.min(left);
            notes.origin = lineage.origin;
            notes.provider.clone_from(&lineage.provider);
        }
        let session = Session {
            user_id: user.id,
            user_name: user.name.clone(),
            org,
            method: proof.method(),
            key: proof.key(),
            access: proof.access(),
            attributes: proof.attributes().clone(),
            opened_at: proof.began_at(),
            last_seen_at: self.clock.now(),
            lifetime,
            is_remembered: request.is_remembered,
            address: client.address_text(),
            agent: client.agent.chars().take(AGENT_CHARS).collect(),
            notes,
        };
        // A delegate must not push out the very session whose fate it shares.
        let limit = self.policy.limit.filter(|_| session.notes.shares.is_none());
        let replaced = request.replaced.as_ref().and_then(|held| held.by(tag));
        let opening = self
            .sessions
            .open_within(&id, &session, replaced, limit)
            .await?;
        match opening {
            Opening::AtLimit => return Err(LoginError::TooManySessions),
            Opening::Opened { evicted } => {
                for gone in evicted {
                    self.audit_end(gone, EndReason::Evicted, &session, client.clone());
                }
            }
        }
        if let (Some(token), Some(_)) = (proof.token(), proof.lineage())
            && !self.trusted.is_good_still(token).await?
        {
            // Whoever ends what it came of meanwhile may have looked for sessions before this one was there.
            let (reason, at) = (EndReason::Revoked, self.clock.now());
            self.sessions.close(&id, reason, at).await?;
            return Err(RedeemError::Dead.into());
        }
        self.remember_org(user, org).await;
        Ok(Opened { id, block, session })
    }

    /// Whether the session of that id lives; its idle timeout starts anew.
    pub async fn check(&self, id: &SessionId) -> Result<Check, StoreError> {
        check_told(&*self.sessions, &*self.audit, id, self.clock.now()).await
    }

    fn audit_end(&self, handle: SessionHandle, reason: EndReason, of: &Session, client: Client) {
        self.audit.record(AuditEvent {
            at: self.clock.now(),
            act: Act::SessionEnded {
                session: handle,
                owner: of.user_id,
                org: of.org,
                reason,
            },
            user_id: Some(of.user_id),
            user_name: Some(of.user_name.clone()),
            client,
        });
    }

    /// Who bears a token.
    pub async fn bearer(&self, token: &str) -> Result<Principal, RedeemError> {
        self.trusted.bearer(token).await
    }

    /// Closes a session; false when it did not live.
    pub async fn log_out(&self, id: &SessionId, client: &Client) -> Result<bool, StoreError> {
        let at = self.clock.now();
        let reason = EndReason::Logout;
        let Some(session) = self.sessions.close(id, reason, at).await? else {
            return Ok(false);
        };
        self.audit.record(AuditEvent {
            at,
            act: Act::LoggedOut {
                org: session.org,
                reason,
            },
            user_id: Some(session.user_id),
            user_name: Some(session.user_name),
            client: client.clone(),
        });
        Ok(true)
    }

    /// The next login goes where this one went. A convenience: its failure fails nothing.
    async fn remember_org(&self, user: &User, org: OrgId) {
        if user.last_org == org {
            return;
        }
        if let Err(error) = self.directory.set_last_org(user.id, org).await {
            tracing::warn!(%error, user = %user.id, "the last Org was not remembered");
        }
    }

    fn audit_login(
        &self,
        method: Method,
        username: &str,
        result: &Result<Opened, LoginError>,
        client: &Client,
    ) {
        let opened = match result {
            Ok(opened) => opened,
            Err(error) => return self.audit_refused(method, username, error, client),
        };
        let session = &opened.session;
        self.audit.record(AuditEvent {
            at: self.clock.now(),
            act: Act::LoggedIn {
                method: session.method,
                org: session.org,
                key: session.key,
            },
            user_id: Some(session.user_id),
            user_name: Some(session.user_name.clone()).filter(|name| !name.is_empty()),
            client: client.clone(),
        });
    }

    fn audit_refused(&self, method: Method, username: &str, error: &LoginError, client: &Client) {
        let name: String = username.chars().take(AGENT_CHARS).collect();
        self.audit.record(AuditEvent {
            at: self.clock.now(),
            act: Act::LoginRefused {
                method,
                why: error.refusal(),
            },
            user_id: None,
            user_name: Some(name).filter(|name| !name.is_empty()),
            client: client.clone(),
        });
    }

    /// The current moment, for replies that tell it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
