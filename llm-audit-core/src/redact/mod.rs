//! Redaction: personal data and secrets are found in text and replaced before anything is written.
//!
//! One table of detectors drives everything. A text is searched for what announces their values:
//! literals such as `password` by one table; single bytes such as `@`, numbers, and long runs of what
//! tokens are made of in one scan of blocks.
//! At each place a hand-written matcher looks at a bounded piece of text, and validates it where a
//! format can be validated. Overlaps are resolved, an operator writes what takes the value's place,
//! and the report counts it. The time is linear in the length of the text; a text without a value
//! costs no allocation. Where anything fails, the text is withheld, never passed on.

use std::borrow::Cow;
use std::fmt;

use crate::error::Error;
use crate::key::Key;
use crate::sync::Arc;

mod blocks;
mod buffers;
mod bytes;
mod context;
mod data_type;
mod date;
mod detectors;
mod encoded;
mod file_scan;
mod fold;
mod json;
mod label;
mod layout;
mod literals;
mod operator;
mod runs;
mod scan;
mod session;
mod settings;

pub use data_type::{DataType, Family};
pub use file_scan::{FileFinding, FileScan};
pub use operator::Operator;
pub(crate) use session::{Families, Finding, RedactError, Session};
pub use settings::{RedactionPreset, RedactionSettings, RedactionTarget, RedactorBuilder};

use detectors::DETECTORS;
use scan::{Hit, Scanner};

/// Finds personal data and secrets in text and replaces them.
///
/// Cloning is cheap. The default is that of [`RedactionPreset::Recommended`].
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{DataType, Operator, Redactor};
///
/// let redactor = Redactor::builder()
///     .operator(DataType::CreditCard, Operator::KeepLast(4))
///     .allow("help@example.org")
///     .build()?;
/// assert_eq!(
///     redactor.redact_str("help@example.org, I am ada@example.org, card 4111 1111 1111 1111"),
///     "help@example.org, I am [EMAIL], card [CREDIT_CARD:1111]"
/// );
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Redactor(Arc<Inner>);

struct Inner {
    settings: RedactionSettings,
    /// By the index of the data type.
    operators: Vec<Operator>,
    scanner: Scanner,
}

/// A value that was found, by its place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
    /// What it is.
    pub data_type: DataType,
    /// Name of the detector that found it.
    pub detector: &'static str,
}

impl Redactor {
    /// The version of detectors and operators; it stands in the log beside the policy. It changes
    /// when a text may come out in another way.
    pub const ENGINE_VERSION: &str = "1";

    /// Returns a builder with the recommended detectors.
    pub fn builder() -> RedactorBuilder {
        RedactorBuilder::default()
    }

    /// Builds the redactor of plain settings, as they stand in a policy file.
    ///
    /// # Errors
    ///
    /// When an entry names no type or operator, or an operator may not be used; the error names
    /// the entry, such as `redaction.operators.email`.
    pub fn from_settings(settings: &RedactionSettings) -> Result<Self, Error> {
        RedactorBuilder::from_settings(settings)?.build()
    }

    /// Returns whether an operator needs a key.
    pub fn needs_key(&self) -> bool {
        DataType::ALL.iter().any(|data_type| {
            self.is_enabled(*data_type) && *self.operator(*data_type) == Operator::Pseudonym
        })
    }

    /// Returns the settings in canonical form: equal redactors have equal settings.
    pub fn settings(&self) -> RedactionSettings {
        self.0.settings.clone()
    }

    /// Returns `text` with every value replaced; borrowed when there is none.
    ///
    /// This is what the log does to one text by itself. Without a key, [`Operator::Pseudonym`]
    /// writes what [`Operator::Redact`] does. A text that cannot be redacted comes back empty.
    pub fn redact_str<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut session = Session::keyless(self.clone());
        match session.text(text, Families::All, None) {
            Ok(None) => Cow::Borrowed(text),
            Ok(Some(redacted)) => Cow::Owned(redacted),
            Err(_) => Cow::Borrowed(""),
        }
    }

    /// Returns where values are, in the order of the text and without overlaps.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::redact::{DataType, Redactor};
    ///
    /// let spans = Redactor::default().find("write to ada@example.org");
    /// assert_eq!((spans[0].start, spans[0].end), (9, 24));
    /// assert_eq!(spans[0].data_type, DataType::Email);
    /// ```
    pub fn find(&self, text: &str) -> Vec<Span> {
        let mut session = Session::keyless(self.clone());
        let hits = session.find(text, Families::All, None);
        let span = |hit: &Hit| Span {
            start: hit.start,
            end: hit.end,
            data_type: hit.data_type,
            detector: hit.detector,
        };
        hits.map(|hits| hits.iter().map(span).collect())
            .unwrap_or_default()
    }

    /// Returns what redacts the texts of one event.
    pub(crate) fn session(&self, key: Option<&Key>, tenant: &str) -> Session {
        Session::new(self.clone(), key.cloned(), tenant)
    }

    /// Returns what counts the values in texts that are not kept, where the preset has detectors of
    /// `family`.
    pub(crate) fn observer(&self, family: Family) -> Option<Session> {
        let has_family = self.0.settings.preset.contains(family);
        has_family.then(|| Session::keyless(self.clone()))
    }

    fn assemble(settings: RedactionSettings, operators: Vec<Operator>) -> Self {
        let preset = settings.preset;
        let detectors = DETECTORS
            .iter()
            .filter(|detector| preset.contains(detector.data_type.family()));
        Self(Arc::new(Inner {
            scanner: Scanner::new(detectors),
            settings,
            operators,
        }))
    }

    fn is_enabled(&self, data_type: DataType) -> bool {
        self.0.settings.preset.contains(data_type.family())
    }

    fn operator(&self, data_type: DataType) -> &Operator {
        const FALLBACK: &Operator = &Operator::Redact;
        self.0.operators.get(data_type.index()).unwrap_or(FALLBACK)
    }
}

impl Default for Redactor {
    fn default() -> Self {
        let operators = vec![Operator::Redact; DataType::ALL.len()];
        Self::assemble(RedactionSettings::default(), operators)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redactor").field(&self.0.settings).finish()
    }
}

#[cfg(test)]
mod tests;
