//! Where passwords are hashed: so many at a time, so many waiting, and everybody else is told when to come back.
//!
//! A hash takes megabytes and tens of milliseconds of a core on purpose. Without the first bound a login flood would
//! take all memory and every core; without the second its queue would grow until nobody in it still listened, and
//! every answer would come too late. Session checks never come here, so they keep their pace.

use crate::domain::authn::calibration::{CALIBRATION_ROUNDS, Measured, memory_of};
use crate::domain::authn::memory::HashMemory;
use crate::domain::authn::password::{
    HashCost, MAX_PASSWORD_BYTES, MIN_PASSWORD_BYTES, PasswordError, PasswordHash, verify_now,
};
use crate::domain::authn::threads::Threads;
use crate::domain::clock::Stopwatch;
use crate::domain::spans::SPANS;
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

/// The longest wait that is proposed to those who are turned away.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// Why a password was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// As many wait as may.
    #[error("too many passwords wait to be hashed")]
    Busy {
        /// When there should be room again.
        retry_after: Duration,
    },
    /// The hasher itself failed.
    #[error("hashing failed: {0}")]
    Hasher(String),
}

impl From<PasswordError> for VerifyError {
    fn from(error: PasswordError) -> Self {
        Self::Hasher(error.to_string())
    }
}

/// Whoever wants to know how busy the pool is.
pub trait PoolObserver: fmt::Debug + Send + Sync {
    /// Somebody waits.
    fn joined(&self);
    /// They wait no longer.
    fn left(&self);
    /// A password was hashed, after waiting for that long.
    fn hashed(&self, waited: Duration, took: Duration);
    /// Somebody was told to come back later.
    fn turned_away(&self);
}

/// Nobody wants to know.
#[derive(Debug)]
struct Unobserved;

impl PoolObserver for Unobserved {
    fn joined(&self) {}
    fn left(&self) {}
    fn hashed(&self, _: Duration, _: Duration) {}
    fn turned_away(&self) {}
}

/// How a pool works.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// How many are hashed at a time; at least one.
    pub at_a_time: usize,
    /// How many may wait.
    pub queue: usize,
    /// What a new hash costs.
    pub cost: HashCost,
    /// Who is told how busy it is.
    pub observer: Option<Arc<dyn PoolObserver>>,
    /// What each thread that hashes does first, such as stepping behind the others.
    pub at_start: Option<fn()>,
}

/// Hashes and verifies, a bounded number at a time with a bounded number waiting.
#[derive(Debug, Clone)]
pub struct PasswordPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    threads: Threads,
    permits: Arc<Semaphore>,
    at_a_time: usize,
    queue: usize,
    waiting: AtomicUsize,
    /// What a hash takes of late, in microseconds: a moving mean.
    pace: AtomicU64,
    cost: HashCost,
    observer: Arc<dyn PoolObserver>,
    /// Verified when there is no real hash, so that an unknown user costs what a known one does.
    dummy: Arc<PasswordHash>,
}

impl PasswordPool {
    /// A pool of that many hashes at a time at the default cost, with 64 waiting.
    pub fn new(at_a_time: usize) -> Result<Self, PasswordError> {
        Self::with(PoolOptions {
            at_a_time,
            queue: 64,
            cost: HashCost::default(),
            observer: None,
            at_start: None,
        })
    }

    /// A pool that works as told.
    pub fn with(options: PoolOptions) -> Result<Self, PasswordError> {
        let at_a_time = options.at_a_time.max(1);
        let dummy = options.cost.stand_in()?;
        Ok(Self {
            shared: Arc::new(Shared {
                threads: Threads::start(at_a_time, options.at_start)?,
                permits: Arc::new(Semaphore::new(at_a_time)),
                at_a_time,
                queue: options.queue,
                waiting: AtomicUsize::new(0),
                pace: AtomicU64::new(0),
                cost: options.cost,
                observer: options.observer.unwrap_or_else(|| Arc::new(Unobserved)),
                dummy: Arc::new(dummy),
            }),
        })
    }

