//! Published clients, unmodified, against the real server with each session store.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod browser;
mod description;
mod mstrio;
#[path = "../common/oidc.rs"]
#[expect(dead_code, reason = "the tests of the protocol itself use the rest")]
mod oidc;
#[path = "../common/ports.rs"]
mod ports;
#[path = "../common/postgres.rs"]
#[expect(dead_code, reason = "the tests of the stores use the rest")]
mod postgres;
mod python;
#[path = "../common/simplesaml.rs"]
#[expect(dead_code, reason = "the tests of the protocol itself use the rest")]
mod simplesaml;
#[path = "../common/slapd.rs"]
#[expect(dead_code, reason = "the tests of LDAP itself use the rest")]
mod slapd;
#[expect(
    dead_code,
    unused_imports,
    reason = "the end-to-end tests use the rest of it"
)]
#[path = "../e2e/support/mod.rs"]
mod support;

use crate::support::{ADMIN, Home, PASSWORD, Ran, SECRET_KEY, Server};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user the scripts sign in: a password with everything a form must encode.
const USER: &str = "alice";
const USER_PASSWORD: &str = "pa ss+w&rd=1é";
const DISPLAY_NAME: &str = "Alice Archer";

/// Where `make setup` puts the clients.
fn installed(path: &str) -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_vestibule"));
    let target = binary.ancestors().nth(2).unwrap();
    let installed = target.join("clients").join(path);
    assert!(
        installed.exists(),
        "{} is missing: run `make setup`",
        installed.display()
    );
    installed
}

/// A server with a second Org, `Sales`, and the user in both.
fn furnished(home: &Home, line: &str) -> Server {
    let server = home.server().planted().with(line).start();
    home.run("org create Sales").good();
    let mut create = home.command();
    create
        .args(["user", "create", USER, "--display-name", DISPLAY_NAME])
        .args(["--email", "alice@example.com"])
        .args(["--org", "0", "--org", "Sales", "--password-stdin"]);
    Ran::of(&mut create, USER_PASSWORD).good();
    server
}

/// Runs a script of this folder; it must end well, having passed at least so many cases.
fn run_script(mut program: Command, name: &str, arguments: &[&str], cases: usize) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name);
    program
        .arg(script)
        .args(arguments)
        .env("NO_PROXY", "*")
        .env("TS_ADMIN", ADMIN)
        .env("TS_ADMIN_PASSWORD", PASSWORD)
        .env("TS_USER", USER)
        .env("TS_PASSWORD", USER_PASSWORD)
        .env("TS_DISPLAY_NAME", DISPLAY_NAME)
        .env("TS_SECRET_KEY", SECRET_KEY);
    let ran = Ran::of(&mut program, "");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let passed = ran.out.lines().filter(|line| line.starts_with("PASS "));
    assert!(passed.count() >= cases, "cases are missing: {}", ran.out);
}
