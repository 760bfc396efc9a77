//! The threads that hash: their own, not the ones the runtime lends for blocking work, so that they alone can yield to
//! everybody else.

use crate::domain::authn::memory::HashMemory;
use crate::domain::authn::password::PasswordError;
use flume::{Receiver, RecvTimeoutError, Sender};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// A piece of work, in the memory of the thread that does it.
type Job = Box<dyn FnOnce(&mut HashMemory) + Send>;

/// How long a thread keeps its memory with nothing to do: mapping it anew takes milliseconds of the next login.
const KEPT_FOR: Duration = Duration::from_secs(2);

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
        let (jobs, waiting) = flume::unbounded::<Job>();
        for _ in 0..count {
            let waiting = waiting.clone();
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
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (done, result) = oneshot::channel();
        let job = move |memory: &mut HashMemory| {
            // Whoever waited may have hung up.
            let _ = done.send(work(memory));
        };
        let lost = |what: &str| PasswordError::Hasher(what.to_owned());
        self.jobs
            .send(Box::new(job))
            .map_err(|_| lost("no thread is left"))?;
        result.await.map_err(|_| lost("the thread gave up"))
    }
}

fn work(waiting: &Receiver<Job>, at_start: Option<fn()>) {
    if let Some(at_start) = at_start {
        at_start();
    }
    let mut memory = HashMemory::default();
    while let Some(job) = next(waiting, &mut memory) {
        // Its caller hears of it by the channel that closes; the thread is there for the next.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
    }
}

/// The next piece of work, if there will ever be one; the memory goes back once none has come for a while.
fn next(waiting: &Receiver<Job>, memory: &mut HashMemory) -> Option<Job> {
    if memory.held() > 0 {
        match waiting.recv_timeout(KEPT_FOR) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => memory.give_back(),
        }
    }
    waiting.recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_panic_fails_its_caller_and_nobody_after() {
        let threads = Threads::start(1, None).unwrap();
        let broken = threads.run(|_| panic!("a broken hasher")).await;
        assert!(matches!(broken, Err::<(), _>(PasswordError::Hasher(_))));
        assert_eq!(threads.run(|_| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn every_thread_starts_as_it_was_told() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let at_start = || {
            STARTED.fetch_add(1, Ordering::SeqCst);
        };
        let threads = Threads::start(3, Some(at_start)).unwrap();
        while STARTED.load(Ordering::SeqCst) < 3 {
            threads.run(|_| thread::yield_now()).await.unwrap();
        }
        let name = threads
            .run(|_| thread::current().name().map(str::to_owned))
            .await
            .unwrap();
        assert_eq!(name.as_deref(), Some("hashing"));
    }

    #[tokio::test]
    async fn memory_is_kept_from_hash_to_hash_and_given_back_when_there_is_none() {
        let threads = Threads::start(1, None).unwrap();
        let used = |memory: &mut HashMemory| memory.blocks(64).map(|blocks| blocks.len());
        assert_eq!(threads.run(used).await.unwrap().unwrap(), 64);
        // Asking is work, after which the wait begins anew, so it is asked once.
        tokio::time::sleep(KEPT_FOR * 2).await;
        assert_eq!(threads.run(|memory| memory.held()).await.unwrap(), 0);
    }
}
