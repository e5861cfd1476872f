//! Why data is absent, by facet.

use std::collections::BTreeMap;

use crate::catalog::Field;
use crate::event::{Event, Value};
use crate::facet::{Facet, FacetSet};

/// Why the data of a facet is absent or incomplete.
///
/// A facet that is not listed and has no field was not provided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// A later erasure removed it.
    Erased,
    /// Its retention ran out.
    Expired,
    /// It could not be kept safely: the redactor failed, or memory ran out.
    Failed,
    /// The redactor replaced parts of it.
    Redacted,
    /// The policy's sampling left it out.
    SampledOut,
    /// It was too large and was cut.
    Truncated,
    /// The policy, or the sink's own rule, does not let it through.
    Withheld,
}

impl Absence {
    /// Returns the word that is written to the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Redacted => "redacted",
            Self::SampledOut => "sampled_out",
            Self::Truncated => "truncated",
            Self::Withheld => "withheld",
        }
    }
}

/// Facets by the reason for their absence.
#[derive(Clone, Default)]
pub(crate) struct Absences(BTreeMap<Absence, FacetSet>);

impl Absences {
    pub(crate) fn add(&mut self, reason: Absence, facet: Facet) {
        self.0.entry(reason).or_default().insert(facet);
    }

    pub(crate) fn add_all(&mut self, reason: Absence, facets: FacetSet) {
        for facet in facets.iter() {
            self.add(reason, facet);
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
