//! The redaction of one event: text by text, with what its texts have in common.

use std::collections::HashMap;
use std::fmt;

use super::Redactor;
use super::budget::Meter;
use super::custom::DetectorContext;
use super::data_type::{DataType, Family};
use super::detectors::Confidence;
use super::failure::RedactError;
use super::known::Known;
use super::overlap::resolve;
use super::place::{Place, Step};
use super::replace::Piece;
use super::rules::Compiled;
use super::scan::{Hit, MAX_DEPTH};
use crate::clock::Clock;
use crate::facet::Facet;
use crate::key::Key;
use crate::sorted::SortedMap;
use crate::sync::Arc;

/// Which detectors run on a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Families {
    /// Those of secrets: the text's level is Full.
    SecretsOnly,
    /// All that the preset has.
    All,
}

impl Families {
    pub(super) fn contains(self, family: Family) -> bool {
        self == Self::All || family == Family::Secret
    }
}

/// How often an operator was applied to values of a type at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) data_type: DataType,
    pub(crate) detector: &'static str,
    /// The operator's word, without parameters.
    pub(crate) operator: &'static str,
    /// Where in the field, without names that may be content.
    pub(crate) place: String,
    pub(crate) count: u64,
}

/// What the texts of one event are redacted with.
#[derive(Clone, Default)]
pub(crate) struct Given<'g> {
    pub(crate) key: Option<&'g Key>,
    pub(crate) tenant: &'g str,
    /// Measures the time, if it is limited.
    pub(crate) clock: Option<Arc<dyn Clock>>,
    /// Values that the host named: they are hidden at level Full too.
    pub(crate) hidden: &'g [(DataType, Box<str>)],
    /// Whether the host named values that cannot be looked for.
    pub(crate) is_overfull: bool,
    /// Values that the event's own fields gave.
    pub(crate) known: &'g [(DataType, String)],
}

/// Redacts the texts of one event.
///
/// Equal values get equal numbers, and a secret that one text gave away by its surroundings is
/// hidden in the others too, where it stands alone.
pub(crate) struct Session {
    pub(super) redactor: Redactor,
    pub(super) key: Option<Key>,
    /// Nothing that depends on a key is written.
    pub(super) keyless: bool,
    /// Whether what is redacted counts against the budget of an event.
    metered: bool,
    /// There are values to hide that cannot be looked for, so no content is kept.
    is_overfull: bool,
    viewers: Viewers,
    pub(super) tenant: String,
    pub(super) facet: Option<Facet>,
    pub(super) place: Place,
    meter: Meter,
    pub(super) numbers: HashMap<(DataType, String), usize>,
    pub(super) last_number: SortedMap<DataType, usize>,
    pub(super) proven: Vec<Proven>,
    pub(super) known: Vec<(Known, Naming)>,
    /// Only kept secrets are looked for.
    pub(super) recalling: bool,
    /// Nothing is replaced; whether a value was found.
    pub(super) learning: Option<bool>,
    pub(super) findings: Vec<Finding>,
    /// Findings are not counted.
    pub(super) is_silent: bool,
    pub(super) hits: Vec<Hit>,
}

pub(super) struct Proven {
    pub(super) value: String,
    pub(super) hit: Hit,
}

/// Who named a known value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Host,
    Field,
}

/// On which texts detectors of one's own run that are no patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Viewers {
    /// On none.
    None,
    /// On those of facets at level Redacted.
    OfFacets,
    /// On all: the redactor was called by itself.
    All,
}

const MAX_NAME: usize = 48;

/// What finds the values at paths of the policy, as the report names it.
pub(super) const PATH: &str = "path";

impl Session {
    pub(super) fn new(redactor: Redactor, given: &Given<'_>) -> Self {
        let host = given
            .hidden
            .iter()
            .filter_map(|(data_type, value)| Some((Known::new(value, *data_type)?, Naming::Host)));
        let fields = given
            .known
            .iter()
            .filter_map(|(data_type, value)| Some((Known::new(value, *data_type)?, Naming::Field)));
        Self {
            known: host.chain(fields).collect(),
            meter: Meter::new(redactor.0.budget, given.clock.clone()),
            redactor,
            key: given.key.cloned(),
            keyless: false,
            metered: true,
            is_overfull: given.is_overfull,
            viewers: Viewers::OfFacets,
            tenant: given.tenant.to_owned(),
            facet: None,
            place: Place::default(),
            numbers: HashMap::new(),
            last_number: SortedMap::new(),
            proven: Vec::new(),
            recalling: false,
            learning: None,
            findings: Vec::new(),
            is_silent: false,
            hits: Vec::new(),
        }
    }

