//! Opening the directory in `PostgreSQL`: the connections and their limits, the schema.

use super::engine::{BEGIN_POSTGRES, Pool};
use super::{SqlDirectory, failed};
use crate::domain::directory::Destination;
use crate::domain::failure::StoreError;
use crate::domain::random::SystemRandom;
use anyhow::anyhow;
use dashmap::DashMap;
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use sqlx::{Connection, Row};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

static MIGRATOR: Migrator = sqlx::migrate!("src/stores/sql/migrations_postgres");

/// How long a caller waits for a connection before the store counts as unavailable; connecting is part of it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the start waits for a server that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that lay idle for longer is asked whether it still stands, so that the return of the
/// server costs no request; one in steady use is not asked, since that would double its round trips.
const TRUST_FOR: Duration = Duration::from_secs(1);
const READERS: u32 = 8;
const WRITERS: u32 = 2;

/// What the server itself gives up after, in milliseconds: statements, waits for the writers' lock, and
/// transactions whose node has gone, which would hold that lock.
const LIMITS: [(&str, &str); 2] = [
    ("statement_timeout", "3000"),
    ("idle_in_transaction_session_timeout", "5000"),
];
/// The same at the start, when another node may be at a long migration.
const START_LIMITS: [(&str, &str); 1] = [("statement_timeout", "60000")];

/// How the database is found.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://…`; may hold a password.
    pub url: SecretString,
    /// Certificates to trust, in PEM, in place of the public ones.
    pub ca_file: Option<PathBuf>,
}

impl PostgresOptions {
    /// Where that is, without user and password.
    pub fn destination(&self) -> Result<Destination, StoreError> {
        let options = self.parse()?;
        let socket = options.get_socket();
        Ok(Destination {
            host: socket.map_or_else(
                || options.get_host().to_owned(),
                |socket| socket.display().to_string(),
            ),
            port: socket.is_none().then(|| options.get_port()),
            database: options.get_database().unwrap_or_default().to_owned(),
        })
    }

    fn parse(&self) -> Result<PgConnectOptions, StoreError> {
        // The parser's own words may quote the URL, which may hold a password.
        let mut options = PgConnectOptions::from_str(self.url.expose_secret()).map_err(|_| {
            StoreError::Unavailable(anyhow!(
                "the PostgreSQL URL cannot be understood: expected \
                 postgres://user:password@host:5432/database?sslmode=verify-full"
            ))
        })?;
        if let Some(file) = &self.ca_file {
            // Whoever names certificates expects them to be looked at.
            options = options.ssl_root_cert(file);
            if !matches!(options.get_ssl_mode(), PgSslMode::VerifyCa) {
                options = options.ssl_mode(PgSslMode::VerifyFull);
            }
        }
        if options.get_application_name().is_none() {
            options = options.application_name("vestibule");
        }
        Ok(options)
    }
}

impl SqlDirectory {
    /// Opens the directory in a `PostgreSQL` database, with its tables made when there are none.
    ///
    /// Any number of nodes may do so at once: one makes the tables, the others wait for it.
    pub async fn open_postgres(options: &PostgresOptions) -> Result<Self, StoreError> {
        let random = SystemRandom::open().map_err(StoreError::unavailable)?;
        let options = options.parse()?;
        migrated(&options).await?.close().await.map_err(failed)?;
        let options = options.options(LIMITS);
        let turns = Arc::new(Semaphore::new(WRITERS as usize));
        let read_only = options
            .clone()
            .options([("default_transaction_read_only", "on")]);
        Ok(Self {
            reader: Pool::Postgres(pool(READERS).connect_lazy_with(read_only), None),
            writer: Pool::Postgres(pool(WRITERS).connect_lazy_with(options), Some(turns)),
            random: Arc::new(random),
            memory: None,
            key_uses: DashMap::new(),
        })
    }
}

/// A connection of its own to a database whose tables are there.
pub(super) async fn migrated(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let place = place(options);
    let at = |cause: anyhow::Error| {
        let message = format!("cannot open {place}: {cause}");
        cause.context(message)
    };
    let options = options.clone().options(START_LIMITS);
    let mut conn = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options))
        .await
        .map_err(|_| StoreError::Unavailable(at(anyhow!("no answer"))))?
        .map_err(|error| StoreError::Unavailable(at(error.into())))?;
    migrate(&mut conn).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => {
            StoreError::Corrupt(anyhow::Error::new(error).context(format!(
                "{place} was written by another version of this server, probably a newer one"
            )))
        }
        error => StoreError::Unavailable(at(error.into())),
    })?;
    Ok(conn)
}

async fn migrate(conn: &mut PgConnection) -> Result<(), MigrateError> {
    let encoding: String = sqlx::query("SHOW server_encoding")
        .fetch_one(&mut *conn)
        .await?
        .try_get(0)?;
    if encoding != "UTF8" {
        let message = format!("its encoding is {encoding}: names need a database in UTF8");
        return Err(MigrateError::Execute(sqlx::Error::Configuration(
            message.into(),
        )));
    }
    // One transaction around all of it: a start that is cut short leaves no half of the tables, and nodes
    // that start together come one by one.
    let mut tx = conn.begin_with(BEGIN_POSTGRES).await?;
    MIGRATOR.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    Ok(())
}

/// The database as an operator knows it, without user and password.
pub(super) fn place(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(
        || format!("{}:{}", options.get_host(), options.get_port()),
        |socket| socket.display().to_string(),
    );
    let database = options.get_database().unwrap_or_default();
    format!("the PostgreSQL database {database:?} at {host}")
}

fn pool(size: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|conn, seen| {
            Box::pin(async move {
                if seen.idle_for < TRUST_FOR {
                    return Ok(true);
                }
                let answer = tokio::time::timeout(TRUST_FOR, conn.ping()).await;
                Ok(matches!(answer, Ok(Ok(()))))
            })
        })
}
