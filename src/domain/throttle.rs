//! Attempt limits: guessing slows down, the right credential never does, and nobody can lock another out.
//!
//! Attempts are counted per (user, address). The first [`FREE_FAILURES`] cost nothing; from then on each
//! doubles a pause during which this address gets no further guess at this user. A success forgets
//! them. Sessions that are open, secret keys and tokens are never looked at here.
//!
//! The rule is [`Tries::admit`]; where the counts are kept is a [`ThrottleStore`]'s business, which all
//! nodes share when it is Redis. An attempt counts as failed from the moment it is let in, so that guesses
//! in parallel, on one node or many, cannot slip past the limit together.

mod begun;
mod store;

pub use begun::{MOST_FROM_EVERYWHERE, WINDOW};
pub use store::{Admission, ThrottleStore};

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::directory::NameKey;
use crate::domain::failure::StoreError;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Failures that cost nothing.
pub const FREE_FAILURES: u32 = 5;
/// The first pause; each further failure doubles it.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Failures are forgotten after this long without a new one.
pub const FORGET_AFTER: Duration = Duration::from_mins(30);

/// Whom an attempt is counted against: a keyed digest, so that no store learns who was tried from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket([u8; 32]);

impl Bucket {
    /// The bucket of a user name at an address, under the server's key; attempts with an impossible name share one.
    ///
    /// An IPv6 client counts by its /64, which one customer holds.
    pub fn of(key: &[u8], user: Option<&NameKey>, address: Option<IpAddr>) -> Self {
        // HMAC takes keys of any length, so this cannot fail; one bucket for all would only be too strict.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            return Self([0; 32]);
        };
        mac.update(b"attempts\0");
        add_address(&mut mac, address);
        // Addresses are written without this byte's word after them, so no name can pass for part of one.
        mac.update(b"\0user\0");
        mac.update(user.map_or("", NameKey::as_str).as_bytes());
        Self(mac.finalize().into_bytes().into())
    }

    /// The bucket of sign-ins that began in that window at an address, or anywhere.
    fn of_begun(key: &[u8], from: Whence, window: u64) -> Self {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            return Self([0; 32]);
        };
        mac.update(b"begun\0");
        mac.update(&window.to_be_bytes());
        if let Whence::Address(address) = from {
            add_address(&mut mac, address);
        }
        Self(mac.finalize().into_bytes().into())
    }

    /// The digest, for a store to keep it under.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whose sign-ins are counted together.
#[derive(Clone, Copy)]
enum Whence {
    /// Those from one address, or from clients without one.
    Address(Option<IpAddr>),
    /// All.
    Everywhere,
}

