//! The way to Redis, whatever stands there: one server, a master behind Sentinel, or a Cluster.
//!
//! The topologies differ here and in one more thing, which callers see as [`Link::is_split`]: in a Cluster
//! a script reaches one slot only, so what lies in another is read beside it.

use crate::domain::failure::StoreError;
use crate::settings::RedisTopology;
use crate::stores::redis::call::{Call, Work};
use crate::stores::redis::cluster::Cluster;
use crate::stores::redis::dial::Dial;
use crate::stores::redis::line::{Line, Trouble};
use crate::stores::redis::sentinel::Sentinels;
use crate::stores::redis::target::Target;
use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult};
use anyhow::anyhow;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{self, Instant};

/// The first connection through sentinels or into a Cluster has several steps, each as long as an answer.
const FIRST_STEPS: u32 = 4;

/// The way to Redis.
pub struct Link {
    way: Way,
    replicas: usize,
    patience: Duration,
}

enum Way {
    One(Arc<Line>),
    Cluster(Cluster),
}

impl Link {
    /// Connects once and asks something, so that a wrong address or a missing password is noticed at the start;
    /// then keeps connected.
    pub async fn open(dial: Dial, replicas: usize) -> Result<Self, StoreError> {
        let patience = dial.patience;
        let way = match &dial.address.topology {
            RedisTopology::Single => {
                let client = dial.single().map_err(failed)?;
                let target = Target::server(client, &dial);
                let line = Line::open(target).await.map_err(failed)?;
                Way::One(Arc::new(line))
            }
            RedisTopology::Sentinel { master } => Way::One(Arc::new(
                open_master(master.clone(), dial).await.map_err(failed)?,
            )),
            RedisTopology::Cluster => {
                let within = patience * FIRST_STEPS;
                let cluster = Cluster::open(dial, within).await.map_err(failed)?;
                Way::Cluster(cluster)
            }
        };
        let link = Self {
            way,
            replicas,
            patience,
        };
        let ping = ::redis::cmd("PING");
        for server in link.servers() {
            link.query_on::<()>(&server, &ping).await?;
        }
        Ok(link)
    }

    /// Whether scripts see their own slot only.
    pub fn is_split(&self) -> bool {
        matches!(self.way, Way::Cluster(_))
    }

    /// Runs a command on the server that has the key.
    pub async fn query<T: FromRedisValue + Send>(
        &self,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.run(Work::Command(key, command)).await
    }

    /// Runs a script, loading it first when Redis does not have it (any longer).
    pub async fn invoke<T: FromRedisValue + Send>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        self.run(Work::Script(call)).await
    }

    /// The servers that are written to, in an order that stays.
    pub fn servers(&self) -> Vec<Arc<Line>> {
        match &self.way {
            Way::One(line) => vec![Arc::clone(line)],
            Way::Cluster(cluster) => cluster.masters(),
        }
    }

    /// Whether that key is on that server.
    pub fn is_on(&self, key: &str, server: &Arc<Line>) -> bool {
        match &self.way {
            Way::One(_) => true,
            Way::Cluster(cluster) => cluster.is_on(key, server),
        }
    }

    /// Whether all has been heard until just now that the servers of those keys tell of changes.
    pub fn is_heard(&self, keys: impl FnOnce() -> [String; 2]) -> bool {
        match &self.way {
            Way::One(line) => line.is_heard(),
            Way::Cluster(cluster) => keys().iter().all(|key| cluster.is_heard(key)),
        }
    }

    /// Runs a command on a server of the caller's choice.
    pub async fn query_on<T: FromRedisValue + Send>(
        &self,
        server: &Line,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        let work = Work::Command("", command);
        server
            .run(false, server.deadline(), |connection| {
                work.done_on(connection, false)
            })
            .await
            .map_err(failed)
    }

    async fn run<T: FromRedisValue + Send>(&self, work: Work<'_>) -> Result<T, StoreError> {
        let deadline = Instant::now() + self.patience;
        let replicas = if work.lasts() { self.replicas } else { 0 };
        // Somewhat less than the call itself has: that they did not confirm is an answer.
        let confirm_within = self.patience * 3 / 4;
        let perform =
            |connection, is_asking| perform(work, connection, is_asking, replicas, confirm_within);
        let answer = match &self.way {
            Way::One(line) => {
                line.run(replicas > 0, deadline, |connection| {
                    perform(connection, false)
                })
                .await
            }
            Way::Cluster(cluster) => {
                cluster
                    .run(work.key(), replicas > 0, deadline, perform)
                    .await
            }
        };
        let (answer, confirmed) = answer.map_err(failed)?;
        if confirmed < replicas {
            // It is written, but a failover may lose it: nobody is told that it is done.
            return Err(StoreError::unavailable(anyhow!(
                "{confirmed} of {replicas} replicas of Redis confirmed a write"
            )));
        }
        Ok(answer)
    }
}

async fn open_master(name: String, dial: Dial) -> Result<Line, Trouble> {
    let sentinels = Sentinels::start(name, dial.clone())?;
    let open = Line::open(Target::master(sentinels, &dial));
    time::timeout(dial.patience * FIRST_STEPS, open)
        .await
        .unwrap_or_else(|_| Err(Trouble::Away(anyhow!("no answer through the sentinels"))))
}

/// Does the work and says how many replicas have it, as far as that was asked.
async fn perform<T: FromRedisValue>(
    work: Work<'_>,
    mut connection: MultiplexedConnection,
    is_asking: bool,
    replicas: usize,
    confirm_within: Duration,
) -> RedisResult<(T, usize)> {
    let answer = work.done_on(connection.clone(), is_asking).await?;
    if replicas == 0 {
        return Ok((answer, 0));
    }
    let mut wait = ::redis::cmd("WAIT");
    let millis = u64::try_from(confirm_within.as_millis()).unwrap_or(u64::MAX);
    wait.arg(replicas).arg(millis);
    let confirmed: usize = wait.query_async(&mut connection).await?;
    Ok((answer, confirmed))
}

fn failed(trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Refused(error) if is_damage(&error) => StoreError::corrupt(error),
        Trouble::Refused(error) => StoreError::unavailable(error),
        Trouble::Away(error) => StoreError::Unavailable(error),
    }
}

fn is_damage(error: &RedisError) -> bool {
    error.kind() == ErrorKind::UnexpectedReturnType || error.code() == Some("WRONGTYPE")
}
