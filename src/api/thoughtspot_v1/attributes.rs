//! `jwt_user_options`: runtime filters, sorts and parameters as numbered keys in JSON objects.

use crate::domain::failure::Failure;
use crate::domain::token::{Attributes, Filter, MetadataRef, NamedValues, Sort};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const FIELD: &str = "jwt_user_options";

/// Reads the parameter's JSON; absent is no attributes.
pub fn read(text: Option<String>) -> Result<Attributes, Failure> {
    let Some(text) = text else {
        return Ok(Attributes::default());
    };
    let bad = |expected: &str| Failure::bad(FIELD, expected);
    let value: Value = serde_json::from_str(&text).map_err(|_| bad("a JSON object"))?;
    let object = value.as_object().ok_or_else(|| bad("a JSON object"))?;
    let mut attributes = Attributes::default();
    for (name, value) in object {
        let list = value
            .as_array()
            .ok_or_else(|| bad("arrays under \"parameters\" and \"metadata\""))?;
        match name.as_str() {
            "parameters" => {
                for entry in list {
                    read_parameter(entry, &mut attributes)?;
                }
            }
            "metadata" => {
                for entry in list {
                    attributes.objects.push(read_object(entry)?);
                }
            }
            _ => return Err(bad("only the keys \"parameters\" and \"metadata\"")),
        }
    }
    attributes
        .validate()
        .map_err(|error| Failure::bad(FIELD, error.to_string()))?;
    Ok(attributes)
}

fn read_parameter(entry: &Value, into: &mut Attributes) -> Result<(), Failure> {
    let bad = || {
        Failure::bad(
            FIELD,
            "parameters of kind runtime_filter, runtime_sort or runtime_param_override",
        )
    };
    for (kind, value) in entry.as_object().ok_or_else(bad)? {
        let keys = value.as_object().ok_or_else(bad)?;
        match kind.as_str() {
            "runtime_filter" => read_filters(keys, into)?,
            "runtime_sort" => read_sorts(keys, into)?,
            "runtime_param_override" => read_overrides(keys, into)?,
            _ => return Err(bad()),
        }
    }
    Ok(())
}

/// `row1`/`op1`/`val1`, `row2`/…; some pages of the vendor write `col` for `row`.
fn read_filters(keys: &Map<String, Value>, into: &mut Attributes) -> Result<(), Failure> {
    for number in numbers(keys, &["row", "col", "op", "val"])? {
        let column = text(keys, "row", number).or_else(|| text(keys, "col", number));
        let (Some(column), Some(operator)) = (column, text(keys, "op", number)) else {
            return Err(missing(&format!("row{number} and op{number}")));
        };
        let values = values(keys.get(&format!("val{number}")))
            .ok_or_else(|| missing(&format!("val{number}")))?;
        into.filters.push(Filter {
            column,
            operator,
            values,
        });
    }
    Ok(())
}

fn read_sorts(keys: &Map<String, Value>, into: &mut Attributes) -> Result<(), Failure> {
    for number in numbers(keys, &["sortCol", "asc"])? {
        let column =
            text(keys, "sortCol", number).ok_or_else(|| missing(&format!("sortCol{number}")))?;
        let is_ascending = match keys.get(&format!("asc{number}")) {
            None | Some(Value::Bool(true)) => true,
            Some(Value::Bool(false)) => false,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(missing(&format!("true or false as asc{number}"))),
        };
        into.sorts.push(Sort {
            column,
            is_ascending,
        });
    }
    Ok(())
}

fn read_overrides(keys: &Map<String, Value>, into: &mut Attributes) -> Result<(), Failure> {
    for number in numbers(keys, &["param", "paramVal"])? {
        let name = text(keys, "param", number).ok_or_else(|| missing(&format!("param{number}")))?;
        let values = values(keys.get(&format!("paramVal{number}")))
            .ok_or_else(|| missing(&format!("paramVal{number}")))?;
        into.parameters.push(NamedValues { name, values });
    }
    Ok(())
}

fn read_object(entry: &Value) -> Result<MetadataRef, Failure> {
    let kind = entry.get("type").and_then(Value::as_str);
    let id = entry
        .get("identifier")
        .and_then(Value::as_str)
        .and_then(|id| Uuid::parse_str(id).ok());
    match (kind, id) {
        (Some(kind), Some(id)) => Ok(MetadataRef {
            kind: kind.to_owned(),
            id,
        }),
        _ => Err(missing(
            "metadata entries with a type and a GUID as identifier",
        )),
    }
}

fn missing(what: &str) -> Failure {
    Failure::bad(FIELD, what)
}

