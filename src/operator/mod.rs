//! The operator's commands: run on a server through its socket, or directly on the data when none runs.
//!
//! ```text
//! cli ──▶ client ══ data_dir/operator.sock ══▶ socket ──▶ run ──▶ Administration
//!     └────────────── no server, lock taken ─────────────▶ run ──▶ Administration
//! ```
//! The protocol is one JSON line in ([`OperatorCommand`]) and JSON lines out ([`Event`]), the last of
//! which is `done` or `failed`. It is ours on both ends and changes with the version.

pub mod client;
pub mod lock;
pub mod socket;

mod command;
mod run;
mod sessions;
mod view;

pub use command::{Event, ImportLine, OperatorCommand, SessionsOf, UserFields, WireSecret};
pub use run::run;

use std::path::{Path, PathBuf};

/// Where a server listens for its operator.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("operator.sock")
}
