//! `vestibule password calibrate`: what hashes cost on this machine, and what to ask of it.

use crate::cli::args::FormatArgs;
use crate::cli::output::{Column, field, print, print_json, print_rows};
use crate::domain::authn::HashCost;
use crate::domain::clock::Stopwatch;
use crate::server::assemble::hashes_at_a_time;
use crate::settings::Settings;
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// Memory in KiB and passes: OWASP's choices, which it holds to be equally strong, then stronger ones.
const CANDIDATES: [(u32, u32); 12] = [
    (7_168, 5),
    (9_216, 4),
    (12_288, 3),
    (19_456, 2),
    (47_104, 1),
    (32_768, 2),
    (65_536, 1),
    (47_104, 2),
    (65_536, 2),
    (131_072, 1),
    (65_536, 3),
    (131_072, 2),
];
/// How often each slot hashes, after once to touch the memory.
const ROUNDS: u32 = 3;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PasswordCommand {
    /// Measure hashing on this machine and propose parameters; takes some seconds of every core
    Calibrate(CalibrateArgs),
}

#[derive(Args, Clone, Copy, Debug)]
pub(in crate::cli) struct CalibrateArgs {
    /// How long one hash may take, in milliseconds, while all slots are busy
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub target_ms: u64,
    /// How much memory all slots may take together, in MiB
    #[arg(long, default_value_t = 512)]
    pub memory_mib: usize,
    #[command(flatten)]
    pub format: FormatArgs,
}

/// What one choice costs here.
#[derive(Clone, Copy, Debug)]
struct Measured {
    cost: HashCost,
    /// One hash, with every slot busy.
    took: Duration,
    /// Hashes of all slots together.
    per_second: f64,
    memory_mib: usize,
}

impl Measured {
    fn row(&self) -> Value {
        let tenths = |number: f64| (number * 10.0).round() / 10.0;
        json!({
            "memory_kib": self.cost.memory_kib,
            "iterations": self.cost.iterations,
            "lanes": self.cost.lanes,
            "ms": tenths(self.took.as_secs_f64() * 1_000.0),
            "logins_per_second": tenths(self.per_second),
            "memory_mib": self.memory_mib,
        })
    }

    /// Memory times passes: what an attacker pays per guess.
    const fn strength(&self) -> u64 {
        self.cost.memory_kib as u64 * self.cost.iterations as u64
    }
}

/// Measures and proposes.
pub(in crate::cli) fn calibrate(settings: &Settings, args: CalibrateArgs) -> anyhow::Result<()> {
    const COLUMNS: &[Column] = &[
        ("MEMORY_KIB", |row| field(row, "memory_kib")),
        ("ITERATIONS", |row| field(row, "iterations")),
        ("MS", |row| field(row, "ms")),
        ("LOGINS_PER_SECOND", |row| field(row, "logins_per_second")),
        ("MEMORY_MIB", |row| field(row, "memory_mib")),
    ];
    let slots = hashes_at_a_time(&settings.passwords);
    let mut measured = Vec::new();
    for (memory_kib, iterations) in CANDIDATES {
        let cost = HashCost {
            memory_kib,
            iterations,
            lanes: 1,
        };
        let memory_mib = slots * usize::try_from(memory_kib)? / 1024;
        if memory_mib <= args.memory_mib {
            measured.push(measure(cost, slots, memory_mib)?);
        }
    }
    let target = Duration::from_millis(args.target_ms);
    let proposal = propose(&measured, target)
        .context("no choice fits into --memory-mib; lower passwords.hash_at_a_time")?;
    let rows: Vec<Value> = measured.iter().map(Measured::row).collect();
    if args.format.json {
        let value = json!({ "slots": slots, "measured": rows, "proposal": proposal.row() });
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

/// The strongest that is quick enough; the quickest where none is.
fn propose(measured: &[Measured], target: Duration) -> Option<Measured> {
    let mut within = measured.to_vec();
    within.retain(|choice| choice.took <= target);
    let strongest = within.into_iter().max_by_key(Measured::strength);
    strongest.or_else(|| measured.iter().copied().min_by_key(|choice| choice.took))
}

/// Hashes on every slot at once, as a flood of logins does: alone, each would look quicker than it will be.
fn measure(cost: HashCost, slots: usize, memory_mib: usize) -> anyhow::Result<Measured> {
    let hash = move || cost.hash_now(b"correct horse battery staple");
    let all_hash = |rounds: u32| -> anyhow::Result<Duration> {
        let began = Stopwatch::start();
        thread::scope(|scope| {
            let work = || (0..rounds).try_for_each(|_| hash().map(drop));
            let threads: Vec<_> = (0..slots).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| {
                let done = thread
                    .join()
                    .map_err(|_| anyhow!("a hashing thread died"))?;
                Ok::<(), anyhow::Error>(done?)
            })
        })?;
        Ok(began.elapsed())
    };
    all_hash(1)?;
    let elapsed = all_hash(ROUNDS)?;
    let hashes = f64::from(ROUNDS) * f64::from(u32::try_from(slots)?);
    Ok(Measured {
        cost,
        took: elapsed / ROUNDS,
        per_second: hashes / elapsed.as_secs_f64(),
        memory_mib,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Loaded, Sources};

    #[test]
    fn everything_that_may_be_proposed_is_accepted_as_a_setting() {
        for (memory_kib, iterations) in CANDIDATES {
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

    #[test]
    fn the_strongest_within_the_target_is_proposed_and_else_the_quickest() {
        let choice = |memory_kib, iterations, millis| Measured {
            cost: HashCost {
                memory_kib,
                iterations,
                lanes: 1,
            },
            took: Duration::from_millis(millis),
            per_second: 1.0,
            memory_mib: 1,
        };
        let all = [
            choice(7_168, 5, 22),
            choice(47_104, 1, 30),
            choice(65_536, 2, 70),
        ];
        let proposed = |target| {
            let proposed = propose(&all, Duration::from_millis(target)).unwrap();
            proposed.cost.memory_kib
        };
        assert_eq!(proposed(50), 47_104);
        assert_eq!(proposed(100), 65_536);
        assert_eq!(proposed(10), 7_168);
        assert!(propose(&[], Duration::ZERO).is_none());
    }
}
