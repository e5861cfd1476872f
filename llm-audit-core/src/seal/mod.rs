//! From what was captured to a sealed event: the one way, and the last word on what is kept.
//!
//! The level of a facet is the lowest of those at `begin`, those of the policy in force now, those
//! of tenant and classification as they finally are, and what context and call narrowed.

pub(crate) mod absence;
mod adjacent;
mod derive;
mod detect;
mod digest;
mod fit;
mod inspected;
pub(crate) mod parts;
mod recall;
mod report;
mod scrub;
mod texts;
mod treatment;

use std::collections::{BTreeSet, HashMap};

use crate::catalog::Field;
use crate::clock::Clock;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::encode::hex;
use crate::event::{Absence, Event, Kind, Value};
use crate::facet::{Facet, FacetSet};
use crate::fields::Fields;
use crate::id::{self, Ids, WriterId};
use crate::level::{Level, Levels};
use crate::pipeline::{OwnEvent, Raw, Seal, Sealed};
use crate::policy::{Policy, Scope};
use crate::raw::{RawBuffers, RawEvent};
use crate::redact::{Families, Given};
use crate::resources::Probes;
use crate::sorted::SortedMap;
use crate::sync::{Arc, RwLock};

pub(crate) use digest::sha256;
pub(crate) use fit::{TAIL, head};
pub(crate) use inspected::Inspection;
use inspected::Layers;
use report::Failures;
pub(crate) use texts::SpareTexts;
use treatment::Treatment;

/// Combinations of layers whose hashes are remembered; a program has a handful.
const MAX_COMBINATIONS: usize = 1_024;

/// Reasons are told once; there are a few for each detector.
const MAX_TOLD: usize = 256;

/// Fields that sealing itself adds to an event.
const OWN_FIELDS: usize = 24;

/// Bytes of the longest word for a kind, an operation or a state.
const MAX_WORD: usize = 64;

/// What people say of a change, in their own words.
const FREE_TEXT: &[Field] = &[
    Field::ChangeActor,
    Field::ChangeReason,
    Field::PolicyReason,
    Field::ApprovedBy,
];

/// A sealed event, the buffers of the raw one, and what its inspectors need.
struct RawSealed {
    event: Event,
    spare: RawBuffers,
    layers: Option<Layers>,
    withheld: u64,
}

/// Turns raw events into sealed ones. Nothing else does.
pub(crate) struct Sealer {
    policy: Arc<RwLock<Policy>>,
    defaults: Arc<Fields>,
    writer_id: WriterId,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    max_event_bytes: usize,
    /// The hash of each combination of a policy with the levels that layers left of it.
    combinations: HashMap<(String, Levels), String>,
    texts: SpareTexts,
    pending_own: Vec<OwnEvent>,
    inspection: Option<Inspection>,
    probes: Option<Probes>,
    diagnostics: Option<Diagnostics>,
    /// Why texts could not be redacted, as far as it was told.
    told: BTreeSet<String>,
}

impl Raw for RawEvent {
    fn reserved_bytes(&self) -> usize {
        self.reserved
    }
}

impl Sealer {
    pub(crate) fn new(
        policy: Arc<RwLock<Policy>>,
        defaults: Arc<Fields>,
        writer_id: WriterId,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        max_event_bytes: usize,
    ) -> Self {
        Self {
            policy,
            defaults,
            writer_id,
            clock,
            ids,
            max_event_bytes,
            combinations: HashMap::new(),
            texts: SpareTexts::default(),
            pending_own: Vec::new(),
            inspection: None,
            probes: None,
            diagnostics: None,
            told: BTreeSet::new(),
        }
    }

    /// Tells `diagnostics` why texts could not be redacted, each reason once.
    pub(crate) fn telling(self, diagnostics: Diagnostics) -> Self {
        Self {
            diagnostics: Some(diagnostics),
            ..self
        }
    }

    fn tell(&mut self, failures: &Failures) {
        for reason in &failures.reasons {
            let why = match reason {
                Some(reason) => reason.to_string(),
                None => "a built-in detector panicked; please report it".to_owned(),
            };
            let Some(diagnostics) = &self.diagnostics else {
                continue;
            };
            if self.told.len() < MAX_TOLD && self.told.insert(why.clone()) {
                let message =
                    format!("{why}; the text is withheld, and the rest of its event kept");
                diagnostics.report(DiagnosticKind::RedactionFailed, message);
            }
        }
    }

    /// Has `inspection` look at what is sealed.
    pub(crate) fn inspected(mut self, inspection: Inspection) -> Self {
        self.inspection = Some(inspection);
        self
    }

    /// Has `probes` say what the machine spends.
    pub(crate) fn probed(mut self, probes: Probes) -> Self {
        self.probes = Some(probes);
        self
    }

