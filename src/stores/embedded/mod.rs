//! Sessions, tokens and revocations in this process, written through to a file: the default, for one node.
//!
//! Reads never touch the disk. A login, logout, change of Org, revocation or token is acknowledged
//! once it is in the file, so it survives `kill -9` and power loss; all that wait at the same moment
//! share one commit (see `writer`). Only the moments sessions were last used lag behind by
//! five seconds; a crash makes idle timeouts start that much earlier and loses nothing else.

mod bulk;
mod counted;
#[cfg(test)]
mod disk_faults;
mod flows;
mod index;
mod journal;
mod listing;
mod load;
mod memory;
mod own_tokens;
mod sessions;
mod throttle;
mod tokens;
mod writer;

pub use throttle::AttemptCounts;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::failure::StoreError;
use crate::stores::codec::millis;
use crate::stores::embedded::counted::Counted;
use crate::stores::embedded::journal::{Journal, Op};
use crate::stores::embedded::memory::Memory;
use crate::stores::embedded::writer::Queue;
use anyhow::anyhow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time;

/// How often last uses go to the file.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// After how many of those what is long over goes from memory. Sessions and tokens stay for an hour after their end, so
/// a minute is soon enough; finding them takes a look at every one, which checks have to wait for.
const FLUSHES_PER_PURGE: usize = 12;
/// How often a full store looks for tokens that are over.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How many changes of the background work go into one commit, so that logins do not wait behind them.
const CHUNK: usize = 500;

/// Sessions, tokens and revocations in this process, written through to a file.
pub struct EmbeddedStore {
    core: Arc<Core>,
    latest: Timestamp,
    most: usize,
    counted: Counted,
    swept: Swept,
    sweeper: JoinHandle<()>,
}

/// When what is over was last looked for because the store was full: that takes a look at every token.
#[derive(Debug, Default)]
struct Swept(AtomicU64);

impl Swept {
    fn is_due(&self, now: Timestamp) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        let next = last.saturating_add(millis(SWEEP_EVERY));
        let is_due = last == 0 || now.millis() >= next;
        // Of several at the same moment one looks.
        is_due
            && self
                .0
                .compare_exchange(last, now.millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("sessions", &self.core.memory.sessions.len())
            .field("tokens", &self.core.memory.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.sweeper.abort();
    }
}

impl EmbeddedStore {
    /// Opens or creates the file, reads it, and starts the background work, which ends with the store.
    ///
    /// A file in use by another process is [`StoreError::Unavailable`]; a damaged one, or one of a later
    /// version, is [`StoreError::Corrupt`] and left as it is.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let mut journal = Journal::open(path).await?;
        let memory = Arc::new(journal.load().await?);
        let latest = journal.latest().await?;
        let queue = Queue::start(journal, Arc::clone(&memory));
        let core = Arc::new(Core {
            memory,
            queue,
            clock,
        });
        core.purge().await?;
        let sweeper = tokio::spawn(sweep(Arc::clone(&core)));
        Ok(Self {
            core,
            latest,
            most: usize::MAX,
            counted: Counted::default(),
            swept: Swept::default(),
            sweeper,
        })
    }

    /// The same, holding that many sessions and that many tokens at most. What the file had already stays.
    #[must_use]
    pub fn bounded(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// [`StoreError::Unavailable`] when so many are held that no more may be: nobody is ended to make room, or who
    /// may sign in once could sign everybody else out.
    fn room_beside(&self, held: usize, what: &str) -> Result<(), StoreError> {
        if held < self.most {
            return Ok(());
        }
        let most = self.most;
        Err(StoreError::unavailable(anyhow!(
            "the embedded store holds {most} {what}, as many as sessions.embedded_max allows"
        )))
    }

    /// Writes the last uses that the file has not heard of; for an orderly stop.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.core.flush().await
    }

    /// Forgets what has been over for an hour. Runs by itself every minute.
    pub async fn purge(&self) -> Result<(), StoreError> {
        self.core.purge().await
    }

    /// The latest moment that the file knew of when it was opened.
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// How many sessions live, for metrics; of very many it is the number of a moment ago.
    pub fn live_sessions(&self) -> usize {
        let count = || self.core.memory.live_sessions(self.core.clock.now());
        self.counted.fresh_enough(count)
    }

    /// How many sessions are in memory, ended ones included.
    pub fn held_sessions(&self) -> usize {
        self.core.memory.sessions.len()
    }
}

struct Core {
    memory: Arc<Memory>,
    queue: Queue,
    clock: Arc<dyn Clock>,
}

impl Core {
    async fn flush(&self) -> Result<(), StoreError> {
        let seen = self
            .memory
            .take_moved()
            .into_iter()
            .map(|(digest, at)| Op::Seen { digest, at });
        self.write(seen.collect()).await
    }

    async fn purge(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let sessions = self.memory.drop_old_sessions(now).into_iter();
        let tokens = self.memory.drop_old_tokens(now).into_iter();
        let gone = sessions
            .map(Op::ForgetSession)
            .chain(tokens.map(Op::ForgetToken));
        self.write(gone.collect()).await?;
        self.purge_flows().await
    }

    /// Apart, because anybody may begin sign-ins: what nobody finishes goes soon.
    async fn purge_flows(&self) -> Result<(), StoreError> {
        let flows = self.memory.drop_old_flows(self.clock.now());
        self.write(flows.into_iter().map(Op::ForgetFlow).collect())
            .await
    }

    /// Writes in chunks, each after the last, and at least an empty one: so what is owed is tried again.
    async fn write(&self, mut ops: Vec<Op>) -> Result<(), StoreError> {
        loop {
            let rest = ops.split_off(ops.len().min(CHUNK));
            self.queue.push(ops).written().await?;
            if rest.is_empty() {
                return Ok(());
            }
            ops = rest;
        }
    }
}

async fn sweep(core: Arc<Core>) {
    let mut tick = time::interval(FLUSH_EVERY);
    tick.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    for flushes in 0.. {
        tick.tick().await;
        // The writer has logged the cause; the next tick tries again.
        let _ = core.flush().await;
        let _ = if flushes % FLUSHES_PER_PURGE == 0 {
            core.purge().await
        } else {
            core.purge_flows().await
        };
    }
}
