//! The directory in SQL: `SQLite` by default; its queries keep to what `PostgreSQL` understands as well.
//!
//! Writes go through one connection, since `SQLite` takes one writer at a time: waiting in our queue is
//! fair, waiting for the file's lock is not. Every transaction that writes takes that lock when it
//! begins, so it never fails half-way because another process wrote first. Reads have their own
//! connections and never wait for writes.

mod content;
mod keys;
mod members;
mod open;
mod orgs;
mod provision;
mod rows;
mod secrets;
mod users;

use crate::domain::clock::Timestamp;
use crate::domain::directory::KeyId;
use crate::domain::failure::StoreError;
use crate::domain::random::Random;
use dashmap::DashMap;
use sqlx::{Database, Pool, Transaction};
use std::sync::Arc;

/// The database behind it, named once.
type Db = sqlx::Sqlite;
type Conn = <Db as Database>::Connection;
type Row = <Db as Database>::Row;

/// Users, Orgs, keys, content and server secrets in one SQL database.
#[derive(Debug)]
pub struct SqlDirectory {
    reader: Pool<Db>,
    writer: Pool<Db>,
    /// Draws the ids of groups that a request creates by name.
    random: Arc<dyn Random>,
    /// When each key's use was written last, so that a busy key costs one write a minute.
    key_uses: DashMap<KeyId, Timestamp>,
}

impl SqlDirectory {
    /// Begins a transaction that writes.
    async fn begin(&self) -> Result<Transaction<'static, Db>, StoreError> {
        // A plain BEGIN would take the lock at the first write, and fail there if what was read
        // before it has changed by then.
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed)
    }

    /// Writes everything back to the database file and closes it; later calls find the store unavailable.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// A failed query: damage when the database says so or a row cannot be read, else an absence.
fn failed(error: sqlx::Error) -> StoreError {
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

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, in the low byte of the extended codes.
fn is_damage(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 11 | 26))
}