    fn set_envelope(&mut self, event: &mut Event, raw: &RawEvent, given: &[(Field, Value)]) {
        let mut put = |field: Field, text: Option<String>| {
            if let Some(text) = text {
                event.set(field, Value::Text(text));
            }
        };
        let parent = raw.context.as_ref().and_then(|frame| frame.parent.as_ref());
        put(
            Field::Operation,
            raw.operation
                .as_ref()
                .map(|op| self.texts.copy(word(op.as_str()))),
        );
        put(
            Field::Status,
            raw.status
                .as_ref()
                .map(|status| self.texts.copy(word(status.as_str()))),
        );
        let missing = |field: Field| text(given, field).is_none();
        if missing(Field::TraceId) {
            put(Field::TraceId, Some(id::trace_id(raw.event_id)));
        }
        if missing(Field::SpanId) {
            put(Field::SpanId, Some(id::span_id(raw.event_id)));
        }
        if let Some(parent) = parent.and_then(|parent| parent.event_id) {
            event.set(Field::ParentEventId, Value::Id(parent));
        }
        if let Some(ended_at) = raw.ended_at {
            event.set(Field::StartedAt, Value::Time(raw.started_at));
            event.set(Field::EndedAt, Value::Time(ended_at));
        }
    }

    /// Returns the hash of `policy` as narrowed to `levels`. The text of a combination is written
    /// to the log when it is first used, so that every hash resolves there.
    fn combination(&mut self, policy: &Policy, levels: Levels) -> String {
        if levels == policy.levels() {
            return self.texts.copy(policy.hash());
        }
        let key = (policy.hash().to_owned(), levels);
        if let Some(hash) = self.combinations.get(&key) {
            return hash.clone();
        }
        let text = combination_text(policy, levels);
        let hash = hex(&sha256(text.as_bytes()));
        if self.combinations.len() >= MAX_COMBINATIONS {
            self.combinations.clear();
        }
        self.combinations.insert(key, hash.clone());
        self.pending_own.push(OwnEvent::of(
            Kind::PolicyApplied,
            vec![
                (Field::PolicyId, Value::Text(policy.id().to_owned())),
                (Field::PolicyHash, Value::Text(hash.clone())),
                (Field::PolicyText, Value::Text(text)),
            ],
        ));
        hash
    }

    /// Seals an event; `seq` is its number, where it has one yet.
    fn seal_raw(&mut self, mut raw: RawEvent, seq: Option<u64>) -> RawSealed {
        let policy = crate::sync::read(&self.policy).clone();
        let mut given = raw.buffers.fields(&mut self.texts);
        if let Some(frame) = &raw.context {
            add_missing(&mut given, &frame.fields);
        }
        add_missing(&mut given, &self.defaults);
        add_inherited(&mut given, &raw);
        given.sort_by_key(|(field, _)| *field);

        let labels = derive::labels(&given);
        let scope = Scope {
            tenant: text(&given, Field::TenantId),
            classification: &labels,
            call: raw.narrowed,
        };
        let mut levels = raw.levels.min(policy.effective(&scope));
        if raw.policy.hash() != policy.hash() {
            levels = levels.min(raw.policy.effective(&scope));
        }

        let recorded_at = raw.ended_at.unwrap_or(raw.started_at);
        let kind = Kind::from(word(raw.kind.as_str()));
        let mut event = Event::new(kind, raw.event_id, self.writer_id, recorded_at);
        event.reserve(given.len() + OWN_FIELDS);
        if let Some(seq) = seq {
            event.set(Field::Seq, Value::Int(seq));
        }
        event.set(Field::PolicyId, Value::Text(self.texts.copy(policy.id())));
        event.set(
            Field::PolicyHash,
            Value::Text(self.combination(&policy, levels)),
        );
        self.set_envelope(&mut event, &raw, &given);
        if let Some(label) = policy.highest_label(&labels)
            && levels.get(Facet::Classification) > Level::Off
        {
            event.set(
                Field::ClassificationEffective,
                Value::Text(label.to_owned()),
            );
        }

        let layers = self
            .inspection
            .as_ref()
            .map(|_| Layers::of(levels, &raw, &given));
        let tenant = scope.tenant.unwrap_or_default().to_owned();
        let mut treatment = Treatment::new(&policy, levels, &tenant, &raw, &given, &self.clock);
        treatment.derive(&given, &mut event);
        treatment.detect(&given, &mut event);
        for (field, value) in given {
            treatment.apply(field, value, &mut event);
        }
        for (field, bytes) in &raw.cut {
            treatment.note_cut(*field, *bytes);
            if let Some(value) = event.get_mut(*field)
                && !raw.trimmed.contains(field)
            {
                fit::drop_tails(*field, value);
            }
        }
        treatment.absences.add_all(Absence::Withheld, raw.offered);
        treatment.absences.add_all(Absence::Failed, raw.failed);
        let frame = raw.context.as_ref().map(|frame| frame.fields.failed());
        let ambient = frame.into_iter().chain([self.defaults.failed()]);
        for facet in ambient.flat_map(FacetSet::iter) {
            if levels.get(facet) > Level::Off {
                treatment.absences.add(Absence::Failed, facet);
            }
        }
        let failures = treatment.finish(&mut event);
        let is_measured =
            event.kind() == &Kind::Interaction && levels.get(Facet::Resources) > Level::Off;
        if let Some(probes) = self.probes.as_mut().filter(|_| is_measured) {
            probes.fill(&mut event);
        }
        fit::fit(&mut event, self.max_event_bytes);

        self.tell(&failures);
        raw.buffers.clear();
        RawSealed {
            event,
            spare: raw.buffers,
            layers,
            withheld: failures.withheld,
        }
    }
}

