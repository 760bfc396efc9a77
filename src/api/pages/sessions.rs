//! `/sessions`: where somebody is signed in, ending what they do not know, and signing out; without scripts.

use crate::api::caller::Caller;
use crate::api::departure::ProvingAnew;
use crate::api::device::device;
use crate::api::dialect::{ApiError, incident_of};
use crate::api::form::{Form, Query};
use crate::api::own_sessions::{OrgNames, org_names};
use crate::api::pages::html::{Pages, finish, see_other, start};
use crate::api::pages::signed::Signed;
use crate::api::pages::site::SignInSite;
use crate::api::pages::words;
use crate::api::refused::Refused;
use crate::api::services::Services;
use crate::api::session_layer::take_back;
use crate::api::status::{announce_wait, status};
use crate::domain::clock::Timestamp;
use crate::domain::failure::Failure;
use crate::domain::login::{OwnSessions, OwnSessionsError, ProofNeeded};
use crate::domain::session::{SessionHandle, SessionSummary};
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

/// The most sessions one page shows; ending all others ends the rest as well.
const SHOWN: usize = 100;
/// What stands in place of a session where all others are meant.
const OTHERS: &str = "others";

type Refusal = ApiError<Pages>;

#[derive(Deserialize)]
pub struct ListQuery {
    /// How many were just ended.
    ended: Option<usize>,
}

#[derive(Template)]
#[template(path = "sessions.html", config = "static/templates/askama.toml")]
struct SessionsPage<'a> {
    site: &'a SignInSite,
    note: Option<String>,
    name: &'a str,
    sessions: Vec<Row>,
    /// How many there are besides those.
    more: usize,
    others: usize,
    token: String,
}

/// A session as the page shows it.
struct Row {
    handle: SessionHandle,
    is_this: bool,
    device: String,
    address: String,
    org: String,
    method: &'static str,
    is_remembered: bool,
    opened: Moment,
    seen: String,
    /// In how long it ends if nobody uses it.
    expires: String,
}

/// A moment for machines and in words.
struct Moment {
    iso: String,
    words: String,
}

impl Moment {
    fn of(at: Timestamp) -> Self {
        let (iso, words) = words::moment(at);
        Self { iso, words }
    }
}

impl Row {
    fn of(one: &SessionSummary, this: SessionHandle, orgs: &OrgNames, now: Timestamp) -> Self {
        let session = &one.session;
        Self {
            handle: one.handle,
            is_this: one.handle == this,
            device: device(&session.agent),
            address: session.address.clone(),
            org: orgs.of(session),
            method: words::method(session.method),
            is_remembered: session.is_remembered,
            opened: Moment::of(session.opened_at),
            seen: words::ago(now.since(session.last_seen_at)),
            expires: words::within(session.expires_at().since(now)),
        }
    }
}

/// `GET /sessions`: the list.
pub async fn list(
    query: Query<Pages, ListQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let Some(signed) = Signed::in_as()? else {
        return Ok(see_other("/sign-in?to=/sessions"));
    };
    let OwnSessions { this, sessions } = services.login.own_sessions(&signed.who).await?;
    let user = services.require_user(&signed.who).await?;
    let orgs = org_names(&services, &sessions[..sessions.len().min(SHOWN)]).await?;
    let now = services.login.now();
    let shown = sessions.iter().take(SHOWN);
    let page = SessionsPage {
        site: &services.sign_in,
        note: query.into_inner().ended.map(words::ended),
        name: &user.display_name,
        sessions: shown.map(|one| Row::of(one, this, &orgs, now)).collect(),
        more: sessions.len().saturating_sub(SHOWN),
        others: sessions.len().saturating_sub(1),
        token: signed.form_token(&services),
    };
    Ok(finish(start(StatusCode::OK, None), &page))
}

#[derive(Deserialize)]
pub struct EndQuery {
    /// A session's handle, or `others`.
    session: String,
}

#[derive(Deserialize)]
pub struct EndForm {
    session: String,
    password: Option<SecretString>,
    token: Option<String>,
}

#[derive(Template)]
#[template(path = "end_session.html", config = "static/templates/askama.toml")]
struct EndPage<'a> {
    site: &'a SignInSite,
    title: &'static str,
    /// One session, or none where all others are meant.
    row: Option<Row>,
    others: usize,
    session: &'a str,
    user_name: &'a str,
    takes_password: bool,
    is_too_late: bool,
    /// Where they prove anew who they are: the words and the link.
    prove_at: Option<(String, String)>,
    error: Option<&'a str>,
    token: String,
}

