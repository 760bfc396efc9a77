//! Trusted authentication: an app that holds a secret key vouches for its users, and gets tokens for them.

mod api_token;
mod identity;
mod issue;
mod request;
mod rules;

pub use api_token::fresh_api_token;
pub use identity::Delegation;

pub use request::{IssueError, IssueRequest, Issued, Persist, Validity, Voucher};

use crate::domain::audit::{Act, AuditEvent, AuditSink, Client, Refusal};
use crate::domain::authn::{Authenticated, KeyHasher};
use crate::domain::clock::Clock;
use crate::domain::directory::{AccountStatus, Directory, OrgId, UserId};
use crate::domain::failure::{Failure, StoreError, Unauthenticated};
use crate::domain::principal::Principal;
use crate::domain::random::Random;
use crate::domain::session::{Method, SessionStore, UserTag};
use crate::domain::token::{
    FoundToken, Presented, Purpose, Spending, TokenDigest, TokenLifetime, TokenMint, TokenRecord,
    TokenReuse, TokenStore,
};
use arc_swap::ArcSwap;
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How trusted authentication behaves.
#[derive(Clone, Copy, Debug)]
pub struct TrustedPolicy {
    /// How long tokens live when the request does not say.
    pub lifetime: TokenLifetime,
    /// How long a token lives at most.
    pub max_age: Duration,
    /// How many sessions one token opens.
    pub reuse: TokenReuse,
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// Not ours, or forgotten.
    #[error("unknown token")]
    Unknown,
    /// Expired, superseded or revoked.
    #[error("dead token")]
    Dead,
    /// It has opened the one session it may open.
    #[error("the token has been used already")]
    Spent,
    /// Minted for someone else than the user name beside it.
    #[error("the token is another user's")]
    OfOther,
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RedeemError {
    /// The word for the audit trail.
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Unknown => Refusal::UnknownToken,
            Self::Dead => Refusal::DeadToken,
            Self::Spent => Refusal::SpentToken,
            Self::OfOther => Refusal::TokenOfOther,
            Self::Store(_) => Refusal::Unavailable,
        }
    }
}

impl From<&RedeemError> for Failure {
    fn from(error: &RedeemError) -> Self {
        match error {
            RedeemError::Unknown | RedeemError::Dead | RedeemError::OfOther => {
                Self::Unauthenticated(Unauthenticated::DeadToken)
            }
            RedeemError::Spent => Self::Unauthenticated(Unauthenticated::SpentToken),
            RedeemError::Store(error) => error.into(),
        }
    }
}

/// Issues and recognises trusted tokens.
#[derive(Debug)]
pub struct TrustedAuth {
    directory: Arc<dyn Directory>,
    tokens: Arc<dyn TokenStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    mint: TokenMint,
    keys: Arc<KeyHasher>,
    tag_key: SecretSlice<u8>,
    policy: TrustedPolicy,
    is_enabled: AtomicBool,
    /// Orgs whose own keys mint nothing for now.
    orgs_off: ArcSwap<BTreeSet<OrgId>>,
}

/// What [`TrustedAuth`] is built from.
#[derive(Debug)]
pub struct TrustedParts {
    /// Users, Orgs and keys.
    pub directory: Arc<dyn Directory>,
    /// Where tokens are kept.
    pub tokens: Arc<dyn TokenStore>,
    /// Where the sessions are kept that mint some.
    pub sessions: Arc<dyn SessionStore>,
    /// Where events go.
    pub audit: Arc<dyn AuditSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Makes and recognises token texts.
    pub mint: TokenMint,
    /// Digests presented keys.
    pub keys: Arc<KeyHasher>,
    /// The key of user tags.
    pub tag_key: SecretSlice<u8>,
    /// How it behaves.
    pub policy: TrustedPolicy,
    /// Whether keys may mint at all.
    pub is_enabled: bool,
}

impl TrustedAuth {
    /// Puts the parts together.
    pub fn new(parts: TrustedParts) -> Self {
        Self {
            directory: parts.directory,
            tokens: parts.tokens,
            sessions: parts.sessions,
            audit: parts.audit,
            clock: parts.clock,
            random: parts.random,
            mint: parts.mint,
            keys: parts.keys,
            tag_key: parts.tag_key,
            policy: parts.policy,
            is_enabled: AtomicBool::new(parts.is_enabled),
            orgs_off: ArcSwap::default(),
        }
    }

    /// The tag of a user's sessions and tokens.
    pub fn tag(&self, user: UserId) -> UserTag {
        UserTag::of(user, self.tag_key.expose_secret())
    }

    /// Switches minting by secret key on or off, and off for the keys of single Orgs, on this node.
    pub fn switch(&self, is_enabled: bool, orgs_off: BTreeSet<OrgId>) {
        self.is_enabled.store(is_enabled, Ordering::Relaxed);
        self.orgs_off.store(Arc::new(orgs_off));
    }

