//! Attribute-based access control in v2.0's words: what tokens bring, and how a user's own are shown.

use crate::domain::failure::Failure;
use crate::domain::token::{Attributes, Filter, MetadataRef, NamedValues, Sort};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A filter rule of `auth/token/custom`, or a runtime filter of `user_parameters`.
///
/// Here and below a name that is not known is refused: a rule that is lost shows rows it was to hide. `persist` and
/// `objects` are the vendor's in `user_parameters`; nothing of those persists, and rules hold for every object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterRule {
    column_name: String,
    /// `EQ`, `NE`, `IN`, …
    operator: String,
    #[serde(deserialize_with = "crate::api::json::texts")]
    #[schema(value_type = Vec<String>)]
    values: Option<Vec<String>>,
    #[serde(default, rename = "persist")]
    #[schema(value_type = Option<bool>)]
    _persist: IgnoredAny,
    #[serde(default, rename = "objects")]
    #[schema(value_type = Option<Vec<ObjectRule>>)]
    _objects: IgnoredAny,
}

/// A runtime sort of `user_parameters`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SortRule {
    column_name: String,
    /// `ASC` (the default) or `DESC`.
    #[schema(pattern = "^(ASC|DESC)$")]
    order: Option<String>,
    #[serde(default, rename = "persist")]
    #[schema(value_type = Option<bool>)]
    _persist: IgnoredAny,
    #[serde(default, rename = "objects")]
    #[schema(value_type = Option<Vec<ObjectRule>>)]
    _objects: IgnoredAny,
}

/// A parameter or variable and its values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedRule {
    name: String,
    #[serde(deserialize_with = "crate::api::json::texts")]
    #[schema(value_type = Vec<String>)]
    values: Option<Vec<String>>,
    #[serde(default, rename = "persist")]
    #[schema(value_type = Option<bool>)]
    _persist: IgnoredAny,
    #[serde(default, rename = "objects")]
    #[schema(value_type = Option<Vec<ObjectRule>>)]
    _objects: IgnoredAny,
}

/// An object that the rules are limited to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectRule {
    /// `LOGICAL_TABLE` without it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// A GUID.
    identifier: String,
}

/// `user_parameters` of full and object tokens (deprecated by the vendor, still sent).
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserParameters {
    objects: Option<Vec<ObjectRule>>,
    runtime_filters: Option<Vec<FilterRule>>,
    runtime_sorts: Option<Vec<SortRule>>,
    parameters: Option<Vec<NamedRule>>,
}

impl UserParameters {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.objects.as_ref().is_none_or(Vec::is_empty)
            && self.runtime_filters.as_ref().is_none_or(Vec::is_empty)
            && self.runtime_sorts.as_ref().is_none_or(Vec::is_empty)
            && self.parameters.as_ref().is_none_or(Vec::is_empty)
    }

    /// As the domain keeps them.
    pub fn into_attributes(self) -> Result<Attributes, Failure> {
        Ok(Attributes {
            filters: filters(self.runtime_filters.unwrap_or_default()),
            sorts: sorts(self.runtime_sorts.unwrap_or_default())?,
            parameters: named(self.parameters.unwrap_or_default()),
            variables: Vec::new(),
            objects: objects("user_parameters.objects", self.objects.unwrap_or_default())?,
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
                _ => {
                    return Err(Failure::bad(
                        "user_parameters.runtime_sorts",
                        "an order of ASC or DESC",
                    ));
                }
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

/// Parameters or variables and their values, as they are shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedView {
    name: String,
    values: Vec<String>,
}

/// A filter as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilterView {
    column_name: String,
    operator: String,
    values: Vec<String>,
}

/// An order as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct SortView {
    column_name: String,
    /// `ASC` or `DESC`.
    order: &'static str,
}

/// An object as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectView {
    #[serde(rename = "type")]
    kind: String,
    identifier: Uuid,
}

/// Attributes as `user_parameters`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParametersView {
    objects: Vec<ObjectView>,
    runtime_filters: Vec<FilterView>,
    runtime_sorts: Vec<SortView>,
    parameters: Vec<NamedView>,
}

/// Attributes as `access_control_properties`.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesView {
    filter_rules: Vec<FilterView>,
    parameter_values: Vec<NamedView>,
    objects: Vec<ObjectView>,
}

fn show_objects(attributes: &Attributes) -> Vec<ObjectView> {
    let objects = attributes.objects.iter().cloned();
    objects
        .map(|object| ObjectView {
            kind: object.kind,
            identifier: object.id,
        })
        .collect()
}

fn show_filters(attributes: &Attributes) -> Vec<FilterView> {
    let filters = attributes.filters.iter().cloned();
    filters
        .map(|filter| FilterView {
            column_name: filter.column,
            operator: filter.operator,
            values: filter.values,
        })
        .collect()
}

fn show_named(list: &[NamedValues]) -> Vec<NamedView> {
    let list = list.iter().cloned();
    list.map(|named| NamedView {
        name: named.name,
        values: named.values,
    })
    .collect()
}

/// As `user_parameters`; none when there are none.
pub fn show_parameters(attributes: &Attributes) -> Option<ParametersView> {
    if attributes.is_empty() {
        return None;
    }
    let sorts = attributes.sorts.iter().map(|sort| SortView {
        column_name: sort.column.clone(),
        order: if sort.is_ascending { "ASC" } else { "DESC" },
    });
    Some(ParametersView {
        objects: show_objects(attributes),
        runtime_filters: show_filters(attributes),
        runtime_sorts: sorts.collect(),
        parameters: show_named(&attributes.parameters),
    })
}

/// As `access_control_properties`; none when there are none.
pub fn show_rules(attributes: &Attributes) -> Option<RulesView> {
    (!attributes.is_empty()).then(|| RulesView {
        filter_rules: show_filters(attributes),
        parameter_values: show_named(&attributes.parameters),
        objects: show_objects(attributes),
    })
}

/// As `variable_values`.
pub fn show_variables(attributes: &Attributes) -> Vec<NamedView> {
    show_named(&attributes.variables)
}
