//! What interactions and late events have in common: a raw event that is being filled.

use std::time::Duration;

use crate::__private::span::Claim;
use crate::audit::Shared;
use crate::catalog::Field;
use crate::commit::{Ack, Commit};
use crate::context::{Context, Parent};
use crate::diagnostics::DiagnosticKind;
use crate::event::{Kind, Operation, Status, Value, ValueRef};
use crate::facet::{Facet, FacetSet};
use crate::fields::Fields;
use crate::hidden::Hidden;
use crate::id::{self, EventId};
use crate::level::{Level, Levels};
use crate::pipeline::{Reusable, Slot};
use crate::policy::{Intent, Scope};
use crate::put::PutField;
use crate::raw::{MOVE_FROM, RawBuffers, RawEvent, Scalar, Size};
use crate::sync::Arc;

/// So much more memory is reserved than needed, so that a small value costs no atomic operation.
const RESERVE_STEP: usize = 1024;

/// What an event that has to wait for memory takes beside what it needs at the moment: it waits once,
/// and nothing of a usual event is to be left out after that.
const ROOM_FOR_THE_REST: usize = 8 * 1024;

/// Metadata that an event keeps when the memory budget is spent: there are a few thousand events at
/// a time, so it adds little to the budget.
const UNRESERVED_BYTES: usize = 1024;

/// Fields that choose layers of the policy: the tenant, and the labels of file, repository and
/// group. A policy with such layers needs them also where their facets are off.
const SELECTORS: [Field; 4] = [
    Field::TenantId,
    Field::ClassificationFile,
    Field::ClassificationRepo,
    Field::ClassificationGroup,
];

/// Bytes of an event beside its buffers: it moves from one list of its lane to another.
const EVENT_BYTES: usize = 2 * size_of::<RawEvent>();

pub(crate) struct InFlight {
    pub(crate) shared: Arc<Shared>,
    pub(crate) raw: RawEvent,
    /// When the event was begun, on the monotonic clock.
    pub(crate) begun: Duration,
    /// Bytes of values outside of the buffers.
    values: usize,
    /// Bytes that the event holds. What the buffers have room for is in them, so to use it costs nothing.
    held: usize,
    /// Whether everything that the event holds is reserved, and nothing was left out.
    is_open: bool,
    /// Facets of which something was left out for want of memory.
    no_room: FacetSet,
    /// Whether the event has waited for memory: a call waits once, however much it is told.
    waited: bool,
    /// Room that was taken when the event began.
    slot: Option<Slot>,
}

