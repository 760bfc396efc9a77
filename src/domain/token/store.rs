//! What every store of tokens promises.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId, UserId};
use crate::domain::failure::StoreError;
use crate::domain::session::{SessionHandle, SessionId, UserTag};
use crate::domain::token::{
    Access, Attributes, EndedFamily, Family, Lineage, Presented, TokenDigest,
};
use async_trait::async_trait;
use std::fmt;

/// What a token is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To be shown as a Bearer, or traded for a session.
    #[default]
    Access,
    /// To be traded, once, for a new pair of tokens; good for nothing else.
    Refresh,
    /// To be traded, once, for a session that shares the fate of another; good for nothing else.
    Identity,
}

/// What a token grants. Kept by the server; the token itself says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRecord {
    /// Who it signs in.
    pub user_id: UserId,
    /// The user's tag, for revocations.
    pub user_tag: UserTag,
    /// The user's name as the directory has it.
    pub user_name: String,
    /// The name as the caller wrote it when the token was minted.
    pub minted_for: String,
    /// The Org it is good for.
    pub org: OrgId,
    /// Whether it came from a session that is good for some Orgs only: nothing that comes of it may leave its own.
    pub is_bound: bool,
    /// Everything, or one object only.
    pub access: Access,
    /// What it is for.
    pub purpose: Purpose,
    /// The session it stands for, when it is for [`Purpose::Identity`].
    pub session: Option<SessionId>,
    /// Attributes it brings.
    pub attributes: Attributes,
    /// The secret key that minted it, if one did.
    pub key: Option<KeyId>,
    /// When minting *began*: a revocation that lands meanwhile wins.
    pub minted_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// What it inherits, when its owner was signed in and minted it for themselves.
    pub lineage: Option<Box<Lineage>>,
}

impl TokenRecord {
    /// When it was minted, as replies tell it.
    pub fn created_at(&self) -> Timestamp {
        let lineage = self.lineage.as_ref();
        lineage.map_or(self.minted_at, |lineage| lineage.created_at)
    }

    /// Whether its owner minted it, and no holder of a secret key.
    pub const fn is_own(&self) -> bool {
        self.key.is_none() || self.lineage.is_some()
    }

    /// What it is counted with, where its owner minted it.
    pub fn family(&self) -> Option<Family> {
        let inherited = self.lineage.as_ref().and_then(|lineage| {
            let origin = lineage.origin.as_ref().map(Family::of_session);
            origin.or(lineage.root)
        });
        let lent = || {
            let session = self.session.as_ref().map(SessionHandle::of);
            session.as_ref().map(Family::of_session)
        };
        self.is_own()
            .then(|| inherited.or_else(lent).unwrap_or(Family::BY_PASSWORD))
    }
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq)]
pub enum FoundToken {
    /// It is good; the record's `expires_at` is the effective one, supersession counted in.
    Live(Box<TokenRecord>),
    /// It has expired, was superseded more than the grace ago, or was revoked.
    Dead,
    /// Nothing is known of it (any longer).
    Unknown,
}

/// What putting a token came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Putting {
    /// It is good.
    Stands,
    /// It is not: what it came of was ended meanwhile.
    Ended,
    /// It is not: the user has as many as may be, of which the first ends by itself at that moment.
    TooMany(Timestamp),
}

/// What spending a token came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// It is spent now, and was not before.
    First,
    /// It was spent before.
    Again,
    /// It is not good, or unknown.
    NotGood,
}

/// Where tokens are kept, under the digest of their id.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Keeps a new token.
    ///
    /// With `supersedes`, the token minted before it under the same secret key (with this flag) now
    /// ends no later than `minted_at` plus the grace; older ones already do.
    ///
    /// Of more than [`MOST_OF_A_FAMILY`](crate::domain::token::MOST_OF_A_FAMILY) of one family the one that would end
    /// first is forgotten; beyond [`MOST_OWN_TOKENS`](crate::domain::token::MOST_OWN_TOKENS) that one user minted
    /// there is no more. One of a family that [`end_families`](TokenStore::end_families) named of late stands only where
    /// what was presented for it goes on or came later: whatever else happens at the same moment on any node, it is
    /// either listed before and so ended, or does not stand.
    async fn put_for(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        supersedes: bool,
        presented: Presented,
    ) -> Result<Putting, StoreError>;

    /// The same for nothing that could have come of anything.
    async fn put(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        supersedes: bool,
    ) -> Result<Putting, StoreError> {
        let presented = Presented::default();
        self.put_for(digest, record, supersedes, presented).await
    }

    /// Remembers for [`ENDED_FOR`](crate::domain::token::ENDED_FOR) that those families of the user's end at `now`, so
    /// that what is under way does not outlive them. Comes before their tokens are listed; ends none by itself.
    async fn end_families(
        &self,
        tag: UserTag,
        families: &[EndedFamily],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Whether that family ended of late, and what was presented neither goes on nor came later.
    async fn has_ended(
        &self,
        tag: UserTag,
        family: Family,
        presented: Presented,
    ) -> Result<bool, StoreError>;

    /// Looks a token up. Dead at `now` when expired, superseded too long ago, or revoked
    /// (its own revocation, or the epoch of its user, Org, key or everybody).
    async fn find(&self, digest: &TokenDigest, now: Timestamp) -> Result<FoundToken, StoreError>;

    /// Marks a token that lives at `now` as having opened its session; of any number of callers, on any
    /// nodes, one hears [`Spending::First`]. An acknowledged one survives a crash; `find` does not mind.
    async fn spend(&self, digest: &TokenDigest, now: Timestamp) -> Result<Spending, StoreError>;

    /// The tokens that live at `now` of those the user of that tag minted, in no order; none of a secret key's.
    async fn list_own(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Result<Vec<(TokenDigest, TokenRecord)>, StoreError>;

    /// Ends one token for good; false when nothing was known of it.
    async fn revoke_token(&self, digest: &TokenDigest) -> Result<bool, StoreError>;
}
