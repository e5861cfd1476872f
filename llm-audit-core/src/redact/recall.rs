//! Values that are known before a text is searched: secrets of other texts, and what the host named.

use memchr::{memchr_iter, memmem};

use super::bytes::{Mix, in_word, is_placeholder};
use super::detectors::Confidence;
use super::failure::RedactError;
use super::overlap::resolve;
use super::scan::Hit;
use super::session::{Families, Naming, Proven, Session};
use crate::facet::Facet;

/// More secrets than this in one event are each found by themselves, but not looked for elsewhere.
const MAX_PROVEN: usize = 32;
const MIN_PROVEN: usize = 6;
/// What finds known values, as the report names it.
const KNOWN: &str = "known_value";

impl Session {
    /// Keeps the secrets that only their surroundings gave away.
    pub(super) fn remember(&mut self, text: &str) {
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

    /// Keeps the secrets of a value that is hidden or dropped as a whole, and returns whether it
    /// has any.
    pub(super) fn learn(&mut self, value: &str, name: Option<&str>) -> Result<bool, RedactError> {
        self.learning = Some(false);
        let learning = Learning(self);
        super::json::walk(learning.0, value, Families::SecretsOnly, name)?;
        Ok(learning.0.learning == Some(true))
    }

    /// Adds the places where kept secrets and known values stand alone.
    pub(super) fn recall(&mut self, text: &str, families: Families) {
        if self.proven.is_empty() && self.known.is_empty() {
            return;
        }
        let found = self.hits.len();
        for Proven { value, hit } in &self.proven {
            if value.len() > text.len() {
                continue;
            }
            places(text.as_bytes(), value.as_bytes(), |start| {
                let end = start + value.len();
                let next = text.as_bytes().get(end);
                let bounded = !in_word(text.as_bytes(), start)
                    && !next.is_some_and(u8::is_ascii_alphanumeric);
                if bounded {
                    self.hits.push(hit.moved(start..end));
                }
                bounded
            });
        }
        // Who somebody is, is for the levels of identity to say.
        let is_identity = self.facet.is_some_and(Facet::is_identity);
        if !self.recalling && !is_identity {
            for (known, naming) in &self.known {
                let data_type = known.data_type;
                if *naming == Naming::Host || families.contains(data_type.family()) {
                    known.places(text, |start, end| {
                        self.hits.push(Hit {
                            start,
                            end,
                            data_type,
                            detector: KNOWN,
                            confidence: Confidence::Valid,
                            is_united: false,
                        });
                    });
                }
            }
        }
        if self.hits.len() > found {
            self.drop_allowed(text);
            let rules = self.redactor.rules(self.facet);
            resolve(text, &mut self.hits, &|a, b| rules.shows_more(a, b));
        }
    }
}

/// Calls `visit` with each place of `value` in `text`, of places that overlap with the first; of a
/// value of at most 64 bytes, with the first that `visit` takes.
fn places(text: &[u8], value: &[u8], mut visit: impl FnMut(usize) -> bool) {
    /// A longer value is not compared at every byte that it may stand at: where this many were in
    /// vain, a search of linear time is built.
    const MAX_SHORT: usize = 64;
    const MAX_VAIN: usize = 16;
    let is_short = value.len() <= MAX_SHORT;
    let mut covered = 0;
    let signs = value.iter().rposition(|b| !b.is_ascii_lowercase());
    if let Some((offset, sign)) = signs.and_then(|at| Some((at, *value.get(at)?))) {
        // Where the sign may stand so that all of the value is in the text.
        let last = (text.len() + offset + 1).saturating_sub(value.len());
        let mut vain = 0;
        for at in memchr_iter(sign, text.get(offset..last).unwrap_or_default()) {
            if at < covered {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            if rest.starts_with(value) {
                if visit(at) || !is_short {
                    covered = at + value.len();
                }
                continue;
            }
            vain += 1;
            if vain > MAX_VAIN && !is_short {
                covered = at + 1;
                break;
            }
        }
        if is_short || vain <= MAX_VAIN {
            return;
        }
    }
    let rest = text.get(covered..).unwrap_or_default();
    for at in memmem::find_iter(rest, value) {
        visit(covered + at);
    }
}

/// Ends the learning, also when a detector panics.
struct Learning<'s>(&'s mut Session);

impl Drop for Learning<'_> {
    fn drop(&mut self) {
        self.0.learning = None;
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::{Given, Redactor};

    #[test]
    fn a_place_inside_a_word_covers_none_that_stands_alone() {
        let mut session = Redactor::default().session(&Given::default());
        session.enter(Some(Facet::ToolIo), &[]);
        let mut text = |text| session.text(text, Families::All, None).unwrap();
        assert!(text("password='zq9-zq9'").is_some());
        let new = text("see xzq9-zq9-zq9 there").unwrap();
        assert_eq!(new, "see xzq9-[GENERIC_SECRET] there");
    }

    proptest! {
        #[test]
        fn a_long_value_is_found_where_a_plain_search_finds_it(
            value in "[a1]{65,70}",
            parts in prop::collection::vec(("[a1]{0,70}", any::<bool>()), 0..8)
        ) {
            let part = |(other, holds): &(String, bool)| other.clone() + if *holds { &value } else { "" };
            let text: String = parts.iter().map(part).collect();
            let mut found = Vec::new();
            places(text.as_bytes(), value.as_bytes(), |at| {
                found.push(at);
                true
            });
            let expected: Vec<_> = memmem::find_iter(text.as_bytes(), value.as_bytes()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
