//! The stores once more, with every operation timed: who watches is told, and nothing else changes.

use crate::domain::authn::{KeyDigest, PasswordHash};
use crate::domain::clock::{Stopwatch, Timestamp};
use crate::domain::directory::{
    AccountStatus, ApiToken, ApiTokens, Content, Directory, DirectoryError, Group, GroupDraft,
    GroupId, KeyId, Keys, LastAdministrator, Liveboard, MembershipChange, NameKey, Org, OrgId,
    Orgs, Provision, SavedSettings, SecretKey, ServerSecrets, User, UserChange, UserDraft, UserId,
    UserQuery, Users,
};
use crate::domain::failure::StoreError;
use crate::domain::session::{
    Check, EndReason, Opening, Revocations, RevokeScope, Session, SessionHandle, SessionId,
    SessionLimit, SessionPage, SessionStore, SessionSummary, UserTag,
};
use crate::domain::spans::SPANS;
use crate::domain::sso::{FlowDigest, FlowStore};
use crate::domain::throttle::{Admission, Bucket, ThrottleStore};
use crate::domain::token::{
    EndedFamily, Family, FoundToken, Presented, Putting, Spending, TokenDigest, TokenRecord,
    TokenStore,
};
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// How an operation ended, in one word of a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The store answered; "not there", "exists already" and "takes no change now" are answers.
    Answered,
    /// The store was away.
    Unavailable,
    /// The store answered something unreadable.
    Corrupt,
}

impl Outcome {
    /// The word used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "ok",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
        }
    }

    const fn of_error(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Unwritten(_) => Self::Unavailable,
            StoreError::Corrupt(_) | StoreError::OtherVersion(_) => Self::Corrupt,
            // It is well and says so.
            StoreError::ReadOnly(_) => Self::Answered,
        }
    }
}

