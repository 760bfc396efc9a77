//! The connection to Redis: one, multiplexed, and replaced in the background as soon as it is lost.
//!
//! ```text
//! up ──lost──▶ connecting ──▶ up
//!                  │  ▲
//!            failed▼  │every RETRY_EVERY
//!                 down
//! ```
//!
//! No call takes longer than [`ANSWER_WITHIN`]; while `down` calls fail at once. The keeper task
//! pings an idle connection, so that a restart of Redis is noticed before a user pays for it.
//!
//! Not the client crate's `ConnectionManager` (1.8): it makes callers wait for its whole series of
//! attempts, and an attempt refused by the *server* (too many clients, a password just being changed)
//! stays its answer for ever, because it tries anew only after errors of the network.

use crate::domain::failure::StoreError;
use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult,
    ScriptInvocation,
};
use anyhow::{Context, anyhow};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time;

/// How long a call may take, waiting for a connection included.
const ANSWER_WITHIN: Duration = Duration::from_millis(200);
/// How long an attempt to connect may take, handshake included.
const CONNECT_WITHIN: Duration = Duration::from_millis(200);
/// The pause between attempts. Does not grow: the first good answer is due a second after Redis is back, however long it was away.
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// How often an idle connection is tried.
const PING_EVERY: Duration = Duration::from_millis(300);
/// Commands that may wait to be written; beyond that callers wait.
const QUEUE: usize = 1_024;

#[derive(Clone)]
enum State {
    Up {
        number: u64,
        connection: MultiplexedConnection,
    },
    Connecting,
    Down(Arc<str>),
}

struct Shared {
    state: watch::Sender<State>,
    lost: Notify,
}

/// The connection, kept up for as long as this lives.
pub struct Link {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Link {
    /// Connects once and asks something, so that a wrong address or a missing password is noticed at the start;
    /// then keeps the connection up.
    pub async fn open(client: Client) -> Result<Self, StoreError> {
        let connection = connect(&client).await.map_err(failed)?;
        let (state, _) = watch::channel(State::Up {
            number: 0,
            connection,
        });
        let shared = Arc::new(Shared {
            state,
            lost: Notify::new(),
        });
        let keeper = tokio::spawn(keep(client, Arc::clone(&shared)));
        let link = Self { shared, keeper };
        link.query::<()>(&::redis::cmd("PING")).await?;
        Ok(link)
    }

    /// Runs a command.
    pub async fn query<T: FromRedisValue + Send>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.run(|mut connection| async move { command.query_async(&mut connection).await })
            .await
    }

    /// Runs a script, loading it first when Redis does not have it (any longer).
    pub async fn invoke<T: FromRedisValue + Send>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.run(|mut connection| async move { call.invoke_async(&mut connection).await })
            .await
    }

    async fn run<T, F>(
        &self,
        work: impl FnOnce(MultiplexedConnection) -> F + Send,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = RedisResult<T>> + Send,
    {
        let mut used = None;
        let answer = time::timeout(ANSWER_WITHIN, async {
            let (number, connection) = self.shared.connection().await?;
            used = Some(number);
            work(connection).await.map_err(|error| {
                if is_line_dead(&error) {
                    self.shared.lose(number);
                }
                failed(error)
            })
        })
        .await;
        answer.unwrap_or_else(|_| {
            // A hung peer looks like a slow one; a new connection tells them apart and costs little.
            if let Some(number) = used {
                self.shared.lose(number);
            }
            Err(StoreError::unavailable(anyhow!(
                "no answer from Redis within {ANSWER_WITHIN:?}"
            )))
        })
    }
}

impl Shared {
    async fn connection(&self) -> Result<(u64, MultiplexedConnection), StoreError> {
        let current = self.state.borrow().clone();
        let state = match current {
            State::Connecting => {
                let mut changes = self.state.subscribe();
                changes
                    .wait_for(|state| !matches!(state, State::Connecting))
                    .await
                    .context("the keeper of the Redis connection is gone")
                    .map_err(StoreError::Unavailable)?
                    .clone()
            }
            settled => settled,
        };
        match state {
            State::Up { number, connection } => Ok((number, connection)),
            State::Down(why) => Err(StoreError::unavailable(anyhow!("Redis is away: {why}"))),
            State::Connecting => Err(StoreError::unavailable(anyhow!("Redis is away"))),
        }
    }

    /// Gives a connection up; harmless when another took its place already.
    fn lose(&self, lost: u64) {
        let is_lost = self.state.send_if_modified(|state| {
            let is_current = matches!(state, State::Up { number, .. } if *number == lost);
            if is_current {
                *state = State::Connecting;
            }
            is_current
        });
        if is_lost {
            tracing::warn!("lost the connection to Redis");
            self.lost.notify_one();
        }
    }
}

async fn keep(client: Client, shared: Arc<Shared>) {
    let mut next = 1;
    loop {
        let current = shared.state.borrow().clone();
        if let State::Up { number, connection } = current {
            watch_over(&shared, number, connection).await;
            continue;
        }
        match connect(&client).await {
            Ok(connection) => {
                tracing::info!("connected to Redis again");
                shared.state.send_replace(State::Up {
                    number: next,
                    connection,
                });
                next += 1;
            }
            Err(error) => {
                let why = Arc::from(error.to_string());
                shared.state.send_replace(State::Down(why));
                time::sleep(RETRY_EVERY).await;
            }
        }
    }
}

/// Returns once the connection may be lost, or was found well after a while.
async fn watch_over(shared: &Shared, number: u64, mut connection: MultiplexedConnection) {
    if time::timeout(PING_EVERY, shared.lost.notified())
        .await
        .is_ok()
    {
        return;
    }
    let ping = ::redis::cmd("PING");
    let answer = ping.exec_async(&mut connection);
    match time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if !is_line_dead(&error) => {}
        _ => shared.lose(number),
    }
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN))
        .set_pipeline_buffer_size(QUEUE);
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Whether a new connection could help, to this server or to the one its name leads to after a failover.
fn is_line_dead(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(error.code(), Some("READONLY" | "NOAUTH" | "MASTERDOWN"))
}

fn failed(error: RedisError) -> StoreError {
    let is_damage =
        error.kind() == ErrorKind::UnexpectedReturnType || error.code() == Some("WRONGTYPE");
    if is_damage {
        StoreError::corrupt(error)
    } else {
        StoreError::unavailable(error)
    }
}
