//! The command line's end of the operator's socket.

use crate::operator::{Event, OperatorCommand};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long a server may say nothing at all. Longer work is no reason to: it says now and then that it goes on.
pub const SILENCE: Duration = Duration::from_secs(5);

/// A server that listens for its operator.
#[derive(Clone, Debug)]
pub struct Server {
    path: PathBuf,
    process: Option<i32>,
    silence: Duration,
}

impl Server {
    /// The server behind the socket at `path`; none when nobody answers there.
    ///
    /// An error means that somebody may be there, but not for us.
    pub async fn find(path: &Path) -> io::Result<Option<Self>> {
        match connect(path, SILENCE).await {
            Ok(stream) => Ok(Some(Self {
                path: path.to_owned(),
                process: stream.peer_cred().ok().and_then(|peer| peer.pid()),
                silence: SILENCE,
            })),
            Err(error) => match error.kind() {
                // No socket, one that a crash left behind, or a path too long to have one.
                io::ErrorKind::NotFound
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::InvalidInput => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Who it is, for people: `the server, process 123`.
    pub fn name(&self) -> String {
        match self.process {
            // Zero is a process that cannot be seen from our container.
            Some(process) if process > 0 => format!("the server, process {process}"),
            _ => "the server".to_owned(),
        }
    }

    /// The same server, waited for less or more patiently.
    #[must_use]
    pub fn silent_for(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Sends a command and hears every event; the last is done or failed, or it is an error.
    pub async fn run(
        &self,
        command: &OperatorCommand,
        mut on_event: impl FnMut(Event),
    ) -> io::Result<()> {
        let stream = connect(&self.path, self.silence).await?;
        let (reader, mut writer) = stream.into_split();
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        // A refusal may arrive before the server has read all; it says more than a broken pipe.
        let written = timeout(self.silence, writer.write_all(&line)).await;
        let written = written.map_err(|_| self.is_silent())?;
        let mut lines = BufReader::new(reader).lines();
        loop {
            let line = timeout(self.silence, lines.next_line()).await;
            let Some(line) = line.map_err(|_| self.is_silent())?? else {
                break;
            };
            let event: Event = serde_json::from_str(&line)?;
            let is_last = matches!(event, Event::Done(_) | Event::Failed(_));
            on_event(event);
            if is_last {
                return Ok(());
            }
        }
        written?;
        Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server stopped before it answered; look before you do it again",
        ))
    }

    fn is_silent(&self) -> io::Error {
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "{} does not answer: it has said nothing for {} s. It may yet do what it was asked; look before \
                 you do it again",
                self.name(),
                self.silence.as_secs()
            ),
        )
    }
}

async fn connect(path: &Path, within: Duration) -> io::Result<UnixStream> {
    let connected = timeout(within, UnixStream::connect(path)).await;
    connected.unwrap_or_else(|_| {
        let words = format!(
            "the server took no connection within {} s",
            within.as_secs()
        );
        Err(io::Error::new(io::ErrorKind::TimedOut, words))
    })
}
