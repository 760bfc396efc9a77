//! What a dialect is: its own words for the failures that every dialect shares.

use crate::api::openapi::allow::allowed;
use crate::api::refused::Refused;
use crate::api::verb::Taken;
use crate::domain::failure::Failure;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, SET_COOKIE};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, Route, guard, web};
use std::fmt;
use std::marker::PhantomData;
use uuid::Uuid;

/// The most of a path that is logged or told.
const SHOWN_PATH_CHARS: usize = 200;

/// The most of what an Org was called that is told.
const SHOWN_ORG_CHARS: usize = 64;

/// An id that a reply, its log line and its audit lines share, so that one finds the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident(pub Uuid);

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A wire dialect: it owns its words, never a rule.
pub trait Dialect: fmt::Debug + 'static {
    /// The name in audit lines.
    const NAME: &'static str;

    /// The reply for a failure.
    fn render(failure: &Failure, incident: Incident) -> HttpResponse;

    /// The same for one request: pages may show again what came with it.
    fn render_for(_: &HttpRequest, failure: &Failure, incident: Incident) -> HttpResponse {
        Self::render(failure, incident)
    }
}

/// A refusal on its way out: the failure is shown, the cause is logged once and never sent.
pub struct ApiError<D> {
    refused: Refused,
    dialect: PhantomData<fn() -> D>,
}

impl<D> ApiError<D> {
    /// Whether it says that nobody is signed in.
    pub const fn is_unauthenticated(&self) -> bool {
        matches!(self.refused.failure, Failure::Unauthenticated(_))
    }

    /// The same, where the Org asked for is refused, with how the caller called it.
    #[must_use]
    pub fn for_org(mut self, asked: Option<&str>) -> Self {
        if let Failure::OrgNotAllowed { called, .. } = &mut self.refused.failure {
            *called = asked.map(|text| text.trim().chars().take(SHOWN_ORG_CHARS).collect());
        }
        self
    }

    /// The same, about the parameters as the caller wrote them ([`Failure::sent_as`]).
    #[must_use]
    pub fn sent_as(mut self, names: &[(&str, &'static str)]) -> Self {
        self.refused.failure = self.refused.failure.sent_as(names);
        self
    }

    /// A refusal and what was behind it.
    pub fn caused(failure: Failure, cause: impl Into<anyhow::Error>) -> Self {
        Refused::caused(failure, cause).into()
    }
}

impl<D> From<Refused> for ApiError<D> {
    fn from(refused: Refused) -> Self {
        Self {
            refused,
            dialect: PhantomData,
        }
    }
}

impl<D> From<Failure> for ApiError<D> {
    fn from(failure: Failure) -> Self {
        Refused::from(failure).into()
    }
}

/// Any domain error that says which failure it is becomes a refusal, itself its cause.
macro_rules! refuses_with {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Refused {
            fn from(error: $error) -> Self {
                Self::caused(Failure::from(&error), error)
            }
        }

        impl<D> From<$error> for ApiError<D> {
            fn from(error: $error) -> Self {
                Refused::from(error).into()
            }
        }
    )+};
}

refuses_with!(
    crate::domain::failure::StoreError,
    crate::domain::login::LoginError,
    crate::domain::login::SwitchError,
    crate::domain::login::OwnSessionsError,
    crate::domain::authn::IssueError,
    crate::domain::authn::RedeemError,
    crate::domain::administration::AdminError,
);

impl<D> fmt::Debug for ApiError<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("failure", &self.refused.failure)
            .field("cause", &self.refused.cause)
            .finish()
    }
}

impl<D> fmt::Display for ApiError<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.refused.failure)
    }
}

impl<D: Dialect> ResponseError for ApiError<D> {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    /// An empty stand-in: [`render_failures`] puts the dialect's own reply in its place.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// The incident id of a request; the request log has put it there.
pub fn incident_of(request: &impl HttpMessage) -> Incident {
    request
        .extensions()
        .get::<Incident>()
        .copied()
        .unwrap_or(Incident(Uuid::nil()))
}

/// The dialect that a request was addressed to, left for the access log.
#[derive(Clone, Copy, Debug)]
pub struct Spoken(pub &'static str);

/// Turns every refusal inside a dialect's scope into the dialect's own reply, and logs its cause once.
pub async fn render_failures<D: Dialect>(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    answer_in::<D>(request, async |request| {
        Ok(next.call(request).await?.map_into_boxed_body())
    })
    .await
}

/// The same around whatever comes next: layers that always stand together are one middleware.
pub async fn answer_in<D: Dialect>(
    request: ServiceRequest,
    next: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse, actix_web::Error>,
) -> Result<ServiceResponse, actix_web::Error> {
    request.extensions_mut().insert(Spoken(D::NAME));
    render_strays::<D>(request, next).await
}

/// The same for requests that belong to no dialect and are refused in the words of one.
pub async fn render_strays<D: Dialect>(
    request: ServiceRequest,
    next: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse, actix_web::Error>,
) -> Result<ServiceResponse, actix_web::Error> {
    let response = next(request).await?;
    let refused = response
        .response()
        .error()
        .and_then(|error| error.as_error::<ApiError<D>>());
    let Some(ApiError { refused, .. }) = refused else {
        return Ok(response);
    };
    let incident = incident_of(response.request());
    refused.log(incident);
    let mut reply = D::render_for(response.request(), &refused.failure, incident);
    if refused.failure == Failure::MethodNotAllowed {
        let request = response.request();
        let allowed = if let Some(taken) = request.app_data::<Taken>() {
            taken.0.clone()
        } else {
            let pattern = request.match_pattern().unwrap_or_default();
            allowed(&pattern, request.method())
        };
        if let Ok(allowed) = HeaderValue::from_str(&allowed) {
            reply.headers_mut().insert(ALLOW, allowed);
        }
    }
    // Cookies that the handler set before it failed still count: a logout clears them either way.
    let (request, old) = response.into_parts();
    for cookie in old.headers().get_all(SET_COOKIE).cloned() {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(ServiceResponse::new(request, reply))
}

/// A refusal as a route of its own: what a scope answers where it has no such path or method.
pub async fn refuse_path<D: Dialect>(request: HttpRequest) -> Result<HttpResponse, ApiError<D>> {
    let what = shown_path(request.path());
    Err(Failure::NotFound { what }.into())
}

/// What a resource answers to a method it does not have.
pub async fn refuse_method<D: Dialect>() -> Result<HttpResponse, ApiError<D>> {
    Err(Failure::MethodNotAllowed.into())
}

/// A route that reads: GET, and HEAD, which is GET without the body. Not for a GET that changes anything.
pub fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// The path of a request as it may be logged: without `;name=value`, where some clients keep session ids.
pub fn shown_path(path: &str) -> String {
    let shown = path.split(';').next().unwrap_or_default();
    shown.chars().take(SHOWN_PATH_CHARS).collect()
}

/// A resource that answers foreign methods in the dialect's words.
pub fn resource<D: Dialect>(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(refuse_method::<D>))
}
