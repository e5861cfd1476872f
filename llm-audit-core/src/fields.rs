//! Sets of fields that hold for more than one event.

use std::fmt;

use crate::catalog::{Field, with_catalog};
use crate::event::Value;
use crate::facet::FacetSet;
use crate::id;
use crate::put::{PutField, merge, setters};

/// Fields that hold for more than one event: for a whole process, or for a request.
///
/// A field that an event sets itself wins over its context's, which wins over the process's. What
/// is captured is for the policy to say: a field of a facet that is off goes nowhere.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Fields;
///
/// let fields = Fields::new().service_name("support").environment("production");
/// assert_eq!(format!("{fields:?}"), r#"{"service_name", "environment"}"#);
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Fields {
    /// Sorted by field, each at most once.
    values: Vec<(Field, Value)>,
    /// Facets of which something could not be taken, because its code failed.
    failed: FacetSet,
}

impl Fields {
    /// Returns a set without a field.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns whether no field is set.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns these fields and those of `inner`, which win.
    pub(crate) fn overlaid_with(&self, inner: &Self) -> Self {
        let mut both = self.clone();
        both.failed.extend(inner.failed.iter());
        for (field, value) in &inner.values {
            both.replace(*field, value.clone());
        }
        both
    }

    /// Returns whether a field is in both with different values.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        self.iter().any(|(field, value)| {
            let known = other.iter().find(|(known, _)| *known == field);
            known.is_some_and(|(_, known)| known != value)
        })
    }

    pub(crate) const fn failed(&self) -> FacetSet {
        self.failed
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.values.iter().map(|(field, value)| (*field, value))
    }

    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        let position = self
            .values
            .binary_search_by_key(&field, |(field, _)| *field)
            .ok()?;
        match self.values.get(position) {
            Some((_, Value::Text(text))) => Some(text),
            _ => None,
        }
    }

    fn replace(&mut self, field: Field, value: Value) {
        match self
            .values
            .binary_search_by_key(&field, |(field, _)| *field)
        {
            Ok(position) => {
                if let Some(slot) = self.values.get_mut(position) {
                    slot.1 = value;
                }
            }
            Err(position) => self.values.insert(position, (field, value)),
        }
    }
}

impl PutField for Fields {
    fn is_on(&self) -> bool {
        true
    }

    fn accepts(&mut self, _: Field) -> bool {
        true
    }

    fn put_text(&mut self, field: Field, text: &str) {
        if !id::is_of_w3c(field, text) {
            return;
        }
        self.replace(field, Value::Text(text.to_owned()));
    }

    fn put(&mut self, field: Field, value: Value) {
        match self
            .values
            .binary_search_by_key(&field, |(field, _)| *field)
        {
            Ok(position) => {
                if let Some(slot) = self.values.get_mut(position) {
                    merge(&mut slot.1, value);
                }
            }
            Err(position) => self.values.insert(position, (field, value)),
        }
    }

    fn put_failed(&mut self, field: Field) {
        self.failed.extend(field.facet());
    }
}

/// Shows which fields are set, never their values.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.values.iter().map(|(field, _)| field.name()))
            .finish()
    }
}

with_catalog!(setters Fields by_value);
