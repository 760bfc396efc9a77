//! The server's end of the operator's socket.

use crate::domain::administration::Administration;
use crate::operator::{Event, OperatorCommand, run};
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The longest command, in bytes: a batch of an import fits several times over.
pub const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;
/// How long a connection may take to say what it wants, and to take each line of the answer.
const LINE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a server that works on a command says that it does, while there is nothing else to say.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Pause after the system refuses a connection (out of file handles), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket only its owner can open.
#[derive(Debug)]
pub struct OperatorSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl OperatorSocket {
    /// Opens the socket at `path`, in place of what a crashed server left there.
    ///
    /// The caller holds the [`crate::operator::lock::DataLock`]: nobody else listens there.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        // Between bind and chmod a socket has the umask's permissions. So it is made in a folder
        // nobody else can enter, and moved to its place when it is closed to others.
        let nursery = folder.join(".op");
        match std::fs::remove_dir_all(&nursery) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        DirBuilder::new().mode(0o700).create(&nursery)?;
        let born = nursery.join("s");
        let listener = UnixListener::bind(&born)?;
        std::fs::set_permissions(&born, Permissions::from_mode(0o600))?;
        let owner = std::fs::symlink_metadata(&born)?.uid();
        std::fs::rename(&born, path)?;
        std::fs::remove_dir(&nursery)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            owner,
        })
    }

    /// Answers until `shutdown` is ready, then finishes the commands under way and removes the socket.
    pub async fn serve(self, admin: Arc<Administration>, shutdown: impl Future<Output = ()>) {
        let (closing, closed) = watch::channel(false);
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if self.is_owner(&stream) => {
                        let admin = Arc::clone(&admin);
                        let mut closed = closed.clone();
                        connections.spawn(async move {
                            let stopped = async move {
                                let _gone = closed.wait_for(|closing| *closing).await;
                            };
                            answer(stream, &admin, stopped).await;
                        });
                    }
                    Ok(_stranger) => tracing::warn!("refused another user at the operator's socket"),
                    Err(error) => {
                        tracing::warn!(%error, "the operator's socket could not accept");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "the operator's socket could not be removed");
        }
        closing.send_replace(true);
        // A command cut off could leave a user disabled and their sessions alive.
        while connections.join_next().await.is_some() {}
    }

    /// Whether the peer is the socket's owner or root: a second lock beside the file's mode.
    fn is_owner(&self, stream: &UnixStream) -> bool {
        stream
            .peer_cred()
            .is_ok_and(|peer| peer.uid() == self.owner || peer.uid() == 0)
    }
}

/// Opens the socket at `path` and answers until `shutdown` is ready.
pub async fn serve(
    path: &Path,
    admin: Arc<Administration>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    OperatorSocket::bind(path)?.serve(admin, shutdown).await;
    Ok(())
}

async fn answer(stream: UnixStream, admin: &Administration, stopped: impl Future<Output = ()>) {
    let (reader, writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(MAX_LINE_BYTES));
    let read = tokio::select! {
        () = stopped => return,
        read = tokio::time::timeout(LINE_TIMEOUT, reader.read_line(&mut line)) => read,
    };
    let command = match read {
        Ok(Ok(0)) | Err(_) => return,
        Ok(Ok(_)) if !line.ends_with('\n') => Err("the command is cut off or too long".to_owned()),
        Ok(Ok(_)) => parse(&line),
        Ok(Err(_)) => Err("the command is not UTF-8 text".to_owned()),
    };
    // Unbounded, because a command must come to its end even when its reader is slow or gone.
    let (events, outbox) = mpsc::unbounded_channel();
    let work = async move {
        let sink = move |event| {
            let _reader_gone = events.send(event);
        };
        match command {
            Ok(command) => run(admin, command, sink).await,
            Err(reason) => sink(Event::Failed(reason)),
        }
    };
    tokio::join!(work, write_all(writer, outbox));
}

fn parse(line: &str) -> Result<OperatorCommand, String> {
    // Only the place of the mistake: the text around it may be a password.
    serde_json::from_str(line).map_err(|error| {
        format!(
            "the server does not know this command (column {}); is the command line of another version?",
            error.column()
        )
    })
}

async fn write_all(mut writer: OwnedWriteHalf, mut outbox: mpsc::UnboundedReceiver<Event>) {
    let mut progress = Event::Progress { done: 0, total: 0 };
    loop {
        // Whoever asked tells by it long work from a server that hangs.
        let event = match tokio::time::timeout(HEARTBEAT, outbox.recv()).await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(_) => progress.clone(),
        };
        if matches!(event, Event::Progress { .. }) {
            progress.clone_from(&event);
        }
        let Ok(mut line) = serde_json::to_vec(&event) else {
            continue;
        };
        line.push(b'\n');
        // A reader that has stopped reading must not hold up a server that stops.
        let written = tokio::time::timeout(LINE_TIMEOUT, writer.write_all(&line)).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::client::Server;
    use std::os::unix::fs::FileTypeExt;

    #[tokio::test]
    async fn the_socket_is_the_owners_alone_and_takes_the_place_of_a_stale_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operator.sock");
        assert!(Server::find(&path).await.unwrap().is_none());
        // As a crash leaves it: the file is there, nobody listens.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(Server::find(&path).await.unwrap().is_none());

        let socket = OperatorSocket::bind(&path).unwrap();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert!(Server::find(&path).await.unwrap().is_some());
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "the folder it was made in is gone");
        drop(socket);
    }

    #[tokio::test]
    async fn a_path_too_long_for_a_socket_has_no_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d".repeat(120)).join("operator.sock");
        assert!(Server::find(&path).await.unwrap().is_none());
    }

    #[test]
    fn case_56_a_command_that_cannot_be_read_is_not_quoted() {
        let error = parse("{\"command\":\"set_password\",\"password\":\"p1anted\"}\n").unwrap_err();
        assert!(!error.contains("p1anted"), "{error}");
        assert!(parse("{\"command\":\"list_users\"}\n").is_ok());
    }
}
