//! Copying the directory to another database, for the audit trail: it begins within a request and ends after it.

use crate::domain::administration::{Actor, AdminError, Administration, Manager};
use crate::domain::directory::Destination;

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// It began: the directory is read-only.
    Begun,
    /// It was asked for while the directory was read-only already.
    Refused,
    /// Everything arrived: the directory stays read-only.
    Copied,
    /// Nothing was copied: the directory is writable again.
    Failed,
    /// Somebody chose to go on with the old directory.
    Reopened,
}

impl CopyStep {
    /// The word used in audit lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "directory_copy_begun",
            Self::Refused => "directory_copy_refused",
            Self::Copied => "directory_copied",
            Self::Failed => "directory_copy_failed",
            Self::Reopened => "directory_reopened",
        }
    }
}

impl Administration {
    /// Notes what became of a copy to that place.
    pub fn note_copy(&self, step: CopyStep, to: &Destination, by: &Actor) {
        self.changed(step.as_str(), to.to_string(), by);
    }
}

impl Manager<'_> {
    /// Who acts, for what goes on when the request is answered. For administrators of the server.
    pub fn server_actor(&self) -> Result<Actor, AdminError> {
        self.scope().require_server()?;
        Ok(self.actor().clone())
    }
}
