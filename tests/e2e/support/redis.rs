//! A real Redis server of one test's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A `redis-server` process; killed when dropped.
pub struct Redis {
    port: u16,
    arguments: Vec<String>,
    child: Child,
    folder: TempDir,
}

impl Redis {
    /// Starts a server on a free port that keeps nothing.
    pub fn start() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts a server on a free port, with those arguments or that configuration file first.
    pub fn start_with(arguments: &[&str]) -> Self {
        for _ in 0..10 {
            if let Some(started) = Self::try_start(arguments) {
                return started;
            }
        }
        panic!("redis-server did not start")
    }

    /// None when somebody else took the port in between.
    fn try_start(arguments: &[&str]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .unwrap()
            .port();
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|&one| one.to_owned()).collect();
        Some(Self {
            child: spawn(port, &arguments, folder.path())?,
            port,
            arguments,
            folder,
        })
    }

    /// Starts it again where it was, with what it kept.
    pub fn start_again(&mut self) {
        let child = spawn(self.port, &self.arguments, self.folder.path());
        self.child = child.expect("redis-server did not start again");
    }

    /// What `sessions.store` says to find it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The same with a password.
    pub fn url_with(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}/0", self.port)
    }

    /// Everything it holds, keys and values, in its own dump format.
    pub fn dump(&self) -> Vec<u8> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.write_all(b"SYNC\r\n").unwrap();
        let mut reader = BufReader::new(connection);
        let mut line = String::new();
        // Newlines keep the connection alive until the dump, announced by its length, is ready.
        while !line.starts_with('$') {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        let mut dump = vec![0; line[1..].trim().parse().unwrap()];
        reader.read_exact(&mut dump).unwrap();
        dump
    }

    /// Says something to it that needs no more than one connection, a command a line; each must be answered well.
    pub fn tell(&self, commands: &[&str]) {
        let connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut answers = BufReader::new(connection.try_clone().unwrap());
        let mut connection = connection;
        for command in commands {
            connection
                .write_all(format!("{command}\r\n").as_bytes())
                .unwrap();
            let mut line = String::new();
            answers.read_line(&mut line).unwrap();
            assert!(!line.starts_with('-'), "{command}: {line}");
        }
    }

    /// Ends all connections of its clients.
    pub fn cut_off_clients(&self) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection
            .write_all(b"CLIENT KILL TYPE normal SKIPME yes\r\n")
            .unwrap();
        let mut line = String::new();
        BufReader::new(connection).read_line(&mut line).unwrap();
        assert!(line.starts_with(':'), "{line}");
    }

    /// Sends it a signal by name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Kills the server without notice.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// None when it ended before it was ready.
fn spawn(port: u16, arguments: &[String], folder: &Path) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(arguments)
        .args(["--bind", "127.0.0.1", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is missing: run `make setup`");
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("Ready to accept connections") {
        line.clear();
        if log.read_line(&mut line).unwrap() == 0 {
            child.wait().unwrap();
            return None;
        }
    }
    // A full pipe would stop the server.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Some(child)
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
