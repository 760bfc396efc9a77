//! The composition root: from settings to a running server. The only room that sees every other.

pub mod addresses;
pub mod assemble;
pub mod audit_log;
pub mod audit_ring;
pub mod audit_trail;
mod background;
mod checkup;
mod console;
mod crowd;
pub mod demo;
mod descriptors;
mod expiry;
pub mod greeting;
mod hangup;
pub mod listen;
pub mod meters;
pub mod operations;
mod pages;
mod preflight;
mod priority;
mod secrets;
mod session_home;
pub mod sso;
mod tls;
#[cfg(feature = "otel")]
mod traces;
#[cfg(not(feature = "otel"))]
#[path = "no_traces.rs"]
mod traces;
pub mod trends;

use crate::api::admin::AuditHistory;
use crate::api::request_log::RequestTracer;
use crate::api::services::Services;
use crate::domain::administration::{Administration, Bootstrapped, SecuritySettings};
use crate::domain::audit::AuditSink;
use crate::domain::clock::{Clock, MOST_BEHIND, SystemClock, Timestamp};
use crate::domain::random::{Random, SystemRandom};
use crate::domain::spans::SPANS;
use crate::operator::lock::DataLock;
use crate::operator::socket::{OperatorSocket, require_fit};
use crate::server::assemble::Ground;
use crate::server::audit_log::AuditLog;
use crate::server::greeting::Greeting;
use crate::server::listen::Sockets;
use crate::server::meters::{CountedAudit, Meters};
use crate::server::tls::Served;
use crate::server::traces::Traces;
use crate::settings::{DirectoryStoreSetting, Loaded, LogFormat, SessionStoreSetting, Settings};
use crate::stores;
use crate::stores::measured::StoreObserver;
use crate::telemetry;
use actix_web::dev::ServerHandle;
use anyhow::Context;
pub use preflight::{Look, Verdict};
pub use session_home::require_same_session_store;
use std::fs::DirBuilder;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// What `serve` was asked beyond the settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServeOptions {
    /// Whether to add demo data.
    pub is_demo: bool,
}

/// Runs the server until it is told to stop.
pub fn serve(loaded: &Loaded, options: ServeOptions) -> anyhow::Result<()> {
    let settings = &loaded.settings;
    install_crypto();
    actix_web::rt::System::new().block_on(async {
        // In here, because traces are sent by this runtime.
        let traces = Traces::start(&settings.telemetry)?;
        let layer = traces.as_ref().map(Traces::layer);
        let is_json = settings.log.format == LogFormat::Json;
        telemetry::start(is_json, &settings.log.level, SPANS, layer);
        if let Some(traces) = &traces {
            tracing::info!(collector = %traces.endpoint(), "traces are sent");
        }
        let of_requests = traces.as_ref().map(Traces::tracer);
        let outcome = run(loaded, options, of_requests).await;
        if let Some(traces) = traces {
            traces.stop().await;
        }
        outcome
    })
}

/// The first thing any process of ours does: TLS everywhere uses one provider.
fn install_crypto() {
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("the crypto provider was installed before");
    }
}

/// The administrator's acts on the data itself, for the command line when no server runs.
pub async fn open_administration(settings: &Settings) -> anyhow::Result<Administration> {
    install_crypto();
    let (ground, _, _) = open_ground(settings).await?;
    assemble::administration(settings, &ground).await
}

/// The security settings that administrators saved; the defaults where there is no directory yet. Changes nothing.
pub async fn saved_security_settings(settings: &Settings) -> anyhow::Result<SecuritySettings> {
    let Some(directory) = stores::find_directory(settings).await? else {
        return Ok(SecuritySettings::default());
    };
    Ok(SecuritySettings::load(&directory).await?)
}

/// What a start with these settings would need, looked at now.
pub async fn look_ahead(settings: &Settings) -> Vec<Look> {
    install_crypto();
    preflight::look(settings, SystemClock::start().now()).await
}

