//! What the console looks at besides the services: the latest audit lines and the last hour.

use crate::api::admin::calibration::Calibration;
use crate::api::admin::copying::CopyRuns;
use crate::domain::clock::Timestamp;
use crate::domain::directory::DirectoryCopier;
use crate::settings::Shown;
use async_trait::async_trait;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What the console looks at besides the services.
#[derive(Debug)]
pub struct Console {
    /// The latest audit lines.
    pub history: Arc<dyn AuditHistory>,
    /// The last hour.
    pub trends: Arc<dyn Trends>,
    /// The settings in force and where each came from, secrets masked.
    pub settings: Vec<Shown>,
    /// This node's name for people: figures and the audit log are its own.
    pub node: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The data folder, as any shell finds it.
    pub folder: PathBuf,
    /// The settings file, where there is one, alike.
    pub config_file: Option<PathBuf>,
    /// Whoever looks at what only the whole server knows.
    pub checkup: Arc<dyn Checkup>,
    /// The measuring of password hashes.
    pub calibration: Arc<Calibration>,
    /// Whoever copies the directory to another database, where the settings name one.
    pub copier: Option<Arc<dyn DirectoryCopier>>,
    /// Those copies.
    pub copying: Arc<CopyRuns>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What, by the name it has in the settings.
    pub what: String,
    /// What was found, a line each, or what is wrong.
    pub found: Result<Vec<String>, String>,
}

/// Whoever looks at the clock, the LDAP servers and the settings as they stand now.
#[async_trait]
pub trait Checkup: fmt::Debug + Send + Sync {
    /// Looks at each.
    async fn examine(&self) -> Vec<Finding>;
}

/// One line of the audit trail, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number since this node started; later lines have greater ones.
    pub number: u64,
    /// The JSON object.
    pub json: Arc<str>,
}

/// Whoever keeps the latest lines of the audit trail at hand.
pub trait AuditHistory: fmt::Debug + Send + Sync {
    /// Lines with greater numbers than that, the oldest first.
    ///
    /// Waits a moment for lines still on their way, so not for a thread that answers requests.
    fn above(&self, number: u64) -> Vec<AuditLine>;

    /// Whether lines wait because the disk refuses them.
    fn is_behind(&self) -> bool;
}

/// What happened within one minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// When it began.
    pub at: Timestamp,
    /// Sessions opened.
    pub logins: u64,
    /// Logins refused.
    pub failures: u64,
    /// Sessions that lived at its end; none where counting them would cost the store a scan.
    pub live: Option<usize>,
    /// Sessions looked up.
    pub checks: u64,
    /// What half of the look-ups took at most.
    pub median: Option<Duration>,
    /// What 99 of 100 look-ups took at most.
    pub slowest: Option<Duration>,
}

/// Whoever counts what happens by the minute.
pub trait Trends: fmt::Debug + Send + Sync {
    /// The last hour up to that moment, the oldest minute first; the last one is still under way.
    fn minutes(&self, now: Timestamp) -> Vec<Minute>;
}
