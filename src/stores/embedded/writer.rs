//! The one task that writes the file: takes whatever has queued up, commits it once, acknowledges all of it.
//!
//! Callers queue while they hold the lock of what they change, so the file sees changes of one
//! session in the order memory did. What *adds* something (`Open`, `Put`) reaches memory only here,
//! after the commit; what *ends* something is over in memory before it is queued. Ends that could not
//! be written are owed: they are written before anything else, and until then nothing is acknowledged.

use crate::domain::failure::StoreError;
use crate::domain::token::SUPERSEDED_GRACE;
use crate::stores::embedded::journal::{Journal, Op};
use crate::stores::embedded::memory::{Held, HeldToken, Memory};
use anyhow::{Context, anyhow};
use dashmap::Entry as Place;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time;

/// The most entries of one commit.
const BATCH: usize = 256;
/// How long a caller waits for the disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

type Outcome = Result<(), Arc<str>>;

/// Changes that belong together, and who waits for them.
#[derive(Debug)]
struct Entry {
    ops: Vec<Op>,
    waiting: oneshot::Sender<Outcome>,
}

/// What a caller waits on.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Outcome>);

impl Ticket {
    /// Waits until the changes are on disk.
    pub async fn written(self) -> Result<(), StoreError> {
        time::timeout(ANSWER_WITHIN, self.0)
            .await
            .context("the disk is too slow")
            .and_then(|answer| answer.context("the writer of the session file is gone"))
            .map_err(StoreError::Unavailable)?
            .map_err(|why| StoreError::unavailable(anyhow!("cannot write the session file: {why}")))
    }
}

/// Where changes are queued.
#[derive(Clone, Debug)]
pub struct Queue(mpsc::UnboundedSender<Entry>);

impl Queue {
    /// Starts the writer; it ends, and lets go of the file, when the last queue is dropped.
    pub fn start(journal: Journal, memory: Arc<Memory>) -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        tokio::spawn(run(journal, memory, inbox));
        Self(sender)
    }

    /// Queues changes, in this very moment. Dropping the ticket does not take them back.
    pub fn push(&self, ops: Vec<Op>) -> Ticket {
        let (waiting, ticket) = oneshot::channel();
        // With the writer gone the ticket's other end drops here, and the caller sees the error.
        let _ = self.0.send(Entry { ops, waiting });
        Ticket(ticket)
    }
}

async fn run(mut journal: Journal, memory: Arc<Memory>, mut inbox: mpsc::UnboundedReceiver<Entry>) {
    let mut owed: Vec<Op> = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut is_refused = false;
    while inbox.recv_many(&mut batch, BATCH).await > 0 {
        let ops = in_order(&owed, &batch);
        let outcome: Outcome = match journal.write(&ops).await {
            Ok(()) => {
                // Without anything to write the disk was not asked.
                if is_refused && !ops.is_empty() {
                    is_refused = false;
                    tracing::warn!("the session file is written again");
                }
                owed.clear();
                Ok(())
            }
            Err(error) => {
                is_refused = true;
                tracing::error!(%error, "cannot write the session file");
                Err(Arc::from(error.to_string()))
            }
        };
        for entry in batch.drain(..) {
            for op in entry.ops {
                if outcome.is_ok() {
                    adopt(&memory, op);
                } else if let Some(op) = undo_or_owe(&memory, op) {
                    owed.push(op);
                }
            }
            // Whoever waited may have gone; the change stands all the same.
            let _ = entry.waiting.send(outcome.clone());
        }
    }
    if let Err(error) = journal.close().await {
        tracing::warn!(%error, "the session file was not closed cleanly");
    }
}

fn in_order<'a>(owed: &'a [Op], batch: &'a [Entry]) -> Vec<&'a Op> {
    let mut ops: Vec<_> = owed.iter().collect();
    for entry in batch {
        ops.extend(&entry.ops);
    }
    ops
}

/// Brings into memory what waited for the disk.
fn adopt(memory: &Memory, op: Op) {
    match op {
        Op::Open {
            digest,
            tag,
            session,
            ..
        } => {
            if let Place::Vacant(place) = memory.sessions.entry(digest) {
                place.insert(Held::Live {
                    session,
                    tag: Some(tag),
                    is_moved: false,
                });
            }
            memory.index.settle(tag, &digest);
        }
        // A session that is replaced or evicted ends here, just before the one that takes its place opens; any
        // other already has.
        Op::End { digest, reason, at } => {
            let mut listed = None;
            if let Some(mut held) = memory.sessions.get_mut(&digest)
                && !matches!(*held, Held::Ended { .. })
            {
                if let Held::Live { tag, .. } = *held {
                    listed = tag;
                }
                *held = Held::Ended { reason, at };
            }
            if let Some(tag) = listed {
                memory.index.drop_one(tag, &digest);
            }
        }
        Op::Put {
            digest,
            record,
            supersedes,
            ..
        } => {
            if let Some(key) = record.key.filter(|_| supersedes)
                && let Some(before) = memory.latest.insert(key, digest)
                && let Some(mut held) = memory.tokens.get_mut(&before)
                && let HeldToken::Kept(older) = held.value_mut()
            {
                let ends_at = record.minted_at.plus(SUPERSEDED_GRACE);
                older.expires_at = older.expires_at.min(ends_at);
            }
            if let Place::Vacant(place) = memory.tokens.entry(digest) {
                place.insert(HeldToken::Kept(record));
            }
        }
        // It may have had to give way before it was here.
        Op::ForgetToken(digest) => {
            memory.tokens.remove(&digest);
        }
        Op::SetOrg { .. }
        | Op::Seen { .. }
        | Op::RevokeToken(_)
        | Op::SpendToken(_)
        | Op::Epoch(..)
        | Op::ForgetSession(_)
        | Op::KeepFlow(..)
        | Op::ForgetFlow(_) => {}
    }
}

/// After a failed commit: takes back what may be, and hands back what must yet be written.
fn undo_or_owe(memory: &Memory, op: Op) -> Option<Op> {
    match op {
        Op::SetOrg {
            digest,
            org,
            before,
        } => {
            if let Some(mut held) = memory.sessions.get_mut(&digest)
                && let Held::Live { session, .. } = held.value_mut()
                && session.org == org
            {
                session.org = before;
            }
            None
        }
        // A session that was to be replaced or evicted lives on: so does its owner's cookie, for the new one was
        // never handed out.
        Op::End { digest, .. } => {
            let (is_over, listed) = match memory.sessions.get(&digest).as_deref() {
                Some(Held::Ended { .. }) => (true, None),
                Some(Held::Live { tag, .. }) => (false, *tag),
                Some(Held::Later | Held::Unreadable(_)) | None => (false, None),
            };
            if let Some(tag) = listed {
                memory.index.keep(tag, digest);
            }
            is_over.then_some(op)
        }
        Op::RevokeToken(_)
        | Op::SpendToken(_)
        | Op::Epoch(..)
        | Op::ForgetSession(_)
        | Op::ForgetToken(_)
        // Owed as well: what must not be seen twice stays taken in memory, and has to on disk.
        | Op::KeepFlow(..)
        | Op::ForgetFlow(_) => Some(op),
        Op::Open { digest, tag, .. } => {
            memory.index.drop_one(tag, &digest);
            None
        }
        Op::Put { digest, record, .. } => {
            memory.unlist(digest, &record);
            None
        }
        // Heard of again at the next use.
        Op::Seen { .. } => None,
    }
}