impl InFlight {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        kind: Kind,
        operation: Option<Operation>,
        slot: Option<Slot>,
    ) -> Self {
        let context = shared.parented(Context::current()).into_frame();
        let policy = shared.policy();
        let narrowed = context
            .as_ref()
            .map_or(Levels::FULL, |frame| frame.narrowed);
        let tenant = context
            .as_ref()
            .and_then(|frame| frame.fields.text(Field::TenantId))
            .or_else(|| shared.defaults.text(Field::TenantId));
        let levels = policy.levels_at_begin(tenant, narrowed);
        let started_at = shared.clock.now();
        let event_id = id::event_id(shared.ids.as_ref(), started_at);
        // What is discarded has no identifier that anybody could use.
        let is_captured = Facet::ALL
            .iter()
            .any(|facet| levels.get(*facet) > Level::Off);
        let context = Context::from_frame(context);
        let may_be_first = |claim: &Claim| claim.is_taken() || claim.may_be(operation.as_ref());
        if kind == Kind::Interaction && is_captured && context.claim().is_none_or(may_be_first) {
            context.note(event_id);
        }
        let context = context.into_frame();
        Self {
            raw: RawEvent {
                kind,
                operation,
                status: None,
                event_id,
                started_at,
                ended_at: None,
                policy,
                levels,
                narrowed,
                context,
                hidden: Hidden::default(),
                offered: FacetSet::EMPTY,
                failed: FacetSet::EMPTY,
                cut: Vec::new(),
                trimmed: Vec::new(),
                reserved: 0,
                buffers: RawBuffers::default(),
            },
            begun: shared.clock.monotonic(),
            values: 0,
            held: EVENT_BYTES,
            is_open: false,
            no_room: FacetSet::EMPTY,
            waited: false,
            slot,
            shared: Arc::clone(shared),
        }
    }

    pub(crate) const fn event_id(&self) -> EventId {
        self.raw.event_id
    }

    /// Returns whether `facet` is captured, and notes that it was offered when it is not.
    pub(crate) fn allows(&mut self, facet: Facet) -> bool {
        let allowed = self.raw.levels.get(facet) > Level::Off;
        if !allowed {
            self.raw.offered.insert(facet);
        }
        allowed
    }

    pub(crate) fn narrow(&mut self, facet: Facet, level: Level) {
        self.raw.narrowed = self.raw.narrowed.min(Levels::FULL.with(facet, level));
        let call = self.raw.policy.levels_at_begin(None, self.raw.narrowed);
        self.raw.levels = self.raw.levels.min(call);
    }

    /// Returns the context of what happens within this event: the one that it began in, with the
    /// event as the parent, and with the identity that was set on it. What the current context
    /// narrows stays narrowed.
    pub(crate) fn context(&self) -> Context {
        let event_id = self.raw.event_id;
        let span_id = self.raw.buffers.text_of(Field::SpanId);
        let mut identity = Fields::new();
        for (field, value) in self.raw.buffers.values_of(Facet::is_identity) {
            identity.put(field, value);
        }
        let context = Context::from_frame(self.raw.context.clone())
            .narrowed_by(&Context::current())
            .hiding_all(&self.raw.hidden)
            .with(identity);
        let parent = Parent {
            event_id: Some(event_id),
            trace_id: self.trace_id(),
            span_id: span_id.map_or_else(|| id::span_id(event_id), str::to_owned),
        };
        let operation = self.raw.operation.as_ref();
        match context.claim().is_some_and(|claim| claim.may_be(operation)) {
            true => context.with_same_call(parent),
            false => context.with_parent(parent),
        }
    }

    /// The trace that the event belongs to: its own, its context's, its parent's, or a new one.
    pub(crate) fn trace_id(&self) -> String {
        let frame = self.raw.context.as_ref();
        let own = self.raw.buffers.text_of(Field::TraceId);
        own.or_else(|| frame.and_then(|frame| frame.fields.text(Field::TraceId)))
            .or_else(|| {
                frame
                    .and_then(|frame| frame.parent.as_ref())
                    .map(|p| p.trace_id.as_str())
            })
            .map_or_else(|| id::trace_id(self.raw.event_id), str::to_owned)
    }

    /// Reserves memory for a text of so many bytes in `field`, which is copied into the buffers.
    /// Without room for it the facet is marked as failed; a little metadata is kept all the same. Of
    /// content nothing more is taken then, so that what is there has no holes.
    #[inline]
    pub(crate) fn reserve_text(&mut self, field: Field, bytes: usize) -> bool {
        self.is_open && self.raw.buffers.has_room(bytes)
            || self.reserve_more(field, Size::of_text(bytes), 0)
    }

    /// Does what [`reserve_text`](Self::reserve_text) does for a value that has so many bytes of its own.
    #[inline]
    pub(crate) fn reserve_value(&mut self, field: Field, bytes: usize) -> bool {
        if self.raw.buffers.has_room_for_value() {
            self.reserve_bytes(field, bytes)
        } else {
            self.reserve_more(field, Size::OF_VALUE, bytes)
        }
    }

    /// Does what [`reserve_value`](Self::reserve_value) does for bytes that are no item of their own.
    #[inline]
    pub(crate) fn reserve_bytes(&mut self, field: Field, bytes: usize) -> bool {
        let held = self.held.saturating_add(bytes);
        if self.is_open && held <= self.raw.reserved {
            self.held = held;
            self.values += bytes;
            return true;
        }
        self.reserve_more(field, Size::default(), bytes)
    }

    /// Reserves memory for so much in the buffers, and so many bytes of values beside them.
    #[inline(never)]
    fn reserve_more(&mut self, field: Field, more: Size, values: usize) -> bool {
        let is_sensitive = field.info().sensitive;
        let has_no_room = |facet| self.no_room.contains(facet);
        if is_sensitive && field.facet().is_some_and(has_no_room) {
            return false;
        }
        if self.raw.reserved == 0 && self.no_room.is_empty() {
            self.take_buffers();
        }
        let values = self.values.saturating_add(values);
        let beside = EVENT_BYTES.saturating_add(values);
        let needed = beside.saturating_add(self.raw.buffers.held_grown(more));
        let taken = match needed.saturating_sub(self.raw.reserved) {
            0 => Some(0),
            bytes => self.take(bytes.saturating_add(RESERVE_STEP)),
        };
        if let Some(taken) = taken {
            self.raw.reserved += taken;
            self.raw.buffers.grow(more);
            self.held = needed;
        } else {
            if self.raw.reserved == 0 {
                self.give_buffers_back();
            }
            // Without the part that is in reserve, which was asked for first.
            let held = beside.saturating_add(self.raw.buffers.held_with(more));
            let bytes = held.saturating_sub(self.raw.reserved);
            if self.shared.pipeline.budget().try_reserve_bytes(bytes) {
                self.raw.reserved += bytes;
            }
            let most = self.raw.reserved.max(EVENT_BYTES) + UNRESERVED_BYTES;
            if held > self.raw.reserved && (is_sensitive || held > most) {
                if let Some(facet) = field.facet() {
                    self.raw.failed.insert(facet);
                    self.no_room.insert(facet);
                }
                self.is_open = false;
                return false;
            }
            self.raw.buffers.grow_exactly(more);
            self.held = held;
        }
        self.values = values;
        self.is_open = self.held <= self.raw.reserved && self.no_room.is_empty();
        true
    }

    /// Takes buffers that have room, of which none are there yet.
    fn take_buffers(&mut self) {
        if self.raw.buffers.held() == 0 {
            let kept = self.shared.pipeline.pool().get();
            self.raw.buffers = match kept {
                Some(kept) => kept.touched(),
                None => RawBuffers::with_room(),
            };
        }
    }

    /// Gives back what was reserved for the rest of an event that has none.
    fn give_surplus_back(&mut self) {
        let surplus = self.raw.reserved.saturating_sub(self.held);
        if surplus > ROOM_FOR_THE_REST / 2 {
            self.raw.reserved -= surplus;
            self.shared.pipeline.budget().release_bytes(surplus);
        }
    }

    /// Gives buffers back in which nothing is yet.
    fn give_buffers_back(&mut self) {
        if self.raw.buffers.size() == Size::default() {
            let buffers = std::mem::take(&mut self.raw.buffers);
            self.shared.pipeline.pool().put(buffers);
        }
    }

    /// Takes memory for `bytes` more bytes, and returns for how many it did.
    fn take(&mut self, bytes: usize) -> Option<usize> {
        let budget = self.shared.pipeline.budget();
        // Who has waited does not make way for others.
        if (self.waited || !budget.owes_bytes()) && budget.try_reserve_bytes(bytes) {
            return Some(bytes);
        }
        let bytes = bytes.saturating_add(ROOM_FOR_THE_REST);
        let waits = !std::mem::replace(&mut self.waited, true);
        (waits && budget.reserve_bytes(bytes).is_ok()).then_some(bytes)
    }

    /// The most bytes of `text` that one event takes, cut where a character ends; what is cut off
    /// is noted.
    #[inline]
    pub(crate) fn cap<'t>(&mut self, field: Field, text: &'t str) -> &'t str {
        let most = self.shared.max_event_bytes;
        match text.len() <= most {
            true => text,
            false => self.cut(field, text, most),
        }
    }

    #[cold]
    fn cut<'t>(&mut self, field: Field, text: &'t str, most: usize) -> &'t str {
        self.note_cut(field, text.len());
        crate::seal::head(text, most)
    }

    pub(crate) fn note_cut(&mut self, field: Field, bytes: usize) {
        self.raw.trimmed.retain(|trimmed| *trimmed != field);
        self.add_cut(field, bytes);
    }

    /// Notes that `field` had `bytes` bytes, and that whoever cut it also dropped what may be half a secret.
    pub(crate) fn note_trimmed(&mut self, field: Field, bytes: usize) {
        if !self.raw.cut.iter().any(|(cut, _)| *cut == field) {
            self.raw.trimmed.push(field);
        }
        self.add_cut(field, bytes);
    }

    fn add_cut(&mut self, field: Field, bytes: usize) {
        match self.raw.cut.iter_mut().find(|(cut, _)| *cut == field) {
            Some((_, total)) => *total = total.saturating_add(bytes as u64),
            None => self.raw.cut.push((field, bytes as u64)),
        }
    }

    #[cold]
    fn tell_of_id(&self, field: Field) {
        self.shared.diagnostics.report(
            DiagnosticKind::Misuse,
            format!("a `{field}` is not of W3C Trace Context; it is left out"),
        );
    }

    /// Puts an owned text in `field`: a large one is moved, a small one copied.
    pub(crate) fn put_owned(&mut self, field: Field, text: String) {
        if text.len() < MOVE_FROM {
            self.put_text(field, &text);
        } else if self.reserve_value(field, text.capacity()) {
            self.raw.buffers.push(field, Value::Text(text));
        }
    }

    /// Hands the event to the pipeline and returns its identifier.
    ///
    /// `None` when nothing is recorded, because nothing is left of every facet.
    pub(crate) fn submit(mut self, status: Option<Status>) -> Option<EventId> {
        if self.is_all_off() {
            self.discard();
            return None;
        }
        self.give_surplus_back();
        let event_id = self.raw.event_id;
        self.raw.status = status;
        // A refused event is counted where it was refused; the host's call goes on.
        self.shared.pipeline.admit(self.raw, self.slot).ok();
        Some(event_id)
    }

    /// Hands the event to the pipeline and returns what says when it has reached `ack`.
    pub(crate) fn commit(mut self, status: Option<Status>, ack: Ack) -> Commit {
        if self.is_all_off() {
            self.discard();
            return Commit::of_nothing();
        }
        self.raw.status = status;
        let shared = Arc::clone(&self.shared);
        Commit::new(&shared, self.raw, self.slot, ack)
    }

    /// Hands in the event of an intent that is waited for.
    pub(crate) fn commit_intent(mut self) -> Commit {
        if self.is_all_off() {
            self.discard();
            return Commit::of_nothing();
        }
        self.raw.status = None;
        let shared = Arc::clone(&self.shared);
        Commit::intent(&shared, self.raw, self.slot)
    }

    /// Returns the event of the intent, with what is known so far.
    ///
    /// At `metadata` content is kept as its digest and size at most.
    pub(crate) fn intent(&self, intent: Intent) -> Self {
        let operation = self.raw.operation.clone();
        let mut sent = Self::new(&self.shared, Kind::PromptSent, operation, None);
        // The intent is of the interaction's request, wherever it is sent from.
        sent.raw.context.clone_from(&self.raw.context);
        sent.raw.hidden.clone_from(&self.raw.hidden);
        sent.raw.levels = sent.raw.levels.min(self.raw.levels);
        sent.raw.narrowed = sent.raw.narrowed.min(self.raw.narrowed);
        if intent != Intent::Content {
            for facet in Facet::ALL.iter().filter(|facet| facet.is_content()) {
                sent.narrow(*facet, Level::Digest);
            }
        }
        sent.raw.offered = self.raw.offered;
        let size = self.raw.buffers.size();
        if sent.reserve_more(Field::InputMessages, size, self.values) {
            let RawEvent {
                levels,
                offered,
                buffers,
                ..
            } = &mut sent.raw;
            let has_layers = self.raw.policy.has_layers();
            buffers.copy_from(&self.raw.buffers, |field| {
                // Two events are two spans.
                if field == Field::SpanId {
                    return false;
                }
                // The sealer chooses the layers by them, and withholds them where they are off.
                if has_layers && SELECTORS.contains(&field) {
                    return true;
                }
                let off = field
                    .facet()
                    .filter(|facet| levels.get(*facet) == Level::Off);
                off.is_none_or(|facet| {
                    offered.insert(facet);
                    false
                })
            });
        }
        sent.put_text(Field::TargetEventId, &self.raw.event_id.to_string());
        sent
    }

    /// Returns whether tenant and classification, as they are now, leave every facet off: then no
    /// event is written, as under a policy that captures nothing. What a context or the call itself
    /// narrowed does not count: the event is the evidence of it.
    fn is_all_off(&self) -> bool {
        if !self.raw.policy.has_layers() {
            return false;
        }
        let frame = self.raw.context.as_ref();
        let text = |field: Field| {
            let ambient = frame.and_then(|frame| frame.fields.text(field));
            let own = self.raw.buffers.text_of(field);
            own.or(ambient).or_else(|| self.shared.defaults.text(field))
        };
        let [tenant, labels @ ..] = SELECTORS.map(text);
        let labels: Vec<&str> = labels.into_iter().flatten().collect();
        let mut scope = Scope::new().classification(&labels);
        scope.tenant = tenant;
        self.raw.policy.effective(&scope).is_off()
    }

    /// Gives back what the event holds, without an event.
    pub(crate) fn discard(self) {
        let pipeline = &self.shared.pipeline;
        let mut buffers = self.raw.buffers;
        if buffers.held() > 0 {
            buffers.clear();
            pipeline.pool().put(buffers);
        }
        pipeline.budget().release_bytes(self.raw.reserved);
    }
}

