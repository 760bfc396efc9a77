//! A connection to one Redis server: multiplexed, and replaced in the background as soon as it is lost.
//!
//! ```text
//! connecting ──▶ up ──lost──▶ connecting ──▶ up
//!                                 │  ▲
//!                           failed▼  │every RETRY_EVERY
//!                                down
//! ```
//!
//! No call takes longer than the line's patience, waiting for a connection included; while `down` calls fail at once. The keeper task tries an
//! idle connection, so that a restart of Redis is noticed before a user pays for it. The line is up only once something was
//! answered: a server that wants a password takes connections all the same.
//!
//! Not the client crate's `ConnectionManager` (1.8): it makes callers wait for its whole series of
//! attempts, and an attempt refused by the *server* (too many clients, a password just being changed)
//! stays its answer for ever, because it tries anew only after errors of the network.

use crate::stores::redis::diary::Diary;
use crate::stores::redis::ear::{Listening, Proof, listen};
use crate::stores::redis::own::of_this_thread;
use crate::stores::redis::target::{Connected, Target};
use ::redis::aio::MultiplexedConnection;
use ::redis::{RedisError, RedisResult};
use anyhow::anyhow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

/// The pause between attempts. Does not grow: the first good answer is due a second after Redis is back, however long it was away.
pub const RETRY_EVERY: Duration = Duration::from_millis(100);
/// How often an idle connection is tried.
const TRY_EVERY: Duration = Duration::from_millis(300);
/// A connection that did not last this long was taken by a server that then refuses to work.
const BRIEF: Duration = Duration::from_secs(1);
/// The pause after such a one: a server that takes connections must not have us make them without end.
const CYCLE_PAUSE: Duration = Duration::from_millis(250);

/// Why there is no answer.
#[derive(Debug)]
pub enum Trouble {
    /// Redis said no, or the line broke.
    Refused(RedisError),
    /// There is no connection, or no answer in time.
    Away(anyhow::Error),
}

#[derive(Clone)]
enum State {
    Up {
        number: u64,
        connected: Arc<Connected>,
    },
    Connecting,
    Down(Arc<str>),
}

struct Shared {
    patience: Duration,
    state: watch::Sender<State>,
    lost: Notify,
    proof: Proof,
    diary: Diary,
}

/// The connection, kept up for as long as this lives.
pub struct Line {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
    listener: Option<JoinHandle<()>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.keeper.abort();
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}

impl Line {
    /// Connects once, so that a wrong address or a missing password is noticed at the start; then keeps the connection up.
    pub async fn open(target: Target) -> Result<Self, Trouble> {
        let connected = Arc::new(target.connect().await?);
        let number = 0;
        Ok(Self::keep(target, State::Up { number, connected }))
    }

    /// Connects in the background.
    pub fn start(target: Target) -> Self {
        Self::keep(target, State::Connecting)
    }

    fn keep(target: Target, state: State) -> Self {
        let diary = Diary::of(target.name(), matches!(state, State::Up { .. }));
        let (state, _) = watch::channel(state);
        let shared = Arc::new(Shared {
            patience: target.patience,
            state,
            lost: Notify::new(),
            proof: Proof::default(),
            diary,
        });
        let listener = target.listening.clone();
        let listener =
            listener.map(|listening| tokio::spawn(listen_to(listening, Arc::clone(&shared))));
        let keeper = tokio::spawn(keep(target, Arc::clone(&shared)));
        Self {
            shared,
            keeper,
            listener,
        }
    }

    /// Whether there is a connection, as far as known.
    pub fn is_up(&self) -> bool {
        matches!(*self.shared.state.borrow(), State::Up { .. })
    }

    /// Whether all has been heard until just now that the server at the other end tells of changes.
    pub fn is_heard(&self) -> bool {
        match *self.shared.state.borrow() {
            State::Up { number, .. } => self.shared.proof.holds(number),
            _ => false,
        }
    }

    /// When a call that begins now must have its answer.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.shared.patience
    }

    /// Has the connection do something. With `is_lasting` it is the one on which replicas are waited for.
    pub async fn run<T, F>(
        &self,
        is_lasting: bool,
        deadline: Instant,
        work: impl FnOnce(MultiplexedConnection) -> F + Send,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = RedisResult<T>> + Send,
    {
        let mut used = None;
        let answer = time::timeout_at(deadline, async {
            let (number, connected) = self.shared.connected().await?;
            used = Some(number);
            let connection = match &connected.lasting {
                Some(lasting) if is_lasting => lasting.clone(),
                _ => of_this_thread(&connected, self.shared.patience)
                    .unwrap_or_else(|| connected.connection.clone()),
            };
            work(connection).await.map_err(|error| {
                if is_line_dead(&error) {
                    self.shared.lose(number, &error.to_string());
                }
                Trouble::Refused(error)
            })
        })
        .await;
        answer.unwrap_or_else(|_| {
            // A hung peer looks like a slow one; a new connection tells them apart and costs little.
            let why = format!("no answer from Redis within {:?}", self.shared.patience);
            if let Some(number) = used {
                self.shared.lose(number, &why);
            }
            Err(Trouble::Away(anyhow!(why)))
        })
    }
}

