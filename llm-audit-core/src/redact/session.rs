//! The redaction of one event: text by text, with what its texts have in common.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use memchr::memmem;

use super::Redactor;
use super::bytes::{Mix, in_word, is_placeholder};
use super::data_type::{DataType, Family};
use super::detectors::Confidence;
use super::operator::Operator;
use super::scan::{Hit, resolve};
use crate::key::Key;

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

/// How often an operator was applied to values of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) data_type: DataType,
    /// The operator's word, without parameters.
    pub(crate) operator: &'static str,
    pub(crate) count: u64,
}

/// Why a text could not be redacted. It must then be withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedactError {
    /// An operator needs a key and there is none.
    NoKey(DataType),
    /// A detector named bytes that are no part of the text.
    BadSpan(&'static str),
}

impl fmt::Display for RedactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey(data_type) => write!(f, "operator pseudonym of `{data_type}` has no key"),
            Self::BadSpan(detector) => write!(f, "detector `{detector}` left the text"),
        }
    }
}

/// Redacts the texts of one event.
///
/// Equal values get equal numbers, and a secret that one text gave away by its surroundings is
/// hidden in later texts too, where it stands alone.
pub(crate) struct Session {
    redactor: Redactor,
    key: Option<Key>,
    keyless: bool,
    tenant: String,
    numbers: HashMap<(DataType, String), usize>,
    last_number: HashMap<DataType, usize>,
    proven: Vec<Proven>,
    findings: Vec<Finding>,
    hits: Vec<Hit>,
}

struct Proven {
    value: String,
    hit: Hit,
}

/// What of a value stands in a text.
enum Piece<'v> {
    Whole,
    /// Its beginning; the operator is applied here, to all of it.
    First(&'v str),
    /// What shows nothing of the value, and is not counted again.
    Later,
}

/// More secrets than this in one event are each found by themselves, but not looked for elsewhere.
const MAX_PROVEN: usize = 32;
const MIN_PROVEN: usize = 6;
const MAX_NAME: usize = 48;

impl Session {
    pub(super) fn new(redactor: Redactor, key: Option<Key>, tenant: &str) -> Self {
        Self {
            redactor,
            key,
            keyless: false,
            tenant: tenant.to_owned(),
            numbers: HashMap::new(),
            last_number: HashMap::new(),
            proven: Vec::new(),
            findings: Vec::new(),
            hits: Vec::new(),
        }
    }

    /// Returns a session in which pseudonyms become placeholders without a tag.
    pub(super) fn keyless(redactor: Redactor) -> Self {
        Self {
            keyless: true,
            ..Self::new(redactor, None, "")
        }
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
        if self.find(text, families, name)?.is_empty() {
            return Ok(None);
        }
        let hits = std::mem::take(&mut self.hits);
        let redacted = self.replace(text, hits.iter().map(|hit| (*hit, Piece::Whole)));
        self.hits = hits;
        redacted
    }

    /// Returns the redacted JSON text, or `None` when it needs no change; see [`super::json`].
    pub(crate) fn json(
        &mut self,
        text: &str,
        families: Families,
        name: Option<&str>,
    ) -> Result<Option<String>, RedactError> {
        super::json::redact(self, text, families, name)
    }

