//! The running server's directory copied to the database of `directory.copy_to`, frozen first.
//!
//! A copy that arrived is noted in the data folder, so that a server that is started anew with the old directory can
//! say that the two may differ.

use super::copy::{census, copy_from};
use super::engine::Pool;
use super::gate::Gate;
use super::{PostgresOptions, SqlDirectory};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{Census, CopiedTable, Destination, DirectoryCopier};
use crate::domain::failure::{ReadOnly, StoreError};
use anyhow::Context;
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The note of a copy, in the data folder.
const NOTE: &str = "directory.copied";

/// The directory in the data folder, and where it may be copied.
#[derive(Debug)]
pub struct Relocation {
    source: Arc<SqlDirectory>,
    target: PostgresOptions,
    destination: Destination,
    note: PathBuf,
}

impl Relocation {
    /// From that directory, in that folder, to that database.
    pub fn new(
        source: Arc<SqlDirectory>,
        folder: &Path,
        target: PostgresOptions,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            destination: target.destination()?,
            note: folder.join(NOTE),
            source,
            target,
        })
    }

    fn gate(&self) -> Option<&Gate> {
        match &self.source.writer {
            Pool::Sqlite(_, writes) => Some(&writes.gate),
            Pool::Postgres(..) => None,
        }
    }
}

#[async_trait]
impl DirectoryCopier for Relocation {
    fn destination(&self) -> &Destination {
        &self.destination
    }

    async fn census(&self) -> Result<Census, StoreError> {
        census(&self.source).await
    }

    fn read_only(&self) -> Option<ReadOnly> {
        self.gate()?.shut_by()
    }

    async fn copy(
        &self,
        at: Timestamp,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> anyhow::Result<Vec<CopiedTable>> {
        let gate = self.gate().context("only an embedded directory is moved")?;
        // First of all: whoever is told of a copy under way finds the directory read-only.
        let copying = gate.shut()?;
        let copied = copy_from(&self.source, &self.target, progress).await?;
        // Even without the note the copy is good; what is lost is a warning.
        if let Err(error) = tokio::fs::write(&self.note, noted(&self.destination, at)).await {
            tracing::warn!(%error, "the copy of the directory was not noted in data_dir");
        }
        copying.finish();
        Ok(copied)
    }

    async fn reopen(&self) -> bool {
        let is_reopened = self.gate().is_some_and(Gate::open);
        if is_reopened && let Err(error) = tokio::fs::remove_file(&self.note).await {
            tracing::warn!(%error, "the note of the copied directory was not removed");
        }
        is_reopened
    }

    fn copied_before(&self) -> Option<String> {
        let folder = self.note.parent()?;
        copied_before(folder).filter(|_| self.read_only().is_none())
    }
}

fn noted(to: &Destination, at: Timestamp) -> String {
    let nanos = i128::from(at.millis()) * 1_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok());
    format!("{to} at {}\n", moment.unwrap_or_default())
}

/// Where to and when the directory of that folder was copied by a running server, if a note says so.
pub fn copied_before(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(NOTE)).ok()?;
    let text = text.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}
