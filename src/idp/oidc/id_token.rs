//! Judges an ID token (`OpenID Connect` Core 1.0, 3.1.3.7): the library judges signature, issuer, audience, expiry and
//! nonce, and here is what it leaves open.

use super::claims;
use super::discovery::Known;
use super::jws::{ALGORITHMS, Doubt, Jws, malformed};
use crate::domain::clock::Timestamp;
use crate::domain::sso::{AssertionFault, ProviderError};
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier};
use openidconnect::{
    ClaimsVerificationError, ClientId, Nonce, SignatureVerificationError as SignatureError,
};
use serde_json::{Map, Value};
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

/// What an ID token has to fit.
pub(super) struct Expected<'a> {
    /// Whom it has to be for.
    pub client_id: &'a str,
    /// The question it has to answer.
    pub nonce: &'a str,
    /// Since when somebody has to have proved who they are; none where a remembered sign-in will do.
    pub proved_since: Option<Timestamp>,
    /// The moment it is judged.
    pub now: Timestamp,
    /// How far clocks may differ.
    pub skew: Duration,
}

/// What it says, once it is believed.
pub(super) fn judge(
    token: &str,
    known: &Known,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, Doubt> {
    let jws = Jws::read(token)?;
    // A moment as far back as clocks may differ: what expired since then is taken as good.
    let earliest = expected.now.millis().saturating_sub(millis(expected.skew));
    let earliest = UNIX_EPOCH + Duration::from_millis(earliest);
    let verifier = CoreIdTokenVerifier::new_public_client(
        ClientId::new(expected.client_id.to_owned()),
        known.metadata.issuer().clone(),
        known.keys.clone(),
    )
    .set_allowed_algs(ALGORITHMS)
    // Others may be named beside us: `azp` says below who it was made for.
    .set_other_audience_verifier_fn(|_| true)
    .set_time_fn(move || earliest.into());
    let nonce = Nonce::new(expected.nonce.to_owned());
    CoreIdToken::from_str(token)
        // The parser's words may quote claims, which are nobody's business in a log.
        .map_err(|_| malformed("the ID token has claims of an unexpected type, or lacks some"))?
        .claims(&verifier, &nonce)
        .map_err(|error| doubt(error, &jws.key_name()))?;
    check_party(&jws.claims, expected.client_id)?;
    check_times(&jws.claims, expected)?;
    if claims::word(&jws.claims, "sub").is_none() {
        return Err(refused(AssertionFault::NoSubject, "an empty sub"));
    }
    Ok(jws.claims)
}

fn doubt(error: ClaimsVerificationError, kid: &str) -> Doubt {
    let fault = match &error {
        ClaimsVerificationError::Expired(_) => AssertionFault::Expired,
        ClaimsVerificationError::InvalidAudience(_) => AssertionFault::WrongAudience,
        ClaimsVerificationError::InvalidIssuer(_) => AssertionFault::WrongIssuer,
        ClaimsVerificationError::InvalidNonce(_) => AssertionFault::UnknownRequest,
        ClaimsVerificationError::InvalidSubject(_) => AssertionFault::NoSubject,
        ClaimsVerificationError::SignatureVerification(error) => match error {
            SignatureError::NoSignature => AssertionFault::Unsigned,
            SignatureError::DisallowedAlg(_) | SignatureError::UnsupportedAlg(_) => {
                AssertionFault::WeakAlgorithm
            }
            // A new key may have the name of an old one, or none.
            other => {
                let detail = claims::shown(&format!("{other} (kid {kid:?})"));
                let fault = AssertionFault::BadSignature;
                return Doubt::OldKeys(ProviderError::refused(fault, detail));
            }
        },
        _ => AssertionFault::Malformed,
    };
    refused(fault, error)
}

/// Made for somebody else, though it names us too (3.1.3.7, 4 and 5).
fn check_party(claims: &Map<String, Value>, client_id: &str) -> Result<(), Doubt> {
    let party = claims
        .get("azp")
        .map(|azp| azp.as_str().unwrap_or_default());
    let is_ours = match party {
        Some(party) => party == client_id,
        None => claims::audience(claims).len() == 1,
    };
    if is_ours {
        return Ok(());
    }
    Err(refused(
        AssertionFault::WrongAudience,
        format!(
            "azp {:?} with several audiences or another client's",
            party.unwrap_or("none")
        ),
    ))
}

fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Doubt> {
    let latest = expected.now.plus(expected.skew);
    for name in ["iat", "nbf"] {
        if let Some(at) = claims::moment(claims, name).filter(|at| *at > latest) {
            let ahead = at.since(expected.now).as_secs();
            return Err(refused(
                AssertionFault::TooEarly,
                format!("{name} lies {ahead} s ahead"),
            ));
        }
    }
    let Some(since) = expected.proved_since else {
        return Ok(());
    };
    let proved = claims::moment(claims, "auth_time");
    if proved.is_some_and(|at| at.plus(expected.skew) >= since) {
        return Ok(());
    }
    Err(refused(
        AssertionFault::Expired,
        "a fresh sign-in was asked for, and auth_time is missing or older than that",
    ))
}

fn refused(fault: AssertionFault, detail: impl std::fmt::Display) -> Doubt {
    let detail = claims::shown(&detail.to_string());
    Doubt::Refused(ProviderError::refused(fault, detail))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