async fn open_ground(
    settings: &Settings,
) -> anyhow::Result<(Ground, Arc<SystemClock>, Arc<AuditLog>)> {
    make_private(&settings.data_dir)?;
    let clock = Arc::new(SystemClock::start());
    let audit = Arc::new(AuditLog::open(&audit_log::path_of(settings))?);
    let stores = stores::open(settings, Arc::clone(&clock) as Arc<dyn Clock>).await?;
    go_on_from(&clock, stores.latest());
    let history = Arc::clone(&audit) as Arc<dyn AuditHistory>;
    let (meters, counted, stores) = metered(settings, Arc::clone(&audit), stores)?;
    let random = SystemRandom::open().context("the operating system's random generator")?;
    let ground = Ground {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        random: Arc::new(random) as Arc<dyn Random>,
        audit: counted,
        history,
        loaded: None,
        stores,
        meters,
    };
    Ok((ground, clock, audit))
}

/// Time does not go back between two runs: what had ended would live again, and whoever signs in would be taken for
/// revoked until the clock has caught up. A clock that was wrong by more is not believed a second time.
fn go_on_from(clock: &SystemClock, latest: Option<Timestamp>) {
    let now = clock.now();
    let behind = latest.map_or(Duration::ZERO, |latest| latest.since(now));
    let is_little = behind <= MOST_BEHIND;
    // Less than a second is how clocks are kept right.
    if behind.as_secs() > 0 {
        tracing::warn!(
            behind_s = behind.as_secs(),
            goes_on_from_there = is_little,
            "the machine's clock is behind what the session file has seen"
        );
    }
    if let Some(latest) = latest.filter(|_| is_little && !behind.is_zero()) {
        clock.follow(latest);
    }
}

/// The audit trail and the stores with an eye on them: for metrics and traces where the settings ask for them, for
/// the console's charts always.
fn metered(
    settings: &Settings,
    audit: Arc<AuditLog>,
    stores: stores::Stores,
) -> anyhow::Result<(Arc<Meters>, Arc<dyn AuditSink>, stores::Stores)> {
    let meters = Arc::new(if settings.metrics.listen.is_some() {
        Meters::on()?
    } else {
        Meters::off()
    });
    let counted = Arc::new(CountedAudit {
        inner: audit,
        meters: Arc::clone(&meters),
    });
    let observer = Arc::clone(&meters) as Arc<dyn StoreObserver>;
    Ok((meters, counted, stores.measured(&observer)))
}

fn make_private(folder: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("data_dir = {}", folder.display()))
}

async fn run(
    loaded: &Loaded,
    options: ServeOptions,
    tracer: Option<Arc<dyn RequestTracer>>,
) -> anyhow::Result<()> {
    let settings = &loaded.settings;
    descriptors::take_all();
    let hangups = hangup::take().context("SIGHUP could not be taken")?;
    make_private(&settings.data_dir)?;
    // Now, because a password drawn on a start that fails later is shown to nobody.
    let operator_path = crate::operator::socket_path(&settings.data_dir);
    require_fit(&operator_path).context("data_dir")?;
    let _lock = DataLock::acquire_for_server(&settings.data_dir)?;
    let sockets = Sockets::bind(&settings.server)?;
    let operations_socket = operations::bind(settings.metrics.listen)?;
    let addresses = sockets.addresses();
    let (mut ground, clock, audit) = open_ground(settings).await?;
    ground.loaded = Some(loaded.clone());
    warn_of_half_shared_stores(settings);
    session_home::remember(settings, &*ground.stores.directory).await;
    let mut background = JoinSet::new();
    background.spawn(background::follow_store(clock, ground.stores.clone()));

    let services = Services {
        tracer,
        ..assemble::services(settings, &ground, &addresses).await?
    };
    let services = Arc::new(services);
    let stores = ground.stores.clone();
    background.spawn(background::count_sessions(Arc::clone(&services), stores));
    background.spawn(background::refresh_live(Arc::clone(&services)));
    background.spawn(background::turn_pages(Arc::clone(&services)));
    let first = first_start(settings, &services, options, ground.clock.now()).await?;
    assemble::warn_of_guest(settings, &services).await?;
    warn_of_no_administrator(&services).await?;

    let reload = Arc::new(Notify::new());
    let (tls, certificate, development_ca) = match settings.server.https {
        Some(_) => {
            let (files, ca) = tls::files(settings, &*ground.clock)?;
            let clock = Arc::clone(&ground.clock);
            let (config, served, follow) = tls::configure(files, clock, Arc::clone(&reload))?;
            tokio::spawn(follow);
            (Some(config), Some(served), ca)
        }
        None => (None, None, None),
    };
    tokio::spawn(hangup::heed(hangups, Arc::clone(&audit), reload));
    let server = listen::listen(sockets, tls, &settings.server, Arc::clone(&services))?;
    let stop = server.handle();
    let operations = operations_socket
        .map(|socket| start_operations(socket, &services, &ground, &audit, certificate))
        .transpose()?;

    let socket =
        OperatorSocket::bind(&operator_path).context("the operator's socket in data_dir")?;
    let (operator_stop, operator_stopped) = tokio::sync::oneshot::channel::<()>();
    let operator = tokio::spawn(socket.serve(Arc::clone(&services.administration), async {
        let _ = operator_stopped.await;
    }));

    let greeting = Greeting {
        addresses,
        settings,
        first: first.as_ref(),
        is_demo: options.is_demo,
        development_ca,
    };
    print_greeting(&greeting.text());
    tracing::info!(
        profile = "compat",
        asvs = "3.3.1 3.3.3 3.5.3 7.6.2",
        "compatible with its clients, this profile gives up: a __Host- cookie name, Secure over plain http, \
         logins by POST only, and an explicit act before a session opens (docs/security.md)"
    );
    drop(first);
    let outcome = server.await;
    drop(stop);
    tracing::info!("stopped accepting; every open request has been answered or timed out");
    let _ = operator_stop.send(());
    let _ = operator.await;
    background.abort_all();
    if let Some((handle, watcher)) = operations {
        handle.stop(true).await;
        watcher.abort();
    }
    ground
        .stores
        .close()
        .await
        .context("the stores could not be closed cleanly")?;
    audit.close();
    outcome.context("the HTTP server")
}

