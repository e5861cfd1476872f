//! Detectors of one's own, and what keeps a text safe from them.

use std::fmt;
use std::ops::Range;

use super::buffers;
use super::data_type::{DataType, interned, is_word_of_type};
use super::detectors::Confidence;
use super::failure::RedactError;
use super::fold::Folded;
use super::label::is_mark;
use super::scan::Hit;
use crate::facet::Facet;
use crate::foreign::contained;
use crate::sync::Arc;

/// Finds values that no built-in detector knows: a model of names, a list of customers.
///
/// It runs on the log's thread, on texts of facets at level Redacted and on nothing else, beside the
/// built-in detectors. It is to be quick, and linear in the length of the text: it cannot be
/// interrupted, and delays the events behind it. A text in which it panics, names a range that is
/// none of the text, names a type that it did not declare, or is late, is withheld and counted; the
/// rest of the event is kept. `examples/custom_detector.rs` is a whole one.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{DataType, Detector, DetectorContext, Findings, Redactor};
///
/// struct Ada;
///
/// impl Detector for Ada {
///     fn name(&self) -> &str {
///         "ada"
///     }
///
///     fn data_types(&self) -> Vec<DataType> {
///         vec![DataType::Person]
///     }
///
///     fn find(&self, text: &str, _: &DetectorContext<'_>, findings: &mut Findings) {
///         for (start, name) in text.match_indices("Ada") {
///             findings.add(start..start + name.len(), DataType::Person);
///         }
///     }
/// }
///
/// let redactor = Redactor::builder().detector(Ada).build()?;
/// assert_eq!(redactor.redact_str("Dear Ada,"), "Dear [PERSON],");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub trait Detector: Send + Sync + 'static {
    /// Returns the name in reports: 2 to 32 characters of `a-z`, `0-9` and `_`.
    fn name(&self) -> &str;

    /// Returns the types that it finds, [`DataType::custom`] ones among them.
    fn data_types(&self) -> Vec<DataType>;

    /// Adds what it finds in `text` to `findings`.
    fn find(&self, text: &str, context: &DetectorContext<'_>, findings: &mut Findings);

    /// Returns the version of what it finds; it is part of the policy's hash. `"1"` by default.
    fn version(&self) -> &str {
        "1"
    }
}

/// Where a text stands.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DetectorContext<'t> {
    /// The facet that the text belongs to; `None` where the redactor is called by itself.
    pub facet: Option<Facet>,
    /// The name of the JSON member or field that the text is the value of.
    pub name: Option<&'t str>,
}

/// What a [`Detector`] has found in a text.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<(Range<usize>, DataType, Confidence)>,
    overflow: bool,
}

/// More values than this in one text are no finding any more.
const MAX_FINDINGS: usize = 65_536;

impl Findings {
    /// Adds a value by its bytes in the text, as sure as [`Confidence::Context`].
    pub fn add(&mut self, range: Range<usize>, data_type: DataType) {
        self.add_with(range, data_type, Confidence::Context);
    }

    /// Adds a value with how sure the detector is. Where findings overlap, the surer one names the
    /// type.
    pub fn add_with(&mut self, range: Range<usize>, data_type: DataType, confidence: Confidence) {
        if self.found.len() < MAX_FINDINGS {
            self.found.push((range, data_type, confidence));
        } else {
            self.overflow = true;
        }
    }
}

/// A detector of one's own with what it has declared.
#[derive(Clone)]
pub(super) struct Custom {
    name: &'static str,
    version: String,
    types: Vec<DataType>,
    how: How,
}

#[derive(Clone)]
enum How {
    Foreign(Arc<dyn Detector>),
    #[cfg(feature = "regex")]
    Pattern(super::Pattern),
}

impl Custom {
    /// Returns the detector, or what is wrong with it.
    pub(super) fn new(detector: Arc<dyn Detector>) -> Result<Self, String> {
        const PANICKED: &str = "a detector panics when it is asked for its name and types";
        let told = contained(|| (detector.name().to_owned(), detector.version().to_owned()));
        let (name, version) = told.ok_or_else(|| PANICKED.to_owned())?;
        let types = types_of(detector.as_ref());
        let is_name = (2..=32).contains(&name.len())
            && name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !is_name {
            return Err("a detector has a name of 2 to 32 characters of a-z, 0-9 and _".to_owned());
        }
        if types.is_empty() {
            return Err(format!(
                "detector `{name}` declares no type of data; name what it finds"
            ));
        }
        Ok(Self {
            name: interned(&name).map_err(|error| error.to_string())?,
            version,
            types,
            how: How::Foreign(detector),
        })
    }

