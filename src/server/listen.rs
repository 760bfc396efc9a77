//! The HTTP servers: sockets, middleware in their order, drain on stop.

use crate::api;
use crate::api::body::bounded;
use crate::api::caller::{LocalAddress, OverTls};
use crate::api::cors::cross_origin;
use crate::api::dialect::render_strays;
use crate::api::request_log::log_request;
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::server::addresses::Addresses;
use crate::server::crowd::Crowd;
use crate::server::descriptors::{connections_per_worker, workers};
use crate::settings::Server;
use actix_http::{HttpService, Request, TlsAcceptorConfig};
use actix_server::GracefulShutdownSignal;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, map_config,
};
use actix_tls::accept::max_concurrent_tls_connect;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{
    AppConfig, Extensions, Server as ActixServer, ServiceRequest, ServiceResponse,
};
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpResponse, web};
use rustls::ServerConfig;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A client that has not done its part of a handshake, or not sent its request head, after this long is not going to
/// (case 53).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// An idle connection is kept this long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client is waited for that was told its connection ends.
const LAST_WORDS: Duration = Duration::from_secs(1);
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

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // Again, for the standard library asks for a short queue.
    rustix::net::listen(&listener, QUEUE)?;
    Ok(listener)
}

/// Starts answering. The returned server must be awaited; it ends on SIGTERM, SIGINT or through its handle.
///
/// Put together of the framework's parts, for its own `HttpServer` lets nobody see a connection before its TLS
/// handshake is done: whoever opened many and said nothing would be counted nowhere.
pub fn listen(
    sockets: Sockets,
    tls: Option<ServerConfig>,
    settings: &Server,
    services: Arc<Services>,
) -> anyhow::Result<ActixServer> {
    let each = connections_per_worker(settings.workers);
    let all = each.saturating_mul(workers(settings.workers));
    // With the framework's few, a worker in the midst of so many handshakes would take no other connection, plain ones
    // neither.
    max_concurrent_tls_connect(each);
    let mut server = ActixServer::build()
        .max_concurrent_connections(each)
        .shutdown_timeout(settings.shutdown_timeout.as_secs().max(1));
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    let door = Door {
        crowd: Crowd::of(all, settings.trusted_proxies.clone()),
        reply_timeout: settings.reply_timeout,
        stopping: server.graceful_shutdown_signal(),
        services: web::Data::from(services),
    };
    if let Some(socket) = sockets.http {
        let door = door.clone();
        server = server.listen("http", socket, move || {
            door.counted(door.serve(remember_address).tcp())
        })?;
    }
    if let (Some(socket), Some(tls)) = (sockets.https, tls) {
        server = server.listen("https", socket, move || {
            let config = TlsAcceptorConfig::default().handshake_timeout(HEAD_TIMEOUT);
            let http = door.serve(|stream: &TlsStream<TcpStream>, data| {
                data.insert(OverTls);
                remember_address(stream.get_ref().0, data);
            });
            door.counted(http.rustls_0_23_with_config(tls.clone(), config))
        })?;
    }
    Ok(server.run())
}

/// What every connection meets, on whichever listener.
#[derive(Clone)]
struct Door {
    crowd: Arc<Crowd>,
    reply_timeout: Duration,
    stopping: GracefulShutdownSignal,
    services: web::Data<Services>,
}

impl Door {
    /// Counts each connection from its first moment to its last, and closes those of whoever has as many as one may.
    fn counted<S>(
        &self,
        inner: S,
    ) -> impl ServiceFactory<TcpStream, Config = (), InitError = S::InitError> + use<S>
    where
        S: ServiceFactory<TcpStream, Config = (), Response = ()>,
    {
        let (crowd, patience) = (Arc::clone(&self.crowd), self.reply_timeout);
        apply_fn_factory(inner, move |stream: TcpStream, inner: &S::Service| {
            // One that is gone already has no peer.
            let peer = stream.peer_addr().ok();
            let place = peer.and_then(|peer| crowd.admit(peer.ip(), Instant::now()));
            let served = place.map(|place| {
                give_up_on_who_does_not_read(&stream, patience);
                (inner.call(stream), place)
            });
            async move {
                match served {
                    Some((served, _place)) => served.await,
                    None => Ok(()),
                }
            }
        })
    }

    /// Speaks HTTP; `meet` is what each connection remembers while it lasts.
    fn serve<T: 'static>(
        &self,
        meet: fn(&T, &mut Extensions),
    ) -> HttpService<T, impl Answers + use<T>, BoxBody> {
        let stopping = self.stopping.clone();
        HttpService::<T, _, BoxBody>::build()
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(LAST_WORDS)
            .keep_alive(KEEP_ALIVE)
            // So that idle connections end at once when the server stops; only `HttpServer` is told of it in public.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(meet)
            .finish(app(&self.services))
    }
}

/// What answers requests, as the framework's parts for HTTP want it.
trait Answers:
    ServiceFactory<
        Request,
        Config = (),
        Response = ServiceResponse,
        Error = HttpResponse,
        InitError = (),
        Future: 'static,
        Service: Service<Request, Future: 'static>,
    > + 'static
{
}

impl<S> Answers for S where
    S: ServiceFactory<
            Request,
            Config = (),
            Response = ServiceResponse,
            Error = HttpResponse,
            InitError = (),
            Future: 'static,
            Service: Service<Request, Future: 'static>,
        > + 'static
{
}

/// Every route, in its layers.
fn app(services: &web::Data<Services>) -> impl Answers + use<> {
    let app = App::new()
        .app_data(services.clone())
        .app_data(web::PayloadConfig::new(services.site.max_body_bytes))
        .wrap(from_fn(around_all))
        .configure(|config| api::mount(config, services));
    let app = app.into_factory();
    let app = app.map_err(|error: actix_web::Error| error.error_response());
    // Whether a connection is encrypted and where it arrived, it remembers itself.
    map_config(app, |()| AppConfig::default())
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

/// The address a browser reached us at counts as our own origin, however it was routed here.
fn remember_address(stream: &TcpStream, data: &mut Extensions) {
    if let Ok(local) = stream.local_addr() {
        data.insert(LocalAddress(local));
    }
}

/// No timer of the framework's runs while a reply waits to be read; the system has one.
fn give_up_on_who_does_not_read(stream: &TcpStream, patience: Duration) {
    #[cfg(target_os = "linux")]
    {
        let limit = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
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
