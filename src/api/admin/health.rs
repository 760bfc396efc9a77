//! How this node fares: its stores, its clock, LDAP and identity providers, and what a restart would find.

use crate::api::admin::Finding;
use crate::api::admin::desk::{Looks, Refusal};
use crate::api::admin::providers::{PATIENCE, probe};
use crate::api::services::Services;
use crate::domain::clock::Stopwatch;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use actix_web::HttpResponse;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

/// `GET health`: what `/health/ready` and `vestibule config check` look at, each with what was found.
pub async fn show(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    let services = desk.services();
    let ((stores, is_ready), providers, others) = tokio::join!(
        stores(services),
        providers(services),
        services.console.checkup.examine(),
    );
    let all = stores.iter().chain(&others).chain(&providers);
    let findings: Vec<Value> = all.map(row).collect();
    let console = &services.console;
    Ok(HttpResponse::Ok().json(json!({
        "node": desk.node(),
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": console.started_at.millis(),
        "now": services.login.now().millis(),
        "is_ready": is_ready,
        "findings": findings,
    })))
}

fn row(finding: &Finding) -> Value {
    let lines = match &finding.found {
        Ok(lines) => lines.as_slice(),
        Err(why) => std::slice::from_ref(why),
    };
    json!({ "what": finding.what, "is_good": finding.found.is_ok(), "lines": lines })
}

/// What is found of the stores, and whether that is enough to be ready.
async fn stores(services: &Services) -> (Vec<Finding>, bool) {
    let sessions = async {
        let began = Stopwatch::start();
        let answer = tokio::time::timeout(PATIENCE, services.sessions.ping()).await;
        (answer, began.elapsed())
    };
    let directory = async {
        let began = Stopwatch::start();
        let answer = services.directory.find_org(OrgId::PRIMARY);
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        (answer.map(|found| found.map(|_| ())), began.elapsed())
    };
    let (sessions, directory) = tokio::join!(sessions, directory);
    let is_enough = |answer: &Result<Result<(), StoreError>, _>| {
        matches!(answer, Ok(Ok(()) | Err(StoreError::Unwritten(_))))
    };
    let is_ready = is_enough(&sessions.0) && is_enough(&directory.0);
    let findings = [("sessions.store", sessions), ("directory.store", directory)]
        .into_iter()
        .map(|(key, (answer, took))| Finding {
            what: key.to_owned(),
            found: match answer {
                Ok(answer) => told(answer, took).map(|line| vec![kind_of(services, key), line]),
                Err(_late) => Err("no answer within 5 seconds".to_owned()),
            },
        })
        .collect();
    (findings, is_ready)
}

/// The setting as it may be shown: without a password.
fn kind_of(services: &Services, key: &str) -> String {
    let mut settings = services.console.settings.iter();
    let setting = settings.find(|one| one.key == key);
    setting.map(|one| one.value.clone()).unwrap_or_default()
}

fn told(answer: Result<(), StoreError>, took: Duration) -> Result<String, String> {
    match answer {
        Ok(()) => Ok(format!("answers within {} µs", took.as_micros())),
        // Stores leave passwords out of their errors.
        Err(error) => Err(error.to_string()),
    }
}

async fn providers(services: &Services) -> Vec<Finding> {
    let now = services.login.now();
    let (all, own) = (&services.login.sso.providers, &services.site.own_origins);
    let asked = all.iter().map(async |provider| Finding {
        what: format!("sso.{}", provider.name),
        found: probe(all, provider, own, now)
            .await
            .map_err(|why| why.join("; ")),
    });
    join_all(asked).await
}
