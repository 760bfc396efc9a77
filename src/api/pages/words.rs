//! Every word of the pages that are rendered here, in one place; those of scripts are in `static/strings.js`.

use crate::domain::clock::Timestamp;
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::session::{EndReason, Method};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const MOMENT: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC");

/// The language of these words.
pub(in crate::api) const LANGUAGE: &str = "en";

// ---- signing in ----

pub(in crate::api) const SIGN_IN: &str = "Sign in";
pub(super) const SIGN_IN_LEAD: &str =
    "One sign-in for your dashboards and everything embedded in them.";
pub(in crate::api) const USERNAME: &str = "Username";
pub(in crate::api) const PASSWORD: &str = "Password";
pub(super) const REMEMBER: &str = "Remember me on this device";
pub(super) const PARTICULAR_ORG: &str = "Sign in to a particular Org";
pub(super) const ORG: &str = "Org";
pub(super) const ORG_HINT: &str =
    "Its name or number. Leave it empty for the one you worked in last.";
pub(super) const CHOOSE_ORG: &str = "Choose an Org";
pub(super) const CHOOSE_ORG_LEAD: &str =
    "You belong to more than one Org. You can change it later.";
pub(super) const WRONG_CHOICE: &str = "That Org is no longer open to you. Choose another one.";
pub(in crate::api) const OR_PASSWORD: &str = "or with a password";
pub(super) const GO_ON: &str = "Go on";
pub(super) const AS_SOMEBODY_ELSE: &str = "Signing in below ends that session.";
pub(in crate::api) const ERROR_PREFIX: &str = "Error: ";
pub(super) const TARGET_DROPPED: &str = "The page you were sent from asked to go somewhere this server sends nobody. Sign in and you stay here.";
pub(super) const SIGNED_OUT: &str = "You are signed out.";

pub(super) const NO_NAME_OR_PASSWORD: &str = "Enter your username and your password.";
pub(super) const WRONG_CREDENTIALS: &str =
    "That username and password do not match. Check both and try again.";
pub(super) const WRONG_ORG: &str =
    "You cannot sign in to that Org. Check its name or number, or leave it empty.";
pub(super) const TOO_MANY_SESSIONS: &str =
    "You have as many sessions as are allowed. Sign out somewhere else first.";
pub(super) const STORE_AWAY: &str = "The server cannot tell right now who may sign in. Nothing is wrong with your password; try again in a moment.";
pub(super) const FOREIGN_FORM: &str =
    "The browser says that this form came from another site, so nothing was done. Try again here.";
pub(super) const STALE_FORM: &str = "This form did not come with the cookie it was made with. Allow cookies for this site and try again.";

/// Whose session is there already.
pub fn signed_in_as(name: &str) -> String {
    format!("You are signed in as {name}.")
}

/// Why nobody may try for a while.
pub fn too_many_attempts(wait: Duration) -> String {
    format!("Too many attempts. You can try again in {}.", span(wait))
}

/// Why the session that the browser still had the cookie of is over.
pub fn last_session(reason: EndReason) -> String {
    match reason {
        EndReason::Logout => SIGNED_OUT.to_owned(),
        EndReason::EndedByOwner => "Your last session ended: you ended it elsewhere.".to_owned(),
        other => format!("Your last session ended: {}.", other.sentence()),
    }
}

// ---- My sessions ----

pub(super) const MY_SESSIONS: &str = "My sessions";
pub(super) const MY_SESSIONS_LEAD: &str = "These are all your sessions, wherever they were opened.";
pub(super) const THIS_SESSION: &str = "this one";
pub(super) const END: &str = "End";
pub(super) const END_ONE: &str = "End this session";
pub(super) const END_OTHERS: &str = "End all others";
pub(super) const DEVICE: &str = "Device";
pub(super) const SEEN: &str = "Last seen";
pub(super) const OPENED: &str = "Opened";
pub(super) const EXPIRES: &str = "Ends if unused";
pub(super) const ADDRESS: &str = "From";
pub(super) const SIGNED_IN_BY: &str = "Signed in with";
pub(super) const REMEMBERED: &str = "remembered";
pub(in crate::api) const SIGN_OUT: &str = "Sign out";
pub(super) const OVERVIEW: &str = "Overview";
pub(super) const YOUR_PASSWORD: &str = "Your password";
pub(super) const WHY_PASSWORD: &str = "So that nobody who finds your screen unlocked can do this.";
pub(super) const WRONG_PASSWORD: &str = "That is not your password. Try again.";
pub(super) const BACK_TO_SESSIONS: &str = "Back to my sessions";
pub(super) const TOO_LATE: &str =
    "You have no password here to ask for. Sign out and in again, then do this within 5 minutes.";
