//! What a token says its user may see, as sessions and tokens carry it in their records.

use crate::domain::token::{Attributes, Filter, MetadataRef, NamedValues, Sort};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct AttributesRow {
    /// Filters: column, operator, values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    f: Vec<(String, String, Vec<String>)>,
    /// Sorts: column, whether ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    s: Vec<(String, bool)>,
    /// Parameters: name, values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    p: Vec<(String, Vec<String>)>,
    /// Variables, the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    w: Vec<(String, Vec<String>)>,
    /// Objects they are limited to: kind, GUID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    o: Vec<(String, Uuid)>,
}

impl AttributesRow {
    pub(super) const fn is_empty(&self) -> bool {
        self.f.is_empty()
            && self.s.is_empty()
            && self.p.is_empty()
            && self.w.is_empty()
            && self.o.is_empty()
    }

    pub(super) fn of(attributes: &Attributes) -> Self {
        let named = |all: &[NamedValues]| {
            let pair = |one: &NamedValues| (one.name.clone(), one.values.clone());
            all.iter().map(pair).collect()
        };
        Self {
            f: attributes
                .filters
                .iter()
                .map(|one| (one.column.clone(), one.operator.clone(), one.values.clone()))
                .collect(),
            s: attributes
                .sorts
                .iter()
                .map(|one| (one.column.clone(), one.is_ascending))
                .collect(),
            p: named(&attributes.parameters),
            w: named(&attributes.variables),
            o: attributes
                .objects
                .iter()
                .map(|one| (one.kind.clone(), one.id))
                .collect(),
        }
    }

    pub(super) fn read(self) -> Attributes {
        let named = |all: Vec<(String, Vec<String>)>| {
            all.into_iter()
                .map(|(name, values)| NamedValues { name, values })
                .collect()
        };
        Attributes {
            filters: self
                .f
                .into_iter()
                .map(|(column, operator, values)| Filter {
                    column,
                    operator,
                    values,
                })
                .collect(),
            sorts: self
                .s
                .into_iter()
                .map(|(column, is_ascending)| Sort {
                    column,
                    is_ascending,
                })
                .collect(),
            parameters: named(self.p),
            variables: named(self.w),
            objects: self
                .o
                .into_iter()
                .map(|(kind, id)| MetadataRef { kind, id })
                .collect(),
        }
    }
}
