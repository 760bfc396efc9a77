//! How many sessions live, without a walk through all of them whenever a chart or a scrape asks.

use crate::domain::clock::Stopwatch;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counting that takes less is done anew every time.
const QUICK: Duration = Duration::from_millis(1);
/// How much of the time counting may take: a hundredth. Checks wait for it.
const SHARE: u32 = 100;

/// The last count, as long as it is good enough.
#[derive(Debug, Default)]
pub struct Counted(Mutex<Option<Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    sessions: usize,
    took: Duration,
    since: Stopwatch,
}

impl Counted {
    /// The last count, or a new one when that is due.
    pub fn fresh_enough(&self, count: impl FnOnce() -> usize) -> usize {
        // Held while counting: a second caller gets this count, not one of its own.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Count {
            sessions,
            took,
            since,
        }) = *last
            && took > QUICK
            && since.elapsed() < took * SHARE
        {
            return sessions;
        }
        let began = Stopwatch::start();
        let sessions = count();
        *last = Some(Count {
            sessions,
            took: began.elapsed(),
            since: Stopwatch::start(),
        });
        sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_count_is_made_anew_every_time() {
        let counted = Counted::default();
        assert_eq!(counted.fresh_enough(|| 1), 1);
        counted.0.lock().unwrap().as_mut().unwrap().took = Duration::ZERO;
        assert_eq!(counted.fresh_enough(|| 2), 2);
    }

    #[test]
    fn a_slow_count_serves_for_a_while() {
        let counted = Counted::default();
        assert_eq!(counted.fresh_enough(|| 1), 1);
        counted.0.lock().unwrap().as_mut().unwrap().took = Duration::from_mins(1);
        assert_eq!(counted.fresh_enough(|| 2), 1);
    }
}
