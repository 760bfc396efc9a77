//! What is counted and measured, for Prometheus. Every name is in [`COUNTERS`], [`GAUGES`] or [`TIMES`], and a test
//! holds `docs/operating.md` to them.
//!
//! Labels are words of closed lists only (dialects, results, stores, operations, mounted routes): never a user, an
//! address, a path as it came or anything else that callers choose, which would be both a leak and a series each.

use crate::api::request_log::{Answered, RequestObserver};
use crate::domain::audit::{Act, AuditEvent, AuditSink, Refusal};
use crate::domain::authn::PoolObserver;
use crate::domain::clock::Timestamp;
use crate::server::trends::MinuteCounts;
use crate::stores::measured::{Outcome, StoreObserver};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Counters and what they count.
pub const COUNTERS: [(&str, &str); 9] = [
    (
        "vestibule_logins_total",
        "Logins by outcome: ok, or why not",
    ),
    (
        "vestibule_tokens_total",
        "Trusted tokens asked for by outcome: ok, or why not",
    ),
    (
        "vestibule_throttled_total",
        "Attempts refused because of earlier failures",
    ),
    ("vestibule_logouts_total", "Sessions closed by their owners"),
    (
        "vestibule_revocations_total",
        "Revocations of many sessions and tokens at once",
    ),
    (
        "vestibule_session_checks_total",
        "Session look-ups by what was found",
    ),
    (
        "vestibule_password_refused_total",
        "Passwords not hashed because the queue was full",
    ),
    ("vestibule_http_requests_total", "Requests answered"),
    (
        "vestibule_audit_lost_total",
        "Audit events that no line tells of",
    ),
];
/// Gauges and what they show.
pub const GAUGES: [(&str, &str); 9] = [
    (
        "vestibule_password_queue",
        "Passwords that wait to be hashed",
    ),
    (
        "vestibule_password_slots",
        "Passwords that may be hashed at a time",
    ),
    (
        "vestibule_sessions_live",
        "Sessions that live, as last counted",
    ),
    (
        "vestibule_audit_waiting",
        "Audit lines that the disk has refused so far",
    ),
    (
        "vestibule_tls_not_after_seconds",
        "When the certificate is over that is served, in Unix time",
    ),
    ("vestibule_build_info", "Always 1; the version is a label"),
    ("process_resident_memory_bytes", "Memory of the process"),
    ("process_open_fds", "Open files and sockets"),
    ("process_threads", "Threads"),
];
/// Histograms of times in seconds and what they measure.
pub const TIMES: [(&str, &str); 4] = [
    (
        "vestibule_http_request_seconds",
        "Time until a reply's head was ready",
    ),
    ("vestibule_store_seconds", "Time of one store operation"),
    (
        "vestibule_password_hash_seconds",
        "Time of one password hash",
    ),
    (
        "vestibule_password_wait_seconds",
        "Time a password waited to be hashed",
    ),
];
/// Where histograms count: from a look into memory to a store that is as good as away.
const BUCKETS: [f64; 14] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

const METADATA: Metadata<'static> = Metadata::new("vestibule", Level::INFO, None);

/// Counts and measures, for Prometheus only when somebody is to read it, for the console's charts always.
pub struct Meters {
    minutes: MinuteCounts,
    recorder: Option<PrometheusRecorder>,
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters")
            .field("is_on", &self.recorder.is_some())
            .finish_non_exhaustive()
    }
}

impl Meters {
    /// Counts for the charts only.
    pub fn off() -> Self {
        Self {
            minutes: MinuteCounts::default(),
            recorder: None,
        }
    }

    /// The last hour by the minute.
    pub const fn minutes(&self) -> &MinuteCounts {
        &self.minutes
    }

