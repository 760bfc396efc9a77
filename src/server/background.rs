//! What goes on beside the requests for as long as the server runs.

use crate::api::services::Services;
use crate::domain::clock::{Clock, SystemClock};
use crate::stores::Stores;
use std::sync::Arc;
use std::time::Duration;

/// How often the clock is compared with the session store's.
const CLOCK_CHECK: Duration = Duration::from_secs(30);

/// From when on a leap of that clock is worth a line: more than a node lags behind in the time between two looks.
const NOTABLE_LEAP: Duration = Duration::from_secs(10);

/// How often settings saved by other nodes are looked for.
const LIVE_CHECK: Duration = Duration::from_secs(5);

/// Keeps our clock with the session store's, so that nodes agree on when a session ends. A store's clock that is set
/// back does not take ours back.
pub async fn follow_store(clock: Arc<SystemClock>, stores: Stores) {
    let mut has_followed = false;
    let mut was_behind = false;
    loop {
        // Before the first answer ours is this machine's, which nobody else need believe.
        let own = has_followed.then(|| clock.now());
        match stores.agree_on_time(own).await {
            Ok(Some((agreed, theirs))) => {
                clock.follow(agreed);
                has_followed = true;
                let ahead = own.map_or(Duration::ZERO, |own| agreed.since(own));
                if ahead >= NOTABLE_LEAP {
                    tracing::warn!(
                        ahead_s = ahead.as_secs(),
                        "the session store's clock has leapt ahead: who was not seen for as long as it says now is signed out"
                    );
                }
                let behind = agreed.since(theirs);
                // Less is how clocks are kept right.
                let is_behind = behind >= Duration::from_secs(1);
                if is_behind && !was_behind {
                    tracing::warn!(
                        behind_s = behind.as_secs(),
                        "the session store's clock is behind what this installation has seen, which goes on from there"
                    );
                }
                was_behind = is_behind;
            }
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
