//! A real PostgreSQL server of the tests' own, from the system's packages; gone when the tests are.

use crate::ports::free_port;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// The superuser's password, planted: it must show up nowhere.
pub const POSTGRES_PASSWORD: &str = "p1anted-pg-word";
/// Runs the server for as long as somebody holds the other end of standard input, so that a test that
/// is killed leaves no server behind.
const KEEPER: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & server=$!
(read -r _ <&3; kill -QUIT $server) 2>/dev/null & reader=$!
wait $server
kill $reader"#;

/// A `postgres` process with a folder of its own.
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    keeper: Mutex<Child>,
}

impl Postgres {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        let programs = programs().unwrap_or_else(|| {
            panic!("PostgreSQL 15 or later is missing: run `make setup`");
        });
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            copy(&template(&programs), &folder.path().join("data"));
            give(folder.path());
            let port = free_port();
            let keeper = Mutex::new(spawn(&programs, folder.path(), port));
            let server = Self {
                programs: programs.clone(),
                folder,
                port,
                keeper,
            };
            // If not, somebody else took the port in between.
            if server.is_up() {
                return server;
            }
        }
        panic!("PostgreSQL did not start")
    }

    /// Makes an empty database and says how to find it.
    pub fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// How to find a database.
    pub fn url(&self, name: &str) -> String {
        let port = self.port;
        format!("postgres://postgres:{POSTGRES_PASSWORD}@127.0.0.1:{port}/{name}")
    }

    /// What a statement answers, one line a row.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement])
            .arg(self.url(database))
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{statement}: {words}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Sends a signal to the server and to every process that it runs.
    pub fn signal(&self, name: &str) {
        let main = self.process();
        let children = format!("/proc/{main}/task/{main}/children");
        let children = std::fs::read_to_string(children).unwrap();
        // One of its processes may have ended by itself since; what `kill` says of that is no matter.
        Command::new("kill")
            .args(["-s", name, &main])
            .args(children.split_whitespace())
            .output()
            .unwrap();
    }

    /// Holds the lock that every write of a directory in that database waits for, until dropped.
    pub fn hold(self: &Arc<Self>, database: &str) -> Hold {
        const LOCK: &str = "DO $$ BEGIN PERFORM pg_advisory_xact_lock(8531337069452059244); \
            WHILE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'let_go') LOOP \
            PERFORM pg_sleep(0.05); END LOOP; END $$";
        let (server, name) = (Arc::clone(self), database.to_owned());
        let holder = std::thread::spawn(move || drop(server.sql(&name, LOCK)));
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        while self.sql(database, held) == "0" {
            std::thread::yield_now();
        }
        Hold {
            server: Arc::clone(self),
            database: database.to_owned(),
            holder: Some(holder),
        }
    }

    /// Has it ask nobody on this machine for a password, from now on: proving one takes an unoptimised program long.
    pub fn trust(&self) {
        let rules = self.folder.path().join("data/pg_hba.conf");
        std::fs::write(rules, "host all all 127.0.0.1/32 trust\n").unwrap();
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    /// Keeps it until this process ends, however that may be; then its folder goes too.
    pub fn keep(self) -> &'static Self {
        let remover = Command::new("sh")
            .args([
                "-c",
                "read -r _; rm -rf \"$0\" || { sleep 1; rm -rf \"$0\"; }",
            ])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        // Its end of the pipe stays open as long as nobody drops it.
        std::mem::forget(remover.unwrap());
        Box::leak(Box::new(self))
    }

    /// Kills the server without notice.
    pub fn kill(&self) {
        self.signal("KILL");
        self.keeper.lock().unwrap().wait().unwrap();
    }

    /// Starts it again in the same place.
    pub fn start_again(&self) {
        // The processes of a server that was killed hold its memory until they notice; while they do, none starts.
        let is_up = (0..100).any(|_| {
            *self.keeper.lock().unwrap() = spawn(&self.programs, self.folder.path(), self.port);
            self.is_up() || {
                std::thread::park_timeout(Duration::from_millis(50));
                false
            }
        });
        assert!(is_up, "PostgreSQL did not start again");
    }

    /// Has it speak TLS as well, from now on.
    pub fn encrypt(&self, certificate: &str, key: &str) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.folder.path().join("data").join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            give(&path);
        }
        self.sql("postgres", "ALTER SYSTEM SET ssl = on");
        self.kill();
        self.start_again();
    }

    fn process(&self) -> String {
        let file = self.folder.path().join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().next().unwrap().to_owned()
    }

    fn is_up(&self) -> bool {
        for _ in 0..1500 {
            let asked = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status();
            if asked.unwrap().success() {
                return true;
            }
            if self.keeper.lock().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            // Another process has no clock that a test could advance.
            std::thread::park_timeout(Duration::from_millis(20));
        }
        false
    }
}

