//! Values that are never hidden.

use std::collections::BTreeSet;

use super::data_type::Family;
use super::settings::Fault;

/// Values by themselves and by pattern.
#[derive(Debug, Default)]
pub(super) struct Allow {
    values: BTreeSet<String>,
    #[cfg(feature = "regex")]
    patterns: Vec<regex::Regex>,
}

impl Allow {
    pub(super) fn new(
        values: &BTreeSet<String>,
        patterns: &BTreeSet<String>,
        faults: &mut Vec<Fault>,
    ) -> Self {
        #[cfg(not(feature = "regex"))]
        if !patterns.is_empty() {
            faults.push(Fault::new("allow_regex", super::settings::NEEDS_REGEX));
        }
        #[cfg(feature = "regex")]
        let mut compile = |pattern: &String| {
            // Only a match of the whole value counts: `^a|b` must not let in all that begins with a.
            let whole = super::pattern::compiled(&format!(r"\A(?:{pattern})\z"));
            whole
                .map_err(|why| faults.push(Fault::new("allow_regex", &why)))
                .ok()
        };
        Self {
            values: values.clone(),
            #[cfg(feature = "regex")]
            patterns: patterns.iter().filter_map(&mut compile).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        #[cfg(feature = "regex")]
        if !self.patterns.is_empty() {
            return false;
        }
        self.values.is_empty()
    }

    /// Returns whether `value` stays. A pattern lets no secret through: one that is too wide would
    /// let out all of them.
    pub(super) fn contains(&self, value: &str, family: Family) -> bool {
        #[cfg(feature = "regex")]
        if family != Family::Secret && self.patterns.iter().any(|pattern| pattern.is_match(value)) {
            return true;
        }
        #[cfg(not(feature = "regex"))]
        let _ = family;
        self.values.contains(value)
    }
}
