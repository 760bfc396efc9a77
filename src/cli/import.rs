//! `user import`: a file of users in batches, with a progress bar and a list of what was skipped.

use crate::cli::output::{plain, print, print_json};
use crate::cli::way::Way;
use crate::cli::{Outcome, csv_file};
use crate::operator::{ImportLine, OperatorCommand};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;

/// Rows sent at a time: far below what one line of the socket may hold, whatever is in them.
const BATCH: usize = 100;

/// Imports the file and reports.
pub(in crate::cli) async fn import(
    way: &Way,
    file: &Path,
    create_groups: bool,
    json: bool,
) -> anyhow::Result<Outcome> {
    let lines = read(file).with_context(|| format!("{}", file.display()))?;
    let bar = progress_bar(lines.len());
    let mut created = 0;
    let mut skipped: Vec<Value> = Vec::new();
    let mut through = 0;
    for rows in batches(lines) {
        let length = rows.len() as u64;
        let command = OperatorCommand::ImportUsers {
            rows,
            create_groups,
        };
        let answer = way
            .run(command, |done| bar.set_position(through + done))
            .await
            .with_context(|| {
                format!(
                    "stopped after {through} rows ({created} users created); import the file again to \
                     go on, users that exist are skipped"
                )
            })?;
        through += length;
        created += answer.value["created"].as_u64().unwrap_or_default();
        for row in answer.rows.iter().filter(|_| !json) {
            let reason = row["reason"].as_str().unwrap_or_default();
            bar.suspend(|| eprintln!("line {}: {}", row["line"], plain(reason)));
        }
        skipped.extend(answer.rows);
    }
    bar.finish_and_clear();
    if json {
        print_json(&json!({ "created": created, "skipped": skipped }))?;
    } else {
        print(&format!("{created} created, {} skipped", skipped.len()))?;
    }
    Ok(if skipped.is_empty() {
        Outcome::Good
    } else {
        Outcome::Bad
    })
}

fn read(file: &Path) -> anyhow::Result<Vec<ImportLine>> {
    if file == Path::new("-") {
        return csv_file::read(std::io::stdin().lock());
    }
    csv_file::read(File::open(file)?)
}

fn batches(lines: Vec<ImportLine>) -> Vec<Vec<ImportLine>> {
    let mut batches: Vec<Vec<ImportLine>> = Vec::new();
    for line in lines {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH => batch.push(line),
            _ => batches.push(vec![line]),
        }
    }
    batches
}

/// On standard error; hidden when that is no terminal.
fn progress_bar(rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} users, {eta} left") {
        bar.set_style(style);
    }
    bar
}