/// The numbers in use, ascending; a key that is none of the kind's is refused rather than lost.
fn numbers(keys: &Map<String, Value>, stems: &[&str]) -> Result<Vec<u32>, Failure> {
    let mut found: Vec<u32> = Vec::new();
    for key in keys.keys() {
        let number = stems
            .iter()
            .filter_map(|stem| key.strip_prefix(stem))
            .find_map(|rest| rest.parse().ok())
            .ok_or_else(|| {
                missing(&format!(
                    "only numbered keys such as {}",
                    stems.map_join(", ")
                ))
            })?;
        found.push(number);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

trait MapJoin {
    fn map_join(&self, separator: &str) -> String;
}

impl MapJoin for &[&str] {
    fn map_join(&self, separator: &str) -> String {
        self.iter()
            .map(|stem| format!("{stem}1"))
            .collect::<Vec<_>>()
            .join(separator)
    }
}

fn text(keys: &Map<String, Value>, stem: &str, number: u32) -> Option<String> {
    keys.get(&format!("{stem}{number}"))?
        .as_str()
        .map(str::to_owned)
}

/// One value or a list of them, each as text.
fn values(value: Option<&Value>) -> Option<Vec<String>> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match value? {
        Value::Array(list) => list.iter().map(scalar).collect(),
        one => scalar(one).map(|text| vec![text]),
    }
}

/// The attributes in the shape they came in; null when there are none.
pub fn write(attributes: &Attributes) -> Value {
    if attributes.is_empty() {
        return Value::Null;
    }
    let mut filter = Map::new();
    for (at, entry) in attributes.filters.iter().enumerate() {
        let number = at + 1;
        filter.insert(format!("row{number}"), json!(entry.column));
        filter.insert(format!("op{number}"), json!(entry.operator));
        filter.insert(format!("val{number}"), json!(entry.values));
    }
    let mut sort = Map::new();
    for (at, entry) in attributes.sorts.iter().enumerate() {
        let number = at + 1;
        sort.insert(format!("sortCol{number}"), json!(entry.column));
        sort.insert(format!("asc{number}"), json!(entry.is_ascending));
    }
    let mut overrides = Map::new();
    let named = attributes.parameters.iter().chain(&attributes.variables);
    for (at, entry) in named.enumerate() {
        let number = at + 1;
        overrides.insert(format!("param{number}"), json!(entry.name));
        let value = match entry.values.as_slice() {
            [one] => json!(one),
            many => json!(many),
        };
        overrides.insert(format!("paramVal{number}"), value);
    }
    let parameters: Vec<Value> = [
        ("runtime_filter", filter),
        ("runtime_sort", sort),
        ("runtime_param_override", overrides),
    ]
    .into_iter()
    .filter(|(_, keys)| !keys.is_empty())
    .map(|(kind, keys)| json!({ kind: keys }))
    .collect();
    let metadata: Vec<Value> = attributes
        .objects
        .iter()
        .map(|object| json!({ "type": object.kind, "identifier": object.id }))
        .collect();
    json!({ "parameters": parameters, "metadata": metadata })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = r#"{"parameters":[
        {"runtime_filter":{"row1":"Region","op1":"IN","val1":["West","East"],"row2":"Item","op2":"EQ","val2":"bags"}},
        {"runtime_sort":{"sortCol1":"Sales","asc1":true}},
        {"runtime_param_override":{"param1":"Discount","paramVal1":5}}],
        "metadata":[{"type":"LIVEBOARD","identifier":"d084c256-e284-4fc4-b80c-111cb606449a"}]}"#;

    #[test]
    fn the_documented_example_reads_and_writes_back() {
        let attributes = read(Some(DOCUMENTED.to_owned())).unwrap();
        assert_eq!(attributes.filters.len(), 2);
        assert_eq!(attributes.filters[1].values, ["bags"]);
        assert_eq!(attributes.parameters[0].values, ["5"]);
        let again = read(Some(write(&attributes).to_string())).unwrap();
        assert_eq!(again, attributes);
        assert_eq!(write(&Attributes::default()), Value::Null);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for bad in [
            "x",
            "[]",
            r#"{"parameters":{}}"#,
            r#"{"other":[]}"#,
            r#"{"parameters":[{"runtime_magic":{}}]}"#,
            r#"{"parameters":[{"runtime_filter":{"row1":"a","op1":"NEAR","val1":"b"}}]}"#,
            r#"{"parameters":[{"runtime_filter":{"row1":"a","val1":"b"}}]}"#,
            r#"{"parameters":[{"runtime_filter":{"color":"a"}}]}"#,
            r#"{"metadata":[{"type":"LIVEBOARD","identifier":"nope"}]}"#,
        ] {
            let Err(Failure::BadRequest { field, .. }) = read(Some(bad.to_owned())) else {
                panic!("{bad} passed");
            };
            assert_eq!(field, FIELD);
        }
    }
}
