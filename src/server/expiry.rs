//! When a certificate is over, and what is said of it.

use crate::domain::clock::Timestamp;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// A certificate that is over sooner deserves a word: most are renewed a month before.
pub const SOON: Duration = Duration::from_hours(21 * 24);

/// When a certificate in DER is over. What has no such moment to read has none.
pub fn expiry_of(certificate: &[u8]) -> Option<Timestamp> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate.validity.not_after;
    let millis = end.to_unix_duration().as_millis();
    Some(Timestamp::from_millis(u64::try_from(millis).ok()?))
}

/// What there is to say of a certificate that is over at `expiry`: an error if it is, or is about to be.
pub fn judge(expiry: Option<Timestamp>, now: Timestamp) -> Result<String, String> {
    let Some(expiry) = expiry else {
        return Ok("is good for a time unknown".to_owned());
    };
    let on = date(expiry);
    if now >= expiry {
        return Err(format!("expired on {on}: clients refuse it"));
    }
    let left = expiry.since(now);
    let days = left.as_secs() / 86_400;
    if left <= SOON {
        return Err(format!("expires on {on}, in {days} days"));
    }
    Ok(format!("is good until {on}, {days} days more"))
}

fn date(at: Timestamp) -> String {
    let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok();
    at.and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_else(|| "a day far away".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_good_about_to_expire_or_expired() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let end = expiry_of(made.cert.der()).unwrap();
        let before = |days: u64| Timestamp::from_millis(end.millis() - days * 86_400_000);
        assert!(judge(Some(end), before(22)).unwrap().contains("22 days"));
        let soon = judge(Some(end), before(21)).unwrap_err();
        assert!(soon.starts_with("expires on "), "{soon}");
        let over = judge(Some(end), end).unwrap_err();
        assert!(over.starts_with("expired on "), "{over}");
        assert_eq!(expiry_of(b"no certificate"), None);
        assert!(judge(None, end).is_ok());
    }
}
