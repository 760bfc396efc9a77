//! Where it is kept: implementations of the domain's store traits, chosen by the settings.

pub mod codec;
pub mod embedded;
#[cfg(feature = "ldap")]
pub mod ldap;
pub mod measured;
pub mod redis;
pub mod sql;

use crate::domain::authn::DirectoryServer;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::directory::{Directory, DirectoryCopier, ServerSecrets};
use crate::domain::failure::StoreError;
use crate::domain::session::{Revocations, SessionStore};
use crate::domain::sso::FlowStore;
use crate::domain::throttle::ThrottleStore;
use crate::domain::token::TokenStore;
use crate::settings::{DirectoryStoreSetting, RedisAddress, SessionStoreSetting, Settings};
use crate::stores::embedded::{AttemptCounts, EmbeddedStore};
use crate::stores::measured::{Measured, StoreObserver};
use crate::stores::redis::{COUNT_EVERY, RedisOptions, RedisStore};
use crate::stores::sql::{PostgresOptions, Relocation, SqlDirectory, copied_before};
use anyhow::{Context, anyhow};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;

/// The embedded directory, in the data folder.
pub const DIRECTORY_FILE: &str = "directory.db";
/// The embedded sessions, beside it.
pub const SESSIONS_FILE: &str = "sessions.db";

/// Every store, by what it is used for.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Users, groups, Orgs, keys, content.
    pub directory: Arc<dyn Directory>,
    /// Copies the directory to another database, where the settings name one.
    pub copier: Option<Arc<dyn DirectoryCopier>>,
    /// The server's own secrets.
    pub secrets: Arc<dyn ServerSecrets>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Tokens.
    pub tokens: Arc<dyn TokenStore>,
    /// Ends many sessions and tokens at once.
    pub revocations: Arc<dyn Revocations>,
    /// Who judges passwords besides us, when somebody does.
    pub ldap: Option<Arc<dyn DirectoryServer>>,
    /// Attempts to sign in.
    pub throttle: Arc<dyn ThrottleStore>,
    /// Sign-ins under way at identity providers.
    pub flows: Arc<dyn FlowStore>,
    kept: Kept,
}

/// The session store once more, as what it is.
#[derive(Clone, Debug)]
enum Kept {
    Embedded(Arc<EmbeddedStore>),
    Redis(Arc<RedisStore>),
}

/// Opens what the settings name.
pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Stores> {
    let ldap = open_ldap(settings)?;
    match &settings.sessions.store {
        SessionStoreSetting::Embedded => {
            let file = settings.data_dir.join(SESSIONS_FILE);
            let sessions = async {
                let store = EmbeddedStore::open(&file, clock).await;
                store.map_err(|error| anyhow!("the session store: {}", error.why()))
            };
            // Side by side: each reads its file through before anybody depends on it.
            let (directory, store) = tokio::try_join!(directory(settings), sessions)?;
            let secrets = Arc::clone(&directory) as Arc<dyn ServerSecrets>;
            let copier = copier(settings, &directory)?;
            let store = Arc::new(store.bounded(settings.sessions.embedded_max));
            Ok(Stores {
                directory,
                copier,
                secrets,
                sessions: Arc::clone(&store) as Arc<dyn SessionStore>,
                tokens: Arc::clone(&store) as Arc<dyn TokenStore>,
                revocations: Arc::clone(&store) as Arc<dyn Revocations>,
                ldap,
                throttle: Arc::new(AttemptCounts::default()),
                flows: Arc::clone(&store) as Arc<dyn FlowStore>,
                kept: Kept::Embedded(store),
            })
        }
        SessionStoreSetting::Redis(url) => {
            let directory = directory(settings).await?;
            let secrets = Arc::clone(&directory) as Arc<dyn ServerSecrets>;
            let copier = copier(settings, &directory)?;
            let store = RedisStore::open(redis_options(settings, url)).await;
            let store = store.map_err(|error| away(url, &error))?;
            let store = Arc::new(store);
            Ok(Stores {
                directory,
                copier,
                secrets,
                sessions: Arc::clone(&store) as Arc<dyn SessionStore>,
                tokens: Arc::clone(&store) as Arc<dyn TokenStore>,
                revocations: Arc::clone(&store) as Arc<dyn Revocations>,
                ldap,
                throttle: Arc::clone(&store) as Arc<dyn ThrottleStore>,
                flows: Arc::clone(&store) as Arc<dyn FlowStore>,
                kept: Kept::Redis(store),
            })
        }
    }
}