impl Shared {
    async fn connected(&self) -> Result<(u64, Arc<Connected>), Trouble> {
        let current = self.state.borrow().clone();
        let state = match current {
            State::Connecting => {
                let mut changes = self.state.subscribe();
                changes
                    .wait_for(|state| !matches!(state, State::Connecting))
                    .await
                    .map_err(|_| gone())?
                    .clone()
            }
            settled => settled,
        };
        match state {
            State::Up { number, connected } => Ok((number, connected)),
            State::Down(why) => Err(Trouble::Away(anyhow!("Redis is away: {why}"))),
            State::Connecting => Err(gone()),
        }
    }

    /// Gives a connection up; harmless when another took its place already.
    fn lose(&self, lost: u64, why: &str) {
        let is_lost = self.state.send_if_modified(|state| {
            let is_current = matches!(state, State::Up { number, .. } if *number == lost);
            if is_current {
                *state = State::Connecting;
            }
            is_current
        });
        if is_lost {
            self.diary.lost(why);
            self.lost.notify_one();
        }
    }
}

fn gone() -> Trouble {
    Trouble::Away(anyhow!("the keeper of the Redis connection is gone"))
}

async fn keep(target: Target, shared: Arc<Shared>) {
    let mut next = 1;
    let mut up_since: Option<Instant> = None;
    loop {
        shared.diary.settle();
        let current = shared.state.borrow().clone();
        if let State::Up { number, connected } = current {
            watch_over(&target, &shared, number, &connected).await;
            continue;
        }
        if up_since.take().is_some_and(|since| since.elapsed() < BRIEF) {
            shared.state.send_replace(State::Down(shared.diary.why()));
            time::sleep(CYCLE_PAUSE).await;
        }
        match target.connect().await {
            Ok(connected) => {
                shared.diary.connected();
                up_since = Some(Instant::now());
                shared.state.send_replace(State::Up {
                    number: next,
                    connected: Arc::new(connected),
                });
                next += 1;
            }
            Err(error) => {
                let why = match error {
                    Trouble::Refused(error) => error.to_string(),
                    Trouble::Away(error) => error.to_string(),
                };
                shared.diary.failed(&why);
                shared.state.send_replace(State::Down(Arc::from(why)));
                time::sleep(RETRY_EVERY).await;
            }
        }
    }
}

/// Listens to whatever server the line leads to, for as long as it does.
async fn listen_to(listening: Listening, shared: Arc<Shared>) {
    let mut states = shared.state.subscribe();
    loop {
        let up = states.wait_for(|state| matches!(state, State::Up { .. }));
        let Ok(up) = up.await.map(|state| state.clone()) else {
            return;
        };
        let State::Up { number, connected } = up else {
            continue;
        };
        let is_elsewhere =
            |state: &State| !matches!(state, State::Up { number: now, .. } if *now == number);
        tokio::select! {
            () = listen(&listening, &shared.proof, &connected.client, number) => {}
            _ = states.wait_for(is_elsewhere) => {}
        }
    }
}

/// Returns once the connection may be lost, or was found well after a while.
async fn watch_over(target: &Target, shared: &Shared, number: u64, connected: &Connected) {
    if time::timeout(TRY_EVERY, shared.lost.notified())
        .await
        .is_ok()
    {
        return;
    }
    match time::timeout(shared.patience, target.is_still_right(connected)).await {
        Ok(Ok(true)) => {}
        Ok(Err(error)) if !is_line_dead(&error) => {}
        Ok(Ok(false)) => shared.lose(number, "another server is the master now"),
        Ok(Err(error)) => shared.lose(number, &error.to_string()),
        Err(_) => shared.lose(number, "no answer from Redis to a PING in time"),
    }
}

/// Whether a new connection could help, to this server or to the one its name leads to after a failover.
pub fn is_line_dead(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(error.code(), Some("READONLY" | "NOAUTH" | "MASTERDOWN"))
}
