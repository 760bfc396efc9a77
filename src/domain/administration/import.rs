//! Importing many users: each row all or nothing, bad rows reported and skipped.

use crate::domain::administration::{Actor, AdminError, Administration, NewUser};
use crate::domain::directory::NameKey;
use futures_util::StreamExt;
use std::collections::HashSet;

/// Rows under way at a time: enough to keep the hashing pool busy while others wait for the store.
const ROWS_AT_A_TIME: usize = 16;

/// How an import behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Whether groups that do not exist are made rather than refused.
    pub create_groups: bool,
}

/// One row of an import.
#[derive(Debug)]
pub struct ImportRow {
    /// Its line, as people count.
    pub line: u64,
    /// The user it describes, or why it could not be read.
    pub user: Result<NewUser, String>,
}

/// A row that made no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// Its line.
    pub line: u64,
    /// Why, as a sentence.
    pub reason: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Users made.
    pub created: u64,
    /// Rows that were not, in order.
    pub skipped: Vec<SkippedRow>,
}

impl Administration {
    /// Creates a user per row; `progress` hears how many rows are through after each one.
    ///
    /// An error means that a store went away: rows before it may be in, none is in half, and
    /// importing the same rows again skips those that are.
    pub async fn import_users<I>(
        &self,
        rows: I,
        options: ImportOptions,
        by: &Actor,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<ImportReport, AdminError>
    where
        I: IntoIterator<Item = ImportRow>,
        I::IntoIter: Send,
    {
        let mut seen = HashSet::new();
        let rows = rows.into_iter().map(move |mut row| {
            // Rows run side by side: without this, chance would decide which of two twins is created.
            if let Ok(user) = &row.user
                && let Ok(key) = NameKey::new(&user.name)
                && !seen.insert(key)
            {
                row.user = Err("an earlier row has the same name".to_owned());
            }
            row
        });
        let mut outcomes = futures_util::stream::iter(rows)
            .map(|row| self.import_row(row, options, by))
            .buffered(ROWS_AT_A_TIME);
        let mut report = ImportReport::default();
        let mut done = 0;
        while let Some((line, outcome)) = outcomes.next().await {
            match outcome {
                Ok(()) => report.created += 1,
                Err(RowError::Bad(reason)) => report.skipped.push(SkippedRow { line, reason }),
                Err(RowError::Stop(error)) => return Err(error),
            }
            done += 1;
            progress(done);
        }
        Ok(report)
    }

    async fn import_row(
        &self,
        row: ImportRow,
        options: ImportOptions,
        by: &Actor,
    ) -> (u64, Result<(), RowError>) {
        let new = match row.user {
            Ok(user) => NewUser {
                create_groups: options.create_groups,
                ..user
            },
            Err(reason) => return (row.line, Err(RowError::Bad(reason))),
        };
        let outcome = match self.create_user(new, by).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error {
                AdminError::Field { .. }
                | AdminError::Exists { .. }
                | AdminError::Missing { .. }
                | AdminError::Denied(_) => RowError::Bad(error.to_string()),
                AdminError::Hasher(_) | AdminError::NotRevoked(_) | AdminError::Store(_) => {
                    RowError::Stop(error)
                }
            }),
        };
        (row.line, outcome)
    }
}

enum RowError {
    /// The row's own fault.
    Bad(String),
    /// Nothing later can go better.
    Stop(AdminError),
}
