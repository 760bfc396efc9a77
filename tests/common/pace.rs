//! Time as this machine gave it to its programs: what a stall of everything takes does not count.
//!
//! A promise such as "within 250 ms" is the server's, not that of a machine whose disk or neighbours stop all of it for
//! seconds at a time. On a machine that runs, this time is the usual one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked whether the machine runs.
const TICK: Duration = Duration::from_millis(5);
/// The most that one tick counts, however long it took.
const MOST: Duration = Duration::from_millis(25);

/// How long the machine has run since this was first asked.
pub fn now() -> Duration {
    static MICROS: LazyLock<&AtomicU64> = LazyLock::new(|| {
        let micros: &AtomicU64 = Box::leak(Box::default());
        std::thread::spawn(move || count(micros));
        micros
    });
    Duration::from_micros(MICROS.load(Ordering::Relaxed))
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long real programs take"
)]
fn count(micros: &AtomicU64) {
    let mut last = Instant::now();
    loop {
        std::thread::park_timeout(TICK);
        let took = last.elapsed();
        last = Instant::now();
        let counts = u64::try_from(took.min(MOST).as_micros()).unwrap();
        micros.fetch_add(counts, Ordering::Relaxed);
    }
}

/// How much of it some work took.
pub async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = now();
    let result = work.await;
    (result, now().saturating_sub(began))
}
