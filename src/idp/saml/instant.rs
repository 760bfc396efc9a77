//! Moments as SAML writes them: `xs:dateTime` in UTC.

use crate::domain::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Reads one. A moment without its zone is refused: whose time it is would be a guess.
pub(super) fn read(text: &str) -> Result<Timestamp, String> {
    let moment = OffsetDateTime::parse(text.trim(), &Rfc3339)
        .map_err(|_| format!("{text:?} is not a moment in UTC"))?;
    let millis = moment.unix_timestamp_nanos() / 1_000_000;
    // Before 1970 is as long ago as anything.
    Ok(Timestamp::from_millis(
        u64::try_from(millis.max(0)).unwrap_or(u64::MAX),
    ))
}

/// Writes one, to the second.
pub(super) fn write(at: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    i64::try_from(at.seconds())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(&format).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        let at = read("2026-11-22T12:00:01.5Z").unwrap();
        assert_eq!(at.millis() % 1_000, 500);
        assert_eq!(write(at), "2026-11-22T12:00:01Z");
        assert_eq!(read("2026-11-22T13:00:01.5+01:00").unwrap(), at);
        for odd in ["", "2026-11-22", "2026-11-22T12:00:01", "soon"] {
            assert!(read(odd).is_err(), "{odd:?}");
        }
    }
}
