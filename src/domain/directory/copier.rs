//! Copying the whole directory to another database while people sign in, and who may write meanwhile: nobody.
//!
//! ```text
//! writable ── copy ──▶ read-only, being copied ── done ──▶ read-only, copied ── start anew with the copy
//!    ▲                          │                                 │
//!    └───── failed, given up ───┴───────── reopen ────────────────┘
//! ```

use crate::domain::clock::Timestamp;
use crate::domain::failure::{ReadOnly, StoreError};
use async_trait::async_trait;
use std::fmt;

/// Where the copy goes, as an operator knows it: without user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The machine, or the folder of a socket.
    pub host: String,
    /// Its port; none with a socket.
    pub port: Option<u16>,
    /// The database's name.
    pub database: String,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.database)
    }
}

/// One table that has been copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: String,
    /// How many rows arrived.
    pub rows: u64,
    /// A checksum of all rows, the same on both sides.
    pub checksum: String,
}

/// How much there is to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Users, disabled ones included.
    pub users: u64,
    /// Orgs.
    pub orgs: u64,
    /// Secret keys, retired ones included.
    pub keys: u64,
}

/// Whoever can copy the directory to the one database that the settings name.
#[async_trait]
pub trait DirectoryCopier: fmt::Debug + Send + Sync {
    /// Where to.
    fn destination(&self) -> &Destination;
    /// How much there is right now.
    async fn census(&self) -> Result<Census, StoreError>;
    /// Why nothing can be written right now, if so.
    fn read_only(&self) -> Option<ReadOnly>;
    /// Makes the directory read-only, waits for writes under way, and copies everything or nothing; `progress` hears
    /// rows done and in all.
    ///
    /// It stays read-only when everything arrived, and is writable again after anything else, a caller that gives up
    /// included. Refused with a [`ReadOnly`] inside when it is read-only already. The words of an error hold no password.
    async fn copy(
        &self,
        at: Timestamp,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> anyhow::Result<Vec<CopiedTable>>;
    /// Makes the directory writable again after a copy, which is out of date from then on; false when there was none.
    async fn reopen(&self) -> bool;
    /// What an earlier run of this server noted of a copy that was made and, as far as it knows, not started with.
    fn copied_before(&self) -> Option<String>;
}
