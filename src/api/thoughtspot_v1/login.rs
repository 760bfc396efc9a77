//! `session/login`, `session/login/token` and `session/logout`: the ways in and the way out.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, Query, flag, optional, required};
use crate::api::guard::{close_session, refuse_unseen_login, replaced};
use crate::api::openapi::refusals::{
    Always, Foreign, Guarded, WithBody, WithPassword, WithQuery, WithToken,
};
use crate::api::services::Services;
use crate::api::session_layer;
use crate::api::thoughtspot_v1::V1;
use crate::domain::directory::OrgId;
use crate::domain::failure::Failure;
use crate::domain::login::{OpenRequest, Replaced};
use crate::domain::redirect::SafeRedirect;
use actix_session::Session;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

type Refusal = ApiError<V1>;

/// User name and password.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1LoginForm)]
pub struct LoginForm {
    #[schema(min_length = 1, value_type = String)]
    username: Option<String>,
    #[schema(min_length = 1, value_type = String, format = Password)]
    password: Option<SecretString>,
    /// Whether the session outlives the browser.
    #[schema(value_type = bool, required = false)]
    rememberme: Option<String>,
    /// The Org to work in; without it the last one.
    #[schema(value_type = i64, required = false)]
    orgid: Option<String>,
}

/// `POST session/login`: user name and password; 204 and cookies.
#[utoipa::path(
    post,
    path = "/session/login",
    security(()),
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 204, description = "Signed in.", headers(("Set-Cookie" = String, description = "JSESSIONID, then clientId."))),
        WithBody<V1>, WithPassword<V1>, Always<V1>,
    ),
)]
pub async fn log_in(
    form: Form<V1, LoginForm>,
    http: HttpRequest,
    caller: Caller<V1>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let form = form.into_inner();
    let username = required("username", form.username)?;
    let password = form
        .password
        .filter(|password| !password.expose_secret().is_empty())
        .ok_or_else(|| Failure::bad("password", "a value; it is missing or empty"))?;
    let asked = form.orgid.clone();
    let request = OpenRequest {
        org: org_id(form.orgid)?,
        is_remembered: flag("rememberme", form.rememberme.as_deref())?,
        replaced: replaced(&http, &services),
        ..OpenRequest::default()
    };
    let opened = services
        .login
        .log_in(&username, &password, request, &caller.client)
        .await
        .map_err(|error| Refusal::from(error).for_org(asked.as_deref()))?;
    session_layer::hand_out(&cookies, &opened);
    Ok(HttpResponse::NoContent().finish())
}

/// A trusted token, and where to go with the session it opens.
#[derive(Deserialize, ToSchema, IntoParams)]
#[schema(as = V1TokenForm)]
#[into_params(parameter_in = Query)]
pub struct TokenForm {
    /// The user the token was minted for; it is checked when it is there.
    #[param(value_type = String, required = false)]
    #[schema(value_type = String, required = false)]
    username: Option<String>,
    #[param(value_type = String, format = Password)]
    #[schema(min_length = 1, value_type = String, format = Password)]
    auth_token: Option<SecretString>,
    /// An absolute http or https URL of an allowed origin.
    #[param(value_type = String, required = false)]
    #[schema(value_type = String, required = false)]
    redirect_url: Option<String>,
    /// Whether to stay in spite of `redirect_url`.
    #[param(value_type = bool, required = false)]
    #[schema(value_type = bool, required = false)]
    no_url_redirection: Option<String>,
}

/// `POST session/login/token`: a trusted token for a cookie session, and on to `redirect_url`.
#[utoipa::path(
    post,
    path = "/session/login/token",
    security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 204, description = "Signed in.", headers(("Set-Cookie" = String, description = "JSESSIONID, then clientId."))),
        (status = 302, description = "Signed in, and on to `redirect_url`.", headers(("Location" = String), ("Set-Cookie" = String))),
        WithBody<V1>, WithToken<V1>, Always<V1>,
    ),
)]
pub async fn redeem(
    form: Form<V1, TokenForm>,
    http: HttpRequest,
    caller: Caller<V1>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let form = form.into_inner();
    let replaced = replaced(&http, &services);
    redeem_token(form, replaced, &caller, &cookies, &services).await
}

/// `GET session/login/token`: the same, for clients that only have a link. Can be switched off.
#[utoipa::path(
    get,
    path = "/session/login/token",
    security(()),
    params(TokenForm),
    responses(
        (status = 204, description = "Signed in.", headers(("Set-Cookie" = String, description = "JSESSIONID, then clientId."))),
        (status = 302, description = "Signed in, and on to `redirect_url`.", headers(("Location" = String), ("Set-Cookie" = String))),
        WithQuery<V1>, WithToken<V1>, Foreign<V1>, Always<V1>,
    ),
)]
pub async fn redeem_by_get(
    form: Result<Query<V1, TokenForm>, Refusal>,
    http: HttpRequest,
    caller: Caller<V1>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    if !services.site.may_login_by_get {
        return Err(Failure::MethodNotAllowed.into());
    }
    refuse_unseen_login(&http, &services)?;
    let form = form?.into_inner();
    let replaced = replaced(&http, &services);
    redeem_token(form, replaced, &caller, &cookies, &services).await
}

/// The target is judged before the token is looked at: a bad one opens nothing and sets no cookie.
async fn redeem_token(
    form: TokenForm,
    replaced: Option<Replaced>,
    caller: &Caller<V1>,
    cookies: &Session,
    services: &Services,
) -> Result<HttpResponse, Refusal> {
    let stays = flag("no_url_redirection", form.no_url_redirection.as_deref())?;
    let target = form
        .redirect_url
        .filter(|url| !url.is_empty())
        .map(|url| services.live.load().redirects.check(&url))
        .transpose()
        .map_err(|refusal| ApiError::caused(Failure::from(&refusal), refusal))?;
    let token = form
        .auth_token
        .filter(|token| !token.expose_secret().is_empty())
        .ok_or_else(|| Failure::bad("auth_token", "a token; it is missing or empty"))?;
    let username = optional(form.username);
    let request = OpenRequest {
        replaced,
        ..OpenRequest::default()
    };
    let opened = services
        .login
        .redeem_token(
            token.expose_secret(),
            username.as_deref(),
            request,
            &caller.client,
        )
        .await?;
    session_layer::hand_out(cookies, &opened);
    Ok(match target.filter(|_| !stays) {
        Some(target) => redirect_to(&target),
        None => HttpResponse::NoContent().finish(),
    })
}

fn redirect_to(target: &SafeRedirect) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, target.location()))
        .finish()
}

/// `POST session/logout`: ends the cookie session; a Bearer beside it lives on until it is revoked.
///
/// 401 when nothing live was presented. The cookies are cleared whenever one of ours came, dead or alive.
#[utoipa::path(
    post,
    path = "/session/logout",
    responses((status = 204, description = "Signed out."), Guarded<V1>, Always<V1>),
)]
pub async fn log_out(
    request: HttpRequest,
    caller: Caller<V1>,
    cookies: Session,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    close_session(&request, &caller.client, &cookies, &services).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// An Org's number; an empty parameter counts as absent.
pub fn org_id(text: Option<String>) -> Result<Option<OrgId>, Failure> {
    optional(text)
        .map(|text| {
            text.trim()
                .parse()
                .map(OrgId)
                .map_err(|_| Failure::bad("orgid", "a whole number"))
        })
        .transpose()
}