/// `GET /sessions/end`: which one, and the password.
pub async fn ask(
    query: Query<Pages, EndQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let Some(signed) = Signed::in_as()? else {
        return Ok(see_other("/sign-in?to=/sessions"));
    };
    let query = query.into_inner();
    end_page(&services, &signed, &query.session, StatusCode::OK, None).await
}

/// `POST /sessions/end`: ends it, or them.
pub async fn end(
    request: HttpRequest,
    form: Form<Pages, EndForm>,
    caller: Caller<Pages>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let Some(signed) = Signed::in_as()? else {
        return Ok(see_other("/sign-in?to=/sessions"));
    };
    let form = form.into_inner();
    signed.prove(&request, &services, form.token.as_deref())?;
    let (door, who) = (&services.login, &signed.who);
    let password = form.password.unwrap_or_default();
    let outcome = async {
        let confirmed = door.confirm_owner(who, &password, &caller.client).await?;
        if form.session == OTHERS {
            return door
                .end_other_sessions(who, &confirmed, &caller.client)
                .await;
        }
        let handle = SessionHandle::parse(&form.session).ok_or(OwnSessionsError::NoSuchSession)?;
        door.end_own_session(who, &handle, &confirmed, &caller.client)
            .await?;
        Ok(1)
    };
    let failure = match outcome.await {
        Ok(ended) => return Ok(see_other(&format!("/sessions?ended={ended}"))),
        Err(OwnSessionsError::NoSuchSession) => return Ok(see_other("/sessions?ended=0")),
        Err(error @ OwnSessionsError::NotConfirmed(_)) => {
            let refused = Refused::from(error);
            // The page below says it in its own words, so nobody else logs the cause.
            refused.log(incident_of(&request));
            refused.failure
        }
        Err(OwnSessionsError::NotFresh) => Failure::forbidden(words::TOO_LATE),
        Err(error) => return Err(error.into()),
    };
    let error = match &failure {
        Failure::TooManyRequests { retry_after } => words::too_many_attempts(*retry_after),
        Failure::Unavailable { .. } => words::STORE_AWAY.to_owned(),
        Failure::ReadOnly(_) => words::failed(&failure).1.to_owned(),
        _ => words::WRONG_PASSWORD.to_owned(),
    };
    let code = status(&failure);
    let mut reply = end_page(&services, &signed, &form.session, code, Some(&error)).await?;
    announce_wait(&mut reply, &failure);
    Ok(reply)
}

async fn end_page(
    services: &Services,
    signed: &Signed,
    session: &str,
    status: StatusCode,
    error: Option<&str>,
) -> Result<HttpResponse, Refusal> {
    let OwnSessions { this, sessions } = services.login.own_sessions(&signed.who).await?;
    let needed = services.login.proof_needed(&signed.who).await?;
    let row = if session == OTHERS {
        None
    } else {
        let handle = SessionHandle::parse(session).filter(|handle| *handle != this);
        let one = handle.and_then(|handle| sessions.iter().find(|one| one.handle == handle));
        let Some(one) = one else {
            return Ok(see_other("/sessions?ended=0"));
        };
        let orgs = org_names(services, std::slice::from_ref(one)).await?;
        Some(Row::of(one, this, &orgs, services.login.now()))
    };
    let user = services.require_user(&signed.who).await?;
    let is_too_late = needed == ProofNeeded::FreshSession;
    let prove_at = ProvingAnew::of(services, &signed.who).filter(|_| is_too_late);
    // Of what was read back, not of what was sent.
    let this_page = match &row {
        Some(row) => format!("/sessions/end?session={}", row.handle),
        None => format!("/sessions/end?session={OTHERS}"),
    };
    let page = EndPage {
        site: &services.sign_in,
        title: if row.is_some() {
            words::END_ONE
        } else {
            words::END_OTHERS
        },
        row,
        others: sessions.len().saturating_sub(1),
        session,
        user_name: &user.name,
        takes_password: needed == ProofNeeded::Password,
        is_too_late,
        prove_at: prove_at.map(|there| (words::prove_at(&there.label), there.link(&this_page))),
        error,
        token: signed.form_token(services),
    };
    Ok(finish(start(status, None), &page))
}

#[derive(Deserialize)]
pub struct SignOutForm {
    token: Option<String>,
}

/// `POST /sign-out`: ends this session and goes back to the form.
pub async fn sign_out(
    request: HttpRequest,
    form: Form<Pages, SignOutForm>,
    caller: Caller<Pages>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    if let Some(signed) = Signed::in_as()? {
        signed.prove(&request, &services, form.into_inner().token.as_deref())?;
        services.login.log_out(&signed.id, &caller.client).await?;
    }
    take_back(&cookies);
    Ok(see_other("/sign-in?left=1"))
}