/// Whoever wants to know what stores do.
pub trait StoreObserver: fmt::Debug + Send + Sync {
    /// An operation ended. Both names are from this file, so there is only a handful of each.
    fn done(&self, store: &'static str, operation: &'static str, outcome: Outcome, took: Duration);
    /// A session was looked at: `live`, `unknown`, or why it is over.
    fn checked(&self, found: &'static str);
}

/// A store whose operations are timed.
#[derive(Debug)]
pub struct Measured<T: ?Sized> {
    inner: Arc<T>,
    observer: Arc<dyn StoreObserver>,
}

impl<T: ?Sized> Measured<T> {
    /// Times what `inner` does.
    pub const fn new(inner: Arc<T>, observer: Arc<dyn StoreObserver>) -> Self {
        Self { inner, observer }
    }
}

/// What an operation's result says of the store.
trait Told {
    fn outcome(&self) -> Outcome;
}

impl<T> Told for Result<T, StoreError> {
    fn outcome(&self) -> Outcome {
        self.as_ref()
            .map_or_else(Outcome::of_error, |_| Outcome::Answered)
    }
}

impl<T> Told for Result<T, DirectoryError> {
    fn outcome(&self) -> Outcome {
        match self {
            Err(DirectoryError::Store(error)) => Outcome::of_error(error),
            _ => Outcome::Answered,
        }
    }
}

/// An operation's name in metrics: its own, unless another is given.
macro_rules! word {
    ($operation:ident) => {
        stringify!($operation)
    };
    ($operation:ident $word:literal) => {
        $word
    };
}

/// The span of an operation, for traces. It has no argument of the operation in it: those name users.
macro_rules! span {
    ($store:expr, $word:expr) => {
        tracing::info_span!(
            target: SPANS,
            "store",
            otel.name = concat!($store, ".", $word),
            otel.status_code = Empty,
            vestibule.result = Empty,
        )
    };
}

fn tell(span: &Span, outcome: Outcome) {
    if !span.is_disabled() {
        span.record("vestibule.result", outcome.as_str());
        if outcome != Outcome::Answered {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// Implements a trait by timing each of its operations, listed with its signature; what is in braces is taken as it is.
macro_rules! measured {
    ($trait:ident of $inner:ident as $store:literal { $($as_it_is:tt)* } $(
        $operation:ident $(as $word:literal)? ($($name:ident: $type:ty),*) -> $result:ty;
    )+) => {
        #[async_trait]
        impl $trait for Measured<dyn $inner> {
            $(async fn $operation(&self, $($name: $type),*) -> $result {
                let word = word!($operation $($word)?);
                let span = span!($store, word!($operation $($word)?));
                let began = Stopwatch::start();
                let result = self.inner.$operation($($name),*).instrument(span.clone()).await;
                let outcome = result.outcome();
                tell(&span, outcome);
                self.observer.done($store, word, outcome, began.elapsed());
                result
            })+
            $($as_it_is)*
        }
    };
}

measured! { SessionStore of SessionStore as "sessions" {
        async fn check(&self, id: &SessionId, now: Timestamp) -> Result<Check, StoreError> {
            let span = span!("sessions", "check");
            let began = Stopwatch::start();
            let result = self.inner.check(id, now).instrument(span.clone()).await;
            let outcome = result.outcome();
            tell(&span, outcome);
            self.observer
                .done("sessions", "check", outcome, began.elapsed());
            self.observer.checked(match &result {
                Ok(Check::Live(_)) => "live",
                Ok(Check::JustEnded(reason, _) | Check::Ended(reason)) => reason.as_str(),
                Ok(Check::Unknown) => "unknown",
                Err(_) => "error",
            });
            result
        }
    }
    open_within as "open" (id: &SessionId, session: &Session, replaced: Option<&SessionId>, limit: Option<SessionLimit>) -> Result<Opening, StoreError>;
    open(id: &SessionId, session: &Session, replaced: Option<&SessionId>) -> Result<(), StoreError>;
    set_org(id: &SessionId, org: OrgId) -> Result<bool, StoreError>;
    close(id: &SessionId, reason: EndReason, now: Timestamp) -> Result<Option<Session>, StoreError>;
    close_by_handle(handle: &SessionHandle, reason: EndReason, now: Timestamp) -> Result<Option<Session>, StoreError>;
    list(tag: UserTag, now: Timestamp) -> Result<Vec<SessionSummary>, StoreError>;
    list_all(from: Option<u64>, now: Timestamp) -> Result<SessionPage, StoreError>;
    ping() -> Result<(), StoreError>;
}

measured! { Revocations of Revocations as "sessions" {}
    revoke_for as "revoke" (scope: RevokeScope, reason: EndReason, at: Timestamp) -> Result<(), StoreError>;
    revoke(scope: RevokeScope, at: Timestamp) -> Result<(), StoreError>;
}

measured! { TokenStore of TokenStore as "tokens" {}
    put_for as "put" (digest: &TokenDigest, record: &TokenRecord, supersedes: bool, presented: Presented) -> Result<Putting, StoreError>;
    put(digest: &TokenDigest, record: &TokenRecord, supersedes: bool) -> Result<Putting, StoreError>;
    end_families(tag: UserTag, families: &[EndedFamily], now: Timestamp) -> Result<(), StoreError>;
    has_ended(tag: UserTag, family: Family, presented: Presented) -> Result<bool, StoreError>;
    find(digest: &TokenDigest, now: Timestamp) -> Result<FoundToken, StoreError>;
    spend(digest: &TokenDigest, now: Timestamp) -> Result<Spending, StoreError>;
    list_own(tag: UserTag, now: Timestamp) -> Result<Vec<(TokenDigest, TokenRecord)>, StoreError>;
    revoke_token(digest: &TokenDigest) -> Result<bool, StoreError>;
}

measured! { ThrottleStore of ThrottleStore as "attempts" {}
    admit(bucket: &Bucket, now: Timestamp) -> Result<Admission, StoreError>;
    take_back(bucket: &Bucket) -> Result<(), StoreError>;
    count(bucket: &Bucket, until: Timestamp, now: Timestamp) -> Result<u64, StoreError>;
    forget(bucket: &Bucket) -> Result<(), StoreError>;
}

measured! { FlowStore of FlowStore as "flows" {}
    keep_new(under: &FlowDigest, text: &str, until: Timestamp, now: Timestamp) -> Result<bool, StoreError>;
    put(under: &FlowDigest, text: &str, until: Timestamp, now: Timestamp) -> Result<(), StoreError>;
    look(under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError>;
    take(under: &FlowDigest, now: Timestamp) -> Result<Option<String>, StoreError>;
}

measured! { Users of Directory as "directory" {}
    find_user(name: &NameKey) -> Result<Option<User>, StoreError>;
    find_user_by_id(id: UserId) -> Result<Option<User>, StoreError>;
    password_hash(id: UserId) -> Result<Option<PasswordHash>, StoreError>;
    list_users(after: Option<&NameKey>, limit: u32) -> Result<Vec<User>, StoreError>;
    has_administrator(other: Option<UserId>) -> Result<bool, StoreError>;
    search_users(query: &UserQuery) -> Result<Vec<User>, StoreError>;
    members_among(org: OrgId, names: &[NameKey], ids: &[UserId]) -> Result<Vec<(User, u64)>, StoreError>;
    members_of(group: GroupId) -> Result<Vec<User>, StoreError>;
    create_user(draft: &UserDraft) -> Result<User, DirectoryError>;
    update_user(id: UserId, change: &UserChange) -> Result<User, DirectoryError>;
    change_memberships(id: UserId, change: &MembershipChange) -> Result<User, DirectoryError>;
    set_password(id: UserId, hash: Option<&PasswordHash>) -> Result<(), StoreError>;
    upgrade_password(id: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, StoreError>;
    set_status(id: UserId, status: AccountStatus, last: LastAdministrator) -> Result<(), DirectoryError>;
    delete_user(id: UserId) -> Result<bool, StoreError>;
    set_last_org(id: UserId, org: OrgId) -> Result<(), StoreError>;
    provision(request: &Provision) -> Result<User, DirectoryError>;
    orgs_of(id: UserId) -> Result<Vec<Org>, StoreError>;
    groups_of(id: UserId, org: OrgId) -> Result<Vec<Group>, StoreError>;
}

measured! { Orgs of Directory as "directory" {}
    find_org(id: OrgId) -> Result<Option<Org>, StoreError>;
    find_org_by_name(name: &NameKey) -> Result<Option<Org>, StoreError>;
    list_orgs() -> Result<Vec<Org>, StoreError>;
    create_org(org: &Org) -> Result<(), DirectoryError>;
    update_org(org: &Org) -> Result<(), DirectoryError>;
    delete_org(id: OrgId) -> Result<bool, DirectoryError>;
    find_group_by_id(id: GroupId) -> Result<Option<Group>, StoreError>;
    find_group(org: OrgId, name: &NameKey) -> Result<Option<Group>, StoreError>;
    list_groups(org: OrgId) -> Result<Vec<Group>, StoreError>;
    create_group(draft: &GroupDraft) -> Result<Group, DirectoryError>;
    update_group(group: &Group) -> Result<(), DirectoryError>;
    delete_group(id: GroupId) -> Result<bool, StoreError>;
}

measured! { Keys of Directory as "directory" {}
    find_key(digest: &KeyDigest) -> Result<Option<SecretKey>, StoreError>;
    list_keys() -> Result<Vec<SecretKey>, StoreError>;
    create_key(key: &SecretKey, digest: &KeyDigest, sealed: Option<&str>) -> Result<(), DirectoryError>;
    sealed_key(id: KeyId) -> Result<Option<String>, StoreError>;
    retire_key(id: KeyId, at: Timestamp) -> Result<bool, StoreError>;
    touch_key(id: KeyId, at: Timestamp) -> Result<(), StoreError>;
}

measured! { ApiTokens of Directory as "directory" {}
    find_api_token(digest: &KeyDigest) -> Result<Option<ApiToken>, StoreError>;
    api_token_of(user: UserId) -> Result<Option<ApiToken>, StoreError>;
    replace_api_token(token: &ApiToken, digest: &KeyDigest) -> Result<Option<ApiToken>, DirectoryError>;
    delete_api_token(user: UserId) -> Result<Option<ApiToken>, StoreError>;
    delete_api_tokens() -> Result<(), StoreError>;
}

measured! { Content of Directory as "directory" {}
    find_liveboard(id: Uuid) -> Result<Option<Liveboard>, StoreError>;
    put_liveboard(liveboard: &Liveboard) -> Result<(), StoreError>;
}

measured! { ServerSecrets of Directory as "directory" {}
    secret_or_insert(name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError>;
}

measured! { SavedSettings of Directory as "directory" {}
    get(name: &str) -> Result<Option<String>, StoreError>;
    set(name: &str, value: &str) -> Result<(), StoreError>;
    replace(name: &str, expected: Option<&str>, value: Option<&str>) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    /// What the measured traits are written in.
    const TRAITS: [&str; 5] = [
        include_str!("../domain/session/store.rs"),
        include_str!("../domain/token/store.rs"),
        include_str!("../domain/throttle/store.rs"),
        include_str!("../domain/sso/store.rs"),
        include_str!("../domain/directory/mod.rs"),
    ];

    #[test]
    fn every_operation_is_passed_on_provided_ones_too() {
        let listed = include_str!("measured.rs");
        let after = |text: &'static str, word| text.split(word).skip(1);
        let name = |rest: &'static str| rest.split('(').next().unwrap_or_default();
        let mut seen = 0;
        for text in TRAITS {
            for operation in after(text, "async fn ").map(name) {
                // A provided operation that is missing here compiles, and runs past the store's own and the clock.
                let is_listed = listed.contains(&format!("\n    {operation}("))
                    || listed.contains(&format!("\n    {operation} as "));
                let is_written = listed.contains(&format!("async fn {operation}("));
                assert!(is_listed || is_written, "{operation}");
                seen += 1;
            }
        }
        assert!(seen > 40, "{seen} operations");
    }
}
