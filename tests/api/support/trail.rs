//! The audit trail, as events to look at and as the file that operators read.

use std::path::Path;
use std::sync::{Arc, Mutex};
use vestibule::domain::audit::{Act, AuditEvent, AuditSink};
use vestibule::server::audit_log::AuditLog;

/// Keeps every event and writes the real file as well.
#[derive(Debug)]
pub struct Trail {
    events: Mutex<Vec<AuditEvent>>,
    file: Arc<AuditLog>,
}

impl Trail {
    /// A trail that also writes there.
    pub fn open(path: &Path) -> Self {
        Self {
            events: Mutex::default(),
            file: Arc::new(AuditLog::open(path).unwrap()),
        }
    }

    /// The file, which knows its latest lines.
    pub fn file(&self) -> &Arc<AuditLog> {
        &self.file
    }

    /// Every event so far.
    pub fn events(&self) -> Vec<AuditEvent> {
        self.events.lock().unwrap().clone()
    }

    /// Event and, for a refusal, why: `login_refused wrong_password`.
    pub fn words(&self) -> Vec<String> {
        let events = self.events();
        let words = events.iter().map(|event| match &event.act {
            Act::LoginRefused { why, .. } | Act::TokenRefused { why } => {
                format!("{} {}", event.act.name(), why.as_str())
            }
            act => act.name().to_owned(),
        });
        words.collect()
    }

    /// The latest event.
    pub fn last(&self) -> AuditEvent {
        self.events().pop().expect("nothing was audited")
    }

    /// Forgets what was kept; the file stays.
    pub fn clear(&self) {
        self.events.lock().unwrap().clear();
    }

    /// Has the file written to its end.
    pub fn close(&self) {
        self.file.close();
    }
}

impl AuditSink for Trail {
    fn record(&self, event: AuditEvent) {
        self.events.lock().unwrap().push(event.clone());
        self.file.record(event);
    }
}
