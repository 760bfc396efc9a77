//! Where nothing is: a page with a way back for somebody who mistyped an address, JSON for a program.

use crate::api::dialect::{ApiError, Dialect, Spoken, incident_of, refuse_path};
use crate::api::pages::Pages;
use crate::domain::failure::Failure;
use actix_web::http::Method;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

/// What the paths of programs begin with.
const API_PREFIXES: [&str; 4] = ["/api/", "/callosum/", "/prism/", "/tspublic/"];

/// The answer: below an API's prefix, and to a program, in the words of the dialect.
pub async fn nowhere<D: Dialect>(request: HttpRequest) -> Result<HttpResponse, ApiError<D>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let accepted = request.headers().get(ACCEPT);
    let is_browser = accepted
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    let mut prefixes = API_PREFIXES.iter();
    if !is_read || !is_browser || prefixes.any(|prefix| request.path().starts_with(prefix)) {
        return refuse_path::<D>(request).await;
    }
    request.extensions_mut().insert(Spoken(Pages::NAME));
    let what = Failure::NotFound {
        what: String::new(),
    };
    let incident = incident_of(&request);
    Ok(Pages::render_for(&request, &what, incident))
}