/// The directory with its memory: whoever opens the stores holds the data folder's lock, so an embedded one has no
/// other writer.
async fn directory(settings: &Settings) -> anyhow::Result<Arc<SqlDirectory>> {
    Ok(Arc::new(open_directory(settings).await?.with_memory()))
}

/// Whoever copies that directory, where there is a place to copy it to.
fn copier(
    settings: &Settings,
    directory: &Arc<SqlDirectory>,
) -> anyhow::Result<Option<Arc<dyn DirectoryCopier>>> {
    if !matches!(settings.directory.store, DirectoryStoreSetting::Embedded) {
        return Ok(None);
    }
    if let Some(copied) = copied_before(&settings.data_dir) {
        tracing::warn!(
            copied,
            "the directory was copied by the console, and this server has started with the old one all the same: \
             what changes from now on is not in the copy"
        );
    }
    let Some(url) = &settings.directory.copy_to else {
        return Ok(None);
    };
    let target = PostgresOptions {
        url: url.clone(),
        ca_file: settings.directory.tls_ca_file.clone(),
    };
    let source = Arc::clone(directory);
    let copier =
        Relocation::new(source, &settings.data_dir, target).context("directory.copy_to")?;
    Ok(Some(Arc::new(copier)))
}

#[cfg(feature = "ldap")]
fn open_ldap(settings: &Settings) -> anyhow::Result<Option<Arc<dyn DirectoryServer>>> {
    if settings.ldap.urls.is_empty() {
        return Ok(None);
    }
    let servers = ldap::LdapServers::open(&settings.ldap)?;
    Ok(Some(Arc::new(servers) as Arc<dyn DirectoryServer>))
}

#[cfg(not(feature = "ldap"))]
fn open_ldap(settings: &Settings) -> anyhow::Result<Option<Arc<dyn DirectoryServer>>> {
    anyhow::ensure!(
        settings.ldap.urls.is_empty(),
        "ldap.urls: this program was built without LDAP"
    );
    Ok(None)
}

/// Asks the servers of `[ldap]` whether they are ready for logins: each by its URL, with what is wrong with it.
pub async fn check_ldap(settings: &Settings) -> anyhow::Result<Vec<(String, Result<(), String>)>> {
    if open_ldap(settings)?.is_none() {
        return Ok(Vec::new());
    }
    #[cfg(feature = "ldap")]
    return Ok(ldap::LdapServers::open(&settings.ldap)?.check().await);
    #[cfg(not(feature = "ldap"))]
    Ok(Vec::new())
}

async fn open_directory(settings: &Settings) -> anyhow::Result<SqlDirectory> {
    match &settings.directory.store {
        DirectoryStoreSetting::Embedded => {
            let file = settings.data_dir.join(DIRECTORY_FILE);
            let directory = SqlDirectory::open_sqlite(&file).await;
            directory.map_err(|error| anyhow!("the directory: {}", error.why()))
        }
        DirectoryStoreSetting::Postgres(url) => {
            let directory = SqlDirectory::open_postgres(&postgres_options(settings, url)).await;
            directory.map_err(|error| anyhow!("directory.store: {}", error.why()))
        }
    }
}

fn postgres_options(settings: &Settings, url: &SecretString) -> PostgresOptions {
    PostgresOptions {
        url: url.clone(),
        ca_file: settings.directory.tls_ca_file.clone(),
    }
}

fn redis_options(settings: &Settings, url: &SecretString) -> RedisOptions {
    let sessions = &settings.sessions;
    RedisOptions {
        url: url.clone(),
        ca_file: sessions.tls_ca_file.clone(),
        key_prefix: sessions.key_prefix.clone(),
        answer_within: sessions.answer_within,
        wait_replicas: sessions.wait_replicas,
        cache: sessions.cache,
        sentinel_user: sessions.sentinel_user.clone(),
        sentinel_password: sessions.sentinel_password.clone(),
    }
}

/// Says where Redis is not, without user and password.
fn away(url: &SecretString, error: &StoreError) -> anyhow::Error {
    let place = RedisAddress::parse(url.expose_secret()).map(|address| address.place());
    let place = place.unwrap_or_else(|| "an address that cannot be used".to_owned());
    anyhow!(
        "sessions.store: Redis cannot be reached at {place}: {}",
        error.why()
    )
}

