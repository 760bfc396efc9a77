//! The last hour by the minute, for the console's charts: counted beside the meters, whether anybody scrapes them or not.
//!
//! What happens is added to the minute under way, without a lock; whoever reads, or the server every few
//! seconds, turns the page when the minute is over.

use crate::api::admin::{Minute, Trends};
use crate::domain::clock::Timestamp;
use crate::server::meters::Meters;
use crate::stores::Stores;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many minutes are kept, besides the one under way.
const KEPT: usize = 60;
const MINUTE_SECONDS: u64 = 60;
/// Upper ends, in microseconds, of what look-ups are sorted into; the last is open.
const BOUNDS: [u64; 15] = [
    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000,
];

/// Counts the minute under way and keeps those before it.
#[derive(Debug, Default)]
pub struct MinuteCounts {
    logins: AtomicU64,
    failures: AtomicU64,
    checks: [AtomicU64; BOUNDS.len() + 1],
    past: Mutex<Past>,
}

#[derive(Debug, Default)]
struct Past {
    /// The minute under way, as whole minutes since 1970; none before the first look at the clock.
    now: Option<u64>,
    /// Sessions that lived when somebody last looked.
    live: Option<usize>,
    minutes: VecDeque<Minute>,
}

impl MinuteCounts {
    /// Somebody signed in, or a session was opened for them.
    pub fn logged_in(&self) {
        self.logins.fetch_add(1, Ordering::Relaxed);
    }

    /// A login was refused.
    pub fn refused(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A session was looked up.
    pub fn checked(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| micros <= *bound);
        self.checks[place.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how many sessions live, and ends the minute when the clock says so.
    pub fn turn(&self, now: Timestamp, live: Option<usize>) {
        let minute = now.seconds() / MINUTE_SECONDS;
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        match past.now {
            Some(open) if open < minute => {
                let done = self.close(open, past.live);
                past.minutes.push_back(done);
                // Minutes nobody looked at were silent ones, or all of it would seem to have happened lately.
                let silent = (open + 1..minute).rev().take(KEPT);
                let silent: Vec<u64> = silent.collect();
                for at in silent.into_iter().rev() {
                    past.minutes.push_back(Minute {
                        at: started(at),
                        ..Minute::default()
                    });
                }
                let surplus = past.minutes.len().saturating_sub(KEPT);
                past.minutes.drain(..surplus);
                past.now = Some(minute);
            }
            // A clock that was set back counts on in the minute it was in.
            Some(_) => {}
            None => past.now = Some(minute),
        }
        past.live = live;
    }

    /// Every minute kept, the oldest first, with what the one under way has counted so far at the end.
    pub fn minutes(&self) -> Vec<Minute> {
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Minute> = past.minutes.iter().cloned().collect();
        if let Some(open) = past.now {
            let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
            all.push(self.summed(open, past.live, read));
        }
        all
    }

    fn close(&self, minute: u64, live: Option<usize>) -> Minute {
        self.summed(minute, live, |count| count.swap(0, Ordering::Relaxed))
    }

    fn summed(&self, minute: u64, live: Option<usize>, read: impl Fn(&AtomicU64) -> u64) -> Minute {
        let checks: Vec<u64> = self.checks.iter().map(&read).collect();
        Minute {
            at: started(minute),
            logins: read(&self.logins),
            failures: read(&self.failures),
            live,
            checks: checks.iter().sum(),
            median: share(&checks, 50),
            slowest: share(&checks, 99),
        }
    }
}

fn started(minute: u64) -> Timestamp {
    Timestamp::from_millis(minute * MINUTE_SECONDS * 1_000)
}

/// The bound within which that many of a hundred lie; none when there is nothing.
fn share(counts: &[u64], percent: u64) -> Option<Duration> {
    let all: u64 = counts.iter().sum();
    if all == 0 {
        return None;
    }
    let wanted = (all * percent).div_ceil(100);
    let mut seen = 0;
    let place = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    })?;
    let last = BOUNDS[BOUNDS.len() - 1];
    let bound = BOUNDS.get(place).copied().unwrap_or(last);
    Some(Duration::from_micros(bound))
}

/// The counts and the stores that know how many sessions live.
#[derive(Debug)]
pub struct ServerTrends {
    /// What counts.
    pub meters: Arc<Meters>,
    /// Where sessions are.
    pub stores: Stores,
}

impl Trends for ServerTrends {
    fn minutes(&self, now: Timestamp) -> Vec<Minute> {
        let counts = self.meters.minutes();
        counts.turn(now, self.stores.live_sessions());
        counts.minutes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_772_366_400_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(START + seconds * 1_000)
    }

    #[test]
    fn what_happens_is_told_in_its_minute_and_silence_as_silence() {
        let counts = MinuteCounts::default();
        counts.turn(at(0), Some(1));
        counts.logged_in();
        counts.refused();
        for micros in [3, 3, 40, 5_000_000] {
            counts.checked(Duration::from_micros(micros));
        }
        counts.turn(at(59), Some(2));
        counts.turn(at(60 * 3), Some(5));
        counts.logged_in();
        let minutes = counts.minutes();
        assert_eq!(minutes.len(), 4);
        let first = &minutes[0];
        assert_eq!((first.logins, first.failures, first.live), (1, 1, Some(2)));
        assert_eq!(first.checks, 4);
        assert_eq!(first.median, Some(Duration::from_micros(5)));
        assert_eq!(first.slowest, Some(Duration::from_secs(1)));
        assert_eq!(minutes[1].logins + minutes[2].logins, 0);
        assert_eq!((minutes[3].logins, minutes[3].live), (1, Some(5)));
        assert_eq!(minutes[3].at, at(180));
    }

    #[test]
    fn an_hour_is_kept_however_long_nobody_looked() {
        let counts = MinuteCounts::default();
        counts.turn(at(0), None);
        counts.turn(at(60 * 100_000), None);
        assert_eq!(counts.minutes().len(), KEPT + 1);
        counts.turn(at(0), None);
        assert_eq!(counts.minutes().len(), KEPT + 1);
    }
}
