//! Which way a command goes: to the server that runs on the data folder, or straight to the data.

use crate::domain::administration::Administration;
use crate::operator::client::Server;
use crate::operator::lock::{DataLock, LockError};
use crate::operator::{Event, OperatorCommand, run, socket_path};
use crate::settings::{DirectoryStoreSetting, SessionStoreSetting, Settings};
use crate::stores::{DIRECTORY_FILE, SESSIONS_FILE};
use anyhow::{Context, anyhow, bail, ensure};
use serde_json::Value;

/// The way to the data.
pub(in crate::cli) enum Way {
    /// A server runs: it does the work, so that its sessions feel it at once.
    Server(Server),
    /// None runs, and none can start while the lock is held.
    Direct(Direct),
}

/// The data itself.
pub(in crate::cli) struct Direct {
    admin: Box<Administration>,
    place: String,
    _lock: DataLock,
}

/// What a command came to.
#[derive(Debug, Default)]
pub(in crate::cli) struct Answer {
    /// The items of a list.
    pub rows: Vec<Value>,
    /// What the last event said.
    pub value: Value,
}

impl Way {
    /// Finds the way for commands such as this one.
    pub async fn find(settings: &Settings, command: &OperatorCommand) -> anyhow::Result<Self> {
        let path = socket_path(&settings.data_dir);
        let server = Server::find(&path)
            .await
            .with_context(|| format!("the server's socket {} cannot be used", path.display()))?;
        if let Some(server) = server {
            return Ok(Self::Server(server));
        }
        let folder = std::path::absolute(&settings.data_dir)?;
        let is_new = !has_data(settings);
        // A slip in the folder's name must not look like an empty directory, nor like sessions that are ended.
        ensure!(
            !is_new || command.makes(),
            "there is no vestibule data in {}; give the server's --data-dir and its other settings",
            folder.display()
        );
        let lock = DataLock::acquire(&settings.data_dir).map_err(|error| match error {
            LockError::Held {
                holder, is_server, ..
            } if is_server => anyhow!(
                "the server{holder} works on the data folder {}, but nobody answers at its operator.sock: if it is \
                 not just starting or stopping, restart it",
                folder.display()
            ),
            error => error.into(),
        })?;
        if command.needs_sessions() {
            crate::server::require_same_session_store(settings).await?;
        }
        let admin = crate::server::open_administration(settings).await?;
        if is_new {
            eprintln!(
                "vestibule: there was no data in {}: it is made",
                folder.display()
            );
        }
        let sessions = settings.sessions.store.kind();
        Ok(Self::Direct(Direct {
            admin: Box::new(admin),
            place: format!("{}, sessions {sessions}", folder.display()),
            _lock: lock,
        }))
    }

    /// Says on standard error who did the work, after commands that change anything: that it was done in the wrong
    /// place shows nowhere else.
    pub fn tell(&self) {
        match self {
            Self::Server(server) => eprintln!("vestibule: by {}", server.name()),
            Self::Direct(direct) => eprintln!("vestibule: no server runs: on {}", direct.place),
        }
    }

    /// Runs a command; `progress` hears how many rows are through.
    pub async fn run(
        &self,
        command: OperatorCommand,
        mut progress: impl FnMut(u64) + Send,
    ) -> anyhow::Result<Answer> {
        let mut answer = Answer::default();
        let mut outcome = None;
        let on_event = |event| match event {
            Event::Progress { done, .. } => progress(done),
            Event::Row(row) => answer.rows.push(row),
            Event::Done(value) => outcome = Some(Ok(value)),
            Event::Failed(reason) => outcome = Some(Err(anyhow!(reason))),
        };
        match self {
            Self::Server(server) => server
                .run(&command, on_event)
                .await
                .context("the server could not be asked")?,
            Self::Direct(direct) => run(&direct.admin, command, on_event).await,
        }
        match outcome {
            Some(Ok(value)) => answer.value = value,
            Some(Err(error)) => return Err(error),
            None => bail!("the command ended without an answer"),
        }
        Ok(answer)
    }
}

/// Whether what these settings keep in the data folder is there; with both stores elsewhere nothing has to be.
fn has_data(settings: &Settings) -> bool {
    let file = match (&settings.directory.store, &settings.sessions.store) {
        (DirectoryStoreSetting::Embedded, _) => DIRECTORY_FILE,
        (DirectoryStoreSetting::Postgres(_), SessionStoreSetting::Embedded) => SESSIONS_FILE,
        (DirectoryStoreSetting::Postgres(_), SessionStoreSetting::Redis(_)) => return true,
    };
    settings.data_dir.join(file).exists()
}
