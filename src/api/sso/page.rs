//! What people see when a sign-in does not go on: a page that says why in plain words, and how else to sign in.

use crate::api::dialect::{Dialect, Incident};
use crate::api::message_page::{escaped, page};
use crate::api::thoughtspot;
use crate::domain::failure::{Failure, Unauthenticated};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;

/// Where people land who have just left. Not the first page: that one may go straight back to the provider, which often
/// still knows them, so that nobody could ever leave.
pub const SIGNED_OUT: &str = "/sign-in?left=1";

/// The dialect of browsers on their way to and from a provider.
#[derive(Debug)]
pub struct Sso;

impl Dialect for Sso {
    const NAME: &'static str = "sso";

    fn render(failure: &Failure, incident: Incident) -> HttpResponse {
        let status = thoughtspot::status(failure);
        let (title, words) = words(failure);
        let mut reply = refusal(status, title, &words, &incident.to_string());
        if let Some(wait) = failure.retry_after() {
            let seconds = wait.as_secs().max(1);
            if let Ok(value) = seconds.to_string().parse() {
                reply.headers_mut().insert(RETRY_AFTER, value);
            }
        }
        reply
    }
}

fn words(failure: &Failure) -> (&'static str, String) {
    match failure {
        Failure::BadRequest { field, expected } => (
            "This sign-in cannot go on",
            if field.is_empty() {
                format!("Expected {expected}. Begin anew from the page you came from.")
            } else {
                format!("The parameter {field} is not as it should be: expected {expected}.")
            },
        ),
        Failure::Unauthenticated(Unauthenticated::BadCredentials) => (
            "You were not signed in",
            "The identity provider's answer was not accepted, or there is no account here for you. An \
             administrator finds the reason in the log under the number below."
                .to_owned(),
        ),
        Failure::Unauthenticated(_) => ("You are not signed in", "Sign in first.".to_owned()),
        Failure::Forbidden { reason } => ("Not allowed", sentence(reason)),
        Failure::SwitchedOff { feature } => (
            "Not set up here",
            sentence(&format!("{feature} is not configured on this server")),
        ),
        Failure::NotFound { .. } => ("Not found", "There is nothing at this address.".to_owned()),
        Failure::MethodNotAllowed => (
            "Not this way",
            "This address is not meant to be opened like that.".to_owned(),
        ),
        Failure::UnsupportedMediaType => ("Not this way", "Expected a form.".to_owned()),
        Failure::TooLarge => ("Too large", "The answer is larger than any honest one.".to_owned()),
        Failure::Conflict { reason } => ("Not possible now", sentence(reason)),
        Failure::TooManyRequests { retry_after } => (
            "Too many attempts",
            format!("Try again in {} seconds.", retry_after.as_secs().max(1)),
        ),
        Failure::Unavailable { .. } => (
            "The identity provider or our store does not answer",
            "Nothing is lost and nobody is signed out. Try again in a moment, or sign in another way."
                .to_owned(),
        ),
        Failure::Internal => (
            "Something went wrong here",
            "It is in our log under the number below.".to_owned(),
        ),
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// What somebody sees who gave up at the provider, or was turned away there.
pub fn turned_down(incident: &str) -> HttpResponse {
    let words = "The identity provider says that you broke the sign-in off, or that it may not let you in here.";
    refusal(
        StatusCode::UNAUTHORIZED,
        "You were not signed in",
        words,
        incident,
    )
}

fn refusal(status: StatusCode, title: &str, words: &str, incident: &str) -> HttpResponse {
    let body = format!(
        "<p class=\"lead\">{}</p>\n<p><a class=\"button\" href=\"/sign-in\">Sign in another way</a></p>\n\
         <p class=\"note\">Incident {}</p>",
        escaped(words),
        escaped(incident)
    );
    page(status, title, &body)
}

/// A page that posts the provider's answer once more, from here.
pub fn post_again(response: &str, handle: &str) -> HttpResponse {
    let body = format!(
        "<form id=\"again\" method=\"post\" action=\"/callosum/v1/saml/SSO\">\n\
         <input type=\"hidden\" name=\"SAMLResponse\" value=\"{}\">\n\
         <input type=\"hidden\" name=\"RelayState\" value=\"{}\">\n\
         <input type=\"hidden\" name=\"again\" value=\"1\">\n\
         <p class=\"lead\">You are nearly signed in.</p>\n\
         <button type=\"submit\" class=\"primary\">Continue</button>\n</form>\n\
         <script type=\"module\" src=\"/static/post-again.js\"></script>",
        escaped(response),
        escaped(handle)
    );
    page(StatusCode::OK, "One moment", &body)
}

/// A page that asks whether to sign out.
pub fn confirm_logout() -> HttpResponse {
    let body = "<form method=\"post\">\n\
                <p class=\"lead\">This ends your session here and, where that is possible, at your identity provider.</p>\n\
                <button type=\"submit\" class=\"primary\">Sign out</button>\n</form>";
    page(StatusCode::OK, "Sign out?", body)
}
