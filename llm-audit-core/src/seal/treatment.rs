//! What becomes of each field under the levels of one event.

use std::collections::BTreeMap;
use std::slice;

use super::absence::Absences;
use super::adjacent::Joined;
use super::detect::Sides;
use super::parts::{facet_of, without_content};
use super::recall::names_of_user;
use super::report::{Failures, place_of_part};
use super::{derive, digest, fit, scrub};
use crate::catalog::Field;
use crate::clock::Clock;
use crate::event::{
    Absence, Event, Kind, Message, Part, Record, RedactionCount, Status, Truncation, Value,
    ValueRef, last_user_text, response_text,
};
use crate::facet::{Facet, FacetSet};
use crate::key::Key;
use crate::level::{Level, Levels};
use crate::policy::Policy;
use crate::raw::RawEvent;
use crate::redact::{Families, Family, Given, Session, Step};
use crate::sync::Arc;

/// The treatment of one event's fields.
pub(super) struct Treatment<'a> {
    policy: &'a Policy,
    /// The policy that was in force when the event began, where it is another one.
    before: Option<&'a Policy>,
    levels: Levels,
    tenant: &'a str,
    key: Option<&'a Key>,
    /// Facets in which even secrets stay: both the policy at `begin` and the one in force say so.
    pub(super) verbatim: FacetSet,
    clock: &'a Arc<dyn Clock>,
    /// One for each of the policies: what either hides is hidden.
    pub(super) sessions: Vec<Session>,
    /// Fields that were put in the event, in their order.
    pub(super) kept: Vec<Field>,
    pub(super) failures: Failures,
    /// Where in the unit interval the event's sampling falls; `None` when all of it is kept.
    sample_point: Option<f64>,
    sample_rate: Option<f64>,
    pub(super) absences: Absences,
    pub(super) redactions: Vec<RedactionCount>,
    truncations: Vec<Truncation>,
    digests: BTreeMap<String, String>,
    pub(super) sides: Sides,
}

/// A limit on the size of a value, and what the value was before it was redacted.
struct Limit {
    facet: Facet,
    most: usize,
    /// Bytes of text.
    bytes: usize,
    /// Of a value that is longer than the limit, where there is a key.
    digest: Option<String>,
}

