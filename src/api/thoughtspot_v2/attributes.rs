//! Attribute-based access control in v2.0's words: what tokens bring, and how a user's own are shown.

use crate::domain::failure::Failure;
use crate::domain::token::{Attributes, Filter, MetadataRef, NamedValues, Sort};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// A filter rule of `auth/token/custom`, or a runtime filter of `user_parameters`.
#[derive(Debug, Deserialize)]
pub struct FilterRule {
    column_name: String,
    operator: String,
    #[serde(deserialize_with = "crate::api::json::texts")]
    values: Option<Vec<String>>,
}

/// A runtime sort of `user_parameters`.
#[derive(Debug, Deserialize)]
pub struct SortRule {
    column_name: String,
    order: Option<String>,
}

/// A parameter or variable and its values.
#[derive(Debug, Deserialize)]
pub struct NamedRule {
    name: String,
    #[serde(deserialize_with = "crate::api::json::texts")]
    values: Option<Vec<String>>,
}

/// An object that the rules are limited to.
#[derive(Debug, Deserialize)]
pub struct ObjectRule {
    #[serde(rename = "type")]
    kind: Option<String>,
    identifier: String,
}

/// `user_parameters` of full and object tokens (deprecated by the vendor, still sent).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct UserParameters {
    objects: Vec<ObjectRule>,
    runtime_filters: Vec<FilterRule>,
    runtime_sorts: Vec<SortRule>,
    parameters: Vec<NamedRule>,
}

impl UserParameters {
    /// As the domain keeps them.
    pub fn into_attributes(self) -> Result<Attributes, Failure> {
        Ok(Attributes {
            filters: filters(self.runtime_filters),
            sorts: sorts(self.runtime_sorts)?,
            parameters: named(self.parameters),
            variables: Vec::new(),
            objects: objects("user_parameters", self.objects)?,
        })
    }
}

/// Filter rules as the domain keeps them.
pub fn filters(rules: Vec<FilterRule>) -> Vec<Filter> {
    rules
        .into_iter()
        .map(|rule| Filter {
            column: rule.column_name,
            operator: rule.operator,
            values: rule.values.unwrap_or_default(),
        })
        .collect()
}

fn sorts(rules: Vec<SortRule>) -> Result<Vec<Sort>, Failure> {
    rules
        .into_iter()
        .map(|rule| {
            let is_ascending = match rule.order.as_deref().unwrap_or("ASC") {
                "ASC" => true,
                "DESC" => false,
                _ => return Err(Failure::bad("runtime_sorts", "an order of ASC or DESC")),
            };
            Ok(Sort {
                column: rule.column_name,
                is_ascending,
            })
        })
        .collect()
}

/// Parameters or variables as the domain keeps them.
pub fn named(rules: Vec<NamedRule>) -> Vec<NamedValues> {
    rules
        .into_iter()
        .map(|rule| NamedValues {
            name: rule.name,
            values: rule.values.unwrap_or_default(),
        })
        .collect()
}

/// Objects as the domain keeps them.
pub fn objects(field: &'static str, rules: Vec<ObjectRule>) -> Result<Vec<MetadataRef>, Failure> {
    rules
        .into_iter()
        .map(|rule| {
            Ok(MetadataRef {
                kind: rule.kind.unwrap_or_else(|| "LOGICAL_TABLE".to_owned()),
                id: Uuid::parse_str(&rule.identifier)
                    .map_err(|_| Failure::bad(field, "objects with a GUID as identifier"))?,
            })
        })
        .collect()
}

fn show_objects(attributes: &Attributes) -> Vec<Value> {
    attributes
        .objects
        .iter()
        .map(|object| json!({ "type": object.kind, "identifier": object.id }))
        .collect()
}

fn show_filters(attributes: &Attributes) -> Vec<Value> {
    attributes
        .filters
        .iter()
        .map(|filter| {
            json!({
                "column_name": filter.column,
                "operator": filter.operator,
                "values": filter.values,
            })
        })
        .collect()
}

fn show_named(list: &[NamedValues]) -> Vec<Value> {
    list.iter()
        .map(|named| json!({ "name": named.name, "values": named.values }))
        .collect()
}

/// As `user_parameters`; null when there are none.
pub fn show_parameters(attributes: &Attributes) -> Value {
    if attributes.is_empty() {
        return Value::Null;
    }
    let sorts: Vec<Value> = attributes
        .sorts
        .iter()
        .map(|sort| {
            let order = if sort.is_ascending { "ASC" } else { "DESC" };
            json!({ "column_name": sort.column, "order": order })
        })
        .collect();
    json!({
        "objects": show_objects(attributes),
        "runtime_filters": show_filters(attributes),
        "runtime_sorts": sorts,
        "parameters": show_named(&attributes.parameters),
    })
}

/// As `access_control_properties`; null when there are none.
pub fn show_rules(attributes: &Attributes) -> Value {
    if attributes.is_empty() {
        return Value::Null;
    }
    json!({
        "filter_rules": show_filters(attributes),
        "parameter_values": show_named(&attributes.parameters),
        "objects": show_objects(attributes),
    })
}

/// As `variable_values`.
pub fn show_variables(attributes: &Attributes) -> Value {
    Value::from(show_named(&attributes.variables))
}
