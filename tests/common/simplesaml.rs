//! A real SAML identity provider on a free port: Debian's `SimpleSAMLphp` in a process of its own.

use crate::ports::free_port;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs the provider for as long as somebody holds the other end of standard input, so that a test that is killed leaves
/// none behind.
const KEEPER: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & server=$!
(read -r _ <&3; kill -KILL $server) 2>/dev/null & reader=$!
wait $server
kill $reader"#;

/// What setup fetched.
pub fn fetched(path: &str) -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_vestibule"));
    let target = binary.ancestors().nth(2).unwrap();
    let fetched = target.join("clients").join(path);
    let shown = fetched.display();
    assert!(fetched.exists(), "{shown} is missing: run `make setup`");
    fetched
}

/// A key and its certificate, as openssl makes them: `NAME.key` and `NAME.crt`.
pub fn make_pair(folder: &Path, name: &str, kind: &[&str]) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "3650"])
        .args(["-subj", &format!("/CN={name}")])
        .args(kind)
        .arg("-keyout")
        .arg(folder.join(format!("{name}.key")))
        .arg("-out")
        .arg(folder.join(format!("{name}.crt")))
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A process, gone when dropped.
pub struct Process(Child);

impl Process {
    /// Starts it and waits until it listens.
    #[expect(
        clippy::disallowed_methods,
        reason = "waits for another process to listen"
    )]
    pub fn start(line: &[&str], environment: &[(&str, &str)], port: u16, log: &Path) -> Self {
        let log_file = std::fs::File::create(log).unwrap();
        let child = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .args(line)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(log_file.try_clone().unwrap())
            .stderr(log_file)
            .spawn()
            .unwrap();
        let process = Self(child);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{line:?} does not listen (make setup fetches it): {}",
                std::fs::read_to_string(log).unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The keeper kills its server when this end is closed, and ends with it.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// What the provider knows of us, and how it is to be.
#[derive(Clone)]
pub struct Known {
    /// Our entity ID.
    pub entity: String,
    /// Where answers may go.
    pub callbacks: Vec<String>,
    /// Where sign-outs go.
    pub logout: String,
    /// Whether assertions are encrypted.
    pub is_encrypted: bool,
    /// Whether the response around them is signed; they themselves always are.
    pub is_response_signed: bool,
}

const fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// A provider where `lena` signs in. Our own pair, `own.key` and `own.crt`, and its metadata, `idp.xml`, are in its folder.
pub struct SimpleSaml {
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

impl SimpleSaml {
    /// One that knows nobody yet; its metadata is there.
    pub fn at_rest() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        for sub in ["config/metadata", "log", "data", "tmp"] {
            std::fs::create_dir_all(home.join(sub)).unwrap();
        }
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/saml/simplesamlphp");
        for name in [
            "config.php",
            "authsources.php",
            "metadata/saml20-idp-hosted.php",
            "metadata/saml20-sp-remote.php",
        ] {
            std::fs::copy(files.join(name), home.join("config").join(name)).unwrap();
        }
        let rsa = ["-newkey", "rsa:2048"];
        make_pair(home, "idp", &rsa);
        make_pair(home, "own", &rsa);
        let mut provider = Self {
            folder,
            port: free_port(),
            process: None,
        };
        provider.serve(&Known {
            entity: "urn:nobody".into(),
            callbacks: vec!["http://127.0.0.1:9/".into()],
            logout: "http://127.0.0.1:9/".into(),
            is_encrypted: false,
            is_response_signed: true,
        });
        provider.write_metadata();
        provider.process = None;
        provider
    }

    /// Starts it, again where it runs, knowing us.
    pub fn serve(&mut self, known: &Known) {
        self.process = None;
        let text = |path: &str| self.path(path).to_str().unwrap().to_owned();
        let (config, own, home) = (text("config"), text("own.crt"), text("."));
        let base = self.base();
        let callbacks = known.callbacks.join(",");
        let environment = [
            ("SIMPLESAMLPHP_CONFIG_DIR", config.as_str()),
            ("IDP_HOME", home.as_str()),
            ("IDP_BASE", base.as_str()),
            ("SP_ENTITY", known.entity.as_str()),
            ("SP_CALLBACKS", callbacks.as_str()),
            ("SP_LOGOUT", known.logout.as_str()),
            ("SP_CERT", own.as_str()),
            ("SP_ENCRYPTION", yes_or_no(known.is_encrypted)),
            ("SP_RESPONSE_SIGNED", yes_or_no(known.is_response_signed)),
        ];
        let address = format!("127.0.0.1:{}", self.port);
        let www = fetched("simplesamlphp/usr/share/simplesamlphp/www");
        let root = www.to_str().unwrap();
        let line = ["php", "-d", "log_errors=0", "-S", &address, "-t", root];
        let log = self.path("php.log");
        self.process = Some(Process::start(&line, &environment, self.port, &log));
    }

    /// Gives it another key, which its metadata file does not have yet.
    pub fn change_key(&self) {
        make_pair(self.folder.path(), "idp", &["-newkey", "rsa:2048"]);
    }

    /// Writes the metadata it serves to `idp.xml`.
    pub fn write_metadata(&self) {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            line,
            "GET /saml2/idp/metadata.php HTTP/1.0\r\nHost: 127.0.0.1:{}\r\n\r\n",
            self.port
        )
        .unwrap();
        let mut reply = String::new();
        line.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200"), "{reply}");
        std::fs::write(self.path("idp.xml"), body).unwrap();
    }

    /// Where it is.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