impl<'a> Treatment<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        levels: Levels,
        tenant: &'a str,
        raw: &'a RawEvent,
        given: &[(Field, Value)],
        clock: &'a Arc<dyn Clock>,
    ) -> Self {
        let key = policy.keys().map(|keys| keys.current());
        let before = Some(&raw.policy).filter(|before| before.hash() != policy.hash());
        let mut hidden = raw.hidden.clone();
        if let Some(frame) = &raw.context {
            hidden.extend(&frame.hidden);
        }
        let known = match levels.get(Facet::User) {
            Level::Off => Vec::new(),
            _ => names_of_user(given),
        };
        let session = |policy: &Policy| {
            policy.redactor().session(&Given {
                key: policy.keys().map(|keys| keys.current()),
                tenant,
                clock: Some(Arc::clone(clock)),
                hidden: hidden.values(),
                is_overfull: hidden.is_overfull(),
                known: &known,
            })
        };
        Self {
            policy,
            before,
            levels,
            tenant,
            key,
            verbatim: Facet::ALL
                .iter()
                .copied()
                .filter(|facet| policy.is_verbatim(*facet) && raw.policy.is_verbatim(*facet))
                .collect(),
            sessions: before.into_iter().chain([policy]).map(session).collect(),
            clock,
            kept: Vec::with_capacity(given.len()),
            failures: Failures::default(),
            sample_point: before
                .into_iter()
                .chain([policy])
                .any(Policy::is_sampling)
                .then(|| sample_point(raw, given))
                .filter(|_| !must_keep(raw, given)),
            sample_rate: None,
            absences: Absences::default(),
            redactions: Vec::new(),
            truncations: Vec::new(),
            digests: BTreeMap::new(),
            sides: Sides::default(),
        }
    }

    /// Sets the sizes and digests that are kept of content from level digest up.
    pub(super) fn derive(&self, given: &[(Field, Value)], event: &mut Event) {
        let captured = |facet| self.level(facet) > Level::Off;
        let input = derive::messages(given, Field::InputMessages);
        if self.level(Facet::Prompt) > Level::Off && !input.is_empty() {
            event.set(
                Field::PromptChars,
                Value::Int(derive::chars(input, Facet::Prompt, captured)),
            );
            event.set(Field::MessageCount, Value::Int(input.len() as u64));
            self.set_digest(event, Field::PromptDigest, || last_user_text(input));
        }
        let output = derive::messages(given, Field::OutputMessages);
        if self.level(Facet::Response) > Level::Off && !output.is_empty() {
            let chars = derive::chars(output, Facet::Response, captured);
            event.set(Field::ResponseChars, Value::Int(chars));
            self.set_digest(event, Field::ResponseDigest, || response_text(output));
        }
    }

    /// Puts in `event` what the levels leave of `value`.
    pub(super) fn apply(&mut self, field: Field, mut value: Value, event: &mut Event) {
        let Some(facet) = field.facet() else {
            // The envelope has no level to opt in with. Its words must hold no personal data; its
            // ids are no text in which such data is looked for.
            let families = match field {
                Field::ErrorCode | Field::ErrorType => Families::All,
                _ => Families::SecretsOnly,
            };
            self.keep(field, value, Some(families), event);
            return;
        };
        let level = self.level(facet);
        if level == Level::Off {
            self.absences.add(Absence::Withheld, facet);
            return;
        }
        if facet.is_content() && !self.is_sampled(facet) {
            self.absences.add(Absence::SampledOut, facet);
            return;
        }
        self.note_failed(facet, &mut value);
        match level {
            Level::Digest => self.digest(field, facet, value, event),
            _ => match value {
                Value::Messages(messages) => self.messages(field, facet, messages, event),
                Value::Parts(parts) => {
                    let parts = self.parts(field, facet, Some("system"), parts);
                    self.kept.push(field);
                    event.set(field, Value::Parts(parts));
                }
                value => self.keep(field, value, self.families(facet), event),
            },
        }
    }

    /// Notes that `field` was cut while it was captured, from `bytes` bytes.
    pub(super) fn note_cut(&mut self, field: Field, bytes: u64) {
        if let Some(facet) = field.facet() {
            self.absences.add(Absence::Truncated, facet);
        }
        self.truncations
            .push(Truncation::default().field(field.name()).bytes(bytes));
    }

    /// Puts in `event` what the treatment has to say.
    pub(super) fn finish(mut self, event: &mut Event) -> Failures {
        self.recall(event);
        self.say_redacted(event);
        if !self.digests.is_empty() {
            event.set(Field::Digests, Value::TextMap(self.digests));
        }
        if !self.redactions.is_empty() {
            event.set(Field::Redactions, Value::Redactions(self.redactions));
        }
        if !self.truncations.is_empty() {
            event.set(Field::Truncations, Value::Truncations(self.truncations));
        }
        if let Some(rate) = self.sample_rate {
            event.set(Field::SampleRate, Value::Float(rate));
        }
        self.absences.write_to(event);
        self.failures
    }

    /// Returns what counts personal data in texts that are not kept.
    pub(super) fn observer(&self) -> Option<Session> {
        let given = Given {
            clock: Some(Arc::clone(self.clock)),
            ..Given::default()
        };
        self.policy.redactor().observer(Family::Pii, &given)
    }

    pub(super) fn level(&self, facet: Facet) -> Level {
        self.levels.get(facet)
    }

    /// Which families of detectors run over `facet`: at level full those of secrets alone.
    fn families(&self, facet: Facet) -> Option<Families> {
        match self.level(facet) {
            Level::Full if self.verbatim.contains(facet) => None,
            Level::Full => Some(Families::SecretsOnly),
            _ => Some(Families::All),
        }
    }

    /// Which families of detectors run over a part of `facet` whose message lets it have `level`.
    pub(super) fn families_at(&self, level: Level, facet: Facet) -> Option<Families> {
        match level {
            Level::Full => self.families(facet),
            _ => Some(Families::All),
        }
    }

    /// Returns whether the content of `facet` is kept in this event.
    pub(super) fn is_sampled(&mut self, facet: Facet) -> bool {
        let rates = self
            .policies()
            .filter_map(|policy| policy.facet_rule(facet).sample);
        let (Some(point), Some(rate)) = (self.sample_point, rates.reduce(f64::min)) else {
            return true;
        };
        self.sample_rate = Some(self.sample_rate.map_or(rate, |lowest| lowest.min(rate)));
        point < rate
    }

    /// Says of messages and parts whose values could not be written as JSON that they are absent.
    fn note_failed(&mut self, container: Facet, value: &mut Value) {
        let mut failed = FacetSet::EMPTY;
        let mut visit = |parts: &mut [Part], role: Option<&str>| {
            for part in parts
                .iter_mut()
                .filter_map(|part| part.take_failed().then_some(part))
            {
                failed.insert(facet_of(part, role, container));
                part.absent = Some(Absence::Failed.as_str().to_owned());
            }
        };
        match value {
            Value::Messages(messages) => {
                for message in messages {
                    visit(
                        message.parts.as_deref_mut().unwrap_or_default(),
                        message.role.as_deref(),
                    );
                    if message.take_failed() {
                        self.absences.add(Absence::Failed, container);
                    }
                }
            }
            Value::Parts(parts) => visit(parts, None),
            _ => {}
        }
        for facet in failed
            .iter()
            .filter(|facet| self.levels.get(*facet) > Level::Off)
        {
            self.absences.add(Absence::Failed, facet);
        }
    }

    /// The policy in force, and that which was in force when the event began.
    fn policies(&self) -> impl Iterator<Item = &'a Policy> + use<'a> {
        self.before.into_iter().chain([self.policy])
    }

    /// Runs `scrub` with the redactor of each policy, on what is of `facet` and at `place` in its
    /// field.
    pub(super) fn scrub(
        &mut self,
        facet: Option<Facet>,
        place: &[Step],
        mut scrub: impl FnMut(&mut Session) -> scrub::Scrubbed,
    ) -> scrub::Scrubbed {
        let mut changed = false;
        for session in &mut self.sessions {
            session.enter(facet, place);
            changed |= scrub::contained(|| scrub(session))?;
        }
        Ok(changed)
    }

    fn keep(
        &mut self,
        field: Field,
        mut value: Value,
        families: Option<Families>,
        event: &mut Event,
    ) {
        if let Value::Media(items) = &mut value {
            for item in items {
                take_data_uri(&mut item.uri, &mut item.bytes, &mut item.mime_type);
            }
        }
        let tenant = self.tenant;
        let limit = field.facet().and_then(|facet| {
            let digest = |key: &Key| digest::of_value(key, tenant, field, &value);
            self.limit(facet, value.as_ref(), digest)
        });
        if let Some(families) = families {
            let scrubbed = self.scrub(field.facet(), &[], |session| {
                scrub::scrub(session, families, field.name(), &mut value)
            });
            if !self.note(field, field.facet(), scrubbed) {
                return;
            }
        }
        if let Some(limit) = limit {
            self.cut(field, limit, &mut value);
        }
        self.kept.push(field);
        event.set(field, value);
    }

    fn digest(&mut self, field: Field, facet: Facet, value: Value, event: &mut Event) {
        let Some(key) = self.key else {
            // A policy with a digest and without a key does not build.
            self.absences.add(Absence::Failed, facet);
            return;
        };
        let digest = |text: &str| digest::of_text(key, self.tenant, field, text);
        match value {
            Value::Text(text) if facet.is_identity() => {
                event.set(field, Value::Text(digest(&text)));
            }
            Value::Texts(texts) if facet.is_identity() => {
                let texts = texts.iter().map(|text| digest(text)).collect();
                event.set(field, Value::Texts(texts));
            }
            mut value => {
                self.leave_out_parts(facet, &mut value);
                let digest = digest::of_value(key, self.tenant, field, &value);
                self.digests.insert(field.name().to_owned(), digest);
                // What of an identity is no text has its digest beside the pseudonyms, which are
                // present.
                if !facet.is_identity() {
                    self.absences.add(Absence::Withheld, facet);
                }
            }
        }
    }

    /// Leaves the content of parts whose facets are off out of `value`: not even a digest may be
    /// made of it.
    fn leave_out_parts(&mut self, container: Facet, value: &mut Value) {
        let mut leave_out = |parts: &mut Vec<Part>, role: Option<&str>| {
            for part in parts {
                let facet = facet_of(part, role, container);
                if self.levels.get(facet) == Level::Off {
                    *part = without_content(part, Absence::Withheld.as_str());
                    self.absences.add(Absence::Withheld, facet);
                }
            }
        };
        match value {
            Value::Messages(messages) => {
                for message in messages {
                    if let Some(parts) = &mut message.parts {
                        leave_out(parts, message.role.as_deref());
                    }
                }
            }
            Value::Parts(parts) => leave_out(parts, None),
            _ => {}
        }
    }

    fn messages(
        &mut self,
        field: Field,
        container: Facet,
        messages: Vec<Message>,
        event: &mut Event,
    ) {
        let mut kept = Vec::with_capacity(messages.len());
        for mut message in messages {
            let parts = message.parts.take();
            let role = message.role.clone();
            if let Some(families) = self.families(container) {
                let mut alone = Value::Messages(vec![message]);
                let scrubbed = self.scrub(Some(container), &[], |session| {
                    scrub::scrub(session, families, "message", &mut alone)
                });
                let Value::Messages(scrubbed_messages) = alone else {
                    continue;
                };
                if !self.note(field, Some(container), scrubbed) {
                    continue;
                }
                let Some(scrubbed_message) = scrubbed_messages.into_iter().next() else {
                    continue;
                };
                message = scrubbed_message;
            }
            message.parts = parts.map(|parts| self.parts(field, container, role.as_deref(), parts));
            kept.push(message);
        }
        self.kept.push(field);
        event.set(field, Value::Messages(kept));
    }

    fn parts(
        &mut self,
        field: Field,
        container: Facet,
        role: Option<&str>,
        parts: Vec<Part>,
    ) -> Vec<Part> {
        let joined = self.joined_texts(field, container, role, &parts);
        parts
            .into_iter()
            .zip(joined)
            .map(|(part, joined)| self.part(field, container, role, part, joined))
            .collect()
    }

    fn part(
        &mut self,
        field: Field,
        container: Facet,
        role: Option<&str>,
        mut part: Part,
        joined: Joined,
    ) -> Part {
        let facet = facet_of(&part, role, container);
        let level = self.level(container).min(self.level(facet));
        if level == Level::Off || (facet.is_content() && !self.is_sampled(facet)) {
            let reason = if level == Level::Off {
                Absence::Withheld
            } else {
                Absence::SampledOut
            };
            let left = without_content(&part, reason.as_str());
            self.absences.add(reason, facet);
            return left;
        }
        if level == Level::Digest {
            self.absences.add(Absence::Withheld, facet);
            let mut left = without_content(&part, Absence::Withheld.as_str());
            left.digest = self
                .key
                .map(|key| digest::of_part(key, self.tenant, field, &part));
            return left;
        }
        if facet == Facet::Media {
            take_inline_bytes(&mut part);
        }
        take_data_uri(&mut part.uri, &mut part.bytes, &mut part.mime_type);
        let tenant = self.tenant;
        let limit = self.limit(facet, ValueRef::Parts(slice::from_ref(&part)), |key| {
            digest::of_part(key, tenant, field, &part)
        });
        match joined {
            Joined::Alone => {}
            Joined::Redacted(text) => part.content = Some(text),
            Joined::Failed => return without_content(&part, Absence::Failed.as_str()),
        }
        if let Some(families) = self.families_at(level, facet) {
            let scrubbed = self.scrub(Some(facet), place_of_part(field), |session| {
                scrub::scrub_part(session, families, &mut part)
            });
            if !self.note(field, Some(facet), scrubbed) {
                return without_content(&part, Absence::Failed.as_str());
            }
        }
        let Some(limit) = limit else {
            return part;
        };
        let mut alone = Value::Parts(vec![part]);
        self.cut(field, limit, &mut alone);
        match alone {
            Value::Parts(mut parts) => parts.pop().unwrap_or_default(),
            _ => Part::default(),
        }
    }

    /// Returns what is to be known of a value before it is redacted, where the policies limit the
    /// size of `facet`: the lower limit holds.
    fn limit(
        &self,
        facet: Facet,
        value: ValueRef<'_>,
        digest: impl FnOnce(&Key) -> String,
    ) -> Option<Limit> {
        let limits = self
            .policies()
            .filter_map(|policy| policy.facet_rule(facet).max_bytes);
        let most = limits.min()?;
        let bytes = fit::text_bytes(value);
        Some(Limit {
            facet,
            most,
            bytes,
            digest: self.key.filter(|_| bytes > most).map(digest),
        })
    }

    /// Cuts the texts of `value` to the limit.
    fn cut(&mut self, field: Field, limit: Limit, value: &mut Value) {
        if fit::cut_texts(value, limit.most) {
            self.absences.add(Absence::Truncated, limit.facet);
            let mut truncation = Truncation::default()
                .field(field.name())
                .bytes(limit.bytes as u64);
            truncation.digest = limit.digest;
            self.truncations.push(truncation);
        }
    }

    fn set_digest(&self, event: &mut Event, field: Field, text: impl FnOnce() -> Option<String>) {
        if let Some(key) = self.key
            && let Some(text) = text()
        {
            let digest = digest::of_text(key, self.tenant, field, &text);
            event.set(field, Value::Text(digest));
        }
    }
}