fn add_address(mac: &mut Hmac<Sha256>, address: Option<IpAddr>) {
    match address.map(network_of) {
        None => mac.update(b"-"),
        Some(IpAddr::V4(v4)) => mac.update(&v4.octets()),
        Some(IpAddr::V6(v6)) => mac.update(&v6.octets()),
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

/// What is remembered of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Attempts that failed or have not been judged yet.
    pub count: u32,
    /// When the latest was let in.
    pub last: Timestamp,
}

impl Tries {
    /// The rule: what to remember once the attempt is let in at `now`, or how long it has to wait.
    pub fn admit(before: Option<Self>, now: Timestamp) -> Result<Self, Duration> {
        let mut count = 0;
        if let Some(before) = before {
            let waited = now.since(before.last);
            if waited <= FORGET_AFTER {
                count = before.count;
            }
            let pause = pause_after(count);
            if pause > waited {
                return Err(pause.saturating_sub(waited));
            }
        }
        Ok(Self {
            count: count.saturating_add(1),
            last: now,
        })
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

/// Counts attempts and says when the next may come.
#[derive(Debug)]
pub struct Throttle {
    store: Arc<dyn ThrottleStore>,
    clock: Arc<dyn Clock>,
    key: SecretSlice<u8>,
}

impl Throttle {
    /// A throttle that keeps its counts there, under digests by that key.
    pub fn new(store: Arc<dyn ThrottleStore>, clock: Arc<dyn Clock>, key: SecretSlice<u8>) -> Self {
        Self { store, clock, key }
    }

    /// The bucket of a user name at an address; see [`Bucket::of`].
    pub fn bucket(&self, user: Option<&NameKey>, address: Option<IpAddr>) -> Bucket {
        Bucket::of(self.key.expose_secret(), user, address)
    }

    /// Lets an attempt in, or says how long to wait.
    ///
    /// One let in counts as failed unless [`Throttle::succeeded`] or [`Throttle::unjudged`] follows.
    pub async fn admit(&self, bucket: &Bucket) -> Result<Admission, StoreError> {
        self.store.admit(bucket, self.clock.now()).await
    }

    /// An attempt that was let in turned out right: its bucket is forgotten.
    pub async fn succeeded(&self, bucket: &Bucket) {
        // The password was right all the same; what stays behind costs its owner a free failure at most.
        if let Err(error) = self.store.forget(bucket).await {
            tracing::warn!(%error, "failed attempts were not forgotten");
        }
    }

    /// Forgets the failures of a user name at an address, because an administrator wishes it.
    pub async fn forgive(&self, user: &NameKey, address: Option<IpAddr>) -> Result<(), StoreError> {
        self.store.forget(&self.bucket(Some(user), address)).await
    }

    /// An attempt that was let in could not be judged (a store was away): it counts for nothing.
    pub async fn unjudged(&self, bucket: &Bucket) {
        if let Err(error) = self.store.take_back(bucket).await {
            tracing::warn!(%error, "an attempt that could not be judged stays counted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str, address: &str) -> Bucket {
        let name = NameKey::new(name).unwrap();
        Bucket::of(b"key", Some(&name), Some(address.parse().unwrap()))
    }

    fn tries(count: u32) -> Tries {
        let last = Timestamp::from_millis(1_000_000);
        Tries { count, last }
    }

    fn after(wait: Duration) -> Timestamp {
        Timestamp::from_millis(1_000_000).plus(wait)
    }

    #[test]
    fn five_failures_are_free_then_the_pause_doubles_up_to_five_minutes() {
        for count in 0..5 {
            assert!(Tries::admit(Some(tries(count)), after(Duration::ZERO)).is_ok());
        }
        for (count, pause) in [
            (5, 1),
            (6, 2),
            (7, 4),
            (13, 256),
            (14, 300),
            (u32::MAX, 300),
        ] {
            let pause = Duration::from_secs(pause);
            let early = Duration::from_millis(400);
            assert_eq!(
                Tries::admit(Some(tries(count)), after(early)),
                Err(pause.saturating_sub(early))
            );
            assert!(
                Tries::admit(Some(tries(count)), after(pause)).is_ok(),
                "{count}"
            );
        }
    }

    #[test]
    fn half_an_hour_without_a_failure_forgets() {
        let admitted = Tries::admit(Some(tries(9)), after(FORGET_AFTER)).unwrap();
        assert_eq!(admitted.count, 10);
        let later = after(FORGET_AFTER + Duration::from_millis(1));
        assert_eq!(Tries::admit(Some(tries(9)), later).unwrap().count, 1);
    }

    #[test]
    fn a_clock_that_lags_behind_another_nodes_waits_no_longer_than_the_pause() {
        let now = Timestamp::from_millis(0);
        assert_eq!(Tries::admit(Some(tries(5)), now), Err(FIRST_PAUSE));
    }

    #[test]
    fn case_42_one_user_has_one_bucket_however_the_name_is_written() {
        for written in ["Alice", "ALICE", "\u{FF21}lice"] {
            let one = bucket(written, "2001:db8::1");
            assert_eq!(one, bucket("alice", "2001:db8::ffff"));
        }
        assert_eq!(bucket("a", "192.0.2.1"), bucket("a", "::ffff:192.0.2.1"));
        assert_ne!(bucket("a", "192.0.2.1"), bucket("b", "192.0.2.1"));
        assert_ne!(bucket("a", "192.0.2.1"), bucket("a", "192.0.2.2"));
    }

    #[test]
    fn a_bucket_tells_nothing_without_the_servers_key() {
        let name = NameKey::new("alice").unwrap();
        let by = |key: &[u8]| Bucket::of(key, Some(&name), None);
        assert_ne!(by(b"key"), by(b"other key"));
        assert_ne!(by(b"key"), Bucket::of(b"key", None, None));
    }
}
