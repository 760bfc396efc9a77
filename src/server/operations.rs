//! The operations listener: metrics and health, on an address of its own that no browser ever needs.

use crate::api::health;
use crate::api::services::Services;
use crate::server::audit_log::AuditLog;
use crate::server::listen::not_bound;
use crate::server::meters::Meters;
use crate::server::tls::Served;
use crate::stores::Stores;
use actix_web::dev::Server;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{App, HttpResponse, HttpServer, web};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// How often samples are put into their buckets, and what must be counted is counted.
const TIDY_EVERY: Duration = Duration::from_secs(5);
/// A scrape that has not been answered by then is not waited for when the server stops.
const SHUTDOWN_SECONDS: u64 = 1;

/// Binds the listener, if there is to be one.
pub fn bind(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let bind = |address: SocketAddr| {
        TcpListener::bind(address).map_err(|error| not_bound("metrics.listen", address, error))
    };
    address.map(bind).transpose()
}

/// Starts answering. It ends through its handle, not by signals: it must outlast the requests it tells of.
pub fn serve(
    socket: TcpListener,
    services: Arc<Services>,
    meters: Arc<Meters>,
) -> anyhow::Result<Server> {
    tracing::info!(address = %socket.local_addr()?, "metrics and health on a listener of their own");
    let (services, meters) = (web::Data::from(services), web::Data::from(meters));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(services.clone())
            .app_data(meters.clone())
            .route("/metrics", web::get().to(metrics))
            .configure(health::mount)
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .listen(socket)?;
    Ok(server.run())
}

/// `GET /metrics`: everything, in Prometheus's text format.
async fn metrics(meters: web::Data<Meters>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(meters.render())
}

/// Keeps the meters tidy and reads what nobody reports by itself; runs until it is dropped.
pub(in crate::server) async fn watch(
    meters: Arc<Meters>,
    stores: Stores,
    audit: Arc<AuditLog>,
    certificate: Option<Arc<Served>>,
) {
    loop {
        meters.tidy();
        meters.audit_lost(audit.lost());
        meters.audit_waiting(audit.waiting());
        if let Some(expiry) = certificate.as_ref().and_then(|served| served.expiry()) {
            meters.tls_expiry(expiry);
        }
        if let Some(sessions) = stores.live_sessions() {
            meters.live_sessions(sessions);
        }
        tokio::time::sleep(TIDY_EVERY).await;
    }
}
