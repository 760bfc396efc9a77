//! Which kind of session store the server used last, kept in the directory: a command without a server must not look
//! for sessions where they never were, and say that they are ended.

use crate::domain::directory::SavedSettings;
use crate::settings::Settings;
use crate::stores;
use anyhow::bail;

/// The saved setting.
const SAVED: &str = "session_store";

/// Remembers the kind that is in use; nothing else of it, since its address may hold a password.
///
/// A directory that takes no changes just now is no reason not to serve.
pub(in crate::server) async fn remember(settings: &Settings, saved: &dyn SavedSettings) {
    let kind = settings.sessions.store.kind();
    let kept = match saved.get(SAVED).await {
        Ok(Some(known)) if known == kind => return,
        Ok(_) => saved.set(SAVED, kind).await,
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "the kind of session store was not remembered for operator commands");
    }
}

/// Refuses settings that name another kind of session store than the server used last. Changes nothing.
pub async fn require_same_session_store(settings: &Settings) -> anyhow::Result<()> {
    let Some(directory) = stores::find_directory(settings).await? else {
        return Ok(());
    };
    let given = settings.sessions.store.kind();
    match directory.get(SAVED).await? {
        Some(used) if used != given => bail!(
            "the server kept its sessions {} when it ran last, but the settings of this command keep them {}: \
             nothing was done. Give the command the server's settings (sessions.store in --config, --set or \
             VESTIBULE__SESSIONS__STORE); if they have changed, start the server with them first",
            place(&used),
            place(given)
        ),
        _ => Ok(()),
    }
}

fn place(kind: &str) -> &str {
    match kind {
        "redis" => "in Redis",
        "embedded" => "in the data folder",
        other => other,
    }
}
