//! The file behind the memory: an `SQLite` database that only one process may use at a time.
//!
//! | table           | holds |
//! |-----------------|-------|
//! | `sessions`      | record, Org and last use by digest; once over, only why and since when |
//! | `tokens`        | record and effective expiry by digest; once revoked, only that |
//! | `latest_tokens` | per secret key the digest of its latest superseding token |
//! | `epochs`        | `all`, `org:<id>`, `key:<id>`, `user:<tag>` and the moment |
//! | `epoch_reasons` | why, by the same words |
//! | `spent_tokens`  | digests of tokens that have opened the one session they may open |
//! | `flows`         | sign-ins under way and what must not be seen twice: text and end by digest |
//!
//! Commits are synchronous: what is acknowledged is on disk.

use crate::domain::clock::Timestamp;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, RevokeScope, Session, UserTag};
use crate::domain::token::{SUPERSEDED_GRACE, TokenRecord};
use crate::stores::embedded::bulk::write_new;
use crate::stores::embedded::flows::Flow;
use crate::stores::embedded::memory::Digest;
use anyhow::{Context, anyhow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Executor};
use std::path::Path;
use std::time::Duration;

/// Marks the file as ours, so that another program's database is never written to ("vstb").
const APPLICATION_ID: i64 = 0x7673_7462;
/// The version of the tables.
const SCHEMA_VERSION: i64 = 1;
/// How long a start waits for a predecessor to let go of the file.
const WAIT_FOR_FILE: Duration = Duration::from_secs(2);

const SCHEMA: &str = "
CREATE TABLE sessions (
    digest BLOB PRIMARY KEY, record BLOB NOT NULL, org INTEGER NOT NULL, seen INTEGER NOT NULL,
    ended TEXT, ended_at INTEGER
) WITHOUT ROWID;
CREATE TABLE tokens (
    digest BLOB PRIMARY KEY, record BLOB NOT NULL, expires_at INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE latest_tokens (key TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE epochs (scope TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id = 0x76737462;
PRAGMA user_version = 1;
";

/// Tables that the first programs did not have and do not miss: the version stays, and they can go on with the file.
const LATER_TABLES: &str = "
CREATE TABLE IF NOT EXISTS epoch_reasons (scope TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spent_tokens (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS flows (
    digest BLOB PRIMARY KEY, text TEXT NOT NULL, until INTEGER NOT NULL
) WITHOUT ROWID;
";

/// One change to the file.
#[derive(Debug)]
pub enum Op {
    /// A new session.
    Open {
        /// Kept under.
        digest: Digest,
        /// Its owner's.
        tag: UserTag,
        /// For memory, once it is on disk.
        session: Box<Session>,
        /// For the file.
        record: Vec<u8>,
    },
    /// A session is over; the first reason counts.
    End {
        /// Kept under.
        digest: Digest,
        /// Why.
        reason: EndReason,
        /// Since when.
        at: Timestamp,
    },
    /// A session moved to another Org.
    SetOrg {
        /// Kept under.
        digest: Digest,
        /// To.
        org: OrgId,
        /// From, to go back to when the file cannot be written.
        before: OrgId,
    },
    /// A session was used.
    Seen {
        /// Kept under.
        digest: Digest,
        /// When.
        at: Timestamp,
    },
    /// A new token.
    Put {
        /// Kept under.
        digest: Digest,
        /// For memory, once it is on disk.
        record: Box<TokenRecord>,
        /// For the file.
        bytes: Vec<u8>,
        /// Whether it ends the one before it.
        supersedes: bool,
    },
    /// A token is over.
    RevokeToken(Digest),
    /// A token has opened the one session it may open.
    SpendToken(Digest),
    /// An epoch rises.
    Epoch(RevokeScope, EndReason, Timestamp),
    /// A session's tombstone has served.
    ForgetSession(Digest),
    /// The same of a token.
    ForgetToken(Digest),
    /// Something is kept for a while.
    KeepFlow(Digest, Flow),
    /// It was taken away, or its time is over.
    ForgetFlow(Digest),
}

/// The open file.
#[derive(Debug)]
pub struct Journal {
    pub(super) connection: SqliteConnection,
}

impl Journal {
    /// Opens or creates the file and takes it for this process alone.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path).await?;
        let connection = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // A second process would have its own memory and take our sessions for unknown.
            .locking_mode(SqliteLockingMode::Exclusive)
            .busy_timeout(WAIT_FOR_FILE)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(|error| refused(path, error))?;
        let mut journal = Self { connection };
        journal.prepare(path).await?;
        Ok(journal)
    }

    async fn prepare(&mut self, path: &Path) -> Result<(), StoreError> {
        let failed = |error| refused(path, error);
        let db = &mut self.connection;
        let application: i64 = sqlx::query_scalar("PRAGMA application_id")
            .fetch_one(&mut *db)
            .await
            .map_err(failed)?;
        let version: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut *db)
            .await
            .map_err(failed)?;
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut *db)
            .await
            .map_err(failed)?;
        let name = path.display();
        if tables == 0 {
            let mut whole = db.begin_with("BEGIN EXCLUSIVE").await.map_err(failed)?;
            whole.execute(SCHEMA).await.map_err(failed)?;
            whole.execute(LATER_TABLES).await.map_err(failed)?;
            return whole.commit().await.map_err(failed);
        }
        if application != APPLICATION_ID {
            let why = anyhow!("{name} is a database, but not one of sessions");
            return Err(StoreError::corrupt(why));
        }
        if version != SCHEMA_VERSION {
            let why = anyhow!(
                "{name} was written by another version of this server: it has version {version}, and this program knows \
                 {SCHEMA_VERSION}"
            );
            return Err(StoreError::OtherVersion(why));
        }
        let health: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut *db)
            .await
            .map_err(failed)?;
        if health != "ok" {
            return Err(StoreError::corrupt(anyhow!("{name} is damaged: {health}")));
        }
        // Takes the lock now, not at the first login.
        let mut taken = db.begin_with("BEGIN EXCLUSIVE").await.map_err(failed)?;
        taken.execute(LATER_TABLES).await.map_err(failed)?;
        taken.commit().await.map_err(failed)
    }

    /// Writes all changes in one transaction: all of them or none.
    pub async fn write(&mut self, ops: &[&Op]) -> Result<(), sqlx::Error> {
        if ops.is_empty() {
            return Ok(());
        }
        // Not the crate's transactions: when the disk is full the database rolls back by itself, the
        // crate's own ROLLBACK then fails, and it refuses to begin another one for ever after.
        self.connection.execute("BEGIN IMMEDIATE").await?;
        let outcome = self.write_all(ops).await;
        if outcome.is_err() {
            // Fails when there is nothing left to roll back, which is as good.
            let _ = self.connection.execute("ROLLBACK").await;
        }
        outcome
    }

    async fn write_all(&mut self, ops: &[&Op]) -> Result<(), sqlx::Error> {
        for op in write_new(&mut self.connection, ops).await? {
            write_one(&mut self.connection, op).await?;
        }
        self.connection.execute("COMMIT").await.map(|_| ())
    }

    /// Lets go of the file.
    pub async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }
}

