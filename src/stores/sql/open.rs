//! Opening the directory in `SQLite`: the file and its mode, the connections, the schema, a check for damage.

use super::engine::{Pool, Writes};
use super::memory::Memory;
use super::{SqlDirectory, failed};
use crate::domain::failure::StoreError;
use crate::domain::random::SystemRandom;
use dashmap::DashMap;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

static MIGRATOR: Migrator = sqlx::migrate!("src/stores/sql/migrations");

/// How long a statement waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection before the store counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;

impl SqlDirectory {
    /// Opens the directory in a `SQLite` file, made with everything it needs when there is none.
    ///
    /// Only its owner may read a file made here, or a folder made for it. Several processes may
    /// have the same file open.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let random = SystemRandom::open().map_err(StoreError::unavailable)?;
        create_file(path)
            .await
            .map_err(|error| StoreError::Unavailable(at(path, error)))?;
        let one_at_a_time = lock_folder(path)
            .await
            .map_err(|error| StoreError::Unavailable(at(path, error)))?;
        let writer = open_writer(path)
            .await
            .map_err(|error| explain(path, error))?;
        drop(one_at_a_time);
        // Readers connect when first used; a connection of theirs cannot write even by mistake.
        let reader = pool(READERS).connect_lazy_with(options(path).pragma("query_only", "ON"));
        Ok(Self {
            reader: Pool::Sqlite(reader, Arc::default()),
            writer: Pool::Sqlite(writer, Arc::<Writes>::default()),
            memory: None,
            random: Arc::new(random),
            key_uses: DashMap::new(),
        })
    }
}

impl SqlDirectory {
    /// Keeps in memory for a moment what is read. Only for a process that alone writes to the file.
    #[must_use]
    pub fn with_memory(mut self) -> Self {
        if let Pool::Sqlite(_, writes) = &self.writer {
            self.memory = Some(Memory::new(Arc::clone(writes)));
        }
        self
    }
}

async fn open_writer(path: &Path) -> Result<SqlitePool, MigrateError> {
    let options = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    let writer = pool(1).after_release(|connection, _| Box::pin(is_done(connection)));
    let writer = writer.connect_with(options).await?;
    // Damage deep in the file would otherwise surface weeks later, in the middle of a login.
    let verdict: String = sqlx::query("PRAGMA quick_check(1)")
        .fetch_one(&writer)
        .await?
        .try_get(0)?;
    if verdict != "ok" {
        return Err(MigrateError::Execute(sqlx::Error::Decode(verdict.into())));
    }
    // One transaction around all of it: a start that is cut short leaves no half of the tables.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATOR.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    Ok(writer)
}

/// Whether a connection that comes back has nothing under way.
///
/// When the disk is full the database rolls back by itself. The crate's own ROLLBACK then fails, and it would refuse to
/// begin anything on that connection for ever after, however much room there is.
async fn is_done(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // What was sent before, a ROLLBACK too, has been dealt with once this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
}

fn pool(size: u32) -> SqlitePoolOptions {
    // Connections to a file do not go stale: reconnecting would only lose their prepared statements.
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Makes an empty file, and the folders to it; `SQLite` gives its side files the same mode.
async fn create_file(path: &Path) -> Result<(), std::io::Error> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut builder = tokio::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(folder).await?;
    }
    let mut file = tokio::fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    file.mode(0o600);
    match file.open(path).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Keeps other processes from opening the same file until dropped.
///
/// A new file's change to write-ahead logging, unlike every later statement, gives up at once when
/// another process is at it as well.
async fn lock_folder(path: &Path) -> Result<Option<std::fs::File>, std::io::Error> {
    if cfg!(not(unix)) {
        return Ok(None);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = tokio::fs::File::open(folder).await?.into_std().await;
    tokio::task::spawn_blocking(move || folder.lock().map(|()| Some(folder)))
        .await
        .map_err(std::io::Error::other)?
}

/// Says which file, and what an operator can do about it.
fn explain(path: &Path, error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => match failed(error) {
            StoreError::Corrupt(cause) => StoreError::Corrupt(cause.context(damaged(path))),
            StoreError::Unavailable(cause) => StoreError::Unavailable(at(path, cause)),
            read_only @ StoreError::ReadOnly(_) => read_only,
        },
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => {
            StoreError::Corrupt(anyhow::Error::new(error).context(format!(
                "{} was written by another version of this server, probably a newer one",
                path.display()
            )))
        }
        error => StoreError::Unavailable(at(path, error)),
    }
}

fn damaged(path: &Path) -> String {
    format!(
        "{} is damaged or not a directory database; restore it from a backup",
        path.display()
    )
}

fn at(path: &Path, cause: impl Into<anyhow::Error>) -> anyhow::Error {
    let cause = cause.into();
    let message = format!("cannot open {}: {cause}", path.display());
    cause.context(message)
}
