//! Sessions, tokens, revocations and attempts to sign in, kept in Redis and shared by any number of nodes.
//!
//! Every operation is one script or one command, so one round trip. A check reads the session and
//! all epochs it depends on in the same step, so nothing can slip between them. Keys and their
//! lifetimes are in `keys`, what the scripts do in `scripts/`, how outages are met in `link`.
//!
//! A session that ended stays as a tombstone for an hour, and no operation but `open` with a fresh id
//! creates one: a slow request cannot bring anything back.
//!
//! Redis must not evict (`maxmemory-policy noeviction`): evicted epochs would be forgotten
//! revocations. Opening warns about any other policy.

mod keys;
mod link;
mod listing;
mod revocations;
mod sessions;
mod throttle;
mod tokens;

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::stores::codec::VERSION;
use crate::stores::redis::keys::Keys;
use crate::stores::redis::link::Link;
use ::redis::{Client, InfoDict, Script, TlsCertificates};
use anyhow::{Context, anyhow};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::PathBuf;

/// Which Redis, and where in it.
#[derive(Debug)]
pub struct RedisOptions {
    /// `redis://…` or `rediss://…`; may hold a password.
    pub url: SecretString,
    /// Certificates to trust for `rediss://`, in PEM, in place of the public ones.
    pub ca_file: Option<PathBuf>,
    /// What every key begins with.
    pub key_prefix: String,
}

/// Sessions, tokens and revocations in Redis.
pub struct RedisStore {
    link: Link,
    keys: Keys,
    scripts: Scripts,
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
        let client = client(&options).await?;
        let store = Self {
            link: Link::open(client).await?,
            keys: Keys::under(options.key_prefix),
            scripts: Scripts::new(),
        };
        store.warn_about_eviction().await;
        Ok(store)
    }

    /// What Redis's clock reads: the truth that all nodes follow.
    pub async fn store_time(&self) -> Result<Timestamp, StoreError> {
        let (seconds, micros): (u64, u64) = self.link.query(&::redis::cmd("TIME")).await?;
        Ok(Timestamp::from_millis(
            seconds.saturating_mul(1_000).saturating_add(micros / 1_000),
        ))
    }

    async fn warn_about_eviction(&self) {
        let mut ask = ::redis::cmd("INFO");
        ask.arg("memory");
        // Managed servers may forbid it; then there is nothing to warn about.
        let Ok(info) = self.link.query::<InfoDict>(&ask).await else {
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

async fn client(options: &RedisOptions) -> Result<Client, StoreError> {
    let url = options.url.expose_secret();
    // The crate's messages do not quote the URL, which may hold the password; ours must not either.
    let Some(file) = &options.ca_file else {
        return Client::open(url)
            .context("the address of Redis cannot be used")
            .map_err(StoreError::Unavailable);
    };
    let root = tokio::fs::read(file)
        .await
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(StoreError::Unavailable)?;
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root),
    };
    Client::build_with_tls(url, certificates)
        .with_context(|| {
            format!(
                "Redis cannot be reached with the certificates in {}",
                file.display()
            )
        })
        .map_err(StoreError::Unavailable)
}

struct Scripts {
    open: Script,
    describe: Script,
    check: Script,
    end: Script,
    set_org: Script,
    put_token: Script,
    find_token: Script,
    spend_token: Script,
    revoke_token: Script,
    revoke: Script,
    admit: Script,
    take_back: Script,
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
            check: script!("check.lua"),
            end: script!("end.lua"),
            set_org: script!("set_org.lua"),
            put_token: script!("put_token.lua"),
            find_token: script!("find_token.lua"),
            spend_token: script!("spend_token.lua"),
            revoke_token: script!("revoke_token.lua"),
            revoke: script!("revoke.lua"),
            admit: script!("admit.lua"),
            take_back: script!("take_back.lua"),
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
