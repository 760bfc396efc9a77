//! Names in a request for a token that were meant as access rules and are none: such a token would be without rules.

use crate::api::json::parse;
use crate::domain::failure::Failure;
use crate::settings::distance;
use serde_json::Value;
use std::collections::BTreeMap;

/// Names that carry rules, and where the call has no such name, what to write instead.
const RULES: [(&str, Option<&str>); 9] = [
    ("filter_rules", None),
    ("parameter_values", None),
    ("variable_values", None),
    ("objects", None),
    ("persist_option", None),
    ("user_parameters", None),
    ("runtime_filters", Some("user_parameters")),
    ("runtime_sorts", Some("user_parameters")),
    ("parameters", Some("user_parameters")),
];

/// The longest name that is compared; no slip of the pen makes one of ours longer.
const MAX_COMPARED_BYTES: usize = 40;

/// Refuses what looks like the name of a rule. Other names that nobody knows are ignored, as everywhere.
pub fn refuse_strange_rules(body: &[u8]) -> Result<(), Failure> {
    let names: BTreeMap<String, Value> = parse(body)?;
    for name in names.keys().filter(|name| name.len() <= MAX_COMPARED_BYTES) {
        let Some((meant, place)) = meant(name) else {
            continue;
        };
        match place {
            Some(place) => {
                let expected = format!("to stand in {place}, where it is read");
                return Err(Failure::bad(name, expected));
            }
            None if name == meant => {}
            None => return Err(Failure::bad(name, format!("to be spelt {meant}"))),
        }
    }
    Ok(())
}

/// The rule that a name stands for: other case, other marks between its words, another number, or a letter or two
/// amiss.
fn meant(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    let letters = letters(name);
    RULES.into_iter().find(|(rule, _)| {
        let rule = self::letters(rule);
        distance(&letters, &rule) <= rule.len() / 5
    })
}

fn letters(name: &str) -> String {
    let plain = name.chars().filter(|c| c.is_alphanumeric());
    plain.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_the_name_of_a_rule_is_refused_and_other_names_are_not() {
        for (name, expected) in [
            ("filter_rule", "filter_rules"),
            ("filterRules", "filter_rules"),
            ("FILTER-RULES", "filter_rules"),
            ("fliter_rules", "filter_rules"),
            ("parameter_value", "parameter_values"),
            ("variable_value", "variable_values"),
            ("variables_values", "variable_values"),
            ("object", "objects"),
            ("user_parameter", "user_parameters"),
            ("userParameters", "user_parameters"),
            ("persistOption", "persist_option"),
            ("runtime_filters", "user_parameters"),
            ("runtime_filter", "user_parameters"),
            ("parameters", "user_parameters"),
        ] {
            let body = format!(r#"{{"username":"bob","{name}":[]}}"#);
            let Err(Failure::BadRequest {
                field,
                expected: told,
            }) = refuse_strange_rules(body.as_bytes())
            else {
                panic!("{name} passed");
            };
            assert_eq!(field, name);
            assert!(told.contains(expected), "{name}: {told}");
        }
        // All that the calls read, and what public clients send besides.
        for name in [
            "username",
            "password",
            "secret_key",
            "validity_time_in_sec",
            "org_id",
            "org_identifier",
            "email",
            "display_name",
            "auto_create",
            "group_identifiers",
            "groups",
            "object_id",
            "metadata_id",
            "user_parameters",
            "persist_option",
            "filter_rules",
            "parameter_values",
            "variable_values",
            "objects",
            "roles",
            "",
        ] {
            let body = format!(r#"{{"{name}":null}}"#);
            assert_eq!(refuse_strange_rules(body.as_bytes()), Ok(()), "{name}");
        }
        assert_eq!(refuse_strange_rules(b""), Ok(()));
    }
}