    /// Returns a session for texts outside of an event; without a key, pseudonyms become
    /// placeholders without a tag.
    pub(super) fn direct(redactor: Redactor, facet: Option<Facet>) -> Self {
        let mut session = Self::new(redactor, &Given::default());
        session.keyless = true;
        session.metered = false;
        session.viewers = Viewers::All;
        session.facet = facet;
        session
    }

    /// As [`Session::direct`], without a count of what is found.
    pub(super) fn silent(redactor: Redactor, facet: Option<Facet>) -> Self {
        let mut session = Self::direct(redactor, facet);
        session.is_silent = true;
        session
    }

    /// Returns a session for texts of an event that are not kept.
    pub(super) fn observer(redactor: Redactor, given: &Given<'_>) -> Self {
        Self {
            keyless: true,
            viewers: Viewers::None,
            ..Self::new(redactor, given)
        }
    }

    /// Goes on with texts of `facet`, at `place` in their field.
    pub(crate) fn enter(&mut self, facet: Option<Facet>, place: &[Step]) {
        self.facet = facet;
        self.place.set(place);
    }

    /// Goes into `step` until [`Session::up`].
    pub(crate) fn down(&mut self, step: Step) {
        self.place.down(step);
    }

    pub(crate) fn up(&mut self) {
        self.place.up();
    }

    /// Returns whether a secret was found that may stand alone elsewhere.
    pub(crate) fn has_proven(&self) -> bool {
        !self.proven.is_empty()
    }

    /// Goes on looking for kept secrets only, in texts that were searched before they were found.
    pub(crate) fn recall_only(&mut self) {
        self.recalling = true;
    }

    /// Returns the redacted text, or `None` when it needs no change.
    ///
    /// `name` is the key that the text is the value of, where it has one.
    pub(crate) fn text(
        &mut self,
        text: &str,
        families: Families,
        name: Option<&str>,
    ) -> Result<Option<String>, RedactError> {
        self.take(text)?;
        self.leaf(text, families, name)
    }

    /// As [`Session::text`], of a text whose bytes were counted.
    pub(super) fn leaf(
        &mut self,
        text: &str,
        families: Families,
        name: Option<&str>,
    ) -> Result<Option<String>, RedactError> {
        let short = self.without_data_uris(text);
        let text = short.as_deref().unwrap_or(text);
        let is_clean = self.find(text, families, name)?.is_empty();
        if let Some(found) = &mut self.learning {
            *found |= !is_clean;
            return Ok(None);
        }
        if is_clean {
            return Ok(short);
        }
        let hits = std::mem::take(&mut self.hits);
        let redacted = self.replace(text, hits.iter().map(|hit| (*hit, Piece::Whole)));
        self.hits = hits;
        Ok(redacted?.or(short))
    }

    /// Returns the redacted JSON text, or `None` when it needs no change; see [`super::json`].
    pub(crate) fn json(
        &mut self,
        text: &str,
        families: Families,
        name: Option<&str>,
    ) -> Result<Option<String>, RedactError> {
        self.take(text)?;
        super::json::redact(self, text, families, name)
    }

    /// As [`Session::json`], of a value whose document is the map that has it as member `key`.
    pub(crate) fn member(
        &mut self,
        text: &str,
        families: Families,
        key: &str,
        is_json: bool,
    ) -> Result<Option<String>, RedactError> {
        self.take(text)?;
        super::json::redact_member(self, text, families, key, is_json)
    }

    /// Returns whether a rule takes the member `key` out of a map that is a document.
    pub(crate) fn drops(&mut self, key: &str, values: &[String]) -> Result<bool, RedactError> {
        let drops = super::json::drops(self, key);
        if drops {
            for value in values {
                self.take(value)?;
                super::json::learn(self, value, Some(key))?;
            }
            self.count_dropped();
        }
        Ok(drops)
    }

    /// Whether only kept secrets are looked for.
    pub(super) const fn is_recalling(&self) -> bool {
        self.recalling
    }

    /// Whether something is looked for whose values no built-in detector knows.
    pub(super) fn looks_for_own(&self) -> bool {
        !self.known.is_empty() || !self.redactor.0.detectors.is_empty()
    }

