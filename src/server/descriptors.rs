//! How many connections fit beside the files: whoever opens many must not take from the stores what they work with.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::thread::available_parallelism;

/// What the stores, the log, certificates and outgoing connections may need.
const RESERVED: usize = 128;
/// The most connections of one worker, as the framework has it; more than one core serves.
const MOST_PER_WORKER: usize = 25_600;

/// Takes as many descriptors as this process may have: what it starts with is commonly set low for programs that would
/// misbehave with more.
pub fn take_all() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// How many connections each worker takes; those beyond wait until one ends. `workers` 0: one for each core.
pub fn connections_per_worker(workers: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let workers = self::workers(workers);
    let each = share(limit, workers);
    if each < MOST_PER_WORKER {
        tracing::info!(
            open_files = limit,
            connections = each.saturating_mul(workers),
            "as many connections are served at a time; a higher limit of open files allows more"
        );
    }
    each
}

/// How many workers there are when the setting says so many.
pub fn workers(setting: usize) -> usize {
    match setting {
        0 => available_parallelism().map_or(1, usize::from),
        some => some,
    }
}

fn share(limit: usize, workers: usize) -> usize {
    // Half of next to nothing is still better than to serve nobody.
    let free = limit - RESERVED.min(limit / 2);
    (free / workers).clamp(1, MOST_PER_WORKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_stores() {
        assert_eq!(share(1024, 1), 896);
        assert_eq!(share(1024, 8), 112);
        assert_eq!(share(100, 2), 25);
        assert_eq!(share(1, 4), 1);
        assert_eq!(share(usize::MAX, 4), MOST_PER_WORKER);
    }
}
