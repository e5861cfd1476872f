//! What inspectors find in a sealed event, sealed under the same layers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Sealer;
use crate::catalog::Field;
use crate::context::Frame;
use crate::event::{Event, Value};
use crate::facet::FacetSet;
use crate::hidden::Hidden;
use crate::id::{self, EventId};
use crate::inspect::{Escalation, Escalations, Finding, Inspectors, Said};
use crate::level::{Level, Levels};
use crate::pipeline::OwnEvent;
use crate::raw::{RawBuffers, RawEvent};
use crate::sync::Arc;

/// Which layers of the policy an event falls under.
const LAYERS: &[Field] = &[
    Field::TenantId,
    Field::ClassificationFile,
    Field::ClassificationRepo,
    Field::ClassificationGroup,
];

/// Those who look at sealed events, and who is told of what they escalate.
pub(crate) struct Inspection {
    pub(crate) inspectors: Inspectors,
    pub(crate) escalations: Option<Escalations>,
}

/// What the findings in an event have in common with it.
pub(super) struct Layers {
    levels: Levels,
    context: Option<Arc<Frame>>,
    hidden: Hidden,
    fields: Vec<(Field, Value)>,
}

impl Layers {
    pub(super) fn of(levels: Levels, raw: &RawEvent, given: &[(Field, Value)]) -> Self {
        let fields = given.iter().filter(|(field, _)| LAYERS.contains(field));
        Self {
            levels,
            context: raw.context.clone(),
            hidden: raw.hidden.clone(),
            fields: fields.cloned().collect(),
        }
    }
}

impl Sealer {
    /// Shows a sealed event to the inspectors and keeps what they find. Whatever happens here, the
    /// event stays as it is.
    pub(super) fn inspect(&mut self, event: &Event, layers: &Layers) {
        let Some(mut inspection) = self.inspection.take() else {
            return;
        };
        catch_unwind(AssertUnwindSafe(|| {
            for (inspector, finding) in inspection.inspectors.inspect(event) {
                self.add_finding(&inspection, inspector, finding, event.event_id(), layers);
            }
        }))
        .ok();
        self.inspection = Some(inspection);
    }

    fn add_finding(
        &mut self,
        inspection: &Inspection,
        inspector: usize,
        finding: Finding,
        target: EventId,
        layers: &Layers,
    ) {
        let kind = finding.said.kind();
        let is_kept = layers.levels.get(finding.said.facet()) > Level::Off;
        let escalations = inspection
            .escalations
            .as_ref()
            .filter(|_| finding.escalates);
        if !is_kept && escalations.is_none() {
            return;
        }
        let raw = self.raw_finding(finding.said, target, layers);
        let event = self.seal_raw(raw, None).event;
        if let Some(escalations) = escalations {
            let name = inspection.inspectors.name(inspector).to_owned();
            if !escalations.push(Escalation::new(name, event.clone())) {
                inspection.inspectors.lose_escalation(inspector);
            }
        }
        if is_kept {
            self.pending_own.push(OwnEvent {
                sealed: Some(Box::new(event)),
                ..OwnEvent::new(kind)
            });
        }
    }

    fn raw_finding(&self, said: Said, target: EventId, layers: &Layers) -> RawEvent {
        let kind = said.kind();
        let mut buffers = RawBuffers::default();
        for (field, value) in &layers.fields {
            buffers.push(*field, value.clone());
        }
        buffers.push_text(Field::TargetEventId, &target.to_string());
        match said {
            Said::Guardrail(verdict) => {
                buffers.push(Field::Guardrails, Value::Guardrails(vec![verdict]));
            }
            Said::Evaluation(evaluation) => {
                buffers.push(Field::Evaluations, Value::Evaluations(vec![evaluation]));
            }
        }
        let now = self.clock.now();
        RawEvent {
            kind,
            operation: None,
            status: None,
            event_id: id::event_id(self.ids.as_ref(), now),
            started_at: now,
            ended_at: None,
            policy: crate::sync::read(&self.policy).clone(),
            levels: layers.levels,
            narrowed: Levels::FULL,
            context: layers.context.clone(),
            hidden: layers.hidden.clone(),
            offered: FacetSet::EMPTY,
            failed: FacetSet::EMPTY,
            cut: Vec::new(),
            trimmed: Vec::new(),
            reserved: 0,
            buffers,
        }
    }
}
