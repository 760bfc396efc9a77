//! The acts of an administrator: one place for the command line, the console and the admin APIs.
//!
//! Acts that take something away write first and revoke after: from the write on nobody can sign in
//! anew, and the revocation, dated after the write, ends whatever began before it.

mod accounts;
mod api_tokens;
mod bootstrap;
mod error;
mod groups;
mod import;
mod keys;
mod manager;
mod orgs;
mod providers;
mod relocation;
mod scope;
mod search;
mod security;
mod sessions;
mod trusted;
mod users;
mod web_settings;

pub use bootstrap::{ADMINISTRATOR, Bootstrapped};
pub use error::AdminError;
pub use import::{ImportOptions, ImportReport, ImportRow, SkippedRow};
pub use manager::{AccountEdit, GroupEdit, Manager, NewAccount, OrgEdit, RevokeWish};
pub use relocation::CopyStep;
pub use scope::{AdminScope, BEYOND_ORG, Denied};
pub use search::{GroupSearch, MAX_FOUND, UserSearch};
pub use security::{SecuritySettings, normal_hosts, normal_origins};
pub use sessions::SessionFilter;
pub use trusted::TrustedStatus;
pub use users::{MembershipDraft, NewUser, UserDetails};
pub use web_settings::{WebLimits, WebSettings};

use crate::domain::audit::{Act, AuditEvent, AuditSink, Client};
use crate::domain::authn::{KeyHasher, KeySealer, PasswordPool};
use crate::domain::clock::Clock;
use crate::domain::directory::{Directory, Org, OrgId, User, UserId, check_text};
use crate::domain::random;
use crate::domain::random::Random;
use crate::domain::session::{
    EndReason, NotEnded, Revocations, RevokeScope, SessionStore, UserTag, end_everything,
};
use crate::domain::token::TokenStore;
use secrecy::{ExposeSecret, SecretSlice};
use std::sync::Arc;

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    /// From where.
    pub client: Client,
    /// The signed-in user, when there is one: id and name.
    pub user: Option<(UserId, String)>,
}

impl Actor {
    /// The operator at the machine itself, whom the file system let in.
    pub fn operator(random: &dyn Random) -> Self {
        Self {
            client: Client {
                address: None,
                agent: "vestibule".to_owned(),
                dialect: "operator",
                incident: random::uuid(random).simple().to_string(),
            },
            user: None,
        }
    }

    /// A signed-in administrator.
    pub fn user(user: &User, client: Client) -> Self {
        Self {
            client,
            user: Some((user.id, user.name.clone())),
        }
    }
}

/// What [`Administration`] is built from.
#[derive(Debug)]
pub struct AdministrationParts {
    /// Users, Orgs and keys.
    pub directory: Arc<dyn Directory>,
    /// Sessions, to be looked at and ended one by one.
    pub sessions: Arc<dyn SessionStore>,
    /// Tokens, which end with the session that minted them.
    pub tokens: Arc<dyn TokenStore>,
    /// Ends sessions and tokens.
    pub revocations: Arc<dyn Revocations>,
    /// Hashes passwords.
    pub passwords: PasswordPool,
    /// Digests secret keys.
    pub keys: Arc<KeyHasher>,
    /// Seals secret keys for keeping.
    pub sealer: KeySealer,
    /// Where events go.
    pub audit: Arc<dyn AuditSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The key of user tags.
    pub tag_key: SecretSlice<u8>,
}

/// Changes the directory on behalf of an administrator and ends what must not outlive the change.
#[derive(Debug)]
pub struct Administration {
    directory: Arc<dyn Directory>,
    sessions: Arc<dyn SessionStore>,
    tokens: Arc<dyn TokenStore>,
    revocations: Arc<dyn Revocations>,
    passwords: PasswordPool,
    keys: Arc<KeyHasher>,
    sealer: KeySealer,
    audit: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tag_key: SecretSlice<u8>,
}

impl Administration {
    /// Puts the parts together.
    pub fn new(parts: AdministrationParts) -> Self {
        Self {
            directory: parts.directory,
            sessions: parts.sessions,
            tokens: parts.tokens,
            revocations: parts.revocations,
            passwords: parts.passwords,
            keys: parts.keys,
            sealer: parts.sealer,
            audit: parts.audit,
            clock: parts.clock,
            random: parts.random,
            tag_key: parts.tag_key,
        }
    }

    /// The operator at the machine itself, with a fresh incident id.
    pub fn operator(&self) -> Actor {
        Actor::operator(&*self.random)
    }

    /// The Org called by number or by name. A number that is an Org's wins over a name made of digits.
    pub async fn require_org(&self, number_or_name: &str) -> Result<Org, AdminError> {
        if let Ok(id) = number_or_name.parse()
            && let Some(org) = self.directory.find_org(OrgId(id)).await?
        {
            return Ok(org);
        }
        let missing = || AdminError::missing("Org", number_or_name);
        let key =
            crate::domain::directory::NameKey::new(number_or_name).map_err(|_bad| missing())?;
        self.directory
            .find_org_by_name(&key)
            .await?
            .ok_or_else(missing)
    }

    fn changed(&self, what: &'static str, target: impl Into<String>, by: &Actor) {
        let target = target.into();
        self.record(Act::DirectoryChanged { what, target }, by);
    }

    fn record(&self, act: Act, by: &Actor) {
        let (user_id, user_name) = by.user.clone().unzip();
        self.audit.record(AuditEvent {
            at: self.clock.now(),
            act,
            user_id,
            user_name,
            client: by.client.clone(),
        });
    }

    /// Ends every session and token of one user, API token included.
    pub async fn end_sessions_of(&self, user: UserId, by: &Actor) -> Result<(), AdminError> {
        self.revoke(self.user_scope(user), by).await
    }

    /// Ends every session and token there is, the caller's own included.
    pub async fn end_all_sessions(&self, by: &Actor) -> Result<(), AdminError> {
        self.revoke(RevokeScope::All, by).await
    }

    /// Ends everything in scope. Called after the write: the moment is taken now, so that an attempt
    /// which read the directory before the write began no later than the revocation, and loses.
    async fn revoke(&self, scope: RevokeScope, by: &Actor) -> Result<(), AdminError> {
        self.revoke_for(scope, EndReason::Revoked, by).await
    }

    /// The same, and says to whoever held one of them why.
    async fn revoke_for(
        &self,
        scope: RevokeScope,
        reason: EndReason,
        by: &Actor,
    ) -> Result<(), AdminError> {
        let (tokens, clock) = (&*self.directory, &*self.clock);
        end_everything(tokens, &*self.revocations, clock, scope, reason)
            .await
            .map_err(|error| match error {
                NotEnded::ApiTokens(error) => AdminError::Store(error),
                NotEnded::Sessions(error) => AdminError::NotRevoked(error),
            })?;
        self.record(Act::Revoked { scope, reason }, by);
        Ok(())
    }

    fn user_scope(&self, id: UserId) -> RevokeScope {
        RevokeScope::User(id, UserTag::of(id, self.tag_key.expose_secret()))
    }
}

/// A text for people, such as a label.
fn checked_text(field: &'static str, text: &str) -> Result<(), AdminError> {
    check_text(text).map_err(|error| AdminError::field(field, error.to_string()))
}
