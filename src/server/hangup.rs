//! SIGHUP: what rotates logs and renews certificates says so by it, and so does a terminal that is closed. None of them
//! means the server to stop.

use crate::server::audit_log::AuditLog;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Takes the signal from now on: untaken it would end the process on the spot, in the middle of open requests.
pub fn take() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Opens the audit file anew and has the certificates read again, each time.
pub async fn heed(mut hangups: Signal, audit: Arc<AuditLog>, certificates: Arc<Notify>) {
    while hangups.recv().await.is_some() {
        tracing::info!(
            "SIGHUP: the audit file is opened anew and certificates are read again; settings stay as they are"
        );
        audit.reopen();
        certificates.notify_one();
    }
}