async fn write_one(db: &mut SqliteConnection, op: &Op) -> Result<(), sqlx::Error> {
    match op {
        Op::End { digest, reason, at } => {
            // The record goes: what is over needs no name and no address on disk.
            sqlx::query(
                "UPDATE sessions SET ended = ?, ended_at = ?, record = x'' \
                 WHERE digest = ? AND ended IS NULL",
            )
            .bind(reason.as_str())
            .bind(column(*at))
            .bind(&digest[..])
            .execute(db)
            .await?
        }
        Op::SetOrg { digest, org, .. } => {
            sqlx::query("UPDATE sessions SET org = ? WHERE digest = ? AND ended IS NULL")
                .bind(org.0)
                .bind(&digest[..])
                .execute(db)
                .await?
        }
        Op::Seen { digest, at } => {
            sqlx::query(
                "UPDATE sessions SET seen = max(seen, ?) WHERE digest = ? AND ended IS NULL",
            )
            .bind(column(*at))
            .bind(&digest[..])
            .execute(db)
            .await?
        }
        // Written with its like, in one statement.
        Op::Open { .. }
        | Op::Put {
            supersedes: false, ..
        } => return Ok(()),
        Op::Put {
            digest,
            record,
            bytes,
            supersedes: true,
        } => return put_superseding(db, digest, record, bytes).await,
        Op::RevokeToken(digest) => {
            sqlx::query("UPDATE tokens SET revoked = 1, record = x'' WHERE digest = ?")
                .bind(&digest[..])
                .execute(db)
                .await?
        }
        Op::SpendToken(digest) => {
            sqlx::query("INSERT INTO spent_tokens (digest) VALUES (?) ON CONFLICT DO NOTHING")
                .bind(&digest[..])
                .execute(db)
                .await?
        }
        Op::Epoch(scope, reason, at) => return raise(db, *scope, *reason, *at).await,
        Op::ForgetSession(digest) => {
            sqlx::query("DELETE FROM sessions WHERE digest = ?")
                .bind(&digest[..])
                .execute(db)
                .await?
        }
        Op::KeepFlow(digest, flow) => {
            sqlx::query("INSERT OR REPLACE INTO flows (digest, text, until) VALUES (?, ?, ?)")
                .bind(&digest[..])
                .bind(&flow.text)
                .bind(column(flow.until))
                .execute(db)
                .await?
        }
        Op::ForgetFlow(digest) => {
            sqlx::query("DELETE FROM flows WHERE digest = ?")
                .bind(&digest[..])
                .execute(db)
                .await?
        }
        Op::ForgetToken(digest) => {
            sqlx::query("DELETE FROM spent_tokens WHERE digest = ?")
                .bind(&digest[..])
                .execute(&mut *db)
                .await?;
            sqlx::query("DELETE FROM tokens WHERE digest = ?")
                .bind(&digest[..])
                .execute(db)
                .await?
        }
    };
    Ok(())
}

