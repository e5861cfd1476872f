//! The report of what was hidden, and of what could not be.

use super::scrub;
use super::treatment::Treatment;
use crate::catalog::{Field, FieldType};
use crate::event::{Absence, RedactionCount};
use crate::facet::Facet;
use crate::redact::{RedactError, Session, Step};

/// What could not be redacted.
#[derive(Default)]
pub(super) struct Failures {
    /// Values that were left out.
    pub(super) withheld: u64,
    /// Why, each reason once; `None` for a panic of a built-in detector.
    pub(super) reasons: Vec<Option<RedactError>>,
}

impl Treatment<'_> {
    /// Notes what the redactor did, and returns whether the value may be kept.
    pub(super) fn note(
        &mut self,
        field: Field,
        facet: Option<Facet>,
        scrubbed: scrub::Scrubbed,
    ) -> bool {
        if self.sessions.iter().any(Session::has_findings) {
            let sessions = self.sessions.iter_mut();
            let findings: Vec<_> = sessions.flat_map(Session::take_findings).collect();
            for finding in &findings {
                self.count_finding(field, finding);
            }
        }
        if let Err(scrub::ScrubFailed(reason)) = &scrubbed {
            self.failures.withheld += 1;
            if !self.failures.reasons.contains(reason) {
                self.failures.reasons.push(*reason);
            }
            let culprit = reason.map_or("built_in", |reason| reason.culprit());
            self.count(field, None, "withhold", culprit, "", 1);
        }
        match (scrubbed, facet) {
            (Ok(changed), facet) => {
                if let Some(facet) = facet.filter(|_| changed) {
                    self.absences.add(Absence::Redacted, facet);
                }
                true
            }
            (Err(_), Some(facet)) => {
                self.sides.fail(field);
                self.absences.add(Absence::Failed, facet);
                false
            }
            (Err(_), None) => false,
        }
    }

    fn count_finding(&mut self, field: Field, finding: &crate::redact::Finding) {
        self.sides.count(field, finding);
        self.count(
            field,
            Some(finding.data_type.name()),
            finding.operator,
            finding.detector,
            &finding.place,
            finding.count,
        );
    }

    /// Adds to the report. Past some entries, places and detectors are counted together.
    fn count(
        &mut self,
        field: Field,
        data_type: Option<&str>,
        operator: &str,
        detector: &str,
        place: &str,
        count: u64,
    ) {
        let is_full = self.redactions.len() >= MAX_PLACES;
        let place = Some(place).filter(|place| !place.is_empty() && !is_full);
        let detector = Some(detector).filter(|_| !is_full);
        let present = self.redactions.iter_mut().find(|known| {
            known.field.as_deref() == Some(field.name())
                && known.data_type.as_deref() == data_type
                && known.operator.as_deref() == Some(operator)
                && known.path.as_deref() == place
                && known.detector.as_deref() == detector
        });
        if let Some(known) = present {
            *known.count.get_or_insert(0) += count;
            return;
        }
        let mut entry = RedactionCount::default().field(field.name());
        entry = entry.operator(operator).count(count);
        entry.data_type = data_type.map(str::to_owned);
        entry.path = place.map(str::to_owned);
        entry.detector = detector.map(str::to_owned);
        self.redactions.push(entry);
    }
}

/// The report of one event has about as many entries at most: as many more as there are types.
const MAX_PLACES: usize = 64;

/// Where the parts of a field are.
pub(super) fn place_of_part(field: Field) -> &'static [Step] {
    match field.field_type() {
        FieldType::Parts => &[Step::Each],
        _ => &[Step::Each, Step::Column("parts"), Step::Each],
    }
}
