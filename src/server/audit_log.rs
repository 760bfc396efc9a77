//! The audit trail on disk: one JSON object a line, written by a thread of its own.
//!
//! A full disk or a slow one must not stop logins, so events queue up to a bound, and lines that the disk refuses wait
//! (`audit_trail.rs`); what does not fit is counted. The same thread keeps the latest lines in memory for the console,
//! so that a login pays for neither.

use crate::api::admin::{AuditHistory, AuditLine};
use crate::domain::audit::{Act, AuditEvent, AuditSink};
use crate::domain::session::RevokeScope;
use crate::server::audit_ring::AuditRing;
use crate::server::audit_trail::{Standing, Trail, ends_mid_line};
use crate::settings::Settings;
use anyhow::Context;
use rustix::fs::{Access, access};
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The most events that wait for the disk.
const QUEUE: usize = 10_000;
/// How long whoever reads the latest lines waits for those still queued; a disk may hang.
const SETTLE: Duration = Duration::from_millis(500);
/// How often a disk that refuses is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The name of no file.
const STANDARD_OUTPUT: &str = "-";

/// What the writer gets.
#[derive(Debug)]
enum Message {
    /// Boxed: the queue has room for its most messages from the beginning.
    Event(Box<AuditEvent>),
    /// Everything sent before this is to be told as done.
    Settle(SyncSender<()>),
    /// The file may have been moved away: what follows goes where its name leads now.
    Reopen,
}

/// Writes audit lines to a file or to standard output.
#[derive(Debug)]
pub struct AuditLog {
    queue: Mutex<Option<SyncSender<Message>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    ring: Arc<AuditRing>,
    standing: Arc<Standing>,
}

impl AuditLog {
    /// Opens the file for appending (mode 0600); `-` is standard output.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut ring = AuditRing::default();
        let (out, is_cut_off, file) = if path == Path::new(STANDARD_OUTPUT) {
            // Not through the standard library's buffer, which would keep what a full disk refused.
            let out = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
            (out, false, None)
        } else {
            let (out, is_cut_off) = append_to(path)?;
            // A pipe would keep us waiting for whoever writes to it.
            if out.metadata().is_ok_and(|about| about.is_file()) {
                ring = AuditRing::of_file(path);
            }
            (out, is_cut_off, Some(path.to_owned()))
        };
        let ring = Arc::new(ring);
        let (queue, events) = sync_channel(QUEUE);
        let standing = Arc::new(Standing::default());
        let (known, latest) = (Arc::clone(&standing), Arc::clone(&ring));
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                let mut trail = Trail::new(out, &known);
                if is_cut_off {
                    trail.end_line();
                }
                write_all(&events, trail, &latest, file.as_deref());
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(writer)),
            ring,
            standing,
        })
    }

    /// Goes on in the file that has the name now; what is queued already may still go to the one before.
    pub fn reopen(&self) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_asked = queue
            .as_ref()
            .is_some_and(|queue| queue.try_send(Message::Reopen).is_ok());
        if !is_asked {
            tracing::error!(
                "the audit file is not opened anew: too many lines wait for the disk; try again"
            );
        }
    }

    /// How many events were lost, before the queue or waiting for the disk.
    pub fn lost(&self) -> u64 {
        self.standing.lost()
    }

    /// How many lines the disk has refused and is offered again.
    pub fn waiting(&self) -> usize {
        self.standing.waiting()
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
            .is_some_and(|queue| queue.try_send(Message::Event(Box::new(event))).is_ok());
        if !is_kept {
            self.standing.lose();
        }
    }
}

