//! Detectors that are regular expressions.

use std::fmt;

use regex::{Regex, RegexBuilder};

use super::custom::{DetectorContext, Findings};
use super::data_type::{DataType, Family};
use super::detectors::Confidence;
use super::settings::PatternSettings;
use crate::error::Error;

/// A detector that is a regular expression, of a type of its own.
///
/// The syntax is that of crate `regex`, whose time is linear in the length of the text whatever the
/// expression. A group named `value` is what is hidden; without one it is the whole match.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{Pattern, Redactor};
///
/// let staff = Pattern::new("employee_id", r"EMP-\d{6}")?;
/// let room = Pattern::new("room", r"\b[A-Z]\d{3}\b")?.context(["room", "office"]);
/// let redactor = Redactor::builder().pattern(staff).pattern(room).build()?;
/// assert_eq!(redactor.redact_str("EMP-123456 in room B204"), "[EMPLOYEE_ID] in room [ROOM]");
/// assert_eq!(redactor.redact_str("EMP-123456 has form B204"), "[EMPLOYEE_ID] has form B204");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Pattern {
    data_type: DataType,
    source: String,
    regex: Regex,
    context: Vec<String>,
}

/// Memory of a compiled expression, and of the automaton that grows while it searches.
const MAX_COMPILED: usize = 1 << 20;
/// An expression is written by people.
const MAX_PATTERN: usize = 4_096;
/// Bytes before a value in which a word of its context is looked for.
const CONTEXT_BYTES: usize = 48;
const VALUE: &str = "value";

impl Pattern {
    /// Returns the detector of values that match `pattern`; `name` becomes a type of personal data.
    ///
    /// # Errors
    ///
    /// When the name cannot be that of a type, see [`DataType::custom`], or when the expression is
    /// wrong, matches the empty text, or is too large: it has at most 4,096 bytes, and 1 MiB
    /// compiled.
    pub fn new(name: &str, pattern: &str) -> Result<Self, Error> {
        let data_type = DataType::custom(name, Family::Pii)?;
        let regex = compiled(pattern)
            .map_err(|why| Error::policy(format!("pattern of `{name}`: {why}")))?;
        if regex.is_match("") {
            return Err(Error::policy(format!(
                "pattern of `{name}` matches the empty text, and so everything; make it need \
                 something"
            )));
        }
        Ok(Self {
            data_type,
            source: pattern.to_owned(),
            regex,
            context: Vec::new(),
        })
    }

    /// Makes the type one of secrets: it is looked for at level Full too, and hidden one-way.
    ///
    /// # Errors
    ///
    /// None in practice: the name was accepted before.
    pub fn secret(mut self) -> Result<Self, Error> {
        self.data_type = DataType::custom(self.data_type.name(), Family::Secret)?;
        Ok(self)
    }

    /// Lets a value count only behind one of these words, at most 48 bytes before it or in the name
    /// of its JSON member; upper and lower case of ASCII are the same.
    #[must_use]
    pub fn context<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words
            .into_iter()
            .map(|word| word.into().to_ascii_lowercase());
        self.context.extend(words.filter(|word| !word.is_empty()));
        self
    }

    /// Returns the type of what it finds.
    pub const fn data_type(&self) -> DataType {
        self.data_type
    }

    pub(super) fn read(settings: &PatternSettings) -> Result<Self, Error> {
        let pattern = Self::new(&settings.name, &settings.pattern)?;
        let pattern = match settings.family {
            Family::Pii => pattern,
            Family::Secret => pattern.secret()?,
        };
        Ok(pattern.context(settings.context.iter().cloned()))
    }

    pub(super) fn settings(&self) -> PatternSettings {
        PatternSettings {
            name: self.data_type.name().to_owned(),
            pattern: self.source.clone(),
            family: self.data_type.family(),
            context: self.context.clone(),
        }
    }

    pub(super) fn find(&self, text: &str, context: &DetectorContext<'_>, findings: &mut Findings) {
        let named = self.context.is_empty() || context.name.is_some_and(|name| self.is_said(name));
        for captures in self.regex.captures_iter(text) {
            let Some(found) = captures.name(VALUE).or_else(|| captures.get(0)) else {
                continue;
            };
            if found.is_empty() {
                continue;
            }
            let from = found.start().saturating_sub(CONTEXT_BYTES);
            let from = (from..=found.start()).find(|at| text.is_char_boundary(*at));
            let before = from.and_then(|from| text.get(from..found.start()));
            if named || before.is_some_and(|before| self.is_said(before)) {
                findings.add_with(found.range(), self.data_type, Confidence::Context);
            }
        }
    }

    /// Returns whether a word of the context is in `text`.
    fn is_said(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.context.iter().any(|word| text.contains(word.as_str()))
    }
}

/// The expression may spell values, so it is not shown.
impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern")
            .field("data_type", &self.data_type)
            .finish_non_exhaustive()
    }
}

/// Compiles an expression within limits of size.
pub(super) fn compiled(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("it is longer than {MAX_PATTERN} bytes"));
    }
    let built = RegexBuilder::new(pattern)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            format!(
                "it takes more than {MAX_COMPILED} bytes when compiled; make its counts smaller"
            )
        }
        // The text of a syntax error shows the expression, which may hold values.
        _ => "it is no regular expression of crate `regex`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[test]
    fn a_group_named_value_is_what_is_hidden() {
        let pattern = Pattern::new("order", r"order (?<value>\d+)").unwrap();
        let redactor = Redactor::builder().pattern(pattern).build().unwrap();
        assert_eq!(redactor.redact_str("order 17 of 18"), "order [ORDER] of 18");
    }

    #[test]
    fn debug_shows_no_expression() {
        let pattern = Pattern::new("order", "Ada Lovelace").unwrap();
        let pattern = pattern.context(["Countess"]);
        let settings = pattern.settings();
        let redactor = Redactor::builder().pattern(pattern.clone());
        let shown = format!(
            "{pattern:?} {settings:?} {redactor:?} {:?}",
            redactor.clone().build()
        );
        assert!(shown.contains("order"), "{shown}");
        assert!(
            !shown.contains("Ada") && !shown.contains("ountess"),
            "{shown}"
        );
    }

    #[test]
    fn values_in_disguise_are_found() {
        let key = Pattern::new("deploy_key", "dk-[a-z]{8}").unwrap();
        let redactor = Redactor::builder().pattern(key.secret().unwrap()).build();
        let redactor = redactor.unwrap();
        for text in [
            "dk-abcdefgh",
            "dk%2Dabcdefgh",
            "dk%252Dabcdefgh",
            "ｄｋ－ａｂｃｄｅｆｇｈ",
            "dk-abc\u{200b}defgh",
        ] {
            assert_eq!(
                redactor.redact_str(&format!("with {text} in")),
                "with [DEPLOY_KEY] in"
            );
        }
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_told_without_the_pattern() {
        for (pattern, why) in [
            ("Ada Lovelace(", "no regular expression"),
            ("x*", "empty text"),
            (r"(?:\w{500}){500}", "more than 1048576 bytes"),
            (&"x".repeat(5_000), "longer than 4096 bytes"),
        ] {
            let error = Pattern::new("order", pattern).unwrap_err().to_string();
            assert!(error.contains("`order`") && error.contains(why), "{error}");
            assert!(!error.contains("Lovelace"), "{error}");
        }
        for name in ["email", "pii", "x", "Order", "1a", "a-b"] {
            assert!(Pattern::new(name, "x").unwrap_err().is_policy(), "{name}");
        }
    }
}