    /// Redacts texts that belong together, as one text that was cut anywhere, and returns whether
    /// one has changed. A value that runs over a border is replaced on both sides.
    pub(crate) fn adjacent(
        &mut self,
        texts: &mut [String],
        families: Families,
    ) -> Result<bool, RedactError> {
        let joined = texts.concat();
        let hits = self.find(&joined, families, None)?.to_vec();
        let (mut changed, mut start) = (false, 0);
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
                let piece = if hit.start < start {
                    Piece::Later
                } else if hit.end > end && alone_to != Some((hit.start, hit.end)) {
                    Piece::First(joined.get(hit.start..hit.end).unwrap_or_default())
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

    /// Returns what was found since the last call, one entry for each type and operator.
    pub(crate) fn take_findings(&mut self) -> Vec<Finding> {
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
        self.drop_allowed(text);
        let rests = resolve(&mut self.hits);
        self.find_in_rests(text, families, rests);
        self.remember(text);
        self.recall(text);
        Ok(&self.hits)
    }

    /// Adds the values that stand by themselves in what overlaps have left over.
    fn find_in_rests(&mut self, text: &str, families: Families, rests: Vec<Range<usize>>) {
        let before = self.hits.len();
        for Range { start, end } in rests {
            let found = self.hits.len();
            let part = text.get(start..end).unwrap_or_default();
            self.redactor.0.scanner.scan(part, families, &mut self.hits);
            for hit in self.hits.iter_mut().skip(found) {
                *hit = hit.moved(start + hit.start..start + hit.end);
            }
        }
        if self.hits.len() > before {
            self.drop_allowed(text);
            resolve(&mut self.hits);
        }
    }

    fn drop_allowed(&mut self, text: &str) {
        let allow = &self.redactor.0.settings.allow;
        self.hits.retain(|hit| {
            let value = text.get(hit.start..hit.end).unwrap_or_default();
            !allow.iter().any(|allowed| allowed == value)
        });
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

    /// Keeps the secrets that only their surroundings gave away.
    fn remember(&mut self, text: &str) {
        for hit in &self.hits {
            let value = text.get(hit.start..hit.end).unwrap_or_default();
            if self.proven.len() < MAX_PROVEN
                && hit.is_by_context()
                && is_telling(value)
                && self.proven.iter().all(|proven| proven.value != value)
            {
                self.proven.push(Proven {
                    value: value.to_owned(),
                    hit: *hit,
                });
            }
        }
    }

    /// Adds the places where kept secrets stand alone.
    fn recall(&mut self, text: &str) {
        let found = self.hits.len();
        for Proven { value, hit } in &self.proven {
            if value.len() > text.len() {
                continue;
            }
            for start in memmem::find_iter(text.as_bytes(), value) {
                let end = start + value.len();
                let next = text.as_bytes().get(end);
                let bounded = !in_word(text.as_bytes(), start)
                    && !next.is_some_and(u8::is_ascii_alphanumeric);
                if bounded {
                    self.hits.push(hit.moved(start..end));
                }
            }
        }
        if self.hits.len() > found {
            resolve(&mut self.hits);
        }
    }

    fn replace<'v>(
        &mut self,
        text: &str,
        pieces: impl Iterator<Item = (Hit, Piece<'v>)>,
    ) -> Result<Option<String>, RedactError> {
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        let mut changed = false;
        let redactor = self.redactor.clone();
        for (hit, piece) in pieces {
            let (Some(between), Some(own)) =
                (text.get(end..hit.start), text.get(hit.start..hit.end))
            else {
                return Err(RedactError::BadSpan(hit.detector));
            };
            let mut operator = redactor.operator(hit.data_type);
            if self.keyless && *operator == Operator::Pseudonym {
                operator = &Operator::Redact;
            }
            let value = match piece {
                Piece::First(value) if *operator != Operator::Keep => value,
                _ => own,
            };
            let is_later = matches!(piece, Piece::Later);
            if is_later && !matches!(operator, Operator::Drop | Operator::Keep) {
                operator = &Operator::Redact;
            }
            out.push_str(between);
            let start = out.len();
            let key = self.key.as_ref().map(|key| (key, self.tenant.as_str()));
            let (numbers, last) = (&mut self.numbers, &mut self.last_number);
            let number = |value| {
                *numbers.entry((hit.data_type, value)).or_insert_with(|| {
                    let last = last.entry(hit.data_type).or_default();
                    *last += 1;
                    *last
                })
            };
            if !operator.write(&mut out, hit.data_type, value, number, key) {
                return Err(RedactError::NoKey(hit.data_type));
            }
            changed |= out.get(start..) != Some(own);
            if !is_later {
                self.count(hit.data_type, operator.name());
            }
            end = hit.end;
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Ok(changed.then_some(out))
    }

    fn count(&mut self, data_type: DataType, operator: &'static str) {
        let known = self
            .findings
            .iter_mut()
            .find(|finding| finding.data_type == data_type && finding.operator == operator);
        match known {
            Some(finding) => finding.count += 1,
            None => self.findings.push(Finding {
                data_type,
                operator,
                count: 1,
            }),
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

/// Returns whether a value is no word that texts hold for other reasons.
fn is_telling(value: &str) -> bool {
    let mix = Mix::of(value.as_bytes());
    let letters = mix.upper + mix.lower;
    let others = value.len() - letters - mix.digits;
    let kinds = [letters, mix.digits, others]
        .iter()
        .filter(|count| **count > 0)
        .count();
    value.len() >= MIN_PROVEN && kinds >= 2 && !is_placeholder(value.as_bytes())
}

impl Hit {
    fn is_by_context(&self) -> bool {
        self.data_type.family() == Family::Secret && self.confidence <= Confidence::Context
    }
}