impl PutField for InFlight {
    fn is_on(&self) -> bool {
        true
    }

    fn accepts(&mut self, field: Field) -> bool {
        field.facet().is_none_or(|facet| {
            self.allows(facet) || SELECTORS.contains(&field) && self.raw.policy.has_layers()
        })
    }

    fn put_text(&mut self, field: Field, text: &str) {
        if !id::is_of_w3c(field, text) {
            return self.tell_of_id(field);
        }
        let text = self.cap(field, text);
        if self.reserve_text(field, text.len()) {
            self.raw.buffers.push_text(field, text);
        }
    }

    fn put_scalar(&mut self, field: Field, scalar: Scalar) {
        if self.reserve_text(field, 0) {
            self.raw.buffers.push_scalar(field, scalar);
        }
    }

    fn put(&mut self, field: Field, value: Value) {
        if let Some(scalar) = Scalar::of(&value) {
            return self.put_scalar(field, scalar);
        }
        if self.reserve_value(field, size_of_value(value.as_ref())) {
            self.raw.buffers.push(field, value);
        }
    }

    fn put_failed(&mut self, field: Field) {
        if let Some(facet) = field.facet() {
            self.raw.failed.insert(facet);
        }
    }
}

/// The heap bytes of `value`, roughly: what the memory budget counts.
pub(crate) fn size_of_value(value: ValueRef<'_>) -> usize {
    use crate::event::Record;

    fn texts(texts: &[String]) -> usize {
        texts.iter().map(|text| text.len() + 24).sum()
    }
    fn records<R: Record>(records: &[R]) -> usize {
        let size = |record: &R| -> usize {
            (0..R::COLUMNS.len())
                .filter_map(|c| record.get(c))
                .map(size_of_value)
                .sum::<usize>()
                + record
                    .unknown()
                    .iter()
                    .map(|(name, json)| name.len() + json.len())
                    .sum::<usize>()
                + size_of::<R>()
        };
        records.iter().map(size).sum()
    }
    match value {
        ValueRef::Bool(_)
        | ValueRef::Float(_)
        | ValueRef::Id(_)
        | ValueRef::Int(_)
        | ValueRef::Time(_) => 0,
        ValueRef::Counts(map) => map.keys().map(|key| key.len() + 64).sum(),
        ValueRef::Documents(list) => records(list),
        ValueRef::Evaluations(list) => records(list),
        ValueRef::Guardrails(list) => records(list),
        ValueRef::Json(text) | ValueRef::Text(text) => text.len(),
        ValueRef::JsonMap(map) | ValueRef::TextMap(map) => map
            .iter()
            .map(|(key, value)| key.len() + value.len() + 64)
            .sum(),
        ValueRef::Links(list) => records(list),
        ValueRef::Media(list) => records(list),
        ValueRef::Messages(list) => records(list),
        ValueRef::Numbers(map) => map.keys().map(|key| key.len() + 64).sum(),
        ValueRef::Parts(list) => records(list),
        ValueRef::Redactions(list) => records(list),
        ValueRef::Texts(list) => texts(list),
        ValueRef::TextsMap(map) => map.iter().map(|(key, list)| key.len() + texts(list)).sum(),
        ValueRef::ToolDefinitions(list) => records(list),
        ValueRef::Truncations(list) => records(list),
    }
}
