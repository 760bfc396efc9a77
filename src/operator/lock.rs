//! The lock of a data folder: one process at a time works on it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What a server writes behind its process number.
const SERVER: &str = "server";

/// Holds a data folder until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Why a data folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works on it.
    #[error(
        "another vestibule{holder} is working on the data folder {folder}; stop it first, or choose another with --data-dir",
        folder = folder.display()
    )]
    Held {
        /// The folder.
        folder: PathBuf,
        /// ` (process 123)`, or nothing when it did not say.
        holder: String,
        /// Whether it is a server, which has a socket for its operator, and not another command.
        is_server: bool,
    },
    /// The folder cannot be used.
    #[error("the data folder {folder} cannot be used: {source}", folder = folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DataLock {
    /// Takes the folder for a command, making it (for the owner only) when it is missing. Does not wait.
    pub fn acquire(data_dir: &Path) -> Result<Self, LockError> {
        Self::take(data_dir, "")
    }

    /// The same for a server, and says so to whoever finds the folder taken.
    pub fn acquire_for_server(data_dir: &Path) -> Result<Self, LockError> {
        Self::take(data_dir, SERVER)
    }

    fn take(data_dir: &Path, purpose: &str) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable {
            folder: data_dir.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .map_err(unusable)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(data_dir.join("vestibule.lock"))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (holder, is_server) = holder(&mut file);
                return Err(LockError::Held {
                    folder: data_dir.to_owned(),
                    holder,
                    is_server,
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        sign(&mut file, purpose).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// Leaves our process number, and what we are, for whoever finds the folder taken.
fn sign(file: &mut File, purpose: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{} {purpose}", std::process::id())
}

fn holder(file: &mut File) -> (String, bool) {
    let mut text = String::new();
    let read = file.take(32).read_to_string(&mut text);
    let mut words = text.split_whitespace();
    let process = words.next().and_then(|word| word.parse::<u32>().ok());
    match (read, process) {
        (Ok(_), Some(process)) => (
            format!(" (process {process})"),
            words.next() == Some(SERVER),
        ),
        _ => (String::new(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn one_at_a_time_works_on_a_data_folder() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/data");
        let lock = DataLock::acquire(&folder).unwrap();
        let mode = folder.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let error = DataLock::acquire(&folder).unwrap_err().to_string();
        let process = format!("(process {})", std::process::id());
        assert!(error.contains(&process), "{error}");
        drop(lock);
        let _server = DataLock::acquire_for_server(&folder).unwrap();
        let held = DataLock::acquire(&folder).unwrap_err();
        assert!(held.to_string().contains(&process), "{held}");
        let is_server = matches!(held, LockError::Held { is_server, .. } if is_server);
        assert!(is_server, "{held:?}");
    }

    #[test]
    fn a_folder_that_is_a_file_is_said_to_be_unusable() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = DataLock::acquire(file.path()).unwrap_err();
        assert!(matches!(error, LockError::Unusable { .. }));
    }
}
