//! A refusal that belongs to no dialect yet: what is shown of it, and what was behind it.

use crate::api::dialect::Incident;
use crate::domain::failure::{Failure, StoreError};
use anyhow::anyhow;

/// What is told, and the cause, which is only logged.
#[derive(Debug)]
pub struct Refused {
    /// Shown.
    pub failure: Failure,
    /// Logged once, under the incident's id, and never sent.
    pub cause: Option<anyhow::Error>,
}

impl Refused {
    /// A refusal and what was behind it.
    pub fn caused(failure: Failure, cause: impl Into<anyhow::Error>) -> Self {
        Self {
            failure,
            cause: Some(cause.into()),
        }
    }

    /// The store did not answer when a session was looked for; several may be told of the same error.
    pub fn unchecked(error: &StoreError) -> Self {
        Self::caused(
            Failure::from(error),
            anyhow!("the session could not be checked: {error}"),
        )
    }

    /// Logs the cause: whoever renders the failure does this once.
    pub fn log(&self, incident: Incident) {
        let cause = self.cause();
        match self.failure {
            Failure::Internal => tracing::error!(%incident, cause, "request failed"),
            Failure::Unavailable { .. } => tracing::warn!(%incident, cause, "unavailable"),
            Failure::ReadOnly(_) => tracing::info!(%incident, cause, "not changed"),
            _ => tracing::debug!(%incident, cause, failure = ?self.failure, "request refused"),
        }
    }

    /// The cause in one line, for logs.
    pub fn cause(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{cause:#}"),
            None => String::new(),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            cause: None,
        }
    }
}
