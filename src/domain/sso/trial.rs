//! What a provider might say, for an administrator to see whom it would sign in: nothing vouches for it.

use crate::domain::clock::Timestamp;
use crate::domain::sso::{Assertion, NameForm};
use serde_json::Value;
use std::collections::BTreeMap;

impl Assertion {
    /// Claims or attributes as a JSON object, each a text or a list of texts; `sub` or `NameID` names the subject.
    /// Errors say what was expected.
    pub fn claimed(text: &str) -> Result<Self, &'static str> {
        let claims: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|_| "expected a JSON object")?;
        let one = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let attributes: BTreeMap<String, Vec<String>> = claims
            .iter()
            .map(|(name, value)| {
                let values = match value {
                    Value::Array(values) => values.iter().map(one).collect(),
                    other => vec![one(other)],
                };
                (name.clone(), values)
            })
            .collect();
        let subject = ["sub", "NameID"]
            .into_iter()
            .find_map(|name| attributes.get(name)?.first().cloned());
        Ok(Self {
            id: String::new(),
            good_until: Timestamp::from_millis(0),
            subject: subject.ok_or("expected `sub` or `NameID`")?,
            form: NameForm::default(),
            session_index: None,
            attributes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_texts_or_lists_of_texts_about_a_subject() {
        let said = Assertion::claimed(r#"{"NameID": "u1", "groups": ["a", "b"], "n": 7}"#).unwrap();
        assert_eq!(said.subject, "u1");
        assert_eq!(said.attributes["groups"], ["a", "b"]);
        assert_eq!(said.attributes["n"], ["7"]);
        for bad in ["", "[]", "\"x\"", "{", "{}", r#"{"sub": []}"#] {
            assert!(Assertion::claimed(bad).is_err(), "{bad}");
        }
    }
}
