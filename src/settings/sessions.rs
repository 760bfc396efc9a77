//! The settings of sessions: where they are kept, and how long they live.

use crate::settings::reader::Reader;
use crate::settings::store_url::{self, RedisAddress};
use crate::settings::{AtLimitSetting, SessionStoreSetting, Sessions};
use secrecy::SecretString;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest prefix of keys in Redis; every key repeats it.
const MAX_KEY_PREFIX_BYTES: usize = 64;
/// The highest limit of sessions per user: each login looks at as many.
const MOST_SESSIONS: usize = 1_000;
/// How long Redis may be waited for: from what a healthy one needs to what a browser still bears.
const ANSWER_WITHIN: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(10);
/// What the embedded store may hold: from enough to work with to what no machine has the memory for.
const EMBEDDED_MAX: RangeInclusive<usize> = 100..=100_000_000;
/// What credentials are made of, so that none needs quoting.
const VISIBLE: &str = "visible ASCII characters";
/// The most replicas to wait for; more than anybody runs.
const MOST_REPLICAS: usize = 16;

pub(in crate::settings) fn sessions(reader: &mut Reader) -> Sessions {
    let store = reader
        .parsed("sessions.store", store_url::EXPECTED, parse_store)
        .unwrap_or(Store::Embedded);
    let key_prefix = reader.parsed(
        "sessions.key_prefix",
        "1 to 64 visible ASCII characters without braces or quotes",
        |text| is_key_prefix(text).then(|| text.to_owned()),
    );
    let tls_ca_file = reader.file("sessions.tls_ca_file");
    // Whoever names certificates expects encryption; silence would let passwords travel in the clear.
    if tls_ca_file.is_some() && matches!(store, Store::Plain(_)) {
        reader.refuse_together(
            &["sessions.tls_ca_file", "sessions.store"],
            "certificates are of no use to redis://: expected rediss://, or no tls_ca_file",
        );
    }
    let idle = reader.lifetime("sessions.idle_timeout");
    let absolute = reader.lifetime("sessions.absolute_timeout");
    if let (Some(idle), Some(absolute)) = (idle, absolute)
        && idle > absolute
    {
        reader.refuse_together(
            &["sessions.idle_timeout", "sessions.absolute_timeout"],
            "expected the idle timeout to be at most the absolute one",
        );
    }
    let answer_within = reader.duration("sessions.answer_within");
    if answer_within.is_some_and(|time| !ANSWER_WITHIN.contains(&time)) {
        reader.refuse("sessions.answer_within", "50ms to 10s");
    }
    Sessions {
        store: match store {
            Store::Embedded => SessionStoreSetting::Embedded,
            Store::Plain(url) | Store::Encrypted(url) => SessionStoreSetting::Redis(url),
        },
        key_prefix: key_prefix.unwrap_or_default(),
        tls_ca_file,
        wait_replicas: reader.number("sessions.wait_replicas", 0..=MOST_REPLICAS),
        answer_within: answer_within.unwrap_or_default(),
        cache: reader.flag("sessions.cache"),
        sentinel_user: reader.optional("sessions.sentinel_user", VISIBLE, |text| {
            is_visible(text).then(|| text.to_owned())
        }),
        sentinel_password: reader.secret("sessions.sentinel_password", VISIBLE, is_visible),
        idle_timeout: idle.unwrap_or_default(),
        absolute_timeout: absolute.unwrap_or_default(),
        remember_for: reader.lifetime("sessions.remember_for").unwrap_or_default(),
        max_per_user: reader.number("sessions.max_per_user", 0..=MOST_SESSIONS),
        at_limit: reader.word(
            "sessions.at_limit",
            "evict or refuse",
            &[
                ("evict", AtLimitSetting::Evict),
                ("refuse", AtLimitSetting::Refuse),
            ],
            AtLimitSetting::Evict,
        ),
        embedded_max: reader.number("sessions.embedded_max", EMBEDDED_MAX),
    }
}

/// Braces would move every key into one Cluster slot; blanks and quotes make keys that tools cannot be given.
fn is_key_prefix(text: &str) -> bool {
    (1..=MAX_KEY_PREFIX_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"{}\"'`".contains(&byte))
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

enum Store {
    Embedded,
    Plain(SecretString),
    Encrypted(SecretString),
}

fn parse_store(text: &str) -> Option<Store> {
    if text == "embedded" {
        return Some(Store::Embedded);
    }
    let address = RedisAddress::parse(text)?;
    Some(if address.is_encrypted {
        Store::Encrypted(text.into())
    } else {
        Store::Plain(text.into())
    })
}

#[cfg(test)]
mod tests {
    use crate::settings::{Loaded, Sources};

    #[test]
    fn a_time_that_is_none_is_told_once() {
        for (text, expected) in [("xyz", "such as"), ("1ms", "50ms to 10s")] {
            let sources = Sources {
                flags: vec![("sessions.answer_within".to_owned(), text.to_owned())],
                ..Sources::default()
            };
            let refused = Loaded::load(&sources).unwrap_err();
            let problems = refused.problems();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains(expected), "{problems:?}");
        }
    }
}
