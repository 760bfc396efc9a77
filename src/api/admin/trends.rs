//! The last hour in numbers, for the console's charts.

use crate::api::admin::Minute;
use crate::api::admin::desk::{Looks, Refusal};
use actix_web::HttpResponse;
use serde_json::{Value, json};
use std::time::Duration;

/// `GET trends`: this node's last hour by the minute, the oldest first; the last is still under way.
pub async fn show(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    let services = desk.services();
    let now = services.login.now();
    let minutes = services.console.trends.minutes(now);
    let rows: Vec<Value> = minutes.iter().map(minute).collect();
    Ok(HttpResponse::Ok().json(json!({
        "node": desk.node(),
        "now": now.millis(),
        "minutes": rows,
    })))
}

fn minute(minute: &Minute) -> Value {
    let micros =
        |took: Option<Duration>| took.and_then(|took| u64::try_from(took.as_micros()).ok());
    json!({
        "at": minute.at.millis(),
        "logins": minute.logins,
        "failures": minute.failures,
        "live": minute.live,
        "checks": minute.checks,
        "median_us": micros(minute.median),
        "p99_us": micros(minute.slowest),
    })
}
