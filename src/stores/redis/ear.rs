//! Hears from Redis which sessions ended or changed, and drops them from memory.
//!
//! The scripts that end or change a session publish its digest, those that revoke publish `*`. What the
//! server published before it answered a ping has arrived before that answer, so a ping answered just now
//! proves that nothing older is missing. The cache is used only while the last such proof is younger than
//! [`PROVEN_FOR`], and was made on a connection to the very server that checks are asked of.

use crate::stores::redis::cache::Cache;
use crate::stores::redis::keys::unhex;
use crate::stores::redis::line::RETRY_EVERY;
use ::redis::aio::{PubSubSink, PubSubStream};
use ::redis::{Client, Msg, RedisResult, Value};
use anyhow::anyhow;
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{self, Instant};

/// How long a proof that nothing is missing is believed: nothing that ended longer ago is ever answered from memory.
const PROVEN_FOR: Duration = Duration::from_millis(200);
/// The pause between two pings.
const PROVE_EVERY: Duration = Duration::from_millis(50);
/// How long connecting and subscribing may take, each.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// A ping without an answer for so long means a new connection.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// What to listen to, and who forgets what is heard.
#[derive(Clone)]
pub struct Listening {
    /// The channel of changes.
    pub channel: Arc<str>,
    /// The sessions kept in memory.
    pub cache: Arc<Cache>,
}

/// The latest proof that nothing is missing.
pub struct Proof {
    since: Instant,
    /// Milliseconds since then at which the ping left; 0 for none.
    asked_at: AtomicU64,
    /// The connection it belongs to.
    number: AtomicU64,
    /// Whether the log has it that there is none.
    is_told: AtomicBool,
}

impl Default for Proof {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            asked_at: AtomicU64::new(0),
            number: AtomicU64::new(0),
            is_told: AtomicBool::new(false),
        }
    }
}

impl Proof {
    /// Whether everything has been heard that the server of that connection told until just now.
    pub fn holds(&self, number: u64) -> bool {
        let asked_at = self.asked_at.load(Ordering::Acquire);
        asked_at > 0
            && self.number.load(Ordering::Acquire) == number
            && self.millis(Instant::now()).saturating_sub(asked_at) < age(PROVEN_FOR)
    }

    fn make(&self, number: u64, asked_at: Instant) {
        self.is_told.store(false, Ordering::Relaxed);
        self.number.store(number, Ordering::Release);
        self.asked_at
            .store(self.millis(asked_at).max(1), Ordering::Release);
    }

    fn withdraw(&self) {
        self.asked_at.store(0, Ordering::Release);
    }

    fn millis(&self, at: Instant) -> u64 {
        age(at.duration_since(self.since))
    }
}

fn age(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Withdraws the proof and empties the cache however listening ends, by being given up as well.
struct Deaf<'a>(&'a Listening, &'a Proof);

impl Drop for Deaf<'_> {
    fn drop(&mut self) {
        self.1.withdraw();
        self.0.cache.forget_all();
    }
}

/// Listens on a connection of its own to that server until it breaks; `number` is that of the line's connection.
pub async fn listen(listening: &Listening, proof: &Proof, client: &Client, number: u64) {
    let heard = {
        let _deaf = Deaf(listening, proof);
        // A message left in the queue because a task has used its share up would not be noticed missing.
        tokio::task::unconstrained(hear(listening, proof, client, number)).await
    };
    // Once for each time that it stops working, however often it is tried again.
    if let Err(error) = heard
        && !proof.is_told.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(%error, "sessions are not answered from memory: changes cannot be heard");
    }
    time::sleep(RETRY_EVERY).await;
}

async fn hear(
    listening: &Listening,
    proof: &Proof,
    client: &Client,
    number: u64,
) -> anyhow::Result<()> {
    let late = |_| anyhow!("no answer from Redis");
    let connecting = time::timeout(CONNECT_WITHIN, client.get_async_pubsub());
    let (mut sink, mut messages) = connecting.await.map_err(late)??.split();
    let subscribing = time::timeout(CONNECT_WITHIN, sink.subscribe(&*listening.channel));
    subscribing.await.map_err(late)??;
    // What was told before is missing.
    listening.cache.forget_all();
    loop {
        let asked_at = Instant::now();
        prove(&listening.cache, &mut sink, &mut messages).await?;
        // The answer has overtaken nothing on the line, but perhaps in here.
        while let Some(message) = messages.next().now_or_never() {
            apply(&listening.cache, message)?;
        }
        proof.make(number, asked_at);
        let pause = time::sleep(PROVE_EVERY);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                message = messages.next() => apply(&listening.cache, message)?,
                () = &mut pause => break,
            }
        }
    }
}

/// Pings, and hears meanwhile.
async fn prove(
    cache: &Cache,
    sink: &mut PubSubSink,
    messages: &mut PubSubStream,
) -> anyhow::Result<()> {
    let ping = time::timeout(GIVE_UP_AFTER, async {
        let answer: RedisResult<Value> = sink.ping().await;
        answer
    });
    tokio::pin!(ping);
    loop {
        tokio::select! {
            message = messages.next() => apply(cache, message)?,
            answer = &mut ping => {
                answer.map_err(|_| anyhow!("no answer from Redis"))??;
                return Ok(());
            }
        }
    }
}

fn apply(cache: &Cache, message: Option<Msg>) -> anyhow::Result<()> {
    let message = message.ok_or_else(|| anyhow!("the connection is closed"))?;
    match unhex(message.get_payload_bytes()) {
        Some(digest) => cache.forget(&digest),
        // `*`, or what a later program may tell.
        None => cache.forget_all(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_its_connection_and_not_for_long() {
        let now = Instant::now();
        let begun = now.checked_sub(Duration::from_secs(5));
        let proof = Proof {
            since: begun.unwrap_or(now),
            ..Proof::default()
        };
        assert!(!proof.holds(0));
        proof.make(7, Instant::now());
        assert!(proof.holds(7));
        assert!(!proof.holds(8));
        proof.make(7, now.checked_sub(PROVEN_FOR).unwrap_or(now));
        assert!(!proof.holds(7));
        proof.make(7, Instant::now());
        proof.withdraw();
        assert!(!proof.holds(7));
    }
}
