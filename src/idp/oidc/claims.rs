//! Claims as the rest of the server sees them: names with values as text.

use crate::domain::clock::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a token says about itself, not about somebody.
const OF_THE_TOKEN: [&str; 11] = [
    "iss", "aud", "exp", "iat", "nbf", "azp", "jti", "nonce", "at_hash", "c_hash", "s_hash",
];

/// How much of what others wrote goes to the log.
const MAX_SHOWN: usize = 200;

/// The claims about somebody: an array is several values, an object its JSON text, `null` nothing.
pub(super) fn attributes(claims: &Map<String, Value>) -> BTreeMap<String, Vec<String>> {
    let about = claims
        .iter()
        .filter(|(name, value)| !OF_THE_TOKEN.contains(&name.as_str()) && !value.is_null());
    about
        .map(|(name, value)| {
            let values = match value {
                // An empty array is kept: "no groups" is an answer.
                Value::Array(items) => items.iter().filter_map(text).collect(),
                one => text(one).into_iter().collect(),
            };
            (name.clone(), values)
        })
        .collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// What others wrote, fit for a log: without control characters, and short.
pub(super) fn shown(words: &str) -> String {
    let printable = words.chars().filter(|c| !c.is_control());
    let short: String = printable.take(MAX_SHOWN).collect();
    short.trim().to_owned()
}

/// A claim that is text, and not empty.
pub(super) fn word<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A claim that is a moment: seconds since the Unix epoch, of which some providers write fractions.
pub(super) fn moment(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    let value = claims.get(name)?;
    if let Some(seconds) = value.as_u64() {
        return Some(Timestamp::from_millis(seconds.saturating_mul(1000)));
    }
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    // Fractions are cut off as text, because a cast of a float may lose its sign or its size.
    let whole = format!("{:.0}", seconds.floor())
        .parse()
        .unwrap_or(u64::MAX);
    Some(Timestamp::from_millis(u64::saturating_mul(whole, 1000)))
}

/// Whom a token is for.
pub(super) fn audience(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_of_every_shape_become_texts() {
        let claims = json!({
            "sub": "1", "groups": ["a", 2, null, {"b": 1}], "none": [], "admin": true, "n": 1.5,
            "address": {"city": "Ulm"}, "gone": null, "iss": "x", "nonce": "n",
        });
        let found = attributes(claims.as_object().unwrap());
        let expected = [
            ("address", vec![r#"{"city":"Ulm"}"#]),
            ("admin", vec!["true"]),
            ("groups", vec!["a", "2", r#"{"b":1}"#]),
            ("n", vec!["1.5"]),
            ("none", vec![]),
            ("sub", vec!["1"]),
        ];
        let found: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn moments_are_seconds_with_or_without_fractions_and_never_wrap() {
        let claims = json!({"a": 7, "b": 7.9, "c": -1, "d": "7", "e": u64::MAX, "f": 1e300});
        let claims = claims.as_object().unwrap();
        let at = |name| moment(claims, name).map(Timestamp::millis);
        assert_eq!([at("a"), at("b")], [Some(7000); 2]);
        assert_eq!([at("c"), at("d"), at("g")], [None; 3]);
        assert_eq!([at("e"), at("f")], [Some(u64::MAX); 2]);
    }
}
