//! Judges a logout token (`OpenID Connect` Back-Channel Logout 1.0, 2.6), which the library does not know.

use super::claims;
use super::discovery::Known;
use super::jws::{Doubt, Jws, malformed};
use crate::domain::clock::Timestamp;
use crate::domain::sso::{AssertionFault, LoggedOutThere, ProviderError};
use std::time::Duration;

/// The one event that ends sessions.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// What older providers' tokens are good for, who leave out `exp`; the specification advises them so.
const WITHOUT_EXPIRY: Duration = Duration::from_mins(2);
/// Longer names fill the store that remembers what was seen.
const MAX_ID: usize = 255;

/// What it says, once it is believed.
pub(super) fn judge(
    token: &str,
    known: &Known,
    client_id: &str,
    now: Timestamp,
    skew: Duration,
) -> Result<LoggedOutThere, Doubt> {
    let jws = Jws::read(token)?;
    let said = &jws.claims;
    // First of all: another provider's token says nothing about our keys of this one, and must not have them fetched.
    check_issuer(&jws, known.metadata.issuer())?;
    jws.verify(&known.keys)?;
    let kind = jws.kind();
    let is_logout = kind.as_deref().is_none_or(|kind| {
        let kind = kind.strip_prefix("application/").unwrap_or(kind);
        // Plain ones are of providers from before the type was there.
        matches!(kind, "logout+jwt" | "jwt")
    });
    if !is_logout {
        return Err(malformed("the token is of another type").into());
    }
    if !claims::audience(said).contains(&client_id) {
        let found = claims::audience(said);
        return Err(refused(
            AssertionFault::WrongAudience,
            format!("aud {found:?}"),
        ));
    }
    if !said
        .get("events")
        .is_some_and(|events| events[EVENT].is_object())
    {
        return Err(malformed("the token has no logout event").into());
    }
    // With one it would be an ID token, which browsers hand around.
    if said.contains_key("nonce") {
        return Err(malformed("a logout token with a nonce").into());
    }
    let good_until = check_times(&jws, now, skew)?;
    let id = claims::word(said, "jti").filter(|id| id.len() <= MAX_ID);
    let id = id.ok_or_else(|| malformed("a logout token without jti"))?;
    let about = |name| claims::word(said, name).map(str::to_owned);
    let (subject, session_index) = (about("sub"), about("sid"));
    if subject.is_none() && session_index.is_none() {
        return Err(refused(AssertionFault::NoSubject, "neither sub nor sid"));
    }
    Ok(LoggedOutThere {
        id: id.to_owned(),
        good_until,
        subject,
        session_index,
        reply_url: None,
    })
}

/// Whether a token calls itself this provider's: nobody is asked about those of others. A slash at the end, which we may
/// not know yet, is left for later.
pub(super) fn check_sender(token: &str, issuer: &str) -> Result<(), ProviderError> {
    let jws = Jws::read(token)?;
    let said = claims::word(&jws.claims, "iss").unwrap_or_default();
    if said.trim_end_matches('/') == issuer.trim_end_matches('/') {
        return Ok(());
    }
    check_issuer(&jws, issuer)
}

fn check_issuer(jws: &Jws<'_>, issuer: &str) -> Result<(), ProviderError> {
    let said = claims::word(&jws.claims, "iss").unwrap_or_default();
    if said == issuer {
        return Ok(());
    }
    Err(ProviderError::refused(
        AssertionFault::WrongIssuer,
        format!("iss {:?}, expected {issuer:?}", claims::shown(said)),
    ))
}

/// Until when it is good, skew included.
fn check_times(jws: &Jws<'_>, now: Timestamp, skew: Duration) -> Result<Timestamp, Doubt> {
    let issued = claims::moment(&jws.claims, "iat")
        .ok_or_else(|| malformed("a logout token without iat"))?;
    if issued > now.plus(skew) {
        let ahead = issued.since(now).as_secs();
        let detail = format!("iat lies {ahead} s ahead");
        return Err(refused(AssertionFault::TooEarly, detail));
    }
    let expires = match jws.claims.get("exp") {
        Some(_) => claims::moment(&jws.claims, "exp")
            .ok_or_else(|| malformed("a logout token with a strange exp"))?,
        None => issued.plus(WITHOUT_EXPIRY),
    };
    let good_until = expires.plus(skew);
    if good_until <= now {
        let ago = now.since(expires).as_secs();
        let detail = format!("it expired {ago} s ago");
        return Err(refused(AssertionFault::Expired, detail));
    }
    Ok(good_until)
}

fn refused(fault: AssertionFault, detail: impl std::fmt::Display) -> Doubt {
    let detail = claims::shown(&detail.to_string());
    Doubt::Refused(ProviderError::refused(fault, detail))
}