pub(super) const PROVE_FIRST: &str =
    "You have no password here to ask for. Prove anew who you are, then do this within 5 minutes.";

/// On the link to a provider.
pub fn prove_at(provider: &str) -> String {
    format!("Prove who you are at {provider}")
}

/// How many are about to be ended.
pub fn others(number: usize) -> String {
    match number {
        0 => "There is no other session.".to_owned(),
        1 => "This ends the one session besides this one.".to_owned(),
        number => format!("This ends the {number} sessions besides this one."),
    }
}

/// How many were ended.
pub fn ended(number: usize) -> String {
    match number {
        0 => "There was nothing to end any more.".to_owned(),
        1 => "One session was ended.".to_owned(),
        number => format!("{number} sessions were ended."),
    }
}

/// How many the list leaves out.
pub fn more(number: usize) -> String {
    format!("{number} more are not shown.")
}

/// How long ago something was.
pub fn ago(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        "just now".to_owned()
    } else {
        format!("{} ago", span(time))
    }
}

/// How soon something is.
pub fn within(time: Duration) -> String {
    format!("in {}", span(time))
}

/// A moment as machines read it, and as people do who may be anywhere.
pub fn moment(at: Timestamp) -> (String, String) {
    let read = |at: Timestamp| {
        let seconds = i64::try_from(at.seconds()).ok()?;
        let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        Some((at.format(&Rfc3339).ok()?, at.format(MOMENT).ok()?))
    };
    read(at).unwrap_or_default()
}

// ---- on the way to and from an identity provider, and in the dialog of MicroStrategy clients ----
pub(in crate::api) const NOT_SIGNED_IN: &str = "You were not signed in";
pub(in crate::api) const TURNED_DOWN: &str = "The identity provider says that you broke the sign-in off, or that it may not let you in here.";

pub(in crate::api) const ANOTHER_WAY: &str = "Sign in another way";
pub(in crate::api) const SIGNED_IN: &str = "You are signed in";
pub(in crate::api) const MAY_CLOSE: &str = "You can close this window.";
pub(in crate::api) const ONE_MOMENT: &str = "One moment";
pub(in crate::api) const NEARLY: &str = "You are nearly signed in.";
pub(in crate::api) const CONTINUE: &str = "Continue";
pub(in crate::api) const SIGN_OUT_ASKED: &str = "Sign out?";
pub(in crate::api) const SIGN_OUT_LEAD: &str =
    "This ends your session here and, where that is possible, at your identity provider.";

/// On the link to a provider.
pub fn sign_in_with(provider: &str) -> String {
    format!("Sign in with {provider}")
}

/// Whether somebody left a field of the form empty.
pub fn is_empty_field(failure: &Failure) -> bool {
    matches!(failure, Failure::BadRequest { field, .. } if field == "username" || field == "password")
}

/// Above the dialog's form, which is there to be filled in again.
pub fn dialog_refused(failure: &Failure) -> String {
    match failure {
        Failure::Unauthenticated(Unauthenticated::BadCredentials) => {
            "The user name or password is wrong, or the account may not sign in.".to_owned()
        }
        failure if is_empty_field(failure) => NO_NAME_OR_PASSWORD.to_owned(),
        Failure::TooManyRequests { retry_after } => too_many_attempts(*retry_after),
        Failure::Unavailable { .. } => {
            "What tells this server who may sign in does not answer right now. Nothing is \
            wrong with your password; try again in a moment, or sign in another way."
                .to_owned()
        }
        other => refused_on_the_way(other).1,
    }
}

