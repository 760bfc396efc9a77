//! `/sign-in/org`: which Org to work in, asked after the password of whoever belongs to several.
//!
//! Not before it: a list of Orgs would tell strangers who is a customer. The session is open by then, in the Org worked
//! in last, so that whoever closes the page instead is signed in all the same.

use crate::api::caller::Caller;
use crate::api::departure::own_base;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query};
use crate::api::pages::html::{Pages, finish, see_other, start};
use crate::api::pages::sign_in::START;
use crate::api::pages::signed::Signed;
use crate::api::pages::site::SignInSite;
use crate::api::pages::target::Target;
use crate::api::pages::words;
use crate::api::services::Services;
use crate::domain::authn::open_orgs;
use crate::domain::directory::{Org, OrgId, UserId};
use crate::domain::failure::{Failure, StoreError};
use crate::domain::login::SwitchError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

const PATH: &str = "/sign-in/org";

type Refusal = ApiError<Pages>;

#[derive(Deserialize)]
pub struct ChoiceQuery {
    to: Option<String>,
}

#[derive(Deserialize)]
pub struct ChoiceForm {
    org: Option<String>,
    to: Option<String>,
    token: Option<String>,
}

#[derive(Template)]
#[template(path = "org_choice.html", config = "static/templates/askama.toml")]
struct ChoicePage<'a> {
    site: &'a SignInSite,
    name: &'a str,
    orgs: &'a [Org],
    current: OrgId,
    error: Option<&'a str>,
    to: &'a str,
    token: String,
}

/// Where to send somebody who has just signed in without naming an Org: here when there is a choice, else nowhere new.
pub async fn detour(
    services: &Services,
    user: UserId,
    location: &str,
) -> Result<Option<String>, StoreError> {
    if !services.sign_in.asks_for_org {
        return Ok(None);
    }
    let Some(user) = services.directory.find_user_by_id(user).await? else {
        return Ok(None);
    };
    let orgs = open_orgs(&*services.directory, &user).await?;
    let target = utf8_percent_encode(location, NON_ALPHANUMERIC);
    Ok((orgs.len() > 1).then(|| format!("{PATH}?to={target}")))
}

/// `GET /sign-in/org`: the Orgs there are for whoever is signed in.
pub async fn ask(
    request: HttpRequest,
    query: Query<Pages, ChoiceQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let wanted = query.into_inner().to;
    let target = target(&request, &services, wanted.as_deref());
    let Some(signed) = Signed::in_as()? else {
        return Ok(see_other("/sign-in"));
    };
    page(&services, &signed, &target, StatusCode::OK, None).await
}

/// `POST /sign-in/org`: moves the session there, and on to where one was going.
pub async fn choose(
    request: HttpRequest,
    form: Form<Pages, ChoiceForm>,
    caller: Caller<Pages>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let form = form.into_inner();
    let target = target(&request, &services, form.to.as_deref());
    let Some(signed) = Signed::in_as()? else {
        return Ok(see_other("/sign-in"));
    };
    signed.prove(&request, &services, form.token.as_deref())?;
    let org: Option<i64> = form.org.and_then(|org| org.trim().parse().ok());
    let org = OrgId(org.ok_or_else(|| Failure::bad("org", "the number of an Org"))?);
    if org != signed.who.org {
        let moved = services.login.switch_org(&signed.who, org, &caller.client);
        match moved.await {
            Ok(()) => {}
            // Left or switched off since the page was shown.
            Err(SwitchError::NotAllowed) => {
                let code = StatusCode::FORBIDDEN;
                let error = Some(words::WRONG_CHOICE);
                return page(&services, &signed, &target, code, error).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(see_other(&target.location))
}

/// Judged each time: it came through the browser.
fn target(request: &HttpRequest, services: &Services, wanted: Option<&str>) -> Target {
    let own = own_base(request, services);
    wanted
        .and_then(|wanted| Target::read(wanted, &own, &services.live.load().redirects))
        .unwrap_or_else(|| Target::own(START, &own))
}

async fn page(
    services: &Services,
    signed: &Signed,
    target: &Target,
    status: StatusCode,
    error: Option<&str>,
) -> Result<HttpResponse, Refusal> {
    let user = services.require_user(&signed.who).await?;
    let orgs = open_orgs(&*services.directory, &user).await?;
    let page = ChoicePage {
        site: &services.sign_in,
        name: &user.display_name,
        orgs: &orgs,
        current: signed.who.org,
        error,
        to: &target.location,
        token: signed.form_token(services),
    };
    Ok(finish(
        start(status, target.foreign_origin.as_deref()),
        &page,
    ))
}