    /// Hashes a new password; waits as long as it takes, since those who set passwords are few and known.
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        let length = password.expose_secret().len();
        if length < MIN_PASSWORD_BYTES {
            return Err(PasswordError::TooShort);
        }
        if length > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let queued = Stopwatch::start();
        let permit = self.patient().await?;
        let (cost, password) = (self.shared.cost, password.clone());
        let work = move |memory: &mut _| cost.hash_now(password.expose_secret().as_bytes(), memory);
        self.run(permit, queued, work).await?
    }

    /// A hash at today's cost of a password whose hash is of another; none when it is not, or when the pool has better
    /// things to do.
    pub async fn renewed(
        &self,
        password: &SecretString,
        old: &PasswordHash,
    ) -> Option<PasswordHash> {
        if self.shared.cost.made(old) {
            return None;
        }
        let queued = Stopwatch::start();
        let permit = self.admit().await.ok()?;
        let (cost, password) = (self.shared.cost, password.clone());
        let work = move |memory: &mut _| cost.hash_now(password.expose_secret().as_bytes(), memory);
        self.run(permit, queued, work).await.ok()?.ok()
    }

    /// Whether the password matches, byte for byte. Without a hash the same work is done, and the answer is no.
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, VerifyError> {
        let queued = Stopwatch::start();
        let permit = self.admit().await?;
        let is_real = hash.is_some();
        let dummy = &self.shared.dummy;
        let hash = hash.map_or_else(|| Arc::clone(dummy), |hash| Arc::new(hash.clone()));
        // Too long is hashed all the same, cut to the limit, so that the answer takes as long as any other.
        let is_sane = password.expose_secret().len() <= MAX_PASSWORD_BYTES;
        let password = password.clone();
        let work = move |memory: &mut _| {
            let bytes = password.expose_secret().as_bytes();
            let cut = bytes.len().min(MAX_PASSWORD_BYTES);
            verify_now(&bytes[..cut], &hash, memory)
        };
        let matches = self.run(permit, queued, work).await??;
        Ok(matches && is_real && is_sane)
    }

    /// How many are hashed at a time.
    pub fn slots(&self) -> usize {
        self.shared.at_a_time
    }

    /// What a hash at that cost takes here with every slot busy. It waits in the same line as everybody else, a hash
    /// at a time, so whoever signs in meanwhile waits for one hash more at most.
    pub async fn measure(&self, cost: HashCost) -> Result<Measured, PasswordError> {
        let slots = self.slots();
        let mut took = Duration::ZERO;
        for round in 0..=CALIBRATION_ROUNDS {
            let all = join_all((0..slots).map(|_| self.sample(cost))).await;
            for one in all {
                let one = one?;
                // The first only touches the memory.
                if round > 0 {
                    took += one;
                }
            }
        }
        let each = u32::try_from(slots).unwrap_or(u32::MAX);
        let took = took / CALIBRATION_ROUNDS.saturating_mul(each).max(1);
        Ok(Measured {
            cost,
            took,
            per_second: f64::from(each) / took.as_secs_f64().max(f64::EPSILON),
            memory_mib: memory_of(cost, slots),
        })
    }

    /// Past the meters and the pace: they are about passwords.
    async fn sample(&self, cost: HashCost) -> Result<Duration, PasswordError> {
        let permit = self.patient().await?;
        let work = move |memory: &mut _| {
            let _permit = permit;
            let began = Stopwatch::start();
            cost.sample(memory).map(|()| began.elapsed())
        };
        self.shared.threads.run(work).await?
    }

    async fn run<T: Send + 'static>(
        &self,
        permit: OwnedSemaphorePermit,
        queued: Stopwatch,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let waited = queued.elapsed();
        let shared = Arc::clone(&self.shared);
        let span = tracing::info_span!(target: SPANS, "password.hash");
        let hash = move |memory: &mut _| {
            // Given up in any case, a panic's included.
            let _permit = permit;
            let _in_trace = span.entered();
            let began = Stopwatch::start();
            let result = work(memory);
            shared.note(waited, began.elapsed());
            result
        };
        self.shared.threads.run(hash).await
    }

    /// A free slot at once, or a place in the queue until there is one.
    async fn admit(&self) -> Result<OwnedSemaphorePermit, VerifyError> {
        if let Ok(permit) = Arc::clone(&self.shared.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let Some(_place) = Place::take(&self.shared) else {
            self.shared.observer.turned_away();
            return Err(VerifyError::Busy {
                retry_after: self.shared.drained_in(),
            });
        };
        let span = tracing::info_span!(target: SPANS, "password.wait");
        Ok(self.patient().instrument(span).await?)
    }

    async fn patient(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        Arc::clone(&self.shared.permits)
            .acquire_owned()
            .await
            .map_err(|closed| PasswordError::Hasher(closed.to_string()))
    }
}

impl Shared {
    fn note(&self, waited: Duration, took: Duration) {
        let took_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX / 8);
        // Two hashes that end together may lose one of their measurements, which a mean survives.
        let pace = match self.pace.load(Ordering::Relaxed) {
            0 => took_micros,
            before => (before.saturating_mul(7).saturating_add(took_micros)) / 8,
        };
        self.pace.store(pace, Ordering::Relaxed);
        self.observer.hashed(waited, took);
    }

    /// When the queue of this moment has been worked off: whole seconds, at least one.
    fn drained_in(&self) -> Duration {
        let waiting = u64::try_from(self.queue).unwrap_or(u64::MAX);
        let slots = u64::try_from(self.at_a_time).unwrap_or(1).max(1);
        let micros = self.pace.load(Ordering::Relaxed).saturating_mul(waiting) / slots;
        Duration::from_secs(micros.div_ceil(1_000_000).max(1)).min(LONGEST_RETRY)
    }
}

/// A place in the queue; given up when dropped, also by a caller who hung up.
struct Place<'a>(&'a Shared);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared) -> Option<Self> {
        let one_more = |waiting: usize| (waiting < shared.queue).then_some(waiting + 1);
        shared
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()?;
        shared.observer.joined();
        Some(Self(shared))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.observer.left();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::AtomicI64;

    const CHEAP: HashCost = HashCost {
        memory_kib: 1_024,
        iterations: 1,
        lanes: 1,
    };