/// Title and sentence of a page that says why a sign-in does not go on.
pub fn refused_on_the_way(failure: &Failure) -> (&'static str, String) {
    match failure {
        Failure::BadRequest { field, expected } => (
            "This sign-in cannot go on",
            if field.is_empty() {
                format!("Expected {expected}. Begin anew from the page you came from.")
            } else {
                format!("The parameter {field} is not as it should be: expected {expected}.")
            },
        ),
        Failure::OrgNotAllowed { expected, .. } => (
            "This sign-in cannot go on",
            format!("The parameter org is not as it should be: expected {expected}."),
        ),
        Failure::Unauthenticated(Unauthenticated::BadCredentials) => (
            NOT_SIGNED_IN,
            "The identity provider's answer was not accepted, or there is no account here for you. An \
             administrator finds the reason in the log under the number below."
                .to_owned(),
        ),
        Failure::Unauthenticated(_) => ("You are not signed in", "Sign in first.".to_owned()),
        Failure::Forbidden { reason } => ("Not allowed", sentence(reason)),
        Failure::TooManySessions => ("Not allowed", sentence(Failure::TOO_MANY_SESSIONS)),
        Failure::TooManyTokens { .. } => ("Not now", sentence(Failure::TOO_MANY_TOKENS)),
        Failure::SwitchedOff { feature } => (
            "Not set up here",
            sentence(&format!("{feature} is not configured on this server")),
        ),
        Failure::NotFound { .. } => (
            "Not found",
            "There is nothing at this address.".to_owned(),
        ),
        Failure::MethodNotAllowed => (
            "Not this way",
            "This address is not meant to be opened like that.".to_owned(),
        ),
        Failure::UnsupportedMediaType => ("Not this way", "Expected a form.".to_owned()),
        Failure::TooLarge => (
            "Too large",
            "The answer is larger than any honest one.".to_owned(),
        ),
        Failure::TooSlow => (
            "That took too long",
            "What the browser sent did not arrive whole in time. Go back and try again.".to_owned(),
        ),
        Failure::Conflict { reason } => ("Not possible now", sentence(reason)),
        Failure::TooManyRequests { retry_after } => {
            ("Too many attempts", too_many_attempts(*retry_after))
        }
        Failure::Unavailable { .. } => (
            "The identity provider or our store does not answer",
            "Nothing is lost and nobody is signed out. Try again in a moment, or sign in another way."
                .to_owned(),
        ),
        Failure::ReadOnly(_) => (
            "Not right now",
            "Your account would have to be changed for that, and accounts cannot be changed while the server moves. \
             Nothing is lost and nobody is signed out; try again in some minutes."
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

// ---- what any page may have to say ----

pub(super) const BACK: &str = "To the start";
pub(in crate::api) const INCIDENT: &str = "If you ask somebody about this, name the incident:";

/// Title and sentence of a page that could not be shown.
pub fn failed(failure: &Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::BadRequest { .. }
        | Failure::OrgNotAllowed { .. }
        | Failure::UnsupportedMediaType
        | Failure::TooLarge => (
            "That was not understood",
            "What the browser sent is not what this page asks for. Go back and try again.",
        ),
        Failure::TooSlow => (
            "That took too long",
            "What the browser sent did not arrive whole in time. Go back and try again.",
        ),
        Failure::Unauthenticated(_) => ("Sign in first", "Nobody is signed in in this browser."),
        Failure::Forbidden { .. } | Failure::TooManySessions | Failure::SwitchedOff { .. } => {
            ("Not allowed", "You may not do that from here.")
        }
        Failure::NotFound { .. } | Failure::MethodNotAllowed => {
            ("Not found", "There is no such page here.")
        }
        Failure::Conflict { .. } | Failure::TooManyTokens { .. } => {
            ("Not possible", "Something stands in the way of that.")
        }
        Failure::TooManyRequests { .. } => (
            "Too many attempts",
            "There were too many failed attempts. Wait a little and try again.",
        ),
        Failure::Unavailable { .. } => (
            "Not right now",
            "The server cannot reach what it needs to answer. Nothing was lost; try again in a moment.",
        ),
        Failure::ReadOnly(_) => (
            "Not right now",
            "Nothing can be changed while the server moves. Nothing was lost; try again in some minutes.",
        ),
        Failure::Internal => (
            "Something went wrong",
            "That is a fault of the server, and its log has the cause.",
        ),
    }
}

/// How somebody signed in.
pub(super) const fn method(method: Method) -> &'static str {
    match method {
        Method::Password => "password",
        Method::TrustedToken => "trusted token",
        Method::Guest => "guest",
        Method::TrustedHeader => "proxy",
        Method::ApiToken => "API token",
        Method::IdentityToken => "another session",
        Method::Ldap => "LDAP",
        Method::Saml => "SAML",
        Method::Oidc => "OpenID Connect",
    }
}

/// A length of time, rounded to what people count in.
pub fn span(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1_000).max(1);
    let (number, unit) = match seconds {
        0..90 => (seconds, "second"),
        90..5_400 => ((seconds + 30) / 60, "minute"),
        5_400..129_600 => ((seconds + 1_800) / 3_600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_to_what_people_count_in() {
        for (seconds, words) in [
            (0, "1 second"),
            (1, "1 second"),
            (89, "89 seconds"),
            (90, "2 minutes"),
            (3_600, "60 minutes"),
            (7_200, "2 hours"),
            (129_600, "2 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), words);
        }
        assert_eq!(span(Duration::from_millis(1_001)), "2 seconds");
        assert_eq!(ago(Duration::from_secs(9)), "just now");
        assert_eq!(ago(Duration::from_mins(3)), "3 minutes ago");
    }

    #[test]
    fn a_moment_says_its_time_zone() {
        let (iso, words) = moment(Timestamp::from_millis(1_772_366_400_999));
        assert_eq!(iso, "2026-03-01T12:00:00Z");
        assert_eq!(words, "1 Mar 2026, 12:00 UTC");
    }
}
