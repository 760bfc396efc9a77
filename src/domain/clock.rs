//! Time as a parameter: what reads the clock takes a `Clock`, so that tests can turn it and a step of the wall clock cannot.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment that many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// This moment moved into the future; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis_of(by)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// By how much a clock that was set back is made up for: a clock that was wrong by more is not believed a second time.
pub const MOST_BEHIND: Duration = Duration::from_hours(25);

fn millis_of(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Where the current moment comes from.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current moment.
    fn now(&self) -> Timestamp;
}

/// The system's monotonic clock, anchored to the wall clock once at start.
///
/// A step of the wall clock while the server runs neither revives nor kills a session. A store
/// shared by several nodes moves the anchor with [`SystemClock::follow`], so that all agree.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    wall_at_start: u64,
    offset: AtomicI64,
}

impl SystemClock {
    /// Anchors the clock to the wall clock as it reads now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    pub fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            wall_at_start: millis_of(wall),
            offset: AtomicI64::new(0),
        }
    }

    /// Moves the clock so that it reads `store_now` at this moment: the store's clock is the truth.
    pub fn follow(&self, store_now: Timestamp) {
        let own = self.unadjusted();
        let offset =
            i64::try_from(store_now.0).unwrap_or(i64::MAX) - i64::try_from(own).unwrap_or(i64::MAX);
        self.offset.store(offset, Ordering::Relaxed);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    fn unadjusted(&self) -> u64 {
        self.wall_at_start + millis_of(Instant::now().duration_since(self.started))
    }
}

/// Measures how long something took, for metrics and logs; nothing is ever decided by it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::Relaxed);
        Timestamp(self.unadjusted().saturating_add_signed(offset))
    }
}

/// A clock that stands still until it is turned: for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that reads `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(i64::try_from(at.0).unwrap_or(i64::MAX)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(u64::try_from(self.0.load(Ordering::SeqCst)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_a_store_shifts_every_later_reading() {
        let clock = SystemClock::start();
        let ahead = clock.now().plus(Duration::from_hours(1));
        clock.follow(ahead);
        assert!(clock.now() >= ahead);
        assert!(clock.now().since(ahead) < Duration::from_mins(1));
    }

    #[test]
    fn a_moment_ahead_is_zero_ago() {
        let early = Timestamp::from_millis(5);
        assert_eq!(
            early.since(early.plus(Duration::from_secs(1))),
            Duration::ZERO
        );
    }
}
