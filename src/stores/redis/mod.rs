//! Sessions, tokens, revocations and attempts to sign in, kept in Redis and shared by any number of nodes.
//!
//! On one server, alone or the master that Sentinel names, every operation is one script or one command,
//! so one round trip. A check reads the session and all epochs it depends on in the same step, so nothing
//! can slip between them. In a Cluster it asks for the epochs of other slots at the same moment, and both
//! must answer; operations less frequent than a check take a step more. Keys and their lifetimes are in
//! `keys`, what the scripts do in `scripts/`, how outages are met in `line`, `sentinel` and `cluster`.
//!
//! A session that ended stays as a tombstone for an hour, and no operation but `open` with a fresh id
//! creates one: a slow request cannot bring anything back.
//!
//! Redis must not evict (`maxmemory-policy noeviction`): evicted epochs would be forgotten
//! revocations. Opening warns about any other policy.

mod cache;
mod call;
mod cluster;
mod counting;
mod dial;
mod diary;
mod ear;
mod epochs;
mod flows;
mod keys;
mod line;
mod link;
mod listing;
mod own;
mod own_tokens;
mod revocations;
mod sentinel;
mod sessions;
mod target;
mod throttle;
mod tokens;

pub use counting::COUNT_EVERY;

use crate::domain::clock::{MOST_BEHIND, Timestamp};
use crate::domain::failure::StoreError;
use crate::stores::codec::VERSION;
use crate::stores::redis::cache::Cache;
use crate::stores::redis::call::Call;
use crate::stores::redis::dial::Dial;
use crate::stores::redis::ear::Listening;
use crate::stores::redis::epochs::Epochs;
use crate::stores::redis::keys::Keys;
use crate::stores::redis::link::Link;
use ::redis::{InfoDict, Script};
use anyhow::anyhow;
use arc_swap::ArcSwap;
use secrecy::SecretString;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Which Redis, and where in it.
#[derive(Debug)]
pub struct RedisOptions {
    /// A URL that [`RedisAddress`](crate::settings::RedisAddress) takes apart; may hold a password.
    pub url: SecretString,
    /// Certificates to trust for `rediss://`, in PEM, in place of the public ones.
    pub ca_file: Option<PathBuf>,
    /// What every key begins with.
    pub key_prefix: String,
    /// How many replicas must have a write before it is acknowledged.
    pub wait_replicas: usize,
    /// Whether checks are answered from memory while nothing has changed.
    pub cache: bool,
    /// Who to be at sentinels, and the password there.
    pub sentinel_user: Option<String>,
    /// How long one answer may take: with all steps of an operation a caller hears within a quarter more.
    pub answer_within: Duration,
    /// The password at sentinels.
    pub sentinel_password: Option<SecretString>,
}

/// Sessions, tokens and revocations in Redis.
pub struct RedisStore {
    link: Link,
    keys: Keys,
    scripts: Scripts,
    known_epochs: ArcSwap<Epochs>,
    cache: Option<Arc<Cache>>,
    steps_within: Duration,
    live: AtomicU64,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects; [`StoreError::Unavailable`] soon when Redis is away.
    pub async fn open(options: RedisOptions) -> Result<Self, StoreError> {
        let mut dial = Dial::new(&options).await?;
        let keys = Keys::under(options.key_prefix);
        let cache = options.cache.then(Arc::<Cache>::default);
        dial.listening = cache.clone().map(|cache| Listening {
            channel: keys.changes().into(),
            cache,
        });
        let store = Self {
            link: Link::open(dial, options.wait_replicas).await?,
            keys,
            cache,
            scripts: Scripts::new(),
            known_epochs: ArcSwap::default(),
            // A little longer than one step, so that a step which gets no answer notices by itself and gives its
            // connection up.
            steps_within: options.answer_within * 6 / 5,
            live: AtomicU64::new(counting::UNKNOWN),
        };
        store.warn_about_eviction().await;
        Ok(store)
    }

    /// Connects as [`RedisStore::open`] does, and lets go again.
    pub async fn reach(options: &RedisOptions) -> Result<(), StoreError> {
        let dial = Dial::new(options).await?;
        Link::open(dial, options.wait_replicas).await.map(drop)
    }

    /// What Redis's clock reads: the truth that all nodes follow. In a Cluster it is that of one server, the one
    /// with the epochs.
    pub async fn store_time(&self) -> Result<Timestamp, StoreError> {
        let time = ::redis::cmd("TIME");
        let (seconds, micros): (u64, u64) = self.link.query(&self.keys.epochs(), &time).await?;
        Ok(Timestamp::from_millis(
            seconds.saturating_mul(1_000).saturating_add(micros / 1_000),
        ))
    }

