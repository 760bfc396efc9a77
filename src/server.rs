//! The composition root: from settings to a running server.

use crate::domain::administration::Administration;
use crate::settings::{Loaded, Settings};

/// How to serve, beyond the settings.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// Throw-away data with example users.
    pub demo: bool,
}

/// Serves until told to stop.
pub fn serve(_loaded: Loaded, _options: ServeOptions) -> anyhow::Result<()> {
    anyhow::bail!("the server is not wired yet")
}

/// Opens the stores as the server would, for commands while none runs.
#[expect(
    clippy::unused_async,
    reason = "placeholder: the real one opens stores"
)]
pub async fn open_administration(_settings: &Settings) -> anyhow::Result<Administration> {
    anyhow::bail!("the stores are not wired yet")
}