/// Errors, blocks and what a guardrail flagged are kept whatever the sampling says.
fn must_keep(raw: &RawEvent, given: &[(Field, Value)]) -> bool {
    let ended_well = matches!(raw.status, None | Some(Status::Ok));
    let flagged = given.iter().any(|(field, value)| match value {
        Value::Guardrails(verdicts) if *field == Field::Guardrails => verdicts.iter().any(|v| {
            v.action
                .as_deref()
                .is_some_and(|action| action != "allowed")
        }),
        _ => false,
    });
    !ended_well || flagged
}

/// A point in the unit interval that follows from the event's identifier, so that every copy of an
/// event is sampled alike; an intent like its interaction, which has the same content.
fn sample_point(raw: &RawEvent, given: &[(Field, Value)]) -> f64 {
    let interaction = Some(given)
        .filter(|_| raw.kind == Kind::PromptSent)
        .and_then(|given| super::text(given, Field::TargetEventId)?.parse().ok());
    let hash = digest::sha256(interaction.unwrap_or(raw.event_id).as_bytes());
    let mut high = [0; 8];
    high.copy_from_slice(hash.first_chunk::<8>().unwrap_or(&[0; 8]));
    // 53 bits fill the fraction of a double exactly.
    (u64::from_be_bytes(high) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Replaces inline bytes of media by their size: base64 text is neither readable nor searchable,
/// and one image can be larger than everything else in the log.
fn take_inline_bytes(part: &mut Part) {
    if let Some(content) = part.content.take() {
        part.bytes.get_or_insert((content.len() / 4 * 3) as u64);
    }
}

/// Takes out a URI that holds the bytes themselves (RFC 2397), and keeps their size and type.
fn take_data_uri(uri: &mut Option<String>, bytes: &mut Option<u64>, mime: &mut Option<String>) {
    let is_data = |uri: &mut String| {
        uri.get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    };
    if let Some(uri) = uri.take_if(is_data) {
        bytes.get_or_insert((uri.len() / 4 * 3) as u64);
        let mime_type = uri.get(5..).and_then(|rest| rest.split([';', ',']).next());
        if mime.is_none() {
            *mime = mime_type.filter(|mime| mime.len() <= 64).map(str::to_owned);
        }
    }
}
