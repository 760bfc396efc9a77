//! Measuring what password hashes cost on this node: one at a time, in the line of everybody's hashes, told while it runs.
//!
//! What came of the last one is kept in memory, so that the page can ask how far it is.

use crate::api::admin::desk::{Acts, Desk, Looks, Refusal};
use crate::domain::authn::{
    HashCost, MAX_TARGET_MS, MEMORY_MIB, Measured, PasswordError, PasswordPool, TARGET_MS,
    candidates, propose,
};
use crate::domain::clock::Timestamp;
use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The measuring under way, or the last one.
#[derive(Debug, Default)]
pub struct Calibration {
    run: Mutex<Option<Run>>,
}

#[derive(Clone, Debug)]
struct Run {
    began_at: Timestamp,
    by: String,
    target: Duration,
    memory_mib: usize,
    slots: usize,
    /// How many choices are measured in all.
    total: usize,
    measured: Vec<Measured>,
    end: Option<Result<(), String>>,
}

impl Calibration {
    /// Begins one, unless one runs.
    fn begin(&self, run: Run) -> Result<(), Failure> {
        let mut latest = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_ref().is_some_and(|one| one.end.is_none()) {
            return Err(Failure::Conflict {
                reason: "hashing is being measured on this node already".to_owned(),
            });
        }
        *latest = Some(run);
        Ok(())
    }

    fn note(&self, measured: Measured) {
        if let Some(run) = &mut *self.run.lock().unwrap_or_else(PoisonError::into_inner) {
            run.measured.push(measured);
        }
    }

    fn finish(&self, end: Result<(), String>) {
        if let Some(run) = &mut *self.run.lock().unwrap_or_else(PoisonError::into_inner) {
            run.end.get_or_insert(end);
        }
    }

    fn latest(&self) -> Option<Run> {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        run.clone()
    }
}

/// Ends the run in any case, so that a task that dies does not stand in the way for ever.
struct Ending(Arc<Calibration>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.finish(Err("it broke off".to_owned()));
    }
}

#[derive(Deserialize)]
pub struct CalibrateBody {
    target_ms: Option<u64>,
    memory_mib: Option<usize>,
}

/// `POST passwords/calibration`: begins to measure on this node, 202; 409 while one runs.
pub async fn start(acts: Acts<CalibrateBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    desk.require_server()?;
    let target_ms = body.target_ms.unwrap_or(TARGET_MS);
    if !(1..=MAX_TARGET_MS).contains(&target_ms) {
        return Err(Failure::bad("target_ms", format!("1 to {MAX_TARGET_MS} milliseconds")).into());
    }
    let memory_mib = body.memory_mib.unwrap_or(MEMORY_MIB);
    let pool = desk.services().login.passwords.clone();
    let costs = candidates(pool.slots(), memory_mib);
    if costs.is_empty() {
        let expected = format!(
            "more memory: {} hashes at a time take at least {} MiB",
            pool.slots(),
            pool.slots() * 7
        );
        return Err(Failure::bad("memory_mib", expected).into());
    }
    let (principal, _) = desk.viewer();
    let user = desk.services().require_user(principal).await?;
    let calibration = Arc::clone(&desk.services().console.calibration);
    calibration.begin(Run {
        began_at: desk.services().login.now(),
        by: user.name,
        target: Duration::from_millis(target_ms),
        memory_mib,
        slots: pool.slots(),
        total: costs.len(),
        measured: Vec::new(),
        end: None,
    })?;
    let ending = Ending(Arc::clone(&calibration));
    desk.manager()
        .measures_hashing(&desk.services().console.node)?;
    actix_web::rt::spawn(async move {
        let end = measure(&pool, costs, &ending.0).await;
        ending.0.finish(end.map_err(|error| error.to_string()));
    });
    Ok(HttpResponse::Accepted().json(state(&desk)))
}

async fn measure(
    pool: &PasswordPool,
    costs: Vec<HashCost>,
    calibration: &Calibration,
) -> Result<(), PasswordError> {
    for cost in costs {
        calibration.note(pool.measure(cost).await?);
    }
    Ok(())
}

/// `GET passwords/calibration`: how far this node is, and what came of it.
pub async fn show(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    Ok(HttpResponse::Ok().json(state(&desk)))
}

fn state(desk: &Desk) -> Value {
    let run = desk.services().console.calibration.latest();
    json!({ "node": desk.node(), "run": run.as_ref().map(told) })
}

fn told(run: &Run) -> Value {
    let measured: Vec<Value> = run.measured.iter().map(row).collect();
    let is_done = matches!(run.end, Some(Ok(())));
    let proposal = propose(&run.measured, run.target).filter(|_| is_done);
    json!({
        "began_at": run.began_at.millis(),
        "by": run.by,
        "target_ms": run.target.as_millis(),
        "memory_mib": run.memory_mib,
        "slots": run.slots,
        "total": run.total,
        "is_running": run.end.is_none(),
        "failure": run.end.as_ref().and_then(|end| end.as_ref().err()),
        "measured": measured,
        "proposal": proposal.as_ref().map(row),
        "is_within": proposal.is_some_and(|one| one.took <= run.target),
    })
}

/// One choice and what it costs, here and on the command line.
pub fn row(measured: &Measured) -> Value {
    let tenths = |number: f64| (number * 10.0).round() / 10.0;
    json!({
        "memory_kib": measured.cost.memory_kib,
        "iterations": measured.cost.iterations,
        "lanes": measured.cost.lanes,
        "ms": tenths(measured.took.as_secs_f64() * 1_000.0),
        "logins_per_second": tenths(measured.per_second),
        "memory_mib": measured.memory_mib,
    })
}
