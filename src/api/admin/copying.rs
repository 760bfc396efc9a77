//! Copying the directory to the database of `directory.copy_to`: one at a time, told while it runs and afterwards.
//!
//! Where to is the settings' to say, never the page's: whoever had stolen an administrator's browser could otherwise
//! send every password hash to a database of theirs.

use crate::api::admin::desk::{Acts, Desk, Looks, Refusal};
use crate::api::services::Services;
use crate::domain::administration::{Actor, CopyStep};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{CopiedTable, Destination, DirectoryCopier};
use crate::domain::failure::{Failure, ReadOnly};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The copy under way, or the last one.
#[derive(Debug, Default)]
pub struct CopyRuns {
    latest: Mutex<Option<Run>>,
}

#[derive(Clone, Debug)]
struct Run {
    began_at: Timestamp,
    by: String,
    done: u64,
    total: u64,
    end: Option<Result<Vec<CopiedTable>, String>>,
}

impl CopyRuns {
    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one, unless one runs.
    fn begin(&self, run: Run) -> Result<(), ReadOnly> {
        let mut latest = self.lock();
        if latest.as_ref().is_some_and(|one| one.end.is_none()) {
            return Err(ReadOnly::BeingCopied);
        }
        *latest = Some(run);
        Ok(())
    }

    fn note(&self, done: u64, total: u64) {
        if let Some(run) = &mut *self.lock() {
            (run.done, run.total) = (done, total);
        }
    }

    fn finish(&self, end: Result<Vec<CopiedTable>, String>) {
        if let Some(run) = &mut *self.lock() {
            run.end = Some(end);
        }
    }
}

/// A copy under way, which ends in any case: one that breaks off must not stand in the way for ever.
struct Task {
    services: web::Data<Services>,
    copier: Arc<dyn DirectoryCopier>,
    by: Actor,
    is_over: bool,
}

impl Task {
    async fn run(mut self, at: Timestamp) {
        let runs = Arc::clone(&self.services.console.copying);
        let progress = |done, total| runs.note(done, total);
        let copied = self.copier.copy(at, &progress).await;
        self.end(copied.map_err(|error| words(&error)));
    }

    fn end(&mut self, end: Result<Vec<CopiedTable>, String>) {
        let step = match &end {
            Ok(_) => CopyStep::Copied,
            Err(why) => {
                tracing::warn!(why, "the directory was not copied");
                CopyStep::Failed
            }
        };
        self.is_over = true;
        self.note(step);
        self.services.console.copying.finish(end);
    }

    fn note(&self, step: CopyStep) {
        let to = self.copier.destination();
        self.services.administration.note_copy(step, to, &self.by);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(Err("it broke off".to_owned()));
        }
    }
}

/// Every cause once: some say again what is behind them.
fn words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

/// No more is to be said than that it is meant.
#[derive(Deserialize)]
pub struct Meant {}

/// `POST directory/copy`: makes the directory read-only and begins to copy it, 202; 409 while one runs, after one, and
/// where the settings name no place.
pub async fn start(acts: Acts<Meant>) -> Result<HttpResponse, Refusal> {
    let Acts {
        desk,
        body: Meant {},
    } = acts;
    let by = desk.manager().server_actor()?;
    let copier = copier(&desk)?;
    let services = desk.shared_services();
    let (principal, _) = desk.viewer();
    let user = services.require_user(principal).await?;
    let at = services.login.now();
    let run = Run {
        began_at: at,
        by: user.name,
        done: 0,
        total: 0,
        end: None,
    };
    let begun = match copier.read_only() {
        Some(why) => Err(why),
        None => services.console.copying.begin(run),
    };
    if let Err(why) = begun {
        let to = copier.destination();
        services
            .administration
            .note_copy(CopyStep::Refused, to, &by);
        return Err(Failure::Conflict {
            reason: why.to_string(),
        }
        .into());
    }
    let task = Task {
        services,
        copier,
        by,
        is_over: false,
    };
    task.note(CopyStep::Begun);
    actix_web::rt::spawn(task.run(at));
    Ok(HttpResponse::Accepted().json(state(&desk)))
}

/// `POST directory/reopen`: after a copy, goes on with the old directory; 409 where there is none to reopen.
pub async fn reopen(acts: Acts<Meant>) -> Result<HttpResponse, Refusal> {
    let Acts {
        desk,
        body: Meant {},
    } = acts;
    let by = desk.manager().server_actor()?;
    let copier = copier(&desk)?;
    if !copier.reopen().await {
        return Err(Failure::Conflict {
            reason: "the directory has not been copied, or is being copied right now".to_owned(),
        }
        .into());
    }
    let administration = &desk.services().administration;
    administration.note_copy(CopyStep::Reopened, copier.destination(), &by);
    Ok(HttpResponse::Ok().json(state(&desk)))
}

/// `GET directory/copy`: how far it is, and what came of it.
pub async fn show(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    Ok(HttpResponse::Ok().json(state(&desk)))
}

fn copier(desk: &Desk) -> Result<Arc<dyn DirectoryCopier>, Failure> {
    let copier = desk.services().console.copier.clone();
    copier.ok_or_else(|| Failure::Conflict {
        reason: "directory.copy_to names no database to copy to".to_owned(),
    })
}

/// Where a copy would go, what is written meanwhile, and the latest copy.
pub(in crate::api::admin) fn state(desk: &Desk) -> Value {
    let console = &desk.services().console;
    let copier = console.copier.as_ref();
    let read_only = copier.and_then(|copier| copier.read_only());
    let run = console.copying.lock().clone();
    json!({
        "node": desk.node(),
        "destination": copier.map(|copier| place(copier.destination())),
        "read_only": read_only.map(|why| match why {
            ReadOnly::BeingCopied => "being_copied",
            ReadOnly::Copied => "copied",
        }),
        "run": run.as_ref().map(told),
    })
}

fn place(to: &Destination) -> Value {
    json!({ "host": to.host, "port": to.port, "database": to.database })
}

fn told(run: &Run) -> Value {
    let arrived = run.end.as_ref().and_then(|end| end.as_ref().ok());
    let row = |one: &CopiedTable| json!({ "table": one.table, "rows": one.rows, "checksum": one.checksum });
    json!({
        "began_at": run.began_at.millis(),
        "by": run.by,
        "done": run.done,
        "total": run.total,
        "is_running": run.end.is_none(),
        "failure": run.end.as_ref().and_then(|end| end.as_ref().err()),
        "tables": arrived.map(|tables| tables.iter().map(row).collect::<Vec<_>>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_that_was_said_already_is_not_said_again() {
        let error = anyhow!("refused")
            .context("at h: refused")
            .context("writing");
        assert_eq!(words(&error), "writing: at h: refused");
    }
}
