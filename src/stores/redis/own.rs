//! A connection for each thread that serves requests: one that all share lives on one thread, and every call and every
//! answer has to wake it.
//!
//! Only beside a line's shared connection and to the very same server. Whoever has none yet, or could get none, uses
//! the shared one, which alone is watched over: losing it loses these.

use crate::stores::redis::target::{Connected, settings_within};
use ::redis::RedisResult;
use ::redis::aio::MultiplexedConnection;
use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

thread_local! {
    static OWN: RefCell<Vec<Own>> = const { RefCell::new(Vec::new()) };
}

struct Own {
    /// What it stands beside; gone when that is.
    beside: Weak<Connected>,
    /// None while it is being opened, and for good when that failed.
    connection: Option<MultiplexedConnection>,
}

/// This thread's own connection beside that one; opened in the background when first asked for.
pub fn of_this_thread(
    connected: &Arc<Connected>,
    patience: Duration,
) -> Option<MultiplexedConnection> {
    OWN.with_borrow_mut(|all| {
        let beside = Arc::as_ptr(connected);
        if let Some(own) = all.iter().find(|own| own.beside.as_ptr() == beside) {
            return own.connection.clone();
        }
        // Elsewhere tasks change threads, and nothing would be won.
        let runtime = Handle::try_current().ok()?;
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            all.retain(|own| own.beside.strong_count() > 0);
            all.push(Own {
                beside: Arc::downgrade(connected),
                connection: None,
            });
            runtime.spawn(open(Arc::downgrade(connected), patience));
        }
        None
    })
}

async fn open(beside: Weak<Connected>, patience: Duration) {
    let Some(connected) = beside.upgrade() else {
        return;
    };
    match open_beside(&connected, patience).await {
        Ok(connection) => OWN.with_borrow_mut(|all| {
            let own = all.iter_mut().find(|own| own.beside.ptr_eq(&beside));
            if let Some(own) = own {
                own.connection = Some(connection);
            }
        }),
        Err(error) => tracing::debug!(%error, "a thread goes on with the shared connection"),
    }
}

async fn open_beside(
    connected: &Connected,
    patience: Duration,
) -> RedisResult<MultiplexedConnection> {
    let opened = connected
        .client
        .get_multiplexed_async_connection_with_config(&settings_within(patience))
        .await?;
    // The shared connection was found to lead to the right server. While it still works, nobody else can have taken
    // that server's address, so this one leads there too.
    let ping = ::redis::cmd("PING");
    let mut shared = connected.connection.clone();
    match tokio::time::timeout(patience, ping.exec_async(&mut shared)).await {
        Ok(answered) => answered.map(|()| opened),
        Err(_) => Err((::redis::ErrorKind::Io, "no answer in time").into()),
    }
}