/// Writes wait; see [`Postgres::hold`].
pub struct Hold {
    server: Arc<Postgres>,
    database: String,
    holder: Option<JoinHandle<()>>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.server.sql(&self.database, "CREATE TABLE let_go ()");
        if let Some(holder) = self.holder.take() {
            let _ = holder.join();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap();
        drop(keeper.stdin.take());
        let _ = keeper.wait();
    }
}

fn spawn(programs: &Path, folder: &Path, port: u16) -> Child {
    let mut command = Command::new("sh");
    command
        .args(["-c", KEEPER, "sh"])
        .arg(programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args([
            "-c",
            "fsync=off",
            "-c",
            "shared_buffers=16MB",
            "-c",
            "max_connections=200",
        ])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    as_owner(&mut command).spawn().unwrap()
}

/// Where the distribution keeps the newest server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| *version >= 15)
        .max()?;
    let programs = PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"));
    programs.join("initdb").is_file().then_some(programs)
}

/// A fresh data folder to copy, made once: making one takes longer than most tests.
fn template(programs: &Path) -> PathBuf {
    let version = programs.parent().unwrap().file_name().unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(cache).unwrap();
    let template = cache.join(format!("postgres-{}", version.to_str().unwrap()));
    let lock = std::fs::File::create(template.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !template.is_dir() {
        let folder = tempfile::tempdir().unwrap();
        let word = folder.path().join("word");
        std::fs::write(&word, POSTGRES_PASSWORD).unwrap();
        std::fs::set_permissions(&word, PermissionsExt::from_mode(0o644)).unwrap();
        give(folder.path());
        let mut command = Command::new(programs.join("initdb"));
        command
            .args([
                "--no-sync",
                "-U",
                "postgres",
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
            ])
            // An order that is not the bytes': the directory must not depend on it.
            .args([
                "--locale=C.UTF-8",
                "--locale-provider=icu",
                "--icu-locale=en",
            ])
            .arg("--pwfile")
            .arg(&word)
            .arg("-D")
            .arg(folder.path().join("data"))
            .current_dir(folder.path());
        let made = as_owner(&mut command).output().unwrap();
        let words = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.success(), "initdb: {words}");
        let half = template.with_extension("half");
        let _ = std::fs::remove_dir_all(&half);
        copy(&folder.path().join("data"), &half);
        std::fs::rename(half, &template).unwrap();
    }
    template
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(done.unwrap().success());
}

/// The server refuses to run as root: then everything is the user `postgres`'s.
fn owner() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> io::Result<u32> {
        let output = Command::new("id").args(arguments).output()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        text.parse().map_err(io::Error::other)
    };
    (id(&["-u"]).unwrap() == 0).then(|| {
        let user = id(&["-u", "postgres"]).expect("there is no user postgres: run `make setup`");
        (user, id(&["-g", "postgres"]).unwrap())
    })
}

fn give(folder: &Path) {
    if let Some((user, group)) = owner() {
        chown(folder, Some(user), Some(group)).unwrap();
    }
}

fn as_owner(command: &mut Command) -> &mut Command {
    if let Some((user, group)) = owner() {
        command.uid(user).gid(group);
    }
    command
}
