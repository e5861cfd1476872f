//! Why data is absent, by facet.

use std::collections::BTreeMap;

use crate::catalog::Field;
use crate::event::{Absence, Event, Value};
use crate::facet::{Facet, FacetSet};
use crate::sorted::SortedMap;

/// Facets by the reason for their absence.
#[derive(Clone, Default)]
pub(crate) struct Absences(SortedMap<Absence, FacetSet>);

impl Absences {
    pub(crate) fn add(&mut self, reason: Absence, facet: Facet) {
        self.0.or_default(reason).insert(facet);
    }

    pub(crate) fn add_all(&mut self, reason: Absence, facets: FacetSet) {
        for facet in facets.iter() {
            self.add(reason.clone(), facet);
        }
    }

    /// Adds these absences to those that `event` has.
    pub(crate) fn write_to(&self, event: &mut Event) {
        let mut map = match event.remove(Field::Absent) {
            Some(Value::TextsMap(map)) => map,
            _ => BTreeMap::new(),
        };
        for (reason, facets) in &self.0 {
            let names = map.entry(reason.as_str().to_owned()).or_default();
            for facet in facets.iter() {
                if !names.iter().any(|name| name == facet.name()) {
                    names.push(facet.name().to_owned());
                }
            }
        }
        map.retain(|_, names| !names.is_empty());
        if !map.is_empty() {
            event.set(Field::Absent, Value::TextsMap(map));
        }
    }
}
