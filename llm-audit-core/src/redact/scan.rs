//! The scan of one text: prefilter, matchers, and which of overlapping findings stand.

use std::ops::Range;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};

use super::blocks;
use super::data_type::{DataType, Family};
use super::detectors::{Anchor, Confidence, Detector, Find, Matcher, Token, Trigger};

/// A finding before overlaps are resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) data_type: DataType,
    pub(super) detector: &'static str,
    pub(super) confidence: Confidence,
}

impl Hit {
    pub(super) const fn new(detector: &Detector, range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
            data_type: detector.data_type,
            detector: detector.name,
            confidence: detector.confidence,
        }
    }

    fn is_secret(&self) -> bool {
        self.data_type.family() == Family::Secret
    }

    fn rank(&self) -> (Confidence, usize) {
        (self.confidence, self.end - self.start)
    }
}

/// A search for the anchors of some detectors, built once.
pub(super) struct Scanner {
    literals: Vec<(Literals, Vec<Vec<Action>>)>,
    triggers: [Vec<Action>; Trigger::COUNT],
}

/// What to run at an anchor.
#[derive(Clone, Copy)]
struct Action {
    detector: &'static Detector,
    check: Check,
}

#[derive(Clone, Copy)]
enum Check {
    Token(&'static Token),
    Find(Find),
}

/// The packed search takes at most 64 literals, and on processors without AVX2 slows down beyond
/// 48 of three bytes.
const GROUP: usize = 48;

impl Scanner {
    pub(super) fn new(detectors: impl Iterator<Item = &'static Detector>) -> Self {
        let mut literals: Vec<(&'static str, Action)> = Vec::new();
        let mut triggers: [Vec<Action>; Trigger::COUNT] = Default::default();
        for detector in detectors {
            match detector.matcher {
                Matcher::Tokens(tokens) => literals.extend(tokens.iter().map(|token| {
                    let check = Check::Token(token);
                    (token.prefix, Action { detector, check })
                })),
                Matcher::Find(anchors, find) => {
                    let action = Action {
                        detector,
                        check: Check::Find(find),
                    };
                    for anchor in anchors {
                        match anchor {
                            Anchor::Literal(literal) => literals.push((literal, action)),
                            Anchor::Byte(trigger) => {
                                if let Some(actions) = triggers.get_mut(trigger.index()) {
                                    actions.push(action);
                                }
                            }
                        }
                    }
                }
            }
        }
        Self {
            literals: group(literals),
            triggers,
        }
    }

    /// Appends what the detectors find in `text`, in no order.
    pub(super) fn scan(&self, text: &str, families: super::Families, hits: &mut Vec<Hit>) {
        let text = text.as_bytes();
        for (literals, actions) in &self.literals {
            let mut at = 0;
            while let Some((index, start)) = literals.find(text, at) {
                run(actions.get(index), text, start, families, hits);
                // Literals overlap: `glpat-` may begin inside another one.
                at = start + 1;
            }
        }
        if self.triggers.iter().any(|actions| !actions.is_empty()) {
            blocks::scan(text, |trigger, at| {
                run(self.triggers.get(trigger.index()), text, at, families, hits);
            });
        }
    }
}

#[inline]
fn run(
    actions: Option<&Vec<Action>>,
    text: &[u8],
    at: usize,
    families: super::Families,
    hits: &mut Vec<Hit>,
) {
    for Action { detector, check } in actions.into_iter().flatten() {
        if !families.contains(detector.data_type.family()) {
            continue;
        }
        let found = match check {
            Check::Token(token) => token.at(text, at),
            Check::Find(find) => find(text, at),
        };
        if let Some(range) = found.filter(|range| !range.is_empty()) {
            hits.push(Hit::new(detector, range));
        }
    }
}

/// Spreads literals over as few searches as the packed one can take. A literal that begins with
/// another one is searched for as that one: its action tells them apart.
fn group(mut literals: Vec<(&'static str, Action)>) -> Vec<(Literals, Vec<Vec<Action>>)> {
    literals.sort_by_key(|(literal, _)| *literal);
    let mut anchors: Vec<(&'static str, Vec<Action>)> = Vec::new();
    for (literal, action) in literals {
        match anchors.last_mut() {
            Some((shorter, actions)) if literal.starts_with(*shorter) => actions.push(action),
            _ => anchors.push((literal, vec![action])),
        }
    }
    let size = anchors
        .len()
        .div_ceil(anchors.len().div_ceil(GROUP).max(1))
        .max(1);
    anchors
        .chunks(size)
        .filter_map(|chunk| {
            let (literals, actions): (Vec<_>, Vec<_>) = chunk.iter().cloned().unzip();
            Some((Literals::new(&literals)?, actions))
        })
        .collect()
}

/// A search for literals: packed where the processor has the instructions, else an automaton.
enum Literals {
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Literals {
    fn new(literals: &[&str]) -> Option<Self> {
        // Leftmost-first is the one kind that the packed search knows.
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .builder()
            .extend(literals)
            .build();
        if let Some(packed) = packed {
            return Some(Self::Packed(packed));
        }
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(literals)
            .ok()
            .map(Self::Automaton)
    }

    #[inline]
    fn find(&self, text: &[u8], at: usize) -> Option<(usize, usize)> {
        let found = match self {
            Self::Packed(packed) => packed.find_in(text, (at..text.len()).into()),
            Self::Automaton(automaton) => {
                automaton.find(aho_corasick::Input::new(text).range(at..))
            }
        };
        found.map(|found| (found.pattern().as_usize(), found.start()))
    }
}

/// Makes findings disjoint and puts them in the order of the text.
///
/// Of two overlapping secrets all is hidden, under the type of the surer one; a secret wins over
/// personal data; of personal data the surer finding stands, then the longer one.
pub(super) fn resolve(hits: &mut Vec<Hit>) {
    if hits.len() < 2 {
        return;
    }
    hits.sort_by_key(|hit| (hit.start, hit.end));
    let mut kept = 0;
    for index in 1..hits.len() {
        let (Some(mut last), Some(next)) = (hits.get(kept).copied(), hits.get(index).copied())
        else {
            return;
        };
        if next.start >= last.end {
            kept += 1;
            last = next;
        } else {
            last = match (last.is_secret(), next.is_secret()) {
                (true, true) => {
                    let surer = if next.rank() > last.rank() {
                        next
                    } else {
                        last
                    };
                    Hit {
                        start: last.start,
                        end: last.end.max(next.end),
                        ..surer
                    }
                }
                (true, false) => last,
                (false, true) => next,
                (false, false) if next.rank() > last.rank() => next,
                (false, false) => last,
            };
        }
        if let Some(slot) = hits.get_mut(kept) {
            *slot = last;
        }
    }
    hits.truncate(kept + 1);
}
