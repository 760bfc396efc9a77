//! Every word of the pages that are rendered here, in one place; those of scripts are in `static/strings.js`.

use crate::domain::failure::Failure;
use crate::domain::session::EndReason;
use std::time::Duration;

/// The language of these words.
pub(super) const LANGUAGE: &str = "en";

// ---- signing in ----

pub(super) const SIGN_IN: &str = "Sign in";
pub(super) const SIGN_IN_LEAD: &str =
    "One sign-in for your dashboards and everything embedded in them.";
pub(super) const USERNAME: &str = "Username";
pub(super) const PASSWORD: &str = "Password";
pub(super) const REMEMBER: &str = "Remember me on this device";
pub(super) const PARTICULAR_ORG: &str = "Sign in to a particular Org";
pub(super) const ORG: &str = "Org";
pub(super) const ORG_HINT: &str =
    "Its name or number. Leave it empty for the one you worked in last.";
pub(super) const OR_PASSWORD: &str = "or with a password";
pub(super) const GO_ON: &str = "Go on";
pub(super) const AS_SOMEBODY_ELSE: &str = "Signing in below ends that session.";
pub(super) const ERROR_PREFIX: &str = "Error: ";
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
        other => format!("Your last session ended: {}.", other.sentence()),
    }
}

// ---- what any page may have to say ----

pub(super) const BACK: &str = "To the start";
pub(super) const INCIDENT: &str = "If you ask somebody about this, name the incident:";

/// Title and sentence of a page that could not be shown.
pub fn failed(failure: &Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::BadRequest { .. } | Failure::UnsupportedMediaType | Failure::TooLarge => (
            "That was not understood",
            "What the browser sent is not what this page asks for. Go back and try again.",
        ),
        Failure::Unauthenticated(_) => ("Sign in first", "Nobody is signed in in this browser."),
        Failure::Forbidden { .. } | Failure::SwitchedOff { .. } => {
            ("Not allowed", "You may not do that from here.")
        }
        Failure::NotFound { .. } | Failure::MethodNotAllowed => {
            ("Not found", "There is no such page here.")
        }
        Failure::Conflict { .. } => ("Not possible", "Something stands in the way of that."),
        Failure::TooManyRequests { .. } => (
            "Too many attempts",
            "There were too many failed attempts. Wait a little and try again.",
        ),
        Failure::Unavailable { .. } => (
            "Not right now",
            "The server cannot reach what it needs to answer. Nothing was lost; try again in a moment.",
        ),
        Failure::Internal => (
            "Something went wrong",
            "That is a fault of the server, and its log has the cause.",
        ),
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
    }
}
