//! A running server: started with flags, known by its greeting, stopped by signals.

use crate::support::{Home, PASSWORD, SECRET_KEY, Visitor, until};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The last line of the greeting speaks of this.
const GREETING_ENDS: &str = "/session/logout'";

/// A server about to start.
pub struct Start<'a> {
    home: &'a Home,
    command: Command,
}

impl<'a> Start<'a> {
    pub fn new(home: &'a Home) -> Self {
        let mut command = home.command();
        command
            .args(["--set", "server.http=127.0.0.1:0"])
            .args(["--set", "server.https=127.0.0.1:0"]);
        Self { home, command }
    }

    /// More of the command line, split at blanks; later settings win.
    pub fn with(mut self, line: &str) -> Self {
        self.command.args(line.split_whitespace());
        self
    }

    /// With the planted administrator's password and secret key.
    pub fn planted(self) -> Self {
        self.env("VESTIBULE__BOOTSTRAP__ADMIN_PASSWORD", PASSWORD)
            .env("VESTIBULE__BOOTSTRAP__SECRET_KEY", SECRET_KEY)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// By way of another program, which is given the command line and becomes the server.
    pub fn through(mut self, program: &[&str]) -> Self {
        let mut outer = Command::new(program[0]);
        outer
            .args(&program[1..])
            .arg(self.command.get_program())
            .args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        if let Some(folder) = self.command.get_current_dir() {
            outer.current_dir(folder);
        }
        self.command = outer;
        self
    }

    /// In a folder of the file system other than the home.
    pub fn in_folder(mut self, folder: &str) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Starts it and waits for its greeting.
    pub fn start(mut self) -> Server {
        let log = self.home.path().join("server.log");
        let log_file = OpenOptions::new().create(true).append(true).open(&log);
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file.unwrap())
            .spawn()
            .unwrap();
        let greeting = read_greeting(&mut child).unwrap_or_else(|| {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(&log).unwrap();
            panic!("the server did not come up: {log}")
        });
        Server {
            http: address(&greeting, "http").map(|address| format!("http://{address}")),
            https: address(&greeting, "https").map(|address| format!("https://{address}")),
            child,
            greeting,
            log,
        }
    }
}

fn read_greeting(child: &mut Child) -> Option<String> {
    let stdout = BufReader::new(child.stdout.take()?);
    let (sender, receiver) = mpsc::channel();
    // Reads on to the end, so that the server never meets a closed pipe.
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let _nobody_asks_any_more = sender.send(line);
        }
    });
    let mut greeting = String::new();
    loop {
        let line = receiver.recv_timeout(Duration::from_mins(1)).ok()?;
        greeting.push_str(&line);
        greeting.push('\n');
        if line.contains(GREETING_ENDS) {
            return Some(greeting);
        }
    }
}

/// `  http   http://127.0.0.1:34819`
fn address(greeting: &str, scheme: &str) -> Option<String> {
    let mut lines = greeting.lines().map(str::split_whitespace);
    lines.find_map(|mut words| {
        let is_it = words.next() == Some(scheme);
        let prefix = format!("{scheme}://");
        let url = words.next().filter(|_| is_it)?;
        Some(url.strip_prefix(&prefix)?.to_owned())
    })
}

/// A server that answers; killed when dropped.
pub struct Server {
    pub greeting: String,
    http: Option<String>,
    https: Option<String>,
    child: Child,
    log: PathBuf,
}

impl Server {
    pub fn http(&self) -> &str {
        self.http.as_deref().expect("http is off")
    }

    pub fn https(&self) -> &str {
        self.https.as_deref().expect("https is off")
    }

    pub fn visitor(&self) -> Visitor {
        Visitor::of(self.http())
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Everything logged in this home so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log says so.
    pub async fn logs(&self, words: &str) {
        until(words, async || self.log().contains(words)).await;
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.process().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Sets a limit while it runs, such as `--nofile=100:`.
    pub fn limit(&self, limit: &str) {
        let set = Command::new("prlimit")
            .args(["--pid", &self.process().to_string(), limit])
            .status()
            .expect("prlimit is missing: it comes with util-linux");
        assert!(set.success(), "{limit}");
    }

    /// The processor time it has used so far.
    pub fn worked(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process())).unwrap();
        // After the name in brackets the state is the third field; user and system time are the next after ten more.
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        let ticks = rest.split(' ').skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        // Of which Linux shows programs a hundred a second.
        Duration::from_millis(ticks * 10)
    }

    /// How many files and sockets it has open.
    pub fn descriptors(&self) -> usize {
        let all = std::fs::read_dir(format!("/proc/{}/fd", self.process()));
        all.unwrap().count()
    }

    /// Stops it as a service manager does, and says how it ended.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// Waits for its end, after a signal.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// `kill -9`: nothing is written, nothing is said.
    pub fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
