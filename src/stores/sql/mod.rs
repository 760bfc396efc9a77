//! The directory in SQL: `SQLite` by default, `PostgreSQL` when outgrown; one body of queries for both.
//!
//! Writes that read first go one after another: with `SQLite` through our one connection that writes,
//! since waiting in our queue is fair and waiting for the file's lock is not; with `PostgreSQL` behind
//! one lock that all nodes share. The lock is taken when a transaction begins, so that what it has read
//! is still so when it writes, and no transaction ever needs to be tried twice. Reads have their own
//! connections and never wait for writes.

mod api_tokens;
mod content;
mod copy;
mod engine;
mod gate;
mod keys;
mod members;
mod memory;
mod open;
mod orgs;
mod postgres;
mod provision;
mod relocation;
mod rows;
mod secrets;
mod users;

use crate::domain::clock::Timestamp;
use crate::domain::directory::KeyId;
use crate::domain::failure::StoreError;
use crate::domain::random::Random;
use dashmap::DashMap;
use engine::{Conn, Pool, Row, Tx, query};
use memory::Memory;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;
use std::sync::Arc;

pub use copy::copy;
pub use postgres::PostgresOptions;
pub use relocation::{Relocation, copied_before};

/// Users, Orgs, keys, content and server secrets in one SQL database.
#[derive(Debug)]
pub struct SqlDirectory {
    reader: Pool,
    writer: Pool,
    memory: Option<Memory>,
    /// Draws the ids of groups that a request creates by name.
    random: Arc<dyn Random>,
    /// When each key's use was written last, so that a busy key costs one write a minute.
    key_uses: DashMap<KeyId, Timestamp>,
}

impl SqlDirectory {
    /// Begins a transaction that writes.
    async fn begin(&self) -> Result<Tx, StoreError> {
        self.writer.begin().await.map_err(failed)
    }

    /// Writes everything back to a database file and closes the connections; later calls find the store unavailable.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// A failed query: damage when the database says so or a row cannot be read, else an absence.
fn failed(error: sqlx::Error) -> StoreError {
    if let Some(why) = gate::refusal(&error) {
        return StoreError::ReadOnly(why);
    }
    match &error {
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. } => StoreError::corrupt(error),
        _ if is_damage(&error) => StoreError::corrupt(error),
        _ => StoreError::unavailable(error),
    }
}

/// What a login writes on its way and does not need: left undone while the directory is read-only, rather than refused.
fn quietly<T>(written: Result<T, StoreError>, undone: T) -> Result<T, StoreError> {
    match written {
        Err(StoreError::ReadOnly(_)) => Ok(undone),
        written => written,
    }
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, in the low byte of the extended codes; `data_corrupted` and
/// `index_corrupted` of `PostgreSQL`.
fn is_damage(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return false;
    };
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return matches!(error.code(), "XX001" | "XX002");
    }
    error
        .try_downcast_ref::<SqliteError>()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 11 | 26))
}
