//! The command line's end of the operator's socket.

use crate::operator::{Event, OperatorCommand};
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// A server that listens for its operator.
#[derive(Clone, Debug)]
pub struct Server {
    path: PathBuf,
}

impl Server {
    /// The server behind the socket at `path`; none when nobody answers there.
    ///
    /// An error means that somebody may be there, but not for us.
    pub async fn find(path: &Path) -> io::Result<Option<Self>> {
        match UnixStream::connect(path).await {
            Ok(_) => Ok(Some(Self {
                path: path.to_owned(),
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

    /// Sends a command and hears every event; the last is done or failed, or it is an error.
    pub async fn run(
        &self,
        command: &OperatorCommand,
        mut on_event: impl FnMut(Event),
    ) -> io::Result<()> {
        let (reader, mut writer) = UnixStream::connect(&self.path).await?.into_split();
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        // A refusal may arrive before the server has read all; it says more than a broken pipe.
        let written = writer.write_all(&line).await;
        let mut lines = BufReader::new(reader).lines();
        while let Some(line) = lines.next_line().await? {
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
}