impl Seal for Sealer {
    type Raw = RawEvent;
    type Spare = RawBuffers;

    fn seal(&mut self, raw: RawEvent, seq: u64) -> Sealed<RawBuffers> {
        let RawSealed {
            event,
            spare,
            layers,
            withheld,
        } = self.seal_raw(raw, Some(seq));
        if let Some(layers) = layers {
            self.inspect(&event, &layers);
        }
        Sealed {
            event,
            spare,
            withheld,
        }
    }

    fn own(&mut self, own: OwnEvent, seq: u64) -> Event {
        if let Some(mut sealed) = own.sealed {
            sealed.set(Field::Seq, Value::Int(seq));
            return *sealed;
        }
        let now = self.clock.now();
        let event_id = id::event_id(self.ids.as_ref(), now);
        let mut event = Event::new(own.kind, event_id, self.writer_id, now);
        event.set(Field::Seq, Value::Int(seq));
        let policy = crate::sync::read(&self.policy).clone();
        let mut session = policy.redactor().session(&Given::default());
        for (field, mut value) in own.fields {
            // People write these; everything else is the log's own.
            let scrubbed = !FREE_TEXT.contains(&field)
                || scrub::contained(|| {
                    scrub::scrub(
                        &mut session,
                        Families::SecretsOnly,
                        field.name(),
                        &mut value,
                    )
                })
                .is_ok();
            if scrubbed {
                event.set(field, value);
            }
        }
        event
    }

    fn take_pending_own(&mut self) -> Vec<OwnEvent> {
        std::mem::take(&mut self.pending_own)
    }

    fn reuse(&mut self, event: Event) {
        self.texts.take(event);
    }
}

/// The canonical text of a policy as narrowed: the policy's hash and the levels, keys sorted.
fn combination_text(policy: &Policy, levels: Levels) -> String {
    let facets = levels.iter().filter(|(_, level)| *level > Level::Off);
    let facets: SortedMap<_, _> = facets.map(|(facet, level)| (facet.name(), level)).collect();
    let members: Vec<_> = facets
        .iter()
        .map(|(facet, level)| format!(r#""{facet}":"{level}""#))
        .collect();
    format!(
        r#"{{"facets":{{{}}},"policy":"{}"}}"#,
        members.join(","),
        policy.hash()
    )
}

/// Adds the `outer` fields that are not given; of maps, the members that are not given. A span is
/// one event's, so its id is never another's.
fn add_missing(given: &mut Vec<(Field, Value)>, outer: &Fields) {
    for (field, value) in outer.iter().filter(|(field, _)| *field != Field::SpanId) {
        let Some((_, inner)) = given.iter_mut().find(|(present, _)| *present == field) else {
            given.push((field, value.clone()));
            continue;
        };
        let mut merged = value.clone();
        let grows = matches!(
            merged,
            Value::Counts(_) | Value::JsonMap(_) | Value::Numbers(_) | Value::TextMap(_)
        );
        if grows {
            crate::put::merge(&mut merged, inner.clone());
            *inner = merged;
        }
    }
}

/// Adds the trace of the interaction that the event is within. A host may have chosen its ids, so
/// they are treated like what the event itself was given.
fn add_inherited(given: &mut Vec<(Field, Value)>, raw: &RawEvent) {
    let Some(parent) = raw.context.as_ref().and_then(|frame| frame.parent.as_ref()) else {
        return;
    };
    let ids = [
        (Field::TraceId, &parent.trace_id),
        (Field::ParentSpanId, &parent.span_id),
    ];
    for (field, id) in ids {
        if text(given, field).is_none() {
            given.push((field, Value::Text(id.clone())));
        }
    }
}

/// Returns `text` where it is a word such as kinds, operations and states are; what else a host
/// makes of them may be content, and no facet lets it in.
fn word(text: &str) -> &str {
    let is_word = (1..=MAX_WORD).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if is_word { text } else { "other" }
}

fn text(given: &[(Field, Value)], field: Field) -> Option<&str> {
    given.iter().find_map(|(present, value)| match value {
        Value::Text(text) if *present == field => Some(text.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
