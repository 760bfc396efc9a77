//! The audit trail on disk: one JSON object a line, written by a thread of its own.
//!
//! A full disk or a slow one must not stop logins, so events queue up to a bound; what does not fit is counted,
//! and the count is written as soon as there is room again. The same thread keeps the latest lines in memory for
//! the console, so that a login pays for neither.

use crate::api::admin::{AuditHistory, AuditLine};
use crate::domain::audit::{Act, AuditEvent, AuditSink};
use crate::domain::session::RevokeScope;
use crate::server::audit_ring::AuditRing;
use anyhow::Context;
use serde_json::{Map, Value, json};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The most events that wait for the disk.
const QUEUE: usize = 10_000;
/// How long whoever reads the latest lines waits for those still queued; a disk may hang.
const SETTLE: Duration = Duration::from_millis(500);

/// What the writer gets.
#[derive(Debug)]
enum Message {
    Event(AuditEvent),
    /// Everything sent before this is to be told as done.
    Settle(SyncSender<()>),
}

/// Writes audit lines to a file or to standard output.
#[derive(Debug)]
pub struct AuditLog {
    queue: Mutex<Option<SyncSender<Message>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    ring: Arc<AuditRing>,
    dropped: Arc<AtomicU64>,
    /// All that were ever dropped before the writer, for metrics: the count above is spent when it is written.
    lost: AtomicU64,
}

impl AuditLog {
    /// Opens the file for appending (mode 0600); `-` is standard output.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut ring = AuditRing::default();
        let out: Box<dyn Write + Send> = if path == Path::new("-") {
            Box::new(std::io::stdout())
        } else {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("audit file {}", path.display()))?;
            // A pipe would keep us waiting for whoever writes to it.
            if file.metadata().is_ok_and(|about| about.is_file()) {
                ring = AuditRing::of_file(path);
            }
            Box::new(file)
        };
        let ring = Arc::new(ring);
        let (queue, events) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let (counter, latest) = (Arc::clone(&dropped), Arc::clone(&ring));
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_all(&events, out, &counter, &latest))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(writer)),
            ring,
            dropped,
            lost: AtomicU64::new(0),
        })
    }

    /// How many events never reached the queue.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes what is queued and stops.
    pub fn close(&self) {
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the audit writer had stopped");
        }
    }
}

impl AuditSink for AuditLog {
    fn record(&self, event: AuditEvent) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_kept = queue
            .as_ref()
            .is_some_and(|queue| queue.try_send(Message::Event(event)).is_ok());
        if !is_kept {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl AuditHistory for AuditLog {
    fn above(&self, number: u64) -> Vec<AuditLine> {
        let (tell, told) = sync_channel(1);
        let is_asked = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|queue| queue.try_send(Message::Settle(tell)).is_ok());
        if is_asked && told.recv_timeout(SETTLE).is_err() {
            tracing::warn!("the audit writer is behind: the latest events are not shown yet");
        }
        self.ring.above(number)
    }
}

fn write_all(
    messages: &Receiver<Message>,
    out: Box<dyn Write + Send>,
    dropped: &AtomicU64,
    ring: &AuditRing,
) {
    let mut out = BufWriter::new(out);
    while let Ok(first) = messages.recv() {
        let mut lines = Vec::new();
        let mut waiting = Vec::new();
        for message in std::iter::once(first).chain(messages.try_iter().take(QUEUE)) {
            match message {
                Message::Event(event) => lines.push(line(&event)),
                Message::Settle(tell) => waiting.push(tell),
            }
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            lines.push(json!({ "event": "audit_lines_lost", "count": lost }).to_string());
        }
        let written = lines
            .iter()
            .try_for_each(|line| writeln!(out, "{line}"))
            .and_then(|()| out.flush());
        if let Err(error) = written {
            let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
            dropped.fetch_add(count, Ordering::Relaxed);
            tracing::error!(%error, count, "audit lines could not be written");
        }
        for line in &lines {
            ring.push(line);
        }
        for tell in waiting {
            // Whoever asked may have given up.
            let _ = tell.try_send(());
        }
    }
}

/// One event as a JSON line. Never holds a password, token, key or session id.
fn line(event: &AuditEvent) -> String {
    let mut fields = Map::new();
    let nanos = i128::from(event.at.millis()) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok());
    fields.insert("ts".to_owned(), json!(at));
    fields.insert("event".to_owned(), json!(event.act.name()));
    fields.insert("user".to_owned(), json!(event.user_name));
    fields.insert(
        "user_id".to_owned(),
        json!(event.user_id.map(|id| id.to_string())),
    );
    for (name, value) in details(&event.act) {
        fields.insert(name.to_owned(), value);
    }
    fields.insert("client".to_owned(), json!(event.client.address_text()));
    fields.insert("agent".to_owned(), json!(event.client.agent));
    fields.insert("dialect".to_owned(), json!(event.client.dialect));
    fields.insert("incident".to_owned(), json!(event.client.incident));
    Value::Object(fields).to_string()
}