    /// Counts. Whoever asks for this must call [`Meters::tidy`] now and then, or samples pile up between scrapes.
    pub fn on() -> anyhow::Result<Self> {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)?
            .build_recorder();
        let name = |name: &'static str| KeyName::from_const_str(name);
        for (counter, help) in COUNTERS {
            recorder.describe_counter(name(counter), None, help.into());
        }
        for (gauge, help) in GAUGES {
            recorder.describe_gauge(name(gauge), None, help.into());
        }
        for (time, help) in TIMES {
            recorder.describe_histogram(name(time), Some(Unit::Seconds), help.into());
        }
        let meters = Self {
            minutes: MinuteCounts::default(),
            recorder: Some(recorder),
        };
        meters
            .gauge(
                "vestibule_build_info",
                &[("version", env!("CARGO_PKG_VERSION"))],
            )
            .set(1.0);
        // Present from the start, so that "none yet" and "not measured" look different.
        meters.gauge("vestibule_password_queue", &[]).set(0.0);
        meters.audit_waiting(0);
        for quiet in [
            "vestibule_password_refused_total",
            "vestibule_audit_lost_total",
        ] {
            meters.counter(quiet, &[]).absolute(0);
        }
        Ok(meters)
    }

    fn handle(&self) -> Option<PrometheusHandle> {
        self.recorder.as_ref().map(PrometheusRecorder::handle)
    }

    /// Everything, in Prometheus's text format.
    pub fn render(&self) -> String {
        self.note_process();
        self.handle()
            .map_or_else(String::new, |handle| handle.render())
    }

    /// Moves samples into their buckets.
    pub fn tidy(&self) {
        if let Some(handle) = self.handle() {
            handle.run_upkeep();
        }
    }

    /// How many passwords may be hashed at a time.
    pub fn password_slots(&self, slots: usize) {
        self.gauge("vestibule_password_slots", &[])
            .set(as_float(slots));
    }

    /// How many sessions live.
    pub fn live_sessions(&self, sessions: usize) {
        self.gauge("vestibule_sessions_live", &[])
            .set(as_float(sessions));
    }

    /// How many audit events were lost since the start.
    pub fn audit_lost(&self, events: u64) {
        self.counter("vestibule_audit_lost_total", &[])
            .absolute(events);
    }

    /// How many audit lines wait because the disk refuses them.
    pub fn audit_waiting(&self, lines: usize) {
        self.gauge("vestibule_audit_waiting", &[])
            .set(as_float(lines));
    }

    /// When the certificate that is served is over.
    pub fn tls_expiry(&self, at: Timestamp) {
        let seconds = usize::try_from(at.seconds()).unwrap_or(usize::MAX);
        self.gauge("vestibule_tls_not_after_seconds", &[])
            .set(as_float(seconds));
    }

    fn note_process(&self) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let value = |field: &str| -> Option<usize> {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.split_whitespace().next()?.parse().ok()
        };
        if let Some(kib) = value("VmRSS:") {
            self.gauge("process_resident_memory_bytes", &[])
                .set(as_float(kib * 1024));
        }
        if let Some(threads) = value("Threads:") {
            self.gauge("process_threads", &[]).set(as_float(threads));
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            self.gauge("process_open_fds", &[])
                .set(as_float(files.count()));
        }
    }

    fn counter(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Counter {
        self.recorder.as_ref().map_or_else(Counter::noop, |to| {
            to.register_counter(&key(name, labels), &METADATA)
        })
    }

    fn gauge(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
        self.recorder.as_ref().map_or_else(Gauge::noop, |to| {
            to.register_gauge(&key(name, labels), &METADATA)
        })
    }

    fn time(&self, name: &'static str, labels: &[(&'static str, &str)], took: Duration) {
        if let Some(to) = &self.recorder {
            let histogram: Histogram = to.register_histogram(&key(name, labels), &METADATA);
            histogram.record(took.as_secs_f64());
        }
    }
}

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels = labels
        .iter()
        .map(|(name, value)| Label::new(*name, (*value).to_owned()));
    Key::from_parts(name, labels.collect::<Vec<_>>())
}

