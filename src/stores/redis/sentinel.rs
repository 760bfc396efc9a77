//! Sentinels: who is the master right now.
//!
//! All are asked at once and the server that most of them name is the one; a server that calls itself a
//! replica is not believed to be it. So one sentinel that is cut off with the old master leads nobody
//! back there. While connected they are asked again at each try of the line: a node that still
//! reaches an old master, but sentinels too, leaves it as soon as these have agreed on another.

use crate::settings::Endpoint;
use crate::stores::redis::dial::Dial;
use crate::stores::redis::line::{Line, Trouble};
use crate::stores::redis::target::Target;
use ::redis::aio::MultiplexedConnection;
use ::redis::{Client, RedisResult, Value};
use anyhow::anyhow;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use tokio::time;

/// The sentinels of one master.
pub struct Sentinels {
    name: String,
    lines: Vec<Line>,
    dial: Dial,
}

impl Sentinels {
    /// Connects to them in the background; each that answers is enough to begin with.
    pub fn start(name: String, dial: Dial) -> Result<Self, Trouble> {
        let clients: Vec<Client> = dial.sentinels()?;
        let lines = clients
            .into_iter()
            .map(|client| Line::start(Target::sentinel(client, &dial)))
            .collect();
        Ok(Self { name, lines, dial })
    }

    /// The master that most of them name.
    pub async fn master(&self) -> Result<(Client, Endpoint), Trouble> {
        let (endpoint, _) = self.vote().await?;
        Ok((self.dial.server(&endpoint)?, endpoint))
    }

    /// Asks all at once; no longer than it takes more than half of them to agree.
    async fn vote(&self) -> Result<(Endpoint, usize), Trouble> {
        let mut ask = ::redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        let mut answers: FuturesUnordered<_> = self
            .lines
            .iter()
            .map(|line| {
                let ask = &ask;
                line.run(false, line.deadline(), move |mut connection| async move {
                    ask.query_async::<Option<(String, u16)>>(&mut connection)
                        .await
                })
            })
            .collect();
        let mut votes: BTreeMap<Endpoint, usize> = BTreeMap::new();
        let mut last = Trouble::Away(anyhow!("no sentinel knows the master {}", self.name));
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Some((host, port))) => {
                    let endpoint = Endpoint { host, port };
                    let count = votes.entry(endpoint.clone()).or_default();
                    *count += 1;
                    if self.is_majority(*count) {
                        return Ok((endpoint, *count));
                    }
                }
                Ok(None) => {}
                Err(trouble) => last = trouble,
            }
        }
        votes
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .ok_or(last)
    }

    fn is_majority(&self, count: usize) -> bool {
        count * 2 > self.lines.len()
    }

    /// Refuses a server that is no master.
    pub async fn verify(&self, connection: MultiplexedConnection) -> Result<(), Trouble> {
        match time::timeout(self.dial.patience, is_master(connection)).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Trouble::Away(anyhow!(
                "the server that sentinels name is no master"
            ))),
            Ok(Err(error)) => Err(Trouble::Refused(error)),
            Err(_) => Err(Trouble::Away(anyhow!("the master did not say its role"))),
        }
    }

    /// Whether that server is a master still, and no majority names another.
    pub async fn is_still(
        &self,
        master: &Endpoint,
        connection: MultiplexedConnection,
    ) -> RedisResult<bool> {
        let (role, vote) = futures_util::future::join(is_master(connection), self.vote()).await;
        let is_elsewhere =
            vote.is_ok_and(|(named, count)| named != *master && self.is_majority(count));
        Ok(role? && !is_elsewhere)
    }
}

async fn is_master(mut connection: MultiplexedConnection) -> RedisResult<bool> {
    let role: Vec<Value> = ::redis::cmd("ROLE").query_async(&mut connection).await?;
    Ok(match role.first() {
        Some(Value::BulkString(word)) => word == b"master",
        Some(Value::SimpleString(word)) => word == "master",
        _ => false,
    })
}