/// On an empty directory the first administrator and key; what a demo shows, where one is asked for.
async fn first_start(
    settings: &Settings,
    services: &Services,
    options: ServeOptions,
    now: Timestamp,
) -> anyhow::Result<Option<Bootstrapped>> {
    let administration = &services.administration;
    let first = administration
        .bootstrap(
            settings.bootstrap.admin_password.clone(),
            settings.bootstrap.secret_key.clone(),
        )
        .await
        .context("the first start")?;
    if options.is_demo {
        let actor = administration.operator();
        demo::add(administration, &*services.directory, &actor, now).await?;
    }
    Ok(first)
}

async fn warn_of_no_administrator(services: &Services) -> anyhow::Result<()> {
    if !services.administration.has_administrator().await? {
        tracing::warn!(
            "nobody who may sign in administers this server: vestibule user admin NAME makes a user one"
        );
    }
    Ok(())
}

/// Starts the operations listener and what keeps its numbers fresh.
fn start_operations(
    socket: TcpListener,
    services: &Arc<Services>,
    ground: &Ground,
    audit: &Arc<AuditLog>,
    certificate: Option<Arc<Served>>,
) -> anyhow::Result<(ServerHandle, JoinHandle<()>)> {
    let meters = Arc::clone(&ground.meters);
    let server = operations::serve(socket, Arc::clone(services), Arc::clone(&meters))?;
    let handle = server.handle();
    tokio::spawn(server);
    let watcher = operations::watch(
        meters,
        ground.stores.clone(),
        Arc::clone(audit),
        certificate,
    );
    Ok((handle, tokio::spawn(watcher)))
}

/// A shared directory invites a second node, which would know nothing of this one's sessions.
fn warn_of_half_shared_stores(settings: &Settings) {
    if matches!(settings.directory.store, DirectoryStoreSetting::Postgres(_))
        && matches!(settings.sessions.store, SessionStoreSetting::Embedded)
    {
        tracing::warn!(
            "the directory is in PostgreSQL, but sessions and tokens are in this node's data folder: \
             other nodes neither know nor can end them; for several nodes set sessions.store to Redis"
        );
    }
}

/// For people; the log is on standard error. Nobody listening is no reason to stop.
fn print_greeting(text: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        tracing::warn!(%error, "the greeting could not be printed");
    }
}
