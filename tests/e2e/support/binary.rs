//! A folder of one test's own, and the binary run in it to its end.

use crate::support::{Redis, Start};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// An empty folder to run in; the data folder is `data` below it.
pub struct Home {
    folder: TempDir,
    store: String,
}

impl Home {
    /// With sessions in the data folder.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            store: "embedded".to_owned(),
        }
    }

    /// With sessions in that Redis.
    pub fn on(redis: &Redis) -> Self {
        Self::on_store(redis.url())
    }

    /// With that `sessions.store`.
    pub fn on_store(store: String) -> Self {
        Self {
            store,
            ..Self::new()
        }
    }

    /// Whether sessions are in the data folder.
    pub fn is_embedded(&self) -> bool {
        self.store == "embedded"
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file into the folder and names it.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The bare binary in this folder, with nothing of ours in its environment.
    pub fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.current_dir(self.path());
        for (name, _) in std::env::vars() {
            if name.starts_with("VESTIBULE__") {
                command.env_remove(name);
            }
        }
        command
    }

    /// The binary with this home's data folder and store.
    pub fn command(&self) -> Command {
        let mut command = self.bare();
        command
            .arg("--data-dir")
            .arg(self.data())
            .args(["--set", &format!("sessions.store={}", self.store)])
            // So that a machine that stalls is not taken for a Redis that is away.
            .args(["--set", "sessions.answer_within=5s"]);
        command
    }

    /// Runs a command line to its end. Words are split at blanks.
    pub fn run(&self, line: &str) -> Ran {
        let mut command = self.command();
        command.args(line.split_whitespace());
        Ran::of(&mut command, "")
    }

    /// Runs a command line that reads `input`.
    pub fn run_with(&self, line: &str, input: &str) -> Ran {
        let mut command = self.command();
        command.args(line.split_whitespace());
        Ran::of(&mut command, input)
    }

    /// A server in this folder, to be given flags and started.
    pub fn server(&self) -> Start<'_> {
        Start::new(self)
    }
}

/// What a process that has ended left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Runs a command with `input` on standard input.
    pub fn of(command: &mut Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        // A process that reads nothing may be gone before it is written to.
        let _unread = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code().expect("ended by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output, of a process that must have gone well.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// Standard error, of a process that must have refused with exit code 1.
    #[track_caller]
    pub fn refusal(self) -> String {
        assert_eq!(self.code, 1, "{self:?}");
        self.err
    }
}