    #[derive(Debug, Default)]
    struct Seen {
        waiting: AtomicI64,
        most: AtomicI64,
        hashed: AtomicI64,
        refused: AtomicI64,
    }

    impl PoolObserver for Seen {
        fn joined(&self) {
            let now = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(now, Ordering::Relaxed);
        }
        fn left(&self) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        fn hashed(&self, _: Duration, took: Duration) {
            assert!(!took.is_zero());
            self.hashed.fetch_add(1, Ordering::Relaxed);
        }
        fn turned_away(&self) {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn pool(queue: usize) -> (PasswordPool, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        let pool = PasswordPool::with(PoolOptions {
            at_a_time: 1,
            queue,
            cost: CHEAP,
            observer: Some(Arc::clone(&seen) as Arc<dyn PoolObserver>),
            at_start: None,
        });
        (pool.unwrap(), seen)
    }

    #[tokio::test]
    async fn when_the_queue_is_full_the_rest_is_told_when_to_come_back() {
        let (pool, seen) = pool(3);
        let password = SecretString::from("correct horse");
        let hashing = pool.shared.permits.acquire().await.unwrap();
        let mut all = pin!(join_all((0..10).map(|_| pool.verify(&password, None))));
        // Polled once, while another password is being hashed: all have come before it is done.
        assert!(
            tokio::time::timeout(Duration::ZERO, &mut all)
                .await
                .is_err()
        );
        drop(hashing);
        let all = all.await;
        let refused = all.iter().filter(|result| match result {
            Err(VerifyError::Busy { retry_after }) => *retry_after >= Duration::from_secs(1),
            _ => false,
        });
        // Three wait, seven do not.
        assert_eq!(refused.count(), 7);
        assert_eq!(seen.refused.load(Ordering::Relaxed), 7);
        assert_eq!(seen.hashed.load(Ordering::Relaxed), 3);
        assert_eq!(seen.most.load(Ordering::Relaxed), 3);
        assert_eq!(seen.waiting.load(Ordering::Relaxed), 0);
        assert!(!pool.verify(&password, None).await.unwrap(), "room again");
    }

    #[tokio::test]
    async fn whoever_hangs_up_gives_their_place_to_the_next() {
        let (pool, seen) = pool(1);
        let password = SecretString::from("correct horse");
        let hashing = pool.shared.permits.acquire().await.unwrap();
        let waiting = pool.verify(&password, None);
        // Polled once, which takes the place, and dropped by the time-out that has passed already.
        let given_up = tokio::time::timeout(Duration::ZERO, waiting).await;
        assert!(given_up.is_err());
        assert_eq!(seen.most.load(Ordering::Relaxed), 1);
        assert_eq!(pool.shared.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(seen.waiting.load(Ordering::Relaxed), 0);
        drop(hashing);
        assert!(!pool.verify(&password, None).await.unwrap());
    }

    #[tokio::test]
    async fn measuring_takes_its_turn_and_counts_as_no_password() {
        let (pool, seen) = pool(1);
        let measured = pool.measure(CHEAP).await.unwrap();
        assert!(!measured.took.is_zero() && measured.per_second > 0.0);
        assert_eq!((measured.cost, measured.memory_mib), (CHEAP, 1));
        assert_eq!(seen.hashed.load(Ordering::Relaxed), 0);
        assert_eq!(pool.shared.pace.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_matches_and_is_renewed() {
        let (pool, _) = pool(1);
        let password = SecretString::from("correct horse");
        let old = HashCost {
            iterations: 2,
            ..CHEAP
        };
        let old = old
            .hash_now(b"correct horse", &mut HashMemory::default())
            .unwrap();
        assert!(pool.verify(&password, Some(&old)).await.unwrap());
        let new = pool.renewed(&password, &old).await.unwrap();
        assert!(pool.verify(&password, Some(&new)).await.unwrap());
        assert!(pool.renewed(&password, &new).await.is_none());
    }

    #[tokio::test]
    async fn case_44_passwords_match_byte_for_byte_at_every_length() {
        let pool = PasswordPool::new(2).unwrap();
        for length in [8, 64, 72, 73, 1024] {
            let mut text = "p".repeat(length - 1);
            text.push('\0');
            let hash = pool.hash(&SecretString::from(text.clone())).await.unwrap();
            assert!(
                pool.verify(&text.clone().into(), Some(&hash))
                    .await
                    .unwrap()
            );
            for wrong in [format!("{text} "), format!(" {text}"), "p".repeat(length)] {
                assert!(!pool.verify(&wrong.into(), Some(&hash)).await.unwrap());
            }
        }
        assert!(matches!(
            pool.hash(&"short".into()).await,
            Err(PasswordError::TooShort)
        ));
        assert!(matches!(
            pool.hash(&"x".repeat(1025).into()).await,
            Err(PasswordError::TooLong)
        ));
    }

    #[tokio::test]
    async fn without_a_hash_nothing_matches() {
        let pool = PasswordPool::new(1).unwrap();
        let dummy = "vestibule: nobody has this password";
        assert!(!pool.verify(&dummy.into(), None).await.unwrap());
    }
}
