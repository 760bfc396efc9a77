//! How many sign-ins at providers may begin: anybody may begin one, and each is kept for a while.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::throttle::{Admission, Bucket, Throttle, Whence};
use secrecy::ExposeSecret;
use std::net::IpAddr;
use std::time::Duration;

/// How long is counted before it starts anew.
pub const WINDOW: Duration = Duration::from_mins(1);
/// How many may begin within a window from everywhere. Each is kept for ten windows, in about a kilobyte.
pub const MOST_FROM_EVERYWHERE: u64 = 10_000;

impl Throttle {
    /// Lets a sign-in begin at that address, where within a window no more than `most` may, or says how long to wait.
    ///
    /// What is turned away for its address does not count for everybody: one address alone keeps nobody else out.
    pub async fn admit_begun(
        &self,
        address: Option<IpAddr>,
        most: u64,
    ) -> Result<Admission, StoreError> {
        let now = self.clock.now();
        let window = now.seconds() / WINDOW.as_secs();
        let until = Timestamp::from_millis((window + 1) * WINDOW.as_secs() * 1000);
        let key = self.key.expose_secret();
        let buckets = [
            (
                Bucket::of_begun(key, Whence::Address(address), window),
                most,
            ),
            (
                Bucket::of_begun(key, Whence::Everywhere, window),
                MOST_FROM_EVERYWHERE,
            ),
        ];
        for (bucket, most) in buckets {
            if self.store.count(&bucket, until, now).await? > most {
                return Ok(Admission::Wait(
                    until.since(now).max(Duration::from_secs(1)),
                ));
            }
        }
        Ok(Admission::Admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::ManualClock;
    use async_trait::async_trait;
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    #[derive(Debug, Default)]
    struct Counts(Mutex<HashMap<Bucket, u64>>);

    #[async_trait]
    impl crate::domain::throttle::ThrottleStore for Counts {
        async fn admit(&self, _: &Bucket, _: Timestamp) -> Result<Admission, StoreError> {
            unreachable!("no password is tried")
        }

        async fn take_back(&self, _: &Bucket) -> Result<(), StoreError> {
            unreachable!("no password is tried")
        }

        async fn count(
            &self,
            bucket: &Bucket,
            _: Timestamp,
            _: Timestamp,
        ) -> Result<u64, StoreError> {
            let mut counts = self.0.lock().unwrap();
            let count = counts.entry(*bucket).or_default();
            *count += 1;
            Ok(*count)
        }

        async fn forget(&self, _: &Bucket) -> Result<(), StoreError> {
            unreachable!("no password is tried")
        }
    }

    #[tokio::test]
    async fn one_address_is_held_back_for_a_minute_and_all_together_only_by_many() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(120_000)));
        let throttle = Throttle::new(
            Arc::new(Counts::default()),
            Arc::clone(&clock) as _,
            vec![1; 32].into(),
        );
        let address = |last: u32| Some(IpAddr::V4(last.into()));
        let admit = async |last: u32| throttle.admit_begun(address(last), 3).await.unwrap();
        clock.advance(Duration::from_secs(20));
        for _ in 0..3 {
            assert_eq!(admit(1).await, Admission::Admitted);
        }
        for _ in 0..MOST_FROM_EVERYWHERE {
            assert_eq!(admit(1).await, Admission::Wait(Duration::from_secs(40)));
        }
        // However often it asks, it takes nobody else's turn.
        for other in 2..=u32::try_from(MOST_FROM_EVERYWHERE).unwrap() - 2 {
            assert_eq!(admit(other).await, Admission::Admitted, "{other}");
        }
        assert_eq!(
            admit(u32::MAX).await,
            Admission::Wait(Duration::from_secs(40))
        );
        clock.advance(Duration::from_secs(40));
        assert_eq!(admit(1).await, Admission::Admitted);
        assert_eq!(admit(u32::MAX).await, Admission::Admitted);
    }
}