/// Connects to the Redis of the settings as a start would, and lets go again; where it is, or why not.
pub async fn check_redis(settings: &Settings) -> Option<anyhow::Result<String>> {
    let SessionStoreSetting::Redis(url) = &settings.sessions.store else {
        return None;
    };
    let reached = RedisStore::reach(&redis_options(settings, url)).await;
    let place = RedisAddress::parse(url.expose_secret()).map(|address| address.place());
    Some(match reached {
        Ok(()) => Ok(place.unwrap_or_default()),
        Err(error) => Err(away(url, &error)),
    })
}

/// The directory as it is, to be read only: nothing is made, nothing migrated. None where there is none yet.
pub async fn look_into_directory(settings: &Settings) -> anyhow::Result<Option<SqlDirectory>> {
    match &settings.directory.store {
        DirectoryStoreSetting::Embedded => {
            let file = settings.data_dir.join(DIRECTORY_FILE);
            if !file.exists() {
                return Ok(None);
            }
            let found = SqlDirectory::look_sqlite(&file).await;
            found.map_err(|error| anyhow!("the directory: {}", error.why()))
        }
        DirectoryStoreSetting::Postgres(url) => {
            let found = SqlDirectory::look_postgres(&postgres_options(settings, url)).await;
            found.map_err(|error| anyhow!("directory.store: {}", error.why()))
        }
    }
}

/// The directory, where there is one already.
pub async fn find_directory(settings: &Settings) -> anyhow::Result<Option<SqlDirectory>> {
    if matches!(settings.directory.store, DirectoryStoreSetting::Embedded)
        && !settings.data_dir.join(DIRECTORY_FILE).exists()
    {
        return Ok(None);
    }
    open_directory(settings).await.map(Some)
}

impl Stores {
    /// The same stores with every operation timed.
    #[must_use]
    pub fn measured(self, observer: &Arc<dyn StoreObserver>) -> Self {
        let watch = || Arc::clone(observer);
        Self {
            directory: Arc::new(Measured::new(self.directory, watch())),
            sessions: Arc::new(Measured::new(self.sessions, watch())),
            tokens: Arc::new(Measured::new(self.tokens, watch())),
            revocations: Arc::new(Measured::new(self.revocations, watch())),
            throttle: Arc::new(Measured::new(self.throttle, watch())),
            flows: Arc::new(Measured::new(self.flows, watch())),
            ..self
        }
    }

    /// How many sessions live: right now, or as last counted; none where nobody has counted of late.
    pub fn live_sessions(&self) -> Option<usize> {
        match &self.kept {
            Kept::Embedded(store) => Some(store.live_sessions()),
            Kept::Redis(store) => store.live_sessions(),
        }
    }

    /// Takes over what another node has counted of late, and how long to wait before counting ourselves; none where
    /// nobody has to count.
    pub async fn take_over_count(&self) -> Option<(Duration, Result<(), StoreError>)> {
        match &self.kept {
            Kept::Embedded(_) => None,
            Kept::Redis(store) => Some((COUNT_EVERY, store.take_over_count().await)),
        }
    }

    /// Counts the sessions where knowing their number takes a walk, and how long to wait before the next time; none
    /// where it is known anyway.
    pub async fn count_live(&self, now: Timestamp) -> Option<(Duration, Result<(), StoreError>)> {
        match &self.kept {
            Kept::Embedded(_) => None,
            Kept::Redis(store) => Some((COUNT_EVERY, store.count_live(now).await)),
        }
    }

    /// The session store's own time, where it has one that several nodes share.
    pub async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        match &self.kept {
            Kept::Embedded(_) => Ok(None),
            Kept::Redis(store) => store.store_time().await.map(Some),
        }
    }

    /// What the nodes that share the session store agree that it is, and what its own clock reads; `own` is what this
    /// node took it for so far, if it asked before.
    pub async fn agree_on_time(
        &self,
        own: Option<Timestamp>,
    ) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        match &self.kept {
            Kept::Embedded(_) => Ok(None),
            Kept::Redis(store) => store.agree_on_time(own).await.map(Some),
        }
    }

    /// The latest moment of which the session store knew at our start, where it is this process's own.
    pub fn latest(&self) -> Option<Timestamp> {
        match &self.kept {
            Kept::Embedded(store) => Some(store.latest()),
            Kept::Redis(_) => None,
        }
    }

    /// Writes what is still only in memory.
    pub async fn close(&self) -> Result<(), StoreError> {
        match &self.kept {
            Kept::Embedded(store) => store.flush().await,
            Kept::Redis(_) => Ok(()),
        }
    }
}
