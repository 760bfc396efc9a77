//! Attributes a token brings for attribute-based access control: kept, validated and shown, never interpreted.

use crate::domain::directory::NameKey;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The most entries of one kind.
pub const MAX_ENTRIES: usize = 200;
/// The most values of one entry.
pub const MAX_VALUES: usize = 1_000;
/// The longest name or value, in bytes.
pub const MAX_TEXT_BYTES: usize = 4_096;

/// The filter operators the vendor documents.
pub const OPERATORS: [&str; 16] = [
    "EQ",
    "NE",
    "LT",
    "LE",
    "GT",
    "GE",
    "IN",
    "BW",
    "CONTAINS",
    "BEGINS_WITH",
    "ENDS_WITH",
    "BW_INC",
    "BW_INC_MIN",
    "BW_INC_MAX",
    "LIKE",
    "NOT_IN",
];

/// All attributes of one token, session or user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Rows the user may see.
    pub filters: Vec<Filter>,
    /// How rows are ordered.
    pub sorts: Vec<Sort>,
    /// Values of named parameters.
    pub parameters: Vec<NamedValues>,
    /// Values of named variables.
    pub variables: Vec<NamedValues>,
    /// The objects all of this is limited to; empty means every object.
    pub objects: Vec<MetadataRef>,
}

/// Rows whose column compares to the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The column's name.
    pub column: String,
    /// One of `OPERATORS`.
    pub operator: String,
    /// What to compare with, as text.
    pub values: Vec<String>,
}

/// An order by one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column's name.
    pub column: String,
    /// Smallest first.
    pub is_ascending: bool,
}

/// A name and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedValues {
    /// The parameter's or variable's name.
    pub name: String,
    /// Its values, as text.
    pub values: Vec<String>,
}

/// An object by kind and GUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRef {
    /// `LIVEBOARD`, `ANSWER`, `LOGICAL_TABLE` …
    pub kind: String,
    /// Its GUID.
    pub id: Uuid,
}

/// Why attributes are refused: which of them, and what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct AttributeError {
    /// `filters`, `sorts`, `parameters`, `variables` or `objects`.
    pub part: &'static str,
    /// What was expected.
    pub expected: Expected,
}

/// What was expected of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// Fewer of one kind.
    #[error("at most {MAX_ENTRIES} entries of one kind and {MAX_VALUES} values each")]
    Fewer,
    /// Names and values that are neither empty nor over-long.
    #[error("names that are not empty, and no text of more than {MAX_TEXT_BYTES} bytes")]
    Text,
    /// One of `OPERATORS`.
    #[error("an operator, one of {}", OPERATORS.join(", "))]
    Operator,
}

impl Attributes {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, then those.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        self.filters.extend_from_slice(&more.filters);
        self.sorts.extend_from_slice(&more.sorts);
        self.parameters.extend_from_slice(&more.parameters);
        self.variables.extend_from_slice(&more.variables);
        self.objects.extend_from_slice(&more.objects);
        self
    }

    /// Whether all of these surely hold as they did when those are added by somebody whom these limit.
    ///
    /// Whoever applies them may have the later of two values for one name count, or either of two filters on one
    /// column; and objects named with the new ones would limit these to them.
    pub fn hold_beside(&self, more: &Self) -> bool {
        let columns = |of: &Self| folded(of.filters.iter().map(|filter| &filter.column));
        let parameters = |of: &Self| folded(of.parameters.iter().map(|named| &named.name));
        let variables = |of: &Self| folded(of.variables.iter().map(|named| &named.name));
        self.is_empty()
            || (more.objects.is_empty()
                && columns(self).is_disjoint(&columns(more))
                && parameters(self).is_disjoint(&parameters(more))
                && variables(self).is_disjoint(&variables(more)))
    }

    /// Holds the limits that keep a stored record small and every operator known.
    pub fn validate(&self) -> Result<(), AttributeError> {
        for (part, count) in [
            ("filters", self.filters.len()),
            ("sorts", self.sorts.len()),
            ("parameters", self.parameters.len()),
            ("variables", self.variables.len()),
            ("objects", self.objects.len()),
        ] {
            if count > MAX_ENTRIES {
                return Err(Expected::Fewer.of(part));
            }
        }
        for filter in &self.filters {
            check_named("filters", &filter.column, &filter.values)?;
            if !OPERATORS.contains(&filter.operator.as_str()) {
                return Err(Expected::Operator.of("filters"));
            }
        }
        for named in &self.parameters {
            check_named("parameters", &named.name, &named.values)?;
        }
        for named in &self.variables {
            check_named("variables", &named.name, &named.values)?;
        }
        for sort in &self.sorts {
            check_named("sorts", &sort.column, &[])?;
        }
        for object in &self.objects {
            check_named("objects", &object.kind, &[])?;
        }
        Ok(())
    }
}

impl Expected {
    const fn of(self, part: &'static str) -> AttributeError {
        AttributeError {
            part,
            expected: self,
        }
    }
}

/// Names in the form in which two spellings of one are the same.
fn folded<'a>(names: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    names.map(|name| NameKey::fold(name.trim())).collect()
}

fn check_named(part: &'static str, name: &str, values: &[String]) -> Result<(), AttributeError> {
    if values.len() > MAX_VALUES {
        return Err(Expected::Fewer.of(part));
    }
    let is_long = |text: &str| text.len() > MAX_TEXT_BYTES;
    if name.is_empty() || is_long(name) || values.iter().any(|v| is_long(v)) {
        return Err(Expected::Text.of(part));
    }
    Ok(())
}