    /// Returns a handle on the rules for the texts that are redacted.
    pub(super) fn redactor(&self) -> (Redactor, Option<Facet>) {
        (self.redactor.clone(), self.facet)
    }

    /// Redacts texts that belong together, as one text that was cut anywhere, and returns whether
    /// one has changed. A value that runs over a border is replaced on both sides.
    pub(crate) fn adjacent(
        &mut self,
        texts: &mut [String],
        families: Families,
    ) -> Result<bool, RedactError> {
        if texts
            .iter()
            .any(|text| super::json::is_beyond_paths(self, text))
        {
            return Err(RedactError::NotJson);
        }
        let (mut changed, mut start) = (false, 0);
        for text in &mut *texts {
            if let Some(short) = self.without_data_uris(text) {
                *text = short;
                changed = true;
            }
        }
        let joined = texts.concat();
        self.take(&joined)?;
        let hits = self.find(&joined, families, None)?.to_vec();
        // The last value that is whole in its first text and seems to go on in the next.
        let mut alone_to: Option<(usize, usize)> = None;
        for text in texts {
            let end = start + text.len();
            let first = hits.partition_point(|hit| hit.end <= start);
            let rest = hits.get(first..).unwrap_or_default();
            if let Some(last) = rest.iter().take_while(|hit| hit.start < end).last()
                && last.end > end
                && last.data_type.family() == Family::Pii
                && last.start >= start
            {
                let alone = self.find(text, families, None)?;
                let whole = alone
                    .iter()
                    .any(|hit| hit.data_type == last.data_type && hit.start == last.start - start);
                let behind = joined.get(end..last.end).unwrap_or_default();
                alone_to = (whole && !goes_on(behind)).then_some((last.start, last.end));
            }
            let own = rest.iter().take_while(|hit| hit.start < end);
            // Of personal data that is whole before a border, nothing stands behind it.
            let own =
                own.filter(|hit| hit.start >= start || alone_to != Some((hit.start, hit.end)));
            let pieces = own.map(|hit| {
                let whole = joined.get(hit.start..hit.end).unwrap_or_default();
                let piece = if hit.start < start {
                    Piece::Later(whole)
                } else if hit.end > end && alone_to != Some((hit.start, hit.end)) {
                    Piece::First(whole)
                } else {
                    Piece::Whole
                };
                let range = hit.start.max(start) - start..hit.end.min(end) - start;
                (hit.moved(range), piece)
            });
            if let Some(redacted) = self.replace(text, pieces)? {
                *text = redacted;
                changed = true;
            }
            start = end;
        }
        Ok(changed)
    }

    /// Returns whether something was found since they were taken.
    pub(crate) const fn has_findings(&self) -> bool {
        debug_assert!(!self.is_silent, "they are not counted");
        !self.findings.is_empty()
    }

    /// Returns what was found since the last call, one entry for each type and operator.
    pub(crate) fn take_findings(&mut self) -> Vec<Finding> {
        debug_assert!(!self.is_silent, "they are not counted");
        std::mem::take(&mut self.findings)
    }

    /// Returns the values in `text`, disjoint and in its order.
    pub(super) fn find(
        &mut self,
        text: &str,
        families: Families,
        name: Option<&str>,
    ) -> Result<&[Hit], RedactError> {
        self.hits.clear();
        if self.recalling {
            self.recall(text, families);
            return Ok(&self.hits);
        }
        self.redactor.0.scanner.scan(text, families, &mut self.hits);
        if let Some(name) = name {
            self.judge_by_name(text, families, name);
        }
        for hit in &mut self.hits {
            if hit.start > hit.end || hit.end > text.len() {
                return Err(RedactError::BadSpan(hit.detector));
            }
            // Where a detector cut a character, that is hidden too.
            while !text.is_char_boundary(hit.start) {
                hit.start -= 1;
            }
            while !text.is_char_boundary(hit.end) {
                hit.end += 1;
            }
        }
        self.find_custom(text, families, name)?;
        self.drop_allowed(text);
        let rules = self.redactor.rules(self.facet);
        resolve(text, &mut self.hits, &|a, b| rules.shows_more(a, b));
        self.remember(text);
        self.recall(text, families);
        Ok(&self.hits)
    }

