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

use memchr::memmem::Finder;

use crate::error::Error;
use crate::facet::Facet;
#[cfg(feature = "token")]
use crate::key::TokenKey;
use crate::sorted::SortedMap;
use crate::sync::Arc;

mod allow;
mod base64;
mod blocks;
mod budget;
mod buffers;
mod builder;
mod byte_set;
mod bytes;
mod context;
mod custom;
mod data_type;
mod data_uri;
mod date;
mod detectors;
mod disguise;
mod encoded;
mod explain;
mod failure;
mod file_scan;
mod fold;
mod json;
mod json_text;
mod known;
mod label;
mod layout;
mod literals;
mod normal;
mod operator;
mod overlap;
mod path;
#[cfg(feature = "regex")]
mod pattern;
mod place;
mod recall;
mod replace;
mod rules;
mod runs;
mod scan;
mod session;
mod settings;
mod sibling;

pub use builder::RedactorBuilder;
pub use custom::{Detector, DetectorContext, Findings};
pub use data_type::{CustomType, DataType, Family};
pub use detectors::Confidence;
pub(crate) use failure::RedactError;
pub use file_scan::{FileFinding, FileScan};
pub(crate) use known::{MIN_KNOWN, names_in};
pub use operator::Operator;
#[cfg(feature = "regex")]
#[cfg_attr(docsrs, doc(cfg(feature = "regex")))]
pub use pattern::Pattern;
pub(crate) use place::Step;
pub use rules::RedactionRules;
pub(crate) use session::{Families, Finding, Given, Session};
pub(crate) use settings::Fault;
pub use settings::{
    PatternSettings, RedactionPreset, RedactionSettings, RedactionTarget, RuleSettings,
};

use allow::Allow;
use budget::Budget;
use custom::Custom;
use detectors::DETECTORS;
use rules::Compiled;
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
///     .allow_value("help@example.org")
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
    parts: Parts,
    scanner: Scanner,
    data_uris: Finder<'static>,
}

/// What a checked redactor is made of.
struct Parts {
    settings: RedactionSettings,
    rules: Compiled,
    /// For facets with rules of their own.
    facets: SortedMap<Facet, Compiled>,
    allow: Allow,
    /// Those of one's own, patterns first.
    detectors: Vec<Custom>,
    budget: Budget,
    #[cfg(feature = "token")]
    token_key: Option<TokenKey>,
}

impl std::ops::Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
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
    pub const ENGINE_VERSION: &str = "3";

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
        RedactorBuilder::read(settings, &[]).build()
    }

    /// Returns whether an operator needs the key of pseudonyms.
    pub fn needs_key(&self) -> bool {
        let all = [&self.0.rules].into_iter().chain(self.0.facets.values());
        let mut operators =
            all.flat_map(|rules| rules.operators(|family| self.0.settings.preset.contains(family)));
        operators.any(|operator| *operator == Operator::Pseudonym)
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
        let mut session = Session::silent(self.clone(), None);
        match session.text(text, Families::All, None) {
            Ok(None) => Cow::Borrowed(text),
            Ok(Some(redacted)) => Cow::Owned(redacted),
            Err(_) => Cow::Borrowed(""),
        }
    }

    /// Returns JSON `text` of a facet with every value in it replaced; borrowed when there is none.
    ///
    /// It stays JSON: strings are redacted one by one, with the names of members as context, and
    /// rules by path apply. What is not JSON is redacted as text. JSON that cannot be redacted comes
    /// back as `null`.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::redact::Redactor;
    ///
    /// let redactor = Redactor::default();
    /// let json = r#"{"to":"ada@example.org","password":"x7"}"#;
    /// assert_eq!(
    ///     redactor.redact_json(None, json),
    ///     r#"{"to":"[EMAIL]","password":"[GENERIC_SECRET]"}"#
    /// );
    /// ```
    pub fn redact_json<'t>(&self, facet: impl Into<Option<Facet>>, text: &'t str) -> Cow<'t, str> {
        let mut session = Session::silent(self.clone(), facet.into());
        match session.json(text, Families::All, None) {
            Ok(None) => Cow::Borrowed(text),
            Ok(Some(redacted)) => Cow::Owned(redacted),
            Err(_) => Cow::Borrowed("null"),
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
        let mut session = Session::silent(self.clone(), None);
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
    pub(crate) fn session(&self, given: &Given<'_>) -> Session {
        Session::new(self.clone(), given)
    }

    /// Returns what counts the values in texts that are not kept, where the preset has detectors of
    /// `family`. Detectors of one's own that are no patterns do not see these texts.
    pub(crate) fn observer(&self, family: Family, given: &Given<'_>) -> Option<Session> {
        let has_family = self.0.settings.preset.contains(family);
        has_family.then(|| Session::observer(self.clone(), given))
    }

    /// Returns whether a placeholder may be a type without a number or mark.
    pub(crate) fn has_bare_tags(&self) -> bool {
        let preset = self.0.settings.preset;
        let mut operators = self.0.rules.operators(|family| preset.contains(family));
        operators.any(|operator| *operator == Operator::Redact)
    }

    /// Returns the detectors of one's own that are no patterns, as a policy's text names them.
    pub(crate) fn detector_names(&self) -> Vec<String> {
        self.0
            .detectors
            .iter()
            .filter_map(Custom::identity)
            .collect()
    }

    /// Returns the id of the key of tokens.
    pub(crate) fn token_key_id(&self) -> Option<&str> {
        #[cfg(feature = "token")]
        return self.0.token_key.as_ref().map(TokenKey::id);
        #[cfg(not(feature = "token"))]
        None
    }

    fn assemble(parts: Parts) -> Self {
        let preset = parts.settings.preset;
        let detectors = DETECTORS
            .iter()
            .filter(|detector| preset.contains(detector.data_type.family()));
        let scanner = Scanner::new(detectors);
        Self(Arc::new(Inner {
            parts,
            scanner,
            data_uris: data_uri::finder(),
        }))
    }

    /// Returns a redactor that has one detector of the table, and what announces that one's values;
    /// none behind the last. Fuzzing goes through all of them, so a new one needs no target of its own.
    #[cfg(any(test, feature = "testing"))]
    #[doc(hidden)]
    pub fn alone(number: usize) -> Option<(Self, Vec<&'static str>)> {
        let detector = DETECTORS.get(number)?;
        let mut redactor = Self::default();
        if let Some(inner) = Arc::get_mut(&mut redactor.0) {
            inner.scanner = Scanner::new(std::iter::once(detector));
        }
        Some((redactor, detector.announcements()))
    }

    /// Returns the rules for texts of `facet`.
    fn rules(&self, facet: Option<Facet>) -> &Compiled {
        let own = facet.and_then(|facet| self.0.facets.get(&facet));
        own.unwrap_or(&self.0.rules)
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::assemble(Parts {
            settings: RedactionSettings::default(),
            rules: Compiled::new(&RedactionRules::new(), None),
            facets: SortedMap::new(),
            allow: Allow::default(),
            detectors: Vec::new(),
            budget: Budget::new(None, None),
            #[cfg(feature = "token")]
            token_key: None,
        })
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redactor").field(&self.0.settings).finish()
    }
}

#[cfg(test)]
mod tests;