    /// Whether keys mint at all.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Relaxed)
    }

    /// Where the tokens are kept, for those who end what came of a session.
    pub(in crate::domain) fn tokens(&self) -> &dyn TokenStore {
        &*self.tokens
    }

    /// Ends one token for good. `record` is what [`TrustedAuth::recognise`] said of it.
    pub async fn revoke(
        &self,
        text: &str,
        record: &TokenRecord,
        client: &Client,
    ) -> Result<(), RedeemError> {
        let digest = self.mint.recognise(text).ok_or(RedeemError::Unknown)?;
        if !self.tokens.revoke_token(&digest).await? {
            return Err(RedeemError::Unknown);
        }
        self.audit.record(AuditEvent {
            at: self.clock.now(),
            act: Act::TokenRevoked,
            user_id: Some(record.user_id),
            user_name: Some(record.user_name.clone()),
            client: client.clone(),
        });
        Ok(())
    }

    /// What a token grants, if it is good now. A refresh token grants nothing by itself.
    pub async fn recognise(&self, text: &str) -> Result<TokenRecord, RedeemError> {
        self.find_access(text).await.map(|(_, record)| record)
    }

    /// Who bears a token, if it is good now.
    pub async fn bearer(&self, text: &str) -> Result<Principal, RedeemError> {
        let (digest, record) = self.find_access(text).await?;
        Ok(Principal::of_token(&digest, record))
    }

    async fn find_access(&self, text: &str) -> Result<(TokenDigest, TokenRecord), RedeemError> {
        let (digest, record) = self.find(text).await?;
        match record.purpose {
            Purpose::Access => Ok((digest, record)),
            Purpose::Refresh | Purpose::Identity => Err(RedeemError::Unknown),
        }
    }

    async fn find(&self, text: &str) -> Result<(TokenDigest, TokenRecord), RedeemError> {
        let digest = self.mint.recognise(text).ok_or(RedeemError::Unknown)?;
        match self.tokens.find(&digest, self.clock.now()).await? {
            FoundToken::Live(record) => Ok((digest, *record)),
            FoundToken::Dead => Err(RedeemError::Dead),
            FoundToken::Unknown => Err(RedeemError::Unknown),
        }
    }

    /// Trades in a refresh token of the caller's own: it is dead from here on, whatever follows.
    pub async fn spend_refresh(
        &self,
        text: &str,
        who: &Principal,
    ) -> Result<Principal, RedeemError> {
        let (digest, record) = self.find(text).await?;
        if record.purpose != Purpose::Refresh {
            return Err(RedeemError::Unknown);
        }
        if record.user_id != who.user_id {
            return Err(RedeemError::OfOther);
        }
        if !self.tokens.revoke_token(&digest).await? {
            return Err(RedeemError::Dead);
        }
        Ok(Principal::of_token(&digest, record))
    }

    /// Authenticates by token. A user name beside it must be the one it was minted for.
    pub async fn authenticate(
        &self,
        text: &str,
        username: Option<&str>,
    ) -> Result<Authenticated, RedeemError> {
        let began_at = self.clock.now();
        let (digest, record) = self.find(text).await?;
        if record.purpose != Purpose::Access {
            return Err(RedeemError::Unknown);
        }
        if let Some(name) = username
            && name != record.minted_for
            && name != record.user_name
        {
            return Err(RedeemError::OfOther);
        }
        let is_spent_by_use = self.policy.reuse == TokenReuse::Once;
        // A Bearer stays good when it is spent: what it mints must not open the session it may not open itself.
        let is_by_bearer = record.lineage.as_ref().is_some_and(|of| of.is_by_bearer);
        if is_spent_by_use && is_by_bearer {
            return Err(RedeemError::Spent);
        }
        let user = self
            .directory
            .find_user_by_id(record.user_id)
            .await?
            .filter(|user| user.status == AccountStatus::Active)
            .ok_or(RedeemError::Dead)?;
        Ok(Authenticated {
            user,
            method: Method::TrustedToken,
            org: Some(record.org),
            is_bound: record.is_bound,
            key: record.key,
            access: record.access,
            attributes: record.attributes,
            token: Some(digest),
            is_spent_by_use,
            lineage: record.lineage,
            began_at,
        })
    }

    /// Whether a token is good still, and nobody has just begun to end what it came of.
    pub(in crate::domain) async fn is_good_still(
        &self,
        token: &TokenDigest,
    ) -> Result<bool, StoreError> {
        let found = self.tokens.find(token, self.clock.now()).await?;
        let FoundToken::Live(record) = found else {
            return Ok(false);
        };
        let Some(family) = record.family() else {
            return Ok(true);
        };
        let presented = Presented {
            session: None,
            since: record.created_at(),
        };
        let ended = self.tokens.has_ended(record.user_tag, family, presented);
        ended.await.map(|ended| !ended)
    }

    /// Uses a token up for a session: of any number of attempts one gets through.
    pub(in crate::domain) async fn spend(&self, token: &TokenDigest) -> Result<(), RedeemError> {
        match self.tokens.spend(token, self.clock.now()).await? {
            Spending::First => Ok(()),
            Spending::Again => Err(RedeemError::Spent),
            Spending::NotGood => Err(RedeemError::Dead),
        }
    }
}
