//! What clients ask of the server itself: its version, its login modes, the idle timeout, who is connected.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::Query;
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::body::{Behind, whole_number};
use crate::api::microstrategy::guard::Administrator;
use crate::api::microstrategy::project::project_id;
use crate::api::microstrategy::reply::json;
use crate::api::microstrategy::session::full_name;
use crate::api::services::Services;
use crate::domain::administration::{Actor, SessionFilter};
use crate::domain::clock::Timestamp;
use crate::domain::failure::Failure;
use crate::domain::session::{SessionHandle, SessionSummary};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

type Refusal = ApiError<MicroStrategy>;

/// How many connections are told unless the client says; what mstrio-py asks for.
const CONNECTIONS: usize = 100;
/// The most that are told at a time.
const MOST_CONNECTIONS: usize = 1_000;
/// The one setting of many that this server has.
const IDLE_TIME: &str = "maxWebConnectionIdleTime";

/// `GET status`: needs nobody signed in.
pub async fn status(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let version = &services.microstrategy()?.version;
    let status = value!({
        "iServerVersion": version,
        "webVersion": version,
        "deploymentType": "container",
    });
    Ok(json(&request, status))
}

/// `GET config/authModes`: the modes that are switched on.
pub async fn auth_modes(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let live = services.live.load();
    json(&request, value!({ "modes": live.web.modes }))
}

/// `GET mstrServices/library/auth`.
pub async fn library_auth(
    _: Administrator,
    request: HttpRequest,
    services: web::Data<Services>,
) -> HttpResponse {
    json(&request, described_modes(&services))
}

fn described_modes(services: &Services) -> Value {
    let live = services.live.load();
    value!({ "availableModes": live.web.modes, "defaultMode": live.web.default_mode })
}

/// `PUT mstrServices/library/auth`: which of the modes that the settings switch on are offered.
pub async fn set_library_auth(
    Behind { who: admin, fields }: Behind<Administrator>,
    caller: Caller<MicroStrategy>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let configured = &services.microstrategy()?.modes;
    let expected = || {
        let modes: Vec<String> = configured.iter().map(ToString::to_string).collect();
        let modes = modes.join(", ");
        Failure::bad(
            "availableModes",
            format!("some of those the settings switch on: {modes}"),
        )
    };
    let mut modes = Vec::new();
    let listed = fields.value("availableModes").and_then(Value::as_array);
    for item in listed.ok_or_else(expected)? {
        let mode = whole_number(item).filter(|mode| configured.contains(mode));
        let mode = mode.ok_or_else(expected)?;
        if !modes.contains(&mode) {
            modes.push(mode);
        }
    }
    let first = *modes.first().ok_or_else(expected)?;
    let default_mode = fields.number("defaultMode")?.unwrap_or(first);
    if !modes.contains(&default_mode) {
        return Err(Failure::bad("defaultMode", "one of availableModes").into());
    }
    let by = Actor::user(&admin.user, caller.client);
    let administration = &services.administration;
    administration
        .save_web_modes(modes, default_mode, &by)
        .await?;
    services.refresh_live().await?;
    Ok(HttpResponse::Ok().json(described_modes(&services)))
}

/// `GET v2/iserver/settings`.
pub async fn settings(
    _: Administrator,
    request: HttpRequest,
    services: web::Data<Services>,
) -> HttpResponse {
    json(&request, described_settings(&services))
}

fn described_settings(services: &Services) -> Value {
    let seconds = services.live.load().web.iserver_timeout.as_secs();
    value!({ IDLE_TIME: { "value": seconds } })
}

/// `PATCH v2/iserver/settings`: the idle timeout of sessions opened from now on. Other settings are ignored.
pub async fn set_settings(
    Behind { who: admin, fields }: Behind<Administrator>,
    caller: Caller<MicroStrategy>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    if let Some(wanted) = fields.value(IDLE_TIME) {
        let expected = "{\"value\": seconds}, a whole number; without a limit (-1) the HTTP session could not \
                        outlive it";
        let seconds = whole_number(&wanted["value"]).and_then(|value| u64::try_from(value).ok());
        let seconds = seconds.ok_or_else(|| Failure::bad(IDLE_TIME, expected))?;
        let limits = services.web_limits(services.microstrategy()?);
        let by = Actor::user(&admin.user, caller.client);
        services
            .administration
            .save_web_timeout(Duration::from_secs(seconds), limits, &by)
            .await?;
        services.refresh_live().await?;
    }
    Ok(HttpResponse::Ok().json(described_settings(&services)))
}

/// Which of the connections; a limit of -1 is as many as may be.
#[derive(Deserialize)]
pub struct ConnectionsQuery {
    offset: Option<String>,
    limit: Option<String>,
}

/// `GET monitors/userConnections`: live sessions, whichever dialect opened them, some at a time.
pub async fn connections(
    _: Administrator,
    query: Query<MicroStrategy, ConnectionsQuery>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let query = query.into_inner();
    let offset = query.offset.as_deref().map(str::parse).transpose();
    let offset: usize = offset
        .map_err(|_| Failure::bad("offset", "a whole number from 0"))?
        .unwrap_or(0);
    let limit = match query.limit.as_deref() {
        None => Ok(CONNECTIONS),
        Some("-1") => Ok(MOST_CONNECTIONS),
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MOST_CONNECTIONS).contains(limit))
            .ok_or_else(|| {
                let expected = format!("a whole number from 1 to {MOST_CONNECTIONS}, or -1");
                Failure::bad("limit", expected)
            }),
    }?;
    let mut total = 0_usize;
    let mut page = Vec::new();
    services
        .administration
        .each_session(SessionFilter::default(), |one| {
            if total >= offset && page.len() < limit {
                page.push(one);
            }
            total += 1;
        })
        .await?;
    let mut names = HashMap::new();
    let mut found = Vec::with_capacity(page.len());
    for SessionSummary { handle, session } in page {
        let full_name = match names.entry(session.user_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let user = services.directory.find_user_by_id(session.user_id).await?;
                let name = user.map_or(session.user_name.clone(), |user| {
                    full_name(&user).to_owned()
                });
                new.insert(name)
            }
        };
        found.push(value!({
            "id": handle.to_string(),
            "username": session.user_name,
            "userFullName": full_name,
            "projectId": project_id(session.org),
            "openJobsCount": 0,
            "applicationType": session.agent,
            "source": session.address,
            "dateConnectionCreated": date(session.opened_at),
            "dateLastAction": date(session.last_seen_at),
        }));
    }
    let reply = value!({ "userConnections": found, "total": total });
    Ok(json(&request, reply))
}

/// `DELETE monitors/userConnections/{id}`: ends one session.
pub async fn disconnect(
    admin: Administrator,
    id: web::Path<String>,
    caller: Caller<MicroStrategy>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let handle = SessionHandle::parse(&id).ok_or_else(|| Failure::NotFound {
        what: "connection of that id".to_owned(),
    })?;
    let by = Actor::user(&admin.user, caller.client);
    services.administration.end_session(&handle, &by).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A moment as clients of this dialect read it: RFC 3339 in UTC, to the second.
pub fn date(at: Timestamp) -> String {
    i64::try_from(at.seconds())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}
