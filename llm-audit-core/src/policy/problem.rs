//! What is wrong with a policy: every problem, each with its place.

use std::fmt;

use crate::error::Error;

/// Where a setting was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    #[default]
    Code,
    /// A line of a policy file, from 1.
    Line(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => Ok(()),
            Self::Line(line) => write!(f, "line {line}: "),
        }
    }
}

/// Something that is allowed and probably not meant; print it with `Display`.
/// # Examples
///
/// ```
/// use llm_audit_core::{Facet, Level, Policy, Warning};
///
/// let policy = Policy::builder()
///     .facet(Facet::Usage, Level::Off)
///     .tenants_default(|t| t.facet(Facet::Usage, Level::Full))
///     .build()?;
/// let warnings: &[Warning] = policy.warnings();
/// assert!(warnings[0].to_string().contains("tenants.default asks for `usage` at full"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    place: Place,
    message: String,
}

impl Warning {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.message)
    }
}

/// The problems found so far; a policy is built only when there are none.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<(Place, String)>);

impl Problems {
    pub(super) fn add(&mut self, place: Place, message: impl Into<String>) {
        let behind = self.0.partition_point(|(known, _)| *known <= place);
        self.0.insert(behind, (place, message.into()));
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns one error with all problems in the order of their lines; `subject` names the policy.
    pub(super) fn into_result(self, subject: &str) -> Result<(), Error> {
        match self.0.as_slice() {
            [] => Ok(()),
            [(Place::Code, message)] => Err(Error::policy(format!("{subject}: {message}"))),
            [(Place::Line(line), message)] => {
                Err(Error::policy(format!("{subject}, line {line}: {message}")))
            }
            several => {
                let lines: String = several
                    .iter()
                    .map(|(place, message)| format!("\n  {place}{message}"))
                    .collect();
                let count = several.len();
                Err(Error::policy(format!(
                    "{subject} has {count} problems:{lines}"
                )))
            }
        }
    }
}

/// Returns a word of a policy file as it may stand in an error: short and without control
/// characters.
pub(super) fn quoted(word: &str) -> String {
    const MAX: usize = 40;
    let mut short: String = word
        .chars()
        .take(MAX)
        .map(|c| if c.is_control() || c == '`' { '?' } else { c })
        .collect();
    if word.chars().nth(MAX).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}

/// Returns `options` as a list, those that look most like `word` first.
pub(super) fn nearest_first(word: &str, options: impl IntoIterator<Item = &'static str>) -> String {
    by_distance(word, options.into_iter().collect())
}

fn by_distance(word: &str, mut options: Vec<&str>) -> String {
    options.sort_by_cached_key(|option| distance(word, option));
    options.join(", ")
}

/// Returns the Levenshtein distance: the least number of insertions, deletions and replacements of
/// characters that turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    // Longer words are like none of ours, and need not cost time.
    let from: Vec<char> = from.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (above, letter) in to.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut next = vec![left];
        for (own, up) in from.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(*own != letter))
                .min(left + 1)
                .min(up + 1);
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (from, to, expected) in [
            ("", "abc", 3),
            ("abc", "", 3),
            ("prompt", "prompt", 0),
            ("promt", "prompt", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn one_problem_is_one_line_and_several_are_a_list_by_line() {
        let mut problems = Problems::default();
        problems.add(Place::Line(7), "late");
        let mut more = Problems::default();
        more.add(Place::Line(7), "late");
        more.add(Place::Line(2), "early");
        more.add(Place::Code, "nowhere");
        assert_eq!(
            problems
                .into_result("policy file `p`")
                .unwrap_err()
                .to_string(),
            "policy file `p`, line 7: late"
        );
        assert_eq!(
            more.into_result("policy file `p`").unwrap_err().to_string(),
            "policy file `p` has 3 problems:\n  nowhere\n  line 2: early\n  line 7: late"
        );
    }

    #[test]
    fn a_quoted_word_is_short_and_plain() {
        assert_eq!(quoted("a\nb`c"), "`a?b?c`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 43);
    }
}
