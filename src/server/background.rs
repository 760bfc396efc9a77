//! What goes on beside the requests for as long as the server runs.

use crate::api::services::Services;
use crate::domain::clock::SystemClock;
use crate::stores::Stores;
use std::sync::Arc;
use std::time::Duration;

/// How often the clock is compared with the session store's.
const CLOCK_CHECK: Duration = Duration::from_secs(30);

/// How often settings saved by other nodes are looked for.
const LIVE_CHECK: Duration = Duration::from_secs(5);

/// Keeps our clock with the session store's, so that nodes agree on when a session ends.
pub async fn follow_store(clock: Arc<SystemClock>, stores: Stores) {
    loop {
        match stores.time().await {
            Ok(Some(now)) => clock.follow(now),
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, "the session store's clock could not be read"),
        }
        tokio::time::sleep(CLOCK_CHECK).await;
    }
}

/// Where knowing how many sessions live takes a walk through the store, takes it now and then.
///
/// Not at the start: on a fresh server that count would say nobody for a minute, while people sign in.
pub async fn count_sessions(services: Arc<Services>, stores: Stores) {
    let mut told = stores.take_over_count().await;
    while let Some((pause, counted)) = told {
        if let Err(error) = counted {
            tracing::debug!(%error, "the sessions could not be counted");
        }
        tokio::time::sleep(pause).await;
        told = stores.count_live(services.login.now()).await;
    }
}

/// The console's charts know the minutes in which nobody looked at them, too.
pub async fn turn_pages(services: Arc<Services>) {
    loop {
        services.console.trends.minutes(services.login.now());
        tokio::time::sleep(LIVE_CHECK).await;
    }
}

/// What an administrator saves on one node is in force on all of them soon.
pub async fn refresh_live(services: Arc<Services>) {
    loop {
        tokio::time::sleep(LIVE_CHECK).await;
        if let Err(refused) = services.refresh_live().await {
            tracing::warn!(
                cause = refused.cause(),
                "the saved settings could not be read; those in force stay"
            );
        }
    }
}