/// An operator's command that needs no server is over right after its last event.
impl Drop for AuditLog {
    fn drop(&mut self) {
        self.close();
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

    fn is_behind(&self) -> bool {
        self.standing.waiting() > 0
    }
}

/// The file of the settings, or the one in the data folder.
pub fn path_of(settings: &Settings) -> PathBuf {
    let given = settings.audit.file.clone();
    given.unwrap_or_else(|| settings.data_dir.join("audit.jsonl"))
}

/// Whether the file can be written to, or made; `data_dir` is made by the start itself. Changes nothing.
pub fn check(path: &Path, data_dir: &Path) -> anyhow::Result<String> {
    if path == Path::new(STANDARD_OUTPUT) {
        return Ok("standard output".to_owned());
    }
    let is_writable = |path: &Path| {
        access(path, Access::WRITE_OK)
            .with_context(|| format!("{} cannot be written to", path.display()))
    };
    if path.exists() {
        is_writable(path)?;
        anyhow::ensure!(!path.is_dir(), "{} is a folder", path.display());
        return Ok(format!("{} can be written to", path.display()));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if folder.is_dir() {
        is_writable(folder)?;
    } else {
        anyhow::ensure!(
            folder == data_dir,
            "the folder {} is not there",
            folder.display()
        );
    }
    Ok(format!("{} is made at the start", path.display()))
}

/// Opens a file to append to, and whether its last line was cut off.
fn append_to(path: &Path) -> anyhow::Result<(File, bool)> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("audit file {}", path.display()))?;
    let is_cut_off = file.metadata().is_ok_and(|about| about.is_file())
        && File::open(path)
            .and_then(|file| ends_mid_line(&file))
            .unwrap_or(false);
    Ok((file, is_cut_off))
}

fn reopen(trail: &mut Trail<'_, File>, path: &Path) {
    match append_to(path) {
        Ok((file, is_cut_off)) => {
            trail.go_on_in(file, is_cut_off);
            tracing::info!(file = %path.display(), "audit file opened anew");
        }
        Err(error) => tracing::error!(
            error = format!("{error:#}"),
            "the audit file could not be opened anew; lines go on to the one before"
        ),
    }
}

fn write_all(
    messages: &Receiver<Message>,
    mut trail: Trail<'_, File>,
    ring: &AuditRing,
    file: Option<&Path>,
) {
    loop {
        let first = if trail.is_behind() {
            match messages.recv_timeout(RETRY) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        } else {
            match messages.recv() {
                Ok(message) => Some(message),
                Err(_) => break,
            }
        };
        let mut waiting = Vec::new();
        for message in first.into_iter().chain(messages.try_iter().take(QUEUE)) {
            match message {
                Message::Event(event) => {
                    let line = line(&event);
                    trail.push(&line);
                    ring.push(&line);
                }
                Message::Settle(tell) => waiting.push(tell),
                Message::Reopen => {
                    trail.write();
                    if let Some(file) = file {
                        reopen(&mut trail, file);
                    }
                }
            }
        }
        trail.write();
        for tell in waiting {
            // Whoever asked may have given up.
            let _ = tell.try_send(());
        }
    }
    trail.finish();
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
    use std::os::unix::fs::PermissionsExt;

    fn refused(name: &str) -> AuditEvent {
        AuditEvent {
            at: Timestamp::from_millis(0),
            act: Act::LoginRefused {
                method: Method::Password,
                why: Refusal::UnknownUser,
            },
            user_id: None,
            user_name: Some(name.to_owned()),
            client: Client {
                address: None,
                agent: "x\ny".to_owned(),
                dialect: "test",
                incident: String::new(),
            },
        }
    }

    #[test]
    fn case_60_a_line_cut_off_by_a_crash_does_not_take_the_next_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, "{\"event\":\"login\"}\n{\"event\":\"log").unwrap();
        for _ in 0..2 {
            AuditLog::open(&path).unwrap().record(refused("eve"));
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[1], "{\"event\":\"log");
        for whole in [lines[0], lines[2], lines[3]] {
            assert!(serde_json::from_str::<Value>(whole).is_ok(), "{whole}");
        }
    }

    #[test]
    fn a_file_that_was_moved_away_keeps_what_it_had_and_the_next_line_starts_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let moved = folder.path().join("audit.jsonl.1");
        let log = AuditLog::open(&path).unwrap();
        log.record(refused("first"));
        // Told as done when the line before it is written.
        assert_eq!(log.above(0).len(), 1);
        std::fs::rename(&path, &moved).unwrap();
        log.reopen();
        log.record(refused("second"));
        log.close();
        let lines = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert!(lines(&moved).contains("first") && !lines(&moved).contains("second"));
        assert!(lines(&path).contains("second") && !lines(&path).contains("first"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn case_46_a_hostile_name_stays_on_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let log = AuditLog::open(&path).unwrap();
        log.record(refused("eve\r\n{\"event\":\"login\"}"));
        log.close();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1);
        let value: Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(value["event"], "login_refused");
        assert_eq!(value["why"], "unknown_user");
        assert_eq!(value["ts"], "1970-01-01T00:00:00Z");
    }
}
