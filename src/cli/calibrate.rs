//! `vestibule password calibrate`: what hashes cost on this machine, and what to ask of it.

use crate::api::admin::calibration_row as row;
use crate::cli::args::FormatArgs;
use crate::cli::output::{Column, field, print, print_json, print_rows};
use crate::domain::authn::{
    HashCost, MAX_TARGET_MS, MEMORY_MIB, PasswordPool, TARGET_MS, candidates, propose,
};
use crate::server::assemble::hashes_at_a_time;
use crate::settings::Settings;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PasswordCommand {
    /// Measure hashing on this machine and propose parameters; takes some seconds of every core
    Calibrate(CalibrateArgs),
}

#[derive(Args, Clone, Copy, Debug)]
pub(in crate::cli) struct CalibrateArgs {
    /// How long one hash may take, in milliseconds, while all slots are busy
    #[arg(long, default_value_t = TARGET_MS, value_parser = clap::value_parser!(u64).range(1..=MAX_TARGET_MS))]
    pub target_ms: u64,
    /// How much memory all slots may take together, in MiB
    #[arg(long, default_value_t = MEMORY_MIB)]
    pub memory_mib: usize,
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Measures and proposes.
pub(in crate::cli) async fn calibrate(
    settings: &Settings,
    args: CalibrateArgs,
) -> anyhow::Result<()> {
    const COLUMNS: &[Column] = &[
        ("MEMORY_KIB", |row| field(row, "memory_kib")),
        ("ITERATIONS", |row| field(row, "iterations")),
        ("MS", |row| field(row, "ms")),
        ("LOGINS_PER_SECOND", |row| field(row, "logins_per_second")),
        ("MEMORY_MIB", |row| field(row, "memory_mib")),
    ];
    let slots = hashes_at_a_time(&settings.passwords);
    let pool = PasswordPool::new(slots)?;
    let mut measured = Vec::new();
    for cost in candidates(slots, args.memory_mib) {
        measured.push(pool.measure(cost).await?);
    }
    let target = Duration::from_millis(args.target_ms);
    let proposal = propose(&measured, target)
        .context("no choice fits into --memory-mib; lower passwords.hash_at_a_time")?;
    let rows: Vec<Value> = measured.iter().map(row).collect();
    if args.format.json {
        let value = json!({ "slots": slots, "measured": rows, "proposal": row(&proposal) });
        return Ok(print_json(&value)?);
    }
    print_rows(&rows, COLUMNS, false)?;
    let words = if proposal.took <= target {
        format!("The strongest within {} ms", args.target_ms)
    } else {
        format!("None is within {} ms; the quickest", args.target_ms)
    };
    let HashCost {
        memory_kib,
        iterations,
        lanes,
    } = proposal.cost;
    print(&format!(
        "\n{words}, with {slots} at a time:\n\n[passwords]\nmemory_kib = {memory_kib}\niterations = {iterations}\nlanes = {lanes}"
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Loaded, Sources};

    #[test]
    fn everything_that_may_be_proposed_is_accepted_as_a_setting() {
        for cost in candidates(1, usize::MAX) {
            let HashCost {
                memory_kib,
                iterations,
                ..
            } = cost;
            let flags = vec![
                ("passwords.memory_kib".to_owned(), memory_kib.to_string()),
                ("passwords.iterations".to_owned(), iterations.to_string()),
            ];
            let sources = Sources {
                flags,
                ..Sources::default()
            };
            let loaded = Loaded::load(&sources);
            assert!(loaded.is_ok(), "{memory_kib} {iterations}: {loaded:?}");
        }
    }
}