    #[cfg(feature = "regex")]
    pub(super) fn pattern(pattern: super::Pattern) -> Self {
        Self {
            name: pattern.data_type().name(),
            version: String::new(),
            types: vec![pattern.data_type()],
            how: How::Pattern(pattern),
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn types(&self) -> &[DataType] {
        &self.types
    }

    /// Whether it is somebody else's code, that sees only texts of facets at level Redacted.
    pub(super) const fn is_foreign(&self) -> bool {
        matches!(self.how, How::Foreign(_))
    }

    /// Returns how the detector stands in a policy's canonical text; a pattern stands there itself.
    pub(super) fn identity(&self) -> Option<String> {
        let types: Vec<_> = self
            .types
            .iter()
            .map(|data_type| data_type.name())
            .collect();
        self.is_foreign()
            .then(|| format!("{}@{}: {}", self.name, self.version, types.join(", ")))
    }

    /// Appends what it finds in `text`.
    pub(super) fn find(
        &self,
        text: &str,
        context: &DetectorContext<'_>,
        token_id: Option<&str>,
        hits: &mut Vec<Hit>,
    ) -> Result<(), RedactError> {
        let mut findings = Findings::default();
        match &self.how {
            How::Foreign(detector) => {
                let run = || detector.find(text, context, &mut findings);
                if contained(run).is_none() {
                    return Err(RedactError::Panicked(self.name));
                }
            }
            #[cfg(feature = "regex")]
            How::Pattern(pattern) => pattern.find(text, context, &mut findings),
        }
        if findings.overflow {
            return Err(RedactError::TooMany(self.name));
        }
        for (range, data_type, confidence) in findings.found {
            // A range that does not fit was computed on another text, so nothing of it can be
            // believed.
            if text.get(range.clone()).is_none_or(str::is_empty) {
                return Err(RedactError::BadSpan(self.name));
            }
            if !self.types.contains(&data_type) {
                return Err(RedactError::BadType(self.name));
            }
            if is_in_placeholder(text, &range, token_id) {
                continue;
            }
            hits.push(Hit {
                start: range.start,
                end: range.end,
                data_type,
                detector: self.name,
                confidence,
                is_united: false,
            });
        }
        Ok(())
    }

    /// Appends what it finds in what `text` spells in disguise, `depth` of them over one another.
    pub(super) fn find_disguised(
        &self,
        text: &str,
        context: &DetectorContext<'_>,
        token_id: Option<&str>,
        depth: usize,
        hits: &mut Vec<Hit>,
    ) -> Result<(), RedactError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(());
        };
        buffers::with(|buffers| {
            let Some(view) = Folded::of(text, buffers) else {
                return Ok(());
            };
            let mut found = Vec::new();
            self.find(view.text(), context, token_id, &mut found)?;
            self.find_disguised(view.text(), context, token_id, depth, &mut found)?;
            for hit in found {
                let range = hit.start..hit.end;
                if view.is_disguised(&range) {
                    hits.push(hit.moved(view.origin(&range)));
                }
            }
            view.end(buffers);
            Ok(())
        })
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("name", &self.name)
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}

/// Returns the types that a detector declares; none where it panics.
pub(super) fn types_of(detector: &dyn Detector) -> Vec<DataType> {
    contained(|| detector.data_types()).unwrap_or_default()
}

/// Returns whether `range` lies in what an operator wrote: `[EMAIL]`, `[PERSON_1]`, `[EMAIL:k1:…]`.
/// Redacting a text twice must change nothing.
fn is_in_placeholder(text: &str, range: &Range<usize>, token_id: Option<&str>) -> bool {
    let before = text.get(..range.end).unwrap_or_default();
    let Some(open) = before.rfind('[') else {
        return false;
    };
    let Some(inside) = text.get(open + 1..) else {
        return false;
    };
    let Some(close) = inside.find([']', '[']) else {
        return false;
    };
    if open + 1 + close < range.end.saturating_sub(1) || inside.as_bytes().get(close) != Some(&b']')
    {
        return false;
    }
    is_own_mark(inside.get(..close).unwrap_or_default(), token_id)
}

/// Returns what a placeholder has behind the colon, where `value` as a whole looks like one; `""`
/// where it is a word, alone or with a number.
pub(super) fn detail_of_placeholder<'v>(value: &'v str, token_id: Option<&str>) -> Option<&'v str> {
    let inside = value.strip_prefix('[')?.strip_suffix(']')?;
    let detail = inside.split_once(':').map_or("", |(_, detail)| detail);
    is_own_mark(inside, token_id).then_some(detail)
}

/// Returns whether `inside` has the form of what an operator wrote; of a token, with the key that is
/// in use.
fn is_own_mark(inside: &str, token_id: Option<&str>) -> bool {
    is_mark(inside, is_word_of_type, |id| token_id == Some(id))
}