    /// Counts the bytes of a text against the event's budget.
    fn take(&mut self, text: &str) -> Result<(), RedactError> {
        if !self.metered || self.recalling {
            return Ok(());
        }
        let is_content = self.facet.is_some_and(Facet::is_content);
        if is_content && self.is_overfull {
            return Err(RedactError::TooManyHidden);
        }
        if self.meter.take(text.len(), is_content) {
            Ok(())
        } else if is_content && self.meter.is_late() {
            Err(RedactError::Late)
        } else {
            Err(RedactError::OverBudget)
        }
    }

    fn rules(&self) -> &Compiled {
        self.redactor.rules(self.facet)
    }

    /// Adds what detectors of one's own find.
    fn find_custom(
        &mut self,
        text: &str,
        families: Families,
        name: Option<&str>,
    ) -> Result<(), RedactError> {
        if self.redactor.0.detectors.is_empty() {
            return Ok(());
        }
        let redactor = self.redactor.clone();
        let context = DetectorContext {
            facet: self.facet,
            name,
        };
        for detector in &redactor.0.detectors {
            let may_see = match detector.is_foreign() {
                true => {
                    families == Families::All
                        && match self.viewers {
                            Viewers::None => false,
                            Viewers::OfFacets => self.facet.is_some(),
                            Viewers::All => true,
                        }
                }
                false => detector
                    .types()
                    .iter()
                    .any(|t| families.contains(t.family())),
            };
            if !may_see || text.is_empty() {
                continue;
            }
            detector.find(text, &context, redactor.token_key_id(), &mut self.hits)?;
            if !detector.is_foreign() {
                detector.find_disguised(
                    text,
                    &context,
                    redactor.token_key_id(),
                    MAX_DEPTH,
                    &mut self.hits,
                )?;
            }
            if detector.is_foreign() && self.meter.is_late() {
                return Err(RedactError::Slow(detector.name()));
            }
        }
        Ok(())
    }

    pub(super) fn drop_allowed(&mut self, text: &str) {
        let least = self.rules().min_confidence;
        if least > Confidence::Shape {
            self.hits.retain(|hit| hit.is_at_least(least));
        }
        let allow = &self.redactor.0.allow;
        if !allow.is_empty() {
            self.hits.retain(|hit| {
                let value = text.get(hit.start..hit.end).unwrap_or_default();
                !allow.contains(value, hit.data_type.family())
            });
        }
    }

    /// Returns whether a detector knows members of this name. One of many does not count: a number
    /// there is how many there are.
    pub(super) fn knows(&self, name: &str) -> bool {
        normal(name).is_some_and(|(normal, length)| {
            let normal = normal.get(..length).unwrap_or_default();
            self.redactor.0.scanner.named(normal).next().is_some()
        })
    }

    /// Asks the detectors that know names of members about the text as a whole.
    fn judge_by_name(&mut self, text: &str, families: Families, name: &str) {
        let scanner = &self.redactor.0.scanner;
        let Some((normal, length)) = normal(name) else {
            return;
        };
        let normal = normal.get(..length).unwrap_or_default();
        let one = normal
            .strip_suffix(b"s")
            .filter(|_| scanner.named(normal).next().is_none());
        for detector in scanner.named(one.unwrap_or(normal)) {
            if families.contains(detector.data_type.family())
                && let Some(named) = detector.named
                && let Some(range) = (named.judge)(text.as_bytes())
            {
                self.hits.push(Hit::new(detector, range));
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

/// Returns the name of a member in normal form, and its length; `None` when it is too long.
fn normal(name: &str) -> Option<([u8; MAX_NAME], usize)> {
    // Signs that do not count may be many.
    if name.len() > MAX_NAME * 4 {
        return None;
    }
    let mut normal = [0; MAX_NAME];
    let mut length = 0;
    for byte in name.bytes().filter(|b| !matches!(b, b'-' | b'_' | b' ')) {
        *normal.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    Some((normal, length))
}

/// Returns whether a value that is whole before `text` goes on in it: with digits and signs, not
/// with a word.
fn goes_on(text: &str) -> bool {
    let first = text.trim_start().bytes().next();
    first.is_some_and(|b| b.is_ascii_digit() || b.is_ascii_punctuation())
}

impl Hit {
    fn is_at_least(&self, least: Confidence) -> bool {
        self.data_type.family() == Family::Secret || self.confidence >= least
    }

    pub(super) fn is_by_context(&self) -> bool {
        self.data_type.family() == Family::Secret && self.confidence <= Confidence::Context
    }
}