fn details(act: &Act) -> Vec<(&'static str, Value)> {
    match act {
        Act::LoggedIn { method, org, key } => vec![
            ("method", json!(method.as_str())),
            ("org", json!(org.0)),
            ("key_id", json!(key.map(|key| key.to_string()))),
        ],
        Act::LoginRefused { method, why } => vec![
            ("method", json!(method.as_str())),
            ("why", json!(why.as_str())),
        ],
        Act::TokenIssued {
            org,
            key,
            created_user,
        } => vec![
            ("org", json!(org.0)),
            ("key_id", json!(key.map(|key| key.to_string()))),
            ("created_user", json!(created_user)),
        ],
        Act::TokenRefused { why } | Act::PasswordRefused { why } => {
            vec![("why", json!(why.as_str()))]
        }
        Act::TokenRevoked => Vec::new(),
        Act::LoggedOut { org, reason } => {
            vec![("org", json!(org.0)), ("reason", json!(reason.as_str()))]
        }
        Act::SessionEnded {
            session,
            owner,
            org,
            reason,
        } => vec![
            ("session", json!(session.to_string())),
            ("owner_id", json!(owner.to_string())),
            ("org", json!(org.0)),
            ("reason", json!(reason.as_str())),
        ],
        Act::OrgSwitched { from, to } => vec![("from", json!(from.0)), ("to", json!(to.0))],
        Act::Revoked { scope, reason } => {
            let (kind, id) = match scope {
                RevokeScope::User(user, _) => ("user", user.to_string()),
                RevokeScope::Org(org) => ("org", org.to_string()),
                RevokeScope::Key(key) => ("key", key.to_string()),
                RevokeScope::All => ("all", String::new()),
            };
            vec![
                ("scope", json!(kind)),
                ("scope_id", json!(id)),
                ("reason", json!(reason.as_str())),
            ]
        }
        Act::DirectoryChanged { what, target } => {
            vec![("what", json!(what)), ("target", json!(target))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{Client, Refusal};
    use crate::domain::clock::Timestamp;
    use crate::domain::session::Method;

    #[test]
    fn case_46_a_hostile_name_stays_on_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let log = AuditLog::open(&path).unwrap();
        log.record(AuditEvent {
            at: Timestamp::from_millis(0),
            act: Act::LoginRefused {
                method: Method::Password,
                why: Refusal::UnknownUser,
            },
            user_id: None,
            user_name: Some("eve\r\n{\"event\":\"login\"}".to_owned()),
            client: Client {
                address: None,
                agent: "x\ny".to_owned(),
                dialect: "test",
                incident: String::new(),
            },
        });
        log.close();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1);
        let value: Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(value["event"], "login_refused");
        assert_eq!(value["why"], "unknown_user");
        assert_eq!(value["ts"], "1970-01-01T00:00:00Z");
    }
}