/// Counts of things never come near where this would round.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
const fn as_float(count: usize) -> f64 {
    count as f64
}

impl RequestObserver for Meters {
    fn is_listening(&self) -> bool {
        self.recorder.is_some()
    }

    fn answered(&self, what: &Answered<'_>) {
        if self.recorder.is_none() {
            return;
        }
        let status = what.status.to_string();
        let (dialect, route) = (("dialect", what.dialect), ("route", what.route));
        let labels = [dialect, route, ("method", what.method), ("status", &status)];
        self.counter("vestibule_http_requests_total", &labels)
            .increment(1);
        self.time(
            "vestibule_http_request_seconds",
            &[dialect, route],
            what.took,
        );
    }
}

impl StoreObserver for Meters {
    fn done(&self, store: &'static str, operation: &'static str, outcome: Outcome, took: Duration) {
        if (store, operation) == ("sessions", "check") {
            self.minutes.checked(took);
        }
        if self.recorder.is_none() {
            return;
        }
        let labels = [
            ("store", store),
            ("op", operation),
            ("result", outcome.as_str()),
        ];
        self.time("vestibule_store_seconds", &labels, took);
    }

    fn checked(&self, found: &'static str) {
        self.counter("vestibule_session_checks_total", &[("result", found)])
            .increment(1);
    }
}

impl PoolObserver for Meters {
    fn joined(&self) {
        self.gauge("vestibule_password_queue", &[]).increment(1.0);
    }

    fn left(&self) {
        self.gauge("vestibule_password_queue", &[]).decrement(1.0);
    }

    fn hashed(&self, waited: Duration, took: Duration) {
        self.time("vestibule_password_wait_seconds", &[], waited);
        self.time("vestibule_password_hash_seconds", &[], took);
    }

    fn turned_away(&self) {
        self.counter("vestibule_password_refused_total", &[])
            .increment(1);
    }
}

/// Counts what passes on its way into the audit trail.
#[derive(Debug)]
pub struct CountedAudit {
    /// Where events go.
    pub inner: Arc<dyn AuditSink>,
    /// What counts them.
    pub meters: Arc<Meters>,
}

impl AuditSink for CountedAudit {
    fn record(&self, event: AuditEvent) {
        self.count(&event);
        self.inner.record(event);
    }
}

impl CountedAudit {
    fn count(&self, event: &AuditEvent) {
        match &event.act {
            Act::LoggedIn { .. } => self.meters.minutes.logged_in(),
            Act::LoginRefused { .. } => self.meters.minutes.refused(),
            _ => {}
        }
        let dialect = ("dialect", event.client.dialect);
        let add = |name, labels: &[(&'static str, &str)]| {
            self.meters.counter(name, labels).increment(1);
        };
        let result = |why: Refusal| {
            if why == Refusal::Throttled {
                add("vestibule_throttled_total", &[dialect]);
            }
            ("result", why.as_str())
        };
        match &event.act {
            Act::LoggedIn { method, .. } => add(
                "vestibule_logins_total",
                &[dialect, ("method", method.as_str()), ("result", "ok")],
            ),
            Act::LoginRefused { method, why } => add(
                "vestibule_logins_total",
                &[dialect, ("method", method.as_str()), result(*why)],
            ),
            Act::TokenIssued { .. } => add("vestibule_tokens_total", &[dialect, ("result", "ok")]),
            Act::TokenRefused { why } => add("vestibule_tokens_total", &[dialect, result(*why)]),
            // No login and no token, but a guess all the same: only being throttled has a counter.
            Act::PasswordRefused { why } => {
                result(*why);
            }
            Act::LoggedOut { .. } => add("vestibule_logouts_total", &[dialect]),
            Act::Revoked { .. } => add("vestibule_revocations_total", &[dialect]),
            _ => {}
        }
    }
}
