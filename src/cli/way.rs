//! Which way a command goes: to the server that runs on the data folder, or straight to the data.

use crate::domain::administration::Administration;
use crate::operator::client::Server;
use crate::operator::lock::DataLock;
use crate::operator::{Event, OperatorCommand, run, socket_path};
use crate::settings::Settings;
use anyhow::{Context, anyhow, bail};
use serde_json::Value;

/// The way to the data.
pub(in crate::cli) enum Way {
    /// A server runs: it does the work, so that its sessions feel it at once.
    Server(Server),
    /// None runs, and none can start while the lock is held.
    Direct(Box<Administration>, DataLock),
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
    /// Finds the way.
    pub async fn find(settings: &Settings) -> anyhow::Result<Self> {
        let path = socket_path(&settings.data_dir);
        let server = Server::find(&path)
            .await
            .with_context(|| format!("the server's socket {} cannot be used", path.display()))?;
        if let Some(server) = server {
            return Ok(Self::Server(server));
        }
        let lock = DataLock::acquire(&settings.data_dir)?;
        let admin = crate::server::open_administration(settings).await?;
        Ok(Self::Direct(Box::new(admin), lock))
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
            Self::Direct(admin, _lock) => run(admin, command, on_event).await,
        }
        match outcome {
            Some(Ok(value)) => answer.value = value,
            Some(Err(error)) => return Err(error),
            None => bail!("the command ended without an answer"),
        }
        Ok(answer)
    }
}
