//! `directory copy`: the embedded directory into a PostgreSQL database, with a progress bar and a check.

use crate::cli::Outcome;
use crate::cli::args::{CopyArgs, TargetArgs};
use crate::cli::output::{Column, field, print, print_rows};
use crate::cli::password;
use crate::domain::directory::CopiedTable;
use crate::operator::lock::DataLock;
use crate::settings::{DirectoryStoreSetting, Settings};
use crate::stores::DIRECTORY_FILE;
use crate::stores::sql::{self, PostgresOptions};
use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Copies and reports.
pub(in crate::cli) async fn copy(args: CopyArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    const COLUMNS: &[Column] = &[
        ("TABLE", |row| field(row, "table")),
        ("ROWS", |row| field(row, "rows")),
        ("CHECKSUM", |row| field(row, "checksum")),
    ];
    let file = source(&args.from)?;
    let _lock = lock(&file)?;
    let options = PostgresOptions {
        url: target(args.to, settings)?,
        ca_file: settings.directory.tls_ca_file.clone(),
    };
    let bar = progress_bar();
    let copied = sql::copy(&file, &options, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    let rows: Vec<Value> = copied?.iter().map(shown).collect();
    print_rows(&rows, COLUMNS, args.format.json)?;
    if !args.format.json {
        print("Everything arrived. Start the server with directory.store set to this database.")?;
    }
    Ok(Outcome::Good)
}

fn shown(table: &CopiedTable) -> Value {
    json!({ "table": table.table, "rows": table.rows, "checksum": table.checksum })
}

/// The file of `--from`; a directory is never made by copying from it.
fn source(from: &str) -> anyhow::Result<PathBuf> {
    let path = from.strip_prefix("sqlite:").unwrap_or(from);
    let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
    let file = if path.is_dir() {
        path.join(DIRECTORY_FILE)
    } else {
        path
    };
    ensure!(
        file.is_file(),
        "--from: there is no directory at {}",
        file.display()
    );
    Ok(file)
}

/// A server that runs would go on changing what has been copied. A back-up elsewhere has no server.
fn lock(file: &Path) -> anyhow::Result<Option<DataLock>> {
    let folder = std::path::absolute(file)?;
    let folder = folder.parent().context("--from: not a file in a folder")?;
    if folder.join("vestibule.lock").exists() {
        return Ok(Some(DataLock::acquire(folder)?));
    }
    Ok(None)
}

fn target(to: TargetArgs, settings: &Settings) -> anyhow::Result<SecretString> {
    let url = if let Some(url) = to.to {
        SecretString::from(url)
    } else if let Some(name) = to.to_env {
        let url = std::env::var(&name).ok();
        let url = url.with_context(|| format!("--to-env: {name} is not set"))?;
        SecretString::from(url)
    } else if to.to_stdin {
        password::read_known()?
    } else if let DirectoryStoreSetting::Postgres(url) = &settings.directory.store {
        url.clone()
    } else if let Some(url) = &settings.directory.copy_to {
        url.clone()
    } else {
        anyhow::bail!(
            "where to? name the database with --to, --to-env or --to-stdin, or in directory.copy_to"
        );
    };
    let text = url.expose_secret();
    ensure!(
        text.starts_with("postgres://") || text.starts_with("postgresql://"),
        "the target must be postgres://user:password@host:5432/database"
    );
    Ok(url)
}

/// On standard error; hidden when that is no terminal.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {eta} left") {
        bar.set_style(style);
    }
    bar
}