async fn raise(
    db: &mut SqliteConnection,
    scope: RevokeScope,
    reason: EndReason,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO epochs (scope, at) VALUES (?, ?) \
         ON CONFLICT (scope) DO UPDATE SET at = max(at, excluded.at)",
    )
    .bind(scope_text(scope))
    .bind(column(at))
    .execute(&mut *db)
    .await?;
    // Of several the latest reason counts, as the latest epoch does.
    sqlx::query(
        "INSERT INTO epoch_reasons (scope, reason) \
         SELECT scope, ? FROM epochs WHERE scope = ? AND at = ? \
         ON CONFLICT (scope) DO UPDATE SET reason = excluded.reason",
    )
    .bind(reason.as_str())
    .bind(scope_text(scope))
    .bind(column(at))
    .execute(db)
    .await?;
    Ok(())
}

async fn put_superseding(
    db: &mut SqliteConnection,
    digest: &Digest,
    record: &TokenRecord,
    bytes: &[u8],
) -> Result<(), sqlx::Error> {
    if let Some(key) = record.key {
        let key = key.to_string();
        sqlx::query(
            "UPDATE tokens SET expires_at = min(expires_at, ?) \
             WHERE digest = (SELECT digest FROM latest_tokens WHERE key = ?)",
        )
        .bind(column(record.minted_at.plus(SUPERSEDED_GRACE)))
        .bind(&key)
        .execute(&mut *db)
        .await?;
        sqlx::query("INSERT OR REPLACE INTO latest_tokens (key, digest) VALUES (?, ?)")
            .bind(&key)
            .bind(&digest[..])
            .execute(&mut *db)
            .await?;
    }
    sqlx::query(
        "INSERT INTO tokens (digest, record, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(&digest[..])
    .bind(bytes)
    .bind(column(record.expires_at))
    .execute(db)
    .await?;
    Ok(())
}

fn scope_text(scope: RevokeScope) -> String {
    match scope {
        RevokeScope::User(_, tag) => format!("user:{}", tag.to_text()),
        RevokeScope::Org(org) => format!("org:{org}"),
        RevokeScope::Key(key) => format!("key:{key}"),
        RevokeScope::All => "all".to_owned(),
    }
}

/// A moment as the file keeps it.
pub fn column(at: Timestamp) -> i64 {
    i64::try_from(at.millis()).unwrap_or(i64::MAX)
}

/// The file holds names and addresses, so only its owner may read it. `SQLite` gives its side files the same mode.
async fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = tokio::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    options.mode(0o600);
    options
        .open(path)
        .await
        .map(drop)
        .with_context(|| format!("cannot open {}", path.display()))
        .map_err(StoreError::Unavailable)
}

fn refused(path: &Path, error: sqlx::Error) -> StoreError {
    let code = match &error {
        sqlx::Error::Database(error) => error.code().and_then(|code| code.parse::<u32>().ok()),
        _ => None,
    };
    let name = path.display();
    // Extended codes carry the primary one in their low byte.
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => StoreError::Unavailable(
            anyhow::Error::new(error).context(format!("{name} is in use by another process")),
        ),
        Some(11 | 26) => StoreError::Corrupt(
            anyhow::Error::new(error).context(format!("{name} is damaged; restore or remove it")),
        ),
        _ => {
            StoreError::Unavailable(anyhow::Error::new(error).context(format!("cannot use {name}")))
        }
    }
}
