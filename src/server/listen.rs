//! The HTTP servers: sockets, middleware in their order, drain on stop.

use crate::api;
use crate::api::body::bounded;
use crate::api::caller::LocalAddress;
use crate::api::cors::cross_origin;
use crate::api::dialect::render_strays;
use crate::api::request_log::log_request;
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::server::addresses::Addresses;
use crate::server::crowd::Crowd;
use crate::server::descriptors::{connections_per_worker, workers};
use crate::settings::Server;
use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, Server as ActixServer, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpResponse, HttpServer, web};
use rustls::ServerConfig;
use std::any::Any;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// A client that has not sent its request head after this long is not going to (case 53).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// An idle connection is kept this long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A reply that is not read, not even in part, is not going to be after this long.
const UNREAD_TIMEOUT: Duration = Duration::from_mins(1);
/// How many connections wait to be accepted: with all workers busy or full, one more would be told nothing and try
/// again a second later. Linux takes less if `net.core.somaxconn` says so.
const QUEUE: i32 = 2_048;

/// Sockets that are bound but do not answer yet.
#[derive(Debug)]
pub struct Sockets {
    http: Option<TcpListener>,
    https: Option<TcpListener>,
}

impl Sockets {
    /// Binds what the settings ask for.
    pub fn bind(server: &Server) -> anyhow::Result<Self> {
        let bind = |name: &str, address: Option<SocketAddr>| {
            address
                .map(|address| bind_one(address).map_err(|error| not_bound(name, address, error)))
                .transpose()
        };
        Ok(Self {
            http: bind("server.http", server.http)?,
            https: bind("server.https", server.https)?,
        })
    }

    /// Where they are, port 0 resolved.
    pub fn addresses(&self) -> Addresses {
        let address = |socket: &Option<TcpListener>| socket.as_ref()?.local_addr().ok();
        Addresses {
            http: address(&self.http),
            https: address(&self.https),
        }
    }
}

/// Why there is no listener, and what it may be.
pub fn not_bound(name: &str, address: SocketAddr, error: io::Error) -> anyhow::Error {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => " (is another server running?)",
        ErrorKind::AddrNotAvailable => " (this machine has no such address)",
        ErrorKind::PermissionDenied => " (ports below 1024 take a right of their own)",
        _ => "",
    };
    anyhow::Error::from(error).context(format!("{name} = {address}: cannot listen there{hint}"))
}

fn bind_one(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // Again, for the standard library asks for a short queue.
    rustix::net::listen(&listener, QUEUE)?;
    Ok(listener)
}

/// Starts answering. The returned server must be awaited; it ends on SIGTERM, SIGINT or through its handle.
pub fn listen(
    sockets: Sockets,
    tls: Option<ServerConfig>,
    settings: &Server,
    services: Arc<Services>,
) -> anyhow::Result<ActixServer> {
    let services = web::Data::from(services);
    let each = connections_per_worker(settings.workers);
    let all = each.saturating_mul(workers(settings.workers));
    let crowd = Crowd::of(all, settings.trusted_proxies.clone());
    let mut server = HttpServer::new(move || {
        let services = services.clone();
        App::new()
            .app_data(services.clone())
            .app_data(web::PayloadConfig::new(services.site.max_body_bytes))
            .wrap(from_fn(around_all))
            .configure(|config| api::mount(config, &services))
    })
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .max_connections(each)
    .shutdown_timeout(settings.shutdown_timeout.as_secs().max(1))
    .on_connect(move |connection, data| arrive(connection, data, &crowd));
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    if let Some(socket) = sockets.http {
        server = server.listen(socket)?;
    }
    if let (Some(socket), Some(tls)) = (sockets.https, tls) {
        server = server.listen_rustls_0_23(socket, tls)?;
    }
    Ok(server.run())
}

/// What stands around every route, from the outside in: log, CORS, bounds for the body, words for what belongs to no
/// dialect.
///
/// One middleware, because each of its own would box its future and look the services up.
async fn around_all(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let Some(services) = request.app_data::<web::Data<Services>>().cloned() else {
        let reply = HttpResponse::InternalServerError().finish();
        return Ok(request.into_response(reply));
    };
    let routed = async |request| Ok(next.call(request).await?.map_into_boxed_body());
    let in_words = async |request| render_strays::<V1>(request, routed).await;
    let in_bounds = async |request| bounded(&services, request, in_words).await;
    let answered = async |request| cross_origin(&services, request, in_bounds).await;
    log_request(&services, request, answered).await
}

/// What each connection is given when it is accepted, and remembers while it lasts.
fn arrive(connection: &dyn Any, data: &mut Extensions, crowd: &Arc<Crowd>) {
    use actix_tls::accept::rustls_0_23::TlsStream;
    let stream = connection.downcast_ref::<TcpStream>().or_else(|| {
        connection
            .downcast_ref::<TlsStream<TcpStream>>()
            .map(|tls| tls.get_ref().0)
    });
    let Some(stream) = stream else {
        return;
    };
    // The address a browser reached us at counts as our own origin, however it was routed here.
    if let Ok(local) = stream.local_addr() {
        data.insert(LocalAddress(local));
    }
    let Ok(peer) = stream.peer_addr() else {
        return;
    };
    match crowd.admit(peer.ip()) {
        Some(place) => {
            data.insert(place);
            give_up_on_who_does_not_read(stream);
        }
        // The only way from here to refuse it: there is nothing to read, so nothing is answered.
        None => {
            let _already_gone = rustix::net::shutdown(stream, rustix::net::Shutdown::Both);
        }
    }
}

/// No timer of the framework's runs while a reply waits to be read; the system has one.
fn give_up_on_who_does_not_read(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    {
        let limit = u32::try_from(UNREAD_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, limit) {
            tracing::debug!(%error, "a reply may wait to be read for as long as it likes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_us_from_listening_is_said() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        for (kind, hint) in [
            (ErrorKind::AddrInUse, "another server running"),
            (ErrorKind::AddrNotAvailable, "no such address"),
            (ErrorKind::PermissionDenied, "below 1024"),
        ] {
            let told = not_bound("server.http", address, kind.into()).to_string();
            assert!(
                told.starts_with("server.http = 127.0.0.1:1: cannot listen there ("),
                "{told}"
            );
            assert!(told.contains(hint), "{told}");
        }
    }
}
