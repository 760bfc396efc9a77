//! The threads that hash: their own, not the ones the runtime lends for blocking work, so that they alone can yield to
//! everybody else.

use crate::domain::authn::password::PasswordError;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::oneshot;

/// A piece of work.
type Job = Box<dyn FnOnce() + Send>;

/// So many threads, which end when this is dropped and their work is done.
pub(in crate::domain::authn) struct Threads {
    jobs: Sender<Job>,
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").finish_non_exhaustive()
    }
}

impl Threads {
    /// Starts that many, each of which does `at_start` before anything else.
    pub fn start(count: usize, at_start: Option<fn()>) -> Result<Self, PasswordError> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..count {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new()
                .name("hashing".to_owned())
                .spawn(move || work(&waiting, at_start))
                .map_err(|error| PasswordError::Hasher(format!("no thread: {error}")))?;
        }
        Ok(Self { jobs })
    }

    /// Has one of them do it, once one is free. A caller who hangs up stops nothing that has begun.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (done, result) = oneshot::channel();
        let job = move || {
            // Whoever waited may have hung up.
            let _ = done.send(work());
        };
        let lost = |what: &str| PasswordError::Hasher(what.to_owned());
        self.jobs
            .send(Box::new(job))
            .map_err(|_| lost("no thread is left"))?;
        result.await.map_err(|_| lost("the thread gave up"))
    }
}

fn work(waiting: &Mutex<Receiver<Job>>, at_start: Option<fn()>) {
    if let Some(at_start) = at_start {
        at_start();
    }
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = next else {
            return;
        };
        // Its caller hears of it by the channel that closes; the thread is there for the next.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_panic_fails_its_caller_and_nobody_after() {
        let threads = Threads::start(1, None).unwrap();
        let broken = threads.run(|| panic!("a broken hasher")).await;
        assert!(matches!(broken, Err::<(), _>(PasswordError::Hasher(_))));
        assert_eq!(threads.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn every_thread_starts_as_it_was_told() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let at_start = || {
            STARTED.fetch_add(1, Ordering::SeqCst);
        };
        let threads = Threads::start(3, Some(at_start)).unwrap();
        while STARTED.load(Ordering::SeqCst) < 3 {
            threads.run(thread::yield_now).await.unwrap();
        }
        let name = threads
            .run(|| thread::current().name().map(str::to_owned))
            .await
            .unwrap();
        assert_eq!(name.as_deref(), Some("hashing"));
    }
}
