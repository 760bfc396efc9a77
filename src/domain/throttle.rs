//! Attempt limits: guessing slows down, the right credential never does, and nobody can lock another out.
//!
//! Failures are counted per (user, address). The first [`FREE_FAILURES`] cost nothing; from then on each
//! doubles a pause during which this address gets no further guess at this user. A success forgets
//! them. Sessions that are open, secret keys and tokens are never looked at here.

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::directory::NameKey;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Failures that cost nothing.
pub const FREE_FAILURES: u32 = 5;
/// The first pause; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Failures are forgotten after this long without a new one.
const FORGET_AFTER: Duration = Duration::from_mins(30);
/// The most buckets kept; beyond it the ones that are oldest by far go first.
const MAX_BUCKETS: usize = 100_000;

/// Whom an attempt is counted against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    user: String,
    address: Option<IpAddr>,
}

impl Bucket {
    /// The bucket of a user name at an address. An IPv6 client counts by its /64, which one customer holds.
    pub fn new(user: &NameKey, address: Option<IpAddr>) -> Self {
        Self {
            user: user.as_str().to_owned(),
            address: address.map(network_of),
        }
    }

    /// The bucket that all attempts with an impossible user name share at an address.
    pub fn nameless(address: Option<IpAddr>) -> Self {
        Self {
            user: String::new(),
            address: address.map(network_of),
        }
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        },
    }
}

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    last: Timestamp,
    /// Attempts that were let in and have not been judged yet.
    pending: u32,
}

/// Counts failures and says when the next attempt may come.
#[derive(Debug)]
pub struct Throttle {
    clock: Arc<dyn Clock>,
    counts: Mutex<HashMap<Bucket, Count>>,
}

impl Throttle {
    /// An empty throttle.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            counts: Mutex::new(HashMap::new()),
        }
    }

    /// Lets an attempt in, or says how long to wait. An attempt let in counts as failed until
    /// [`Throttle::succeeded`], so parallel guesses cannot all slip past the limit together.
    pub fn admit(&self, bucket: &Bucket) -> Result<(), Duration> {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_BUCKETS && !counts.contains_key(bucket) {
            counts.retain(|_, count| now.since(count.last) < FORGET_AFTER / 10);
            if counts.len() >= MAX_BUCKETS {
                counts.clear();
            }
        }
        let count = counts.entry(bucket.clone()).or_insert(Count {
            failures: 0,
            last: now,
            pending: 0,
        });
        if now.since(count.last) > FORGET_AFTER {
            count.failures = 0;
        }
        let pause = pause_after(count.failures + count.pending);
        let waited = now.since(count.last);
        if pause > waited {
            return Err(pause.saturating_sub(waited));
        }
        count.pending += 1;
        count.last = now;
        Ok(())
    }

    /// An attempt that was let in turned out right: its bucket is forgotten.
    pub fn succeeded(&self, bucket: &Bucket) {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(bucket);
    }

    /// An attempt that was let in turned out wrong.
    pub fn failed(&self, bucket: &Bucket) {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(bucket) {
            count.pending = count.pending.saturating_sub(1);
            count.failures = count.failures.saturating_add(1);
            count.last = now;
        }
    }

    /// An attempt that was let in could not be judged (a store was away): it counts for nothing.
    pub fn unjudged(&self, bucket: &Bucket) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(bucket) {
            count.pending = count.pending.saturating_sub(1);
        }
    }
}

fn pause_after(failures: u32) -> Duration {
    if failures < FREE_FAILURES {
        return Duration::ZERO;
    }
    FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(failures - FREE_FAILURES))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::ManualClock;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn set_up() -> (Arc<ManualClock>, Throttle, Bucket) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
        let throttle = Throttle::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let bucket = Bucket::new(&NameKey::new("alice").unwrap(), Some(at("192.0.2.1")));
        (clock, throttle, bucket)
    }

    fn fail(throttle: &Throttle, bucket: &Bucket) {
        throttle.admit(bucket).unwrap();
        throttle.failed(bucket);
    }

    #[test]
    fn five_failures_are_free_then_the_pause_doubles() {
        let (clock, throttle, bucket) = set_up();
        for _ in 0..5 {
            fail(&throttle, &bucket);
        }
        assert_eq!(throttle.admit(&bucket), Err(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        fail(&throttle, &bucket);
        assert_eq!(throttle.admit(&bucket), Err(Duration::from_secs(2)));
    }

    #[test]
    fn a_success_forgets_and_another_address_is_free() {
        let (clock, throttle, bucket) = set_up();
        for _ in 0..5 {
            fail(&throttle, &bucket);
        }
        let elsewhere = Bucket::new(&NameKey::new("alice").unwrap(), Some(at("192.0.2.2")));
        assert_eq!(throttle.admit(&elsewhere), Ok(()));
        clock.advance(Duration::from_secs(1));
        throttle.admit(&bucket).unwrap();
        throttle.succeeded(&bucket);
        assert_eq!(throttle.admit(&bucket), Ok(()));
    }

    #[test]
    fn case_43_parallel_guesses_do_not_slip_past_the_limit() {
        let (_, throttle, bucket) = set_up();
        let admitted = (0..100).filter(|_| throttle.admit(&bucket).is_ok()).count();
        assert_eq!(admitted, 5);
    }

    #[test]
    fn case_42_one_user_has_one_bucket_however_the_name_is_written() {
        let written = ["Alice", "ALICE", "\u{FF21}lice"];
        for name in written {
            let name = NameKey::new(name).unwrap();
            assert_eq!(
                Bucket::new(&name, Some(at("2001:db8::1"))),
                Bucket::new(&NameKey::new("alice").unwrap(), Some(at("2001:db8::ffff")))
            );
        }
    }
}
