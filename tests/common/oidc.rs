//! A real `OpenID Connect` provider on a free port: the published package `oidc-provider` in a process of its own.

use crate::ports::free_port;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;
use tempfile::TempDir;

/// The secret of the client `by-secret`, planted: it must show up nowhere.
pub const CLIENT_SECRET: &str = "p1anted-client-secret-with-&+%-in-it";
/// Where the engine's tests have answers sent; nobody listens there.
pub const CALLBACK: &str = "http://127.0.0.1:9/callosum/v1/oidc/callback";
/// Where browsers come back after a sign-out.
pub const AFTER_LOGOUT: &str = "http://127.0.0.1:9/callosum/v1/oidc/logout/complete";

/// It is up within a second or two. One that is silent for this long hangs, and the test is to say so.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a provider is to be.
#[derive(Clone)]
pub struct Wanted {
    /// How ID tokens are signed.
    pub algorithm: &'static str,
    /// How long ID tokens are good.
    pub id_token_seconds: u32,
    /// Redirect URLs of the clients.
    pub callbacks: Vec<String>,
    /// Where they have browsers sent after a sign-out.
    pub after_logout: Vec<String>,
    /// Where the provider tells of sign-outs.
    pub backchannel: String,
    /// Who has signed in there already, for clients that fill in no form.
    pub automatic: Option<&'static str>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            algorithm: "RS256",
            id_token_seconds: 3600,
            callbacks: vec![CALLBACK.to_owned()],
            after_logout: vec![AFTER_LOGOUT.to_owned()],
            backchannel: "http://127.0.0.1:9/callosum/v1/oidc/backchannel-logout".to_owned(),
            automatic: None,
        }
    }
}

/// A provider with the clients `by-secret`, `by-rsa-key`, `by-ec-key` and `public`.
pub struct Provider {
    folder: TempDir,
    port: u16,
    wanted: Wanted,
    child: Option<Child>,
}

impl Provider {
    /// Starts one.
    pub fn start(wanted: Wanted) -> Self {
        let mut provider = Self::at_rest(wanted);
        provider.up();
        provider
    }

    /// Starts it for servers of ours at these addresses, the first of which is told of sign-outs.
    pub fn serve(&mut self, bases: &[&str]) {
        let at = |path: &str| {
            let urls = bases
                .iter()
                .map(|base| format!("{base}/callosum/v1/oidc/{path}"));
            urls.collect::<Vec<_>>()
        };
        self.wanted.callbacks = at("callback");
        // As a provider with an address of its own, should the section be called so.
        self.wanted.callbacks.extend(at("callback/company"));
        self.wanted.after_logout = at("logout/complete");
        self.wanted.backchannel = at("backchannel-logout").remove(0);
        self.up();
    }

    /// One that is not up yet, but has its address.
    pub fn at_rest(wanted: Wanted) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, algorithm) in [
            ("rsa.pem", &PKCS_RSA_SHA256),
            ("ec.pem", &PKCS_ECDSA_P256_SHA256),
        ] {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            std::fs::write(folder.path().join(name), pair.serialize_pem()).unwrap();
        }
        let port = free_port();
        Self {
            folder,
            port,
            wanted,
            child: None,
        }
    }

    /// Its name for itself.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The private key of a client that has one: `rsa` or `ec`.
    pub fn key_file(&self, kind: &str) -> PathBuf {
        self.folder.path().join(format!("{kind}.pem"))
    }

    /// Stops it, as a crash would.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again where it was, with the keys it had, and without any memory of anybody.
    pub fn up(&mut self) {
        let issuer = self.issuer();
        let line = json!({
            "clients": clients(),
            "issuer": issuer,
            "port": self.port,
            "keys": self.keys(),
            "algorithm": self.wanted.algorithm,
            "secret": CLIENT_SECRET,
            "key_clients": [
                ["by-rsa-key", self.key_file("rsa"), "RS256"],
                ["by-ec-key", self.key_file("ec"), "ES256"],
            ],
            "callbacks": self.wanted.callbacks,
            "after_logout": self.wanted.after_logout,
            "backchannel": self.wanted.backchannel,
            "automatic": self.wanted.automatic,
            "id_token_seconds": self.wanted.id_token_seconds,
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/oidc_provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.log()).unwrap())
            .spawn()
            .expect("no node: run `make setup`");
        writeln!(child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let said = first_line(child.stdout.take().unwrap());
        self.child = Some(child);
        assert_eq!(said, "ready\n", "{}", self.words());
    }

    /// Gives it new keys.
    pub fn rotate_keys(&mut self) {
        self.down();
        std::fs::remove_file(self.keys()).unwrap();
        self.up();
    }

    /// What it complained about.
    pub fn words(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap()
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys.json")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.down();
    }
}

/// What it says first, or nothing.
fn first_line(stdout: ChildStdout) -> String {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let (mut lines, mut said) = (BufReader::new(stdout), String::new());
        lines.read_line(&mut said).unwrap();
        tell.send(said).ok();
        // What it says later must find somebody who takes it.
        std::io::copy(&mut lines, &mut std::io::sink()).ok();
    });
    told.recv_timeout(PATIENCE).unwrap_or_default()
}

/// Where `make setup` puts what the tests drive.
fn clients() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_vestibule"));
    let found = binary.ancestors().nth(2).unwrap().join("clients");
    assert!(
        found.join("node/node_modules/oidc-provider").is_dir(),
        "oidc-provider is missing: run `make setup`"
    );
    found
}
