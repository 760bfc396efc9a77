//! What the settings name and a start would need, looked at as a start would, and changing nothing.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{NameKey, Users};
use crate::server::expiry::judge;
use crate::server::{audit_log, pages, tls};
use crate::settings::{DirectoryStoreSetting, LoginMode, Settings};
use crate::stores::sql::SqlDirectory;
use crate::stores::{check_redis, look_into_directory};
use anyhow::anyhow;
use std::time::Duration;

/// How long a store may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// How what was looked at looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Nothing that stops a start, but something to see to.
    Worry,
    /// The server does not start, or its clients refuse it.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Look {
    /// The setting it is about.
    pub what: &'static str,
    /// How it looks.
    pub verdict: Verdict,
    /// In words.
    pub words: String,
}

impl Look {
    fn of(what: &'static str, found: anyhow::Result<String>) -> Self {
        let (verdict, words) = match found {
            Ok(words) => (Verdict::Good, words),
            Err(error) => (Verdict::Bad, crate::domain::failure::causes(&error)),
        };
        // What already begins with the setting need not say it twice.
        let words = match words.strip_prefix(what) {
            Some(rest) => rest.trim_start_matches([':', ' ']).to_owned(),
            None => words,
        };
        Self {
            what,
            verdict,
            words,
        }
    }
}

/// Looks at all that the settings name: the certificate, the logo, the audit file, Redis, PostgreSQL, the guest user.
pub async fn look(settings: &Settings, now: Timestamp) -> Vec<Look> {
    let of_files = settings.clone();
    // Files may lie where reading takes its time.
    let files = tokio::task::spawn_blocking(move || files(&of_files, now));
    let (files, sessions, (directory, guest)) =
        tokio::join!(files, sessions(settings), directory(settings));
    let mut all = files.unwrap_or_else(|error| vec![Look::of("files", Err(error.into()))]);
    all.extend(sessions.into_iter().chain(directory).chain(guest));
    all
}

fn files(settings: &Settings, now: Timestamp) -> Vec<Look> {
    let mut all = Vec::new();
    if settings.server.https.is_some()
        && let Some(files) = tls::configured(settings)
    {
        all.push(certificate(&files, now));
    }
    if let Some(logo) = &settings.pages.logo_file {
        let found =
            pages::sign_in_site(settings).map(|_| format!("{} is a picture", logo.display()));
        all.push(Look::of("pages.logo_file", found));
    }
    let path = audit_log::path_of(settings);
    match audit_log::check(&path, &settings.data_dir) {
        // Where nobody named a file there is nothing to say of it.
        Ok(_) if settings.audit.file.is_none() => {}
        found => all.push(Look::of("audit.file", found)),
    }
    all
}

fn certificate(files: &tls::CertificateFiles, now: Timestamp) -> Look {
    let what = "server.tls_cert_file";
    let pair = match tls::load(files) {
        Ok(pair) => pair,
        Err(error) => return Look::of(what, Err(error)),
    };
    let name = files.chain.display();
    let (verdict, words) = match judge(pair.expiry, now) {
        Ok(words) => (Verdict::Good, words),
        Err(words) if pair.expiry.is_some_and(|end| end <= now) => (Verdict::Bad, words),
        Err(words) => (Verdict::Worry, words),
    };
    Look {
        what,
        verdict,
        words: format!("{name} {words}"),
    }
}

async fn sessions(settings: &Settings) -> Option<Look> {
    let answer = tokio::time::timeout(PATIENCE, check_redis(settings)).await;
    let found = answer.unwrap_or_else(|_late| Some(Err(anyhow!("no answer within 5 seconds"))))?;
    let found = found.map(|place| format!("Redis answers at {place}"));
    Some(Look::of("sessions.store", found))
}

/// The directory, where it is a server of its own, and the guest that is to be in it.
async fn directory(settings: &Settings) -> (Option<Look>, Option<Look>) {
    let what = "directory.store";
    let answer = tokio::time::timeout(PATIENCE, look_into_directory(settings)).await;
    let found = match answer.unwrap_or_else(|_late| Err(anyhow!("no answer within 5 seconds"))) {
        Ok(found) => found,
        Err(error) => return (Some(Look::of(what, Err(error))), None),
    };
    let words = match &found {
        Some(_) => "PostgreSQL answers",
        None => "PostgreSQL answers; the first start makes the tables",
    };
    let is_server = matches!(settings.directory.store, DirectoryStoreSetting::Postgres(_));
    let look = is_server.then(|| Look::of(what, Ok(words.to_owned())));
    let guest = match &found {
        Some(directory) => guest(settings, directory).await,
        None => None,
    };
    (look, guest)
}

async fn guest(settings: &Settings, directory: &SqlDirectory) -> Option<Look> {
    let what = "microstrategy.guest_user";
    let guest = guest_user(settings)?;
    let found = tokio::time::timeout(PATIENCE, directory.find_user(&guest)).await;
    Some(match found {
        Ok(Ok(Some(user))) => Look::of(what, Ok(format!("there is a user {:?}", user.name))),
        Ok(Ok(None)) => Look {
            what,
            verdict: Verdict::Worry,
            words: "names nobody, so guests are refused".to_owned(),
        },
        Ok(Err(error)) => Look::of(what, Err(anyhow!(error))),
        Err(_late) => Look::of(what, Err(anyhow!("no answer within 5 seconds"))),
    })
}

/// Who guests are to be, where there are to be any.
pub fn guest_user(settings: &Settings) -> Option<NameKey> {
    let own = &settings.microstrategy;
    let is_wanted = own.enabled && own.login_modes.contains(&LoginMode::Guest);
    let guest = own.guest_user.as_deref().filter(|_| is_wanted)?;
    NameKey::new(guest).ok()
}
