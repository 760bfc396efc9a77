//! What hashing costs on this machine, by measuring it, and what to ask of it.

use crate::domain::authn::memory::HashMemory;
use crate::domain::authn::password::{HashCost, PasswordError};
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
/// How long one hash may take unless somebody says, in milliseconds.
pub const TARGET_MS: u64 = 50;
/// The longest that may be asked for, in milliseconds.
pub const MAX_TARGET_MS: u64 = 10_000;
/// What all slots may take together unless somebody says, in MiB.
pub const MEMORY_MIB: usize = 512;
/// How often each slot hashes, after once to touch the memory.
pub const CALIBRATION_ROUNDS: u32 = 3;

/// What one choice costs here.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The choice.
    pub cost: HashCost,
    /// One hash, with every slot busy.
    pub took: Duration,
    /// Hashes of all slots together.
    pub per_second: f64,
    /// What all slots take together.
    pub memory_mib: usize,
}

impl Measured {
    /// Memory times passes: what an attacker pays per guess.
    pub const fn strength(&self) -> u64 {
        self.cost.memory_kib as u64 * self.cost.iterations as u64
    }
}

/// The choices worth measuring where that many slots may take that much memory together.
pub fn candidates(slots: usize, memory_mib: usize) -> Vec<HashCost> {
    let all = CANDIDATES.map(|(memory_kib, iterations)| HashCost {
        memory_kib,
        iterations,
        lanes: 1,
    });
    let mut fitting = all.to_vec();
    fitting.retain(|cost| memory_of(*cost, slots) <= memory_mib);
    fitting
}

/// What that many slots take together, in MiB.
pub fn memory_of(cost: HashCost, slots: usize) -> usize {
    let each = usize::try_from(cost.memory_kib).unwrap_or(usize::MAX);
    slots.saturating_mul(each) / 1024
}

/// The strongest that is quick enough; the quickest where none is.
pub fn propose(measured: &[Measured], target: Duration) -> Option<Measured> {
    let mut within = measured.to_vec();
    within.retain(|choice| choice.took <= target);
    let strongest = within.into_iter().max_by_key(Measured::strength);
    strongest.or_else(|| measured.iter().copied().min_by_key(|choice| choice.took))
}

impl HashCost {
    /// Hashes what is nobody's password, to see what it takes.
    pub fn sample(self, memory: &mut HashMemory) -> Result<(), PasswordError> {
        self.hash_now(b"correct horse battery staple", memory)
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_does_not_fit_into_the_memory_is_not_measured() {
        assert_eq!(candidates(1, 128).len(), CANDIDATES.len());
        assert!(
            candidates(4, 64)
                .iter()
                .all(|cost| cost.memory_kib <= 16_384)
        );
        assert!(candidates(1, 6).is_empty());
    }
}
