//! A Redis Cluster: a line to every server, and a keeper that follows who owns which slot.
//!
//! All servers are asked for `CLUSTER NODES` and of two that claim a slot the higher epoch has it, as among
//! the servers themselves; so one that is cut off or late misleads nobody. The keeper looks again when a
//! server redirects, when a line breaks, and every second; as long as something is amiss, every
//! [`RETRY_EVERY`].
//!
//! Not the client crate's own cluster client (1.8): it retries by itself, with pauses and timeouts of its
//! own, and a call has 200 ms here whatever happens.

mod slots;
mod view;

use crate::settings::Endpoint;
use crate::stores::redis::cluster::slots::{Claim, read_nodes};
use crate::stores::redis::cluster::view::View;
use crate::stores::redis::dial::Dial;
use crate::stores::redis::line::{Line, RETRY_EVERY, Trouble};
use crate::stores::redis::target::Target;
use ::redis::aio::MultiplexedConnection;
use ::redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind};
use anyhow::anyhow;
use futures_util::future::join_all;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

/// How often the keeper looks when nothing is amiss.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The least time between two looks, however many redirections there are.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);
/// How often a call may be sent elsewhere or be told to try again.
const TURNS: usize = 5;

/// A Cluster, followed for as long as this lives.
pub struct Cluster {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

struct Shared {
    dial: Dial,
    seeds: Vec<(Endpoint, Line)>,
    view: watch::Sender<Arc<View>>,
    wanted: Notify,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Cluster {
    /// Connects; an error unless every slot has an owner that can be reached.
    pub async fn open(dial: Dial, within: Duration) -> Result<Self, Trouble> {
        let seeds = dial.address.seeds.iter();
        let seeds: Vec<(Endpoint, Line)> = seeds
            .map(|seed| {
                let target = Target::sentinel(dial.server(seed)?, &dial);
                Ok((seed.clone(), Line::start(target)))
            })
            .collect::<Result<_, Trouble>>()?;
        let (view, _) = watch::channel(Arc::new(View::empty()));
        let shared = Arc::new(Shared {
            dial,
            seeds,
            view,
            wanted: Notify::new(),
        });
        let deadline = Instant::now() + within;
        loop {
            let looked = shared.look().await;
            let view = shared.current();
            if view.is_whole() {
                break;
            }
            if Instant::now() >= deadline {
                looked?;
                return Err(Trouble::Away(anyhow!(
                    "the Cluster is not whole: slots without an owner, or owners that cannot be reached"
                )));
            }
            time::sleep(LOOK_AGAIN_AFTER).await;
        }
        let keeper = tokio::spawn(keep(Arc::clone(&shared)));
        Ok(Self { shared, keeper })
    }

    /// The servers that own slots.
    pub fn masters(&self) -> Vec<Arc<Line>> {
        self.shared.current().masters()
    }

    /// Whether that key is on that server.
    pub fn is_on(&self, key: &str, server: &Arc<Line>) -> bool {
        let view = self.shared.current();
        view.owner(key)
            .is_some_and(|owner| Arc::ptr_eq(owner, server))
    }

    /// Whether all has been heard until just now that the key's owner tells of changes.
    pub fn is_heard(&self, key: &str) -> bool {
        let view = self.shared.current();
        view.owner(key).is_some_and(|owner| owner.is_heard())
    }

    /// Has the owner of the key do the work, wherever the slot has gone.
    pub async fn run<T, F>(
        &self,
        key: &str,
        is_lasting: bool,
        deadline: Instant,
        work: impl Fn(MultiplexedConnection, bool) -> F + Send + Sync,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = RedisResult<T>> + Send,
    {
        let mut view = self.shared.current();
        let mut redirected: Option<(Arc<Line>, bool)> = None;
        for _ in 0..TURNS {
            let (line, is_asking) = match redirected.take() {
                Some(elsewhere) => elsewhere,
                None => match view.owner(key) {
                    Some(owner) => (Arc::clone(owner), false),
                    None => return Err(self.nobody()),
                },
            };
            let answer = line
                .run(is_lasting, deadline, |connection| {
                    work(connection, is_asking)
                })
                .await;
            let error = match answer {
                Err(Trouble::Refused(error)) => error,
                Err(away) => {
                    self.shared.wanted.notify_one();
                    return Err(away);
                }
                done => return done,
            };
            match error.kind() {
                ErrorKind::Server(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)) => {
                    let is_asking = kind == ServerErrorKind::Ask;
                    let found = target_of(&error, &view);
                    if let Some(line) = found {
                        redirected = Some((line, is_asking));
                        if !is_asking {
                            self.shared.wanted.notify_one();
                        }
                    } else {
                        view = self.look_after(&view, deadline).await?;
                        redirected = target_of(&error, &view).map(|line| (line, is_asking));
                    }
                }
                ErrorKind::Server(ServerErrorKind::TryAgain) => {
                    time::sleep(LOOK_AGAIN_AFTER).await;
                }
                _ => {
                    self.shared.wanted.notify_one();
                    return Err(Trouble::Refused(error));
                }
            }
        }
        Err(Trouble::Away(anyhow!(
            "the servers of the Cluster do not agree on who has a slot"
        )))
    }

    fn nobody(&self) -> Trouble {
        self.shared.wanted.notify_one();
        Trouble::Away(anyhow!("a slot of the Cluster has no owner"))
    }

    /// Waits for a view newer than that.
    async fn look_after(&self, old: &View, deadline: Instant) -> Result<Arc<View>, Trouble> {
        let mut views = self.shared.view.subscribe();
        self.shared.wanted.notify_one();
        let newer = views.wait_for(|view| view.number > old.number);
        match time::timeout_at(deadline, newer).await {
            Ok(Ok(view)) => Ok(Arc::clone(&view)),
            _ => Err(Trouble::Away(anyhow!(
                "a slot of the Cluster has moved to a server nobody knows"
            ))),
        }
    }
}

/// Where an error redirects to, as far as that server is known.
fn target_of(error: &RedisError, view: &View) -> Option<Arc<Line>> {
    let (address, _) = error.redirect_node()?;
    let endpoint = Endpoint::parse(address)?;
    view.server(&endpoint).cloned()
}

impl Shared {
    fn current(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Asks everybody who owns what. An error leaves the view as it was.
    async fn look(&self) -> Result<(), Trouble> {
        let before = self.current();
        let known = before
            .servers
            .iter()
            .map(|(endpoint, line)| (endpoint, &**line))
            .filter(|(_, line)| line.is_up());
        let mut answers = join_all(known.map(|(endpoint, line)| self.ask(endpoint, line))).await;
        if !answers.iter().any(Result::is_ok) {
            let seeds = self.seeds.iter();
            answers = join_all(seeds.map(|(endpoint, line)| self.ask(endpoint, line))).await;
        }
        let mut claims = Vec::new();
        let mut last = Trouble::Away(anyhow!("no server of the Cluster can be reached"));
        for answer in answers {
            match answer {
                Ok(more) => claims.extend(more),
                Err(trouble) => last = trouble,
            }
        }
        if claims.is_empty() {
            return Err(last);
        }
        let view = before.next(claims, |endpoint| {
            let client = self.dial.server(endpoint)?;
            Ok(Line::start(Target::server(client, &self.dial)))
        })?;
        self.view.send_replace(Arc::new(view));
        Ok(())
    }

    async fn ask(&self, endpoint: &Endpoint, line: &Line) -> Result<Vec<Claim>, Trouble> {
        let mut nodes = ::redis::cmd("CLUSTER");
        nodes.arg("NODES");
        let text: String = line
            .run(false, line.deadline(), |mut connection| async move {
                nodes.query_async(&mut connection).await
            })
            .await?;
        let by_name = self.dial.address.is_encrypted;
        Ok(read_nodes(&text, endpoint, by_name))
    }
}

async fn keep(shared: Arc<Shared>) {
    loop {
        let pause = if shared.current().is_whole() {
            LOOK_EVERY
        } else {
            RETRY_EVERY
        };
        let _ = time::timeout(pause, shared.wanted.notified()).await;
        if let Err(Trouble::Refused(error)) = shared.look().await {
            tracing::warn!(%error, "the Cluster does not say who owns what");
        }
        time::sleep(LOOK_AGAIN_AFTER).await;
    }
}
