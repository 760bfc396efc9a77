//! Published clients, unmodified, against the real server with each session store.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod description;
#[expect(
    dead_code,
    unused_imports,
    reason = "the end-to-end tests use the rest of it"
)]
#[path = "../e2e/support/mod.rs"]
mod support;

use crate::support::{Home, Ran, SECRET_KEY, with_each_store};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user the scripts sign in: a password with everything a form must encode.
const USER: &str = "alice";
const USER_PASSWORD: &str = "pa ss+w&rd=1é";

with_each_store!(the_python_client_signs_in_every_way_rest_v1_offers);

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

async fn the_python_client_signs_in_every_way_rest_v1_offers(home: Home) {
    let server = home.server().planted().start();
    home.run("org create Sales").good();
    let line = format!("user create {USER} --org 0 --org Sales --password-stdin");
    home.run_with(&line, USER_PASSWORD).good();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/rest_v1.py");
    let mut python = Command::new(installed("python/bin/python"));
    python
        .arg(script)
        .arg(server.http())
        .env("NO_PROXY", "*")
        .env("TS_USER", USER)
        .env("TS_PASSWORD", USER_PASSWORD)
        .env("TS_SECRET_KEY", SECRET_KEY);
    let ran = Ran::of(&mut python, "");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert!(
        ran.out.lines().count() >= 12,
        "cases are missing: {}",
        ran.out
    );
}
