//! Judges away from the threads that answer requests, a few messages at a time.
//!
//! Whoever can reach the server can post a message, and canonical XML and RSA take as long as they take. On a thread of
//! the server's own, everybody else on it would wait as well.

use super::fault::Judged;
use crate::domain::sso::ProviderError;
use anyhow::anyhow;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tracing::Span;

/// Judged at a time, of one provider.
const AT_A_TIME: usize = 2;
/// Waiting to be judged. Each takes milliseconds: more waiting than this are a flood.
const WAITING: usize = 48;

/// Who may judge now, and who may wait.
#[derive(Debug)]
pub(super) struct Turns {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_A_TIME + WAITING)),
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// Does the work when it is its turn; with too many waiting already, says so at once.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Judged<T> + Send + 'static,
    ) -> Judged<T> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            ProviderError::Unavailable(anyhow!(
                "{WAITING} messages of it wait to be judged already"
            ))
        })?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|closed| ProviderError::Unavailable(closed.into()))?;
        let Ok(runtime) = Handle::try_current() else {
            // Without a runtime, as when fuzzing, there is nobody to hold up.
            return work();
        };
        let span = Span::current();
        let judging = runtime.spawn_blocking(move || {
            // Kept to the end of the work, also when nobody waits for it any more: work goes on all the same.
            let _held = (place, turn);
            span.in_scope(work)
        });
        judging
            .await
            .map_err(|broken| ProviderError::Unavailable(broken.into()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};
    use tokio::task::{JoinSet, yield_now};

    #[tokio::test]
    async fn those_who_come_to_a_full_queue_are_told_so_and_others_are_served() {
        let turns = Arc::new(Turns::new());
        let mut gates = Vec::new();
        let mut queue = JoinSet::new();
        for _ in 0..AT_A_TIME + WAITING {
            let (gate, closed) = mpsc::channel::<()>();
            gates.push(gate);
            let turns = Arc::clone(&turns);
            queue.spawn(async move {
                turns
                    .take(move || {
                        // Ends when the gate is dropped.
                        let _ = closed.recv();
                        Ok(())
                    })
                    .await
            });
        }
        while turns.places.available_permits() > 0 {
            yield_now().await;
        }
        let refused = turns.take(|| Ok(())).await;
        assert!(matches!(refused, Err(ProviderError::Unavailable(_))));
        drop(gates);
        while let Some(done) = queue.join_next().await {
            done.unwrap().unwrap();
        }
        assert!(turns.take(|| Ok(())).await.is_ok());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_place_until_it_is_done() {
        let turns = Arc::new(Turns::new());
        let (gate, closed) = mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let other = Arc::clone(&turns);
        let asked = tokio::spawn(async move {
            other
                .take(move || {
                    let _ = begun.send(());
                    let _ = closed.recv();
                    Ok(())
                })
                .await
        });
        has_begun.await.unwrap();
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        assert_eq!(turns.turns.available_permits(), AT_A_TIME - 1);
        drop(gate);
        while turns.turns.available_permits() < AT_A_TIME {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_turn_back() {
        let turns = Turns::new();
        for _ in 0..AT_A_TIME * 2 {
            let broken = turns.take::<()>(|| panic!("as a parser might")).await;
            assert!(matches!(broken, Err(ProviderError::Unavailable(_))));
        }
        assert!(turns.take(|| Ok(())).await.is_ok());
    }

    #[test]
    fn without_a_runtime_the_work_is_done_on_the_spot() {
        let turns = Turns::new();
        let work = pin!(turns.take(|| Ok(7)));
        let done = work.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(done, Poll::Ready(Ok(7))));
    }
}