    /// What the nodes agree that it is, and what Redis's clock reads. Time does not go back where that clock does, by up
    /// to `MOST_BEHIND`: every node's own clock ran on meanwhile, and `own` says how far; what the furthest has seen is
    /// kept, so that one that starts later takes up there.
    pub async fn agree_on_time(
        &self,
        own: Option<Timestamp>,
    ) -> Result<(Timestamp, Timestamp), StoreError> {
        let mut call = Call::look(&self.scripts.time);
        call.key(self.keys.latest_moment())
            .arg(own.unwrap_or_default().millis())
            .arg(u64::try_from(MOST_BEHIND.as_millis()).unwrap_or(u64::MAX));
        let reply: Reply = self.link.invoke(&call).await?;
        let moment = |at| number(&reply, at).map(Timestamp::from_millis);
        Ok((moment(1)?, moment(0)?))
    }

    /// Bounds what takes several steps: each alone has nearly as long as a whole operation may take.
    async fn bounded<T>(
        &self,
        steps: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let within = self.steps_within;
        let done = tokio::time::timeout(within, steps).await;
        done.unwrap_or_else(|_| {
            Err(StoreError::unavailable(anyhow!(
                "no answer from Redis within {within:?}"
            )))
        })
    }

    async fn warn_about_eviction(&self) {
        let mut ask = ::redis::cmd("INFO");
        ask.arg("memory");
        for server in self.link.servers() {
            // Managed servers may forbid it; then there is nothing to warn about.
            let Ok(info) = self.link.query_on::<InfoDict>(&server, &ask).await else {
                return;
            };
            let policy: Option<String> = info.get("maxmemory_policy");
            if let Some(policy) = policy
                && policy != "noeviction"
            {
                tracing::warn!(
                    policy,
                    "Redis may evict keys, and with them revocations; set maxmemory-policy to noeviction"
                );
            }
        }
    }
}

struct Scripts {
    open: Script,
    describe: Script,
    check: Script,
    end: Script,
    set_org: Script,
    put_token: Script,
    own_token: Script,
    mark_ended: Script,
    find_token: Script,
    spend_token: Script,
    revoke_token: Script,
    revoke: Script,
    admit: Script,
    take_back: Script,
    count: Script,
    epochs: Script,
    shorten_token: Script,
    swap_latest: Script,
    keep: Script,
    look: Script,
    time: Script,
}

macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(
            include_str!("scripts/common.lua"),
            include_str!(concat!("scripts/", $file))
        ))
    };
}

impl Scripts {
    fn new() -> Self {
        Self {
            open: script!("open.lua"),
            describe: script!("describe.lua"),
            check: Script::new(concat!(
                include_str!("scripts/check_live.lua"),
                include_str!("scripts/common.lua"),
                include_str!("scripts/check.lua")
            )),
            end: script!("end.lua"),
            set_org: script!("set_org.lua"),
            put_token: script!("put_token.lua"),
            own_token: script!("own_token.lua"),
            mark_ended: script!("mark_ended.lua"),
            find_token: script!("find_token.lua"),
            spend_token: script!("spend_token.lua"),
            revoke_token: script!("revoke_token.lua"),
            revoke: script!("revoke.lua"),
            admit: script!("admit.lua"),
            take_back: script!("take_back.lua"),
            count: script!("count.lua"),
            epochs: script!("epochs.lua"),
            shorten_token: script!("shorten_token.lua"),
            swap_latest: script!("swap_latest.lua"),
            keep: script!("keep.lua"),
            look: script!("look.lua"),
            time: script!("time.lua"),
        }
    }
}

/// A script's answer: a word, then what belongs to it.
type Reply = Vec<Vec<u8>>;

/// The answer's word and a way to its other parts.
fn word(reply: &Reply) -> &[u8] {
    reply.first().map_or(b"".as_slice(), Vec::as_slice)
}

fn part(reply: &Reply, at: usize) -> Result<&[u8], StoreError> {
    reply
        .get(at)
        .map(Vec::as_slice)
        .ok_or_else(|| StoreError::corrupt(anyhow!("a script answered too little")))
}

fn number<T: std::str::FromStr>(reply: &Reply, at: usize) -> Result<T, StoreError> {
    std::str::from_utf8(part(reply, at)?)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| StoreError::corrupt(anyhow!("a number is damaged")))
}

/// The error an answer stands for that no operation expects.
fn unexpected(reply: &Reply) -> StoreError {
    StoreError::corrupt(match word(reply) {
        b"version" => anyhow!("record of a later version; this program knows {VERSION}"),
        b"damaged" => anyhow!("fields of the record are missing or damaged"),
        b"taken" => anyhow!("the id is taken"),
        _ => anyhow!("a script answered something unknown"),
    })
}
