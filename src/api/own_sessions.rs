//! `/callosum/v1/vestibule/sessions`: the sessions of whoever is signed in, for programs; people have `/sessions`.

use crate::api::caller::Caller;
use crate::api::device::device;
use crate::api::dialect::{ApiError, read, refuse_path, resource};
use crate::api::guard::RequireSession;
use crate::api::json::Json;
use crate::api::openapi::refusals::{Always, Clashing, Guarded, Missing, WithBody, WithPassword};
use crate::api::services::Services;
use crate::api::session_layer;
use crate::api::thoughtspot_v1::V1;
use crate::domain::directory::OrgId;
use crate::domain::failure::{Failure, StoreError};
use crate::domain::login::{OwnSessions, OwnSessionsError, ProofNeeded};
use crate::domain::session::{Session, SessionHandle, SessionSummary};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{OpenApi, ToSchema};

/// Where it is mounted: beside the vendor's own paths, never among them.
pub const PREFIX: &str = "/callosum/v1/vestibule/sessions";

/// Adds the routes. Before those of the dialect whose prefix this one's begins with.
pub fn mount(config: &mut web::ServiceConfig, services: &Services) {
    config.service(
        web::scope(PREFIX)
            .wrap(session_layer::middleware(services))
            .wrap(from_fn(session_layer::speak::<V1>))
            .service(resource::<V1>("").route(read().to(list)))
            .service(resource::<V1>("/end-others").route(web::post().to(end_others)))
            .service(resource::<V1>("/{id}/end").route(web::post().to(end)))
            .default_service(web::to(refuse_path::<V1>)),
    );
}

/// The routes, described.
#[derive(Debug, OpenApi)]
#[openapi(paths(list, end_others, end))]
pub struct Description;

/// One's own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSessionList {
    /// What ending one takes: `password`, `nothing` while the session is fresh, or `fresh_session`.
    proof_needed: &'static str,
    /// The one that asks first, then the last used first.
    sessions: Vec<OwnSession>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSession {
    /// Enough to end it, not to be it.
    id: String,
    /// Whether it is the one that asks.
    is_this: bool,
    /// A reading of the User-Agent, such as "Firefox on Windows"; whatever the program said of itself.
    device: String,
    /// The address it was opened from.
    address: String,
    /// Milliseconds since 1970, as all moments here.
    opened_at_ms: u64,
    last_seen_at_ms: u64,
    /// When it ends if nobody uses it.
    expires_at_ms: u64,
    org: OwnSessionOrg,
    /// How its owner signed in.
    method: &'static str,
    is_remembered: bool,
}

/// The Org a session works in.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSessionOrg {
    id: i64,
    name: String,
}

/// `GET sessions`: one's own sessions.
#[utoipa::path(
    get,
    path = "",
    responses((status = 200, description = "The sessions.", body = OwnSessionList), Guarded<V1>, Always<V1>),
)]
async fn list(
    who: RequireSession<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let door = &services.login;
    let OwnSessions { this, sessions } = door.own_sessions(&who).await?;
    let proof_needed = match door.proof_needed(&who).await? {
        ProofNeeded::Password => "password",
        ProofNeeded::Nothing => "nothing",
        ProofNeeded::FreshSession => "fresh_session",
    };
    let names = org_names(&services, &sessions).await?;
    let entry = |one: SessionSummary| own_session(&one, one.handle == this, &names);
    Ok(HttpResponse::Ok().json(OwnSessionList {
        proof_needed,
        sessions: sessions.into_iter().map(entry).collect(),
    }))
}

fn own_session(
    SessionSummary { handle, session }: &SessionSummary,
    is_this: bool,
    names: &OrgNames,
) -> OwnSession {
    OwnSession {
        id: handle.to_string(),
        is_this,
        device: device(&session.agent),
        address: session.address.clone(),
        opened_at_ms: session.opened_at.millis(),
        last_seen_at_ms: session.last_seen_at.millis(),
        expires_at_ms: session.expires_at().millis(),
        org: OwnSessionOrg {
            id: session.org.0,
            name: names.of(session),
        },
        method: session.method.as_str(),
        is_remembered: session.is_remembered,
    }
}

/// The names of Orgs.
#[derive(Debug)]
pub struct OrgNames(HashMap<OrgId, String>);

impl OrgNames {
    /// The name of the Org a session works in; its number where the Org is gone.
    pub fn of(&self, session: &Session) -> String {
        let found = self.0.get(&session.org).cloned();
        found.unwrap_or_else(|| session.org.to_string())
    }
}

/// The names of the Orgs these sessions work in.
pub async fn org_names(
    services: &Services,
    sessions: &[SessionSummary],
) -> Result<OrgNames, StoreError> {
    let mut names = HashMap::new();
    for one in sessions {
        let org = one.session.org;
        if !names.contains_key(&org)
            && let Some(found) = services.directory.find_org(org).await?
        {
            names.insert(org, found.name);
        }
    }
    Ok(OrgNames(names))
}

/// The proof that it is the owner who asks.
#[derive(Deserialize, ToSchema)]
#[schema(as = OwnSessionsRequest)]
struct EndRequest {
    /// One's password; nothing where `proof_needed` is not `password`.
    #[schema(value_type = String, format = Password, required = false)]
    #[serde(default, deserialize_with = "crate::api::json::secret")]
    password: Option<SecretString>,
}

impl EndRequest {
    fn password(self) -> SecretString {
        self.password.unwrap_or_default()
    }
}

/// How many were ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndedSessions {
    ended: usize,
}

/// `POST sessions/end-others`: ends every session of one's own but the one that asks.
#[utoipa::path(
    post,
    path = "/end-others",
    request_body = EndRequest,
    responses(
        (status = 200, description = "They are ended.", body = EndedSessions),
        WithBody<V1>, WithPassword<V1>, Guarded<V1>, Always<V1>,
    ),
)]
async fn end_others(
    who: RequireSession<V1>,
    body: Json<V1, EndRequest>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let password = body.into_inner().password();
    let door = &services.login;
    let confirmed = door.confirm_owner(&who, &password, &caller.client).await?;
    let ended = door
        .end_other_sessions(&who, &confirmed, &caller.client)
        .await?;
    Ok(HttpResponse::Ok().json(EndedSessions { ended }))
}

/// `POST sessions/{id}/end`: ends one other session of one's own. Somebody else's is as if it were not there.
#[utoipa::path(
    post,
    path = "/{id}/end",
    params(("id" = String, Path, description = "Of the list.")),
    request_body = EndRequest,
    responses(
        (status = 204, description = "It is ended."),
        WithBody<V1>, WithPassword<V1>, Guarded<V1>, Missing<V1>, Clashing<V1>, Always<V1>,
    ),
)]
async fn end(
    who: RequireSession<V1>,
    id: web::Path<String>,
    body: Json<V1, EndRequest>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let password = body.into_inner().password();
    let door = &services.login;
    let confirmed = door.confirm_owner(&who, &password, &caller.client).await?;
    let handle =
        SessionHandle::parse(&id).ok_or_else(|| Failure::from(&OwnSessionsError::NoSuchSession))?;
    door.end_own_session(&who, &handle, &confirmed, &caller.client)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
