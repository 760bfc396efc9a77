//! The server's end of the operator's socket.

use crate::domain::administration::Administration;
use crate::operator::{Event, OperatorCommand, run};
use std::fs::{DirBuilder, Permissions};
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
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
/// How many events may wait for their reader before the command rests.
const MOST_WAITING: usize = 5_000;
/// Pause after the system refuses a connection (out of file handles), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The longest path of a socket, in bytes; the system has room for one more, and ends it with that.
const LONGEST_PATH: usize = 107;

/// Refuses a path that no socket can have.
pub fn require_fit(path: &Path) -> anyhow::Result<()> {
    let length = path.as_os_str().len();
    anyhow::ensure!(
        length <= LONGEST_PATH,
        "the operator's socket would be {}, of {length} bytes, and the system allows {LONGEST_PATH}: choose a shorter folder",
        path.display()
    );
    Ok(())
}

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
    let (events, outbox) = mpsc::unbounded_channel();
    let waiting = AtomicUsize::new(0);
    let work = async {
        let sink = |event| {
            // Without a reader the command still comes to its end.
            if events.send(event).is_ok() {
                waiting.fetch_add(1, Ordering::Relaxed);
            }
        };
        match command {
            Ok(command) => run(admin, command, sink).await,
            Err(reason) => sink(Event::Failed(reason)),
        }
        drop(events);
    };
    // The writer first: once it has nothing left to write, only the command can wake this task.
    tokio::join!(biased; write_all(writer, outbox, &waiting), paced(work, &waiting));
}

/// Rests while many events wait for their reader: a million sessions are listed faster than they are read.
async fn paced(work: impl Future<Output = ()>, waiting: &AtomicUsize) {
    let mut work = pin!(work);
    poll_fn(|context| {
        if waiting.load(Ordering::Relaxed) > MOST_WAITING {
            return Poll::Pending;
        }
        work.as_mut().poll(context)
    })
    .await;
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

async fn write_all(
    writer: OwnedWriteHalf,
    outbox: mpsc::UnboundedReceiver<Event>,
    waiting: &AtomicUsize,
) {
    write_each(writer, outbox, waiting).await;
    // Nobody hears any of it now.
    waiting.store(0, Ordering::Relaxed);
}

async fn write_each(
    mut writer: OwnedWriteHalf,
    mut outbox: mpsc::UnboundedReceiver<Event>,
    waiting: &AtomicUsize,
) {
    let mut progress = Event::Progress { done: 0, total: 0 };
    loop {
        // Whoever asked tells by it long work from a server that hangs.
        let event = match tokio::time::timeout(HEARTBEAT, outbox.recv()).await {
            Ok(Some(event)) => {
                waiting.fetch_sub(1, Ordering::Relaxed);
                event
            }
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
    async fn a_command_rests_while_its_reader_is_behind() {
        let waiting = AtomicUsize::new(0);
        let work = async {
            for _ in 0..2 * MOST_WAITING {
                waiting.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        };
        let mut work = pin!(paced(work, &waiting));
        for _ in 0..3 * MOST_WAITING {
            let polled = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(waiting.load(Ordering::Relaxed), MOST_WAITING + 1);
        waiting.store(0, Ordering::Relaxed);
        work.await;
        assert_eq!(waiting.load(Ordering::Relaxed), MOST_WAITING - 1);
    }

    #[test]
    fn a_data_folder_too_long_for_the_socket_is_refused_by_name_and_number() {
        let longest = Path::new("/").join("d".repeat(106));
        assert!(require_fit(&longest).is_ok());
        let error = require_fit(&Path::new("/").join("d".repeat(107))).unwrap_err();
        let words = error.to_string();
        assert!(words.contains("/ddd") && words.contains("107"), "{words}");
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
