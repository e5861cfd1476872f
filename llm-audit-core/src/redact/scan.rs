//! The scan of one text: prefilter, matchers, and which of overlapping findings stand.

use std::ops::Range;

use memchr::memmem;

use super::blocks;
use super::data_type::{DataType, Family};
use super::detectors::{Anchor, Confidence, Detector, Find, Matcher, Named, Token, Trigger};
use super::encoded;
use super::fold::Folded;
use super::literals::Literals;
use super::runs::{Runs, Table};
use super::session::Families;

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

    pub(super) const fn moved(self, range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
            ..self
        }
    }

    fn is_secret(&self) -> bool {
        self.data_type.family() == Family::Secret
    }

    fn rank(&self) -> (Confidence, usize) {
        (self.confidence, self.end - self.start)
    }
}

/// How many disguises over one another are seen through: `%2540`, or base64 of `%40`.
const MAX_DEPTH: usize = 2;

/// A search for the anchors of some detectors, built once.
pub(super) struct Scanner {
    literals: Literals<Action>,
    triggers: [Vec<Action>; Trigger::COUNT],
    digits: Table<Action>,
    /// In the order of the names.
    named: Vec<(&'static [u8], &'static Detector)>,
    /// In the order of the last byte.
    endings: Vec<(&'static [u8], &'static Detector)>,
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

impl Scanner {
    pub(super) fn new(detectors: impl Iterator<Item = &'static Detector>) -> Self {
        let mut literals: Vec<(&'static str, Action)> = Vec::new();
        let mut triggers: [Vec<Action>; Trigger::COUNT] = Default::default();
        let mut digits: Vec<(Runs, Action)> = Vec::new();
        let mut named: Vec<(&'static [u8], &'static Detector)> = Vec::new();
        let mut endings: Vec<(&'static [u8], &'static Detector)> = Vec::new();
        for detector in detectors {
            if let Some(Named { names, ending, .. }) = detector.named {
                let list = if ending { &mut endings } else { &mut named };
                list.extend(names.iter().map(|name| (name.as_bytes(), detector)));
            }
            match detector.matcher {
                Matcher::Tokens(tokens) => literals.extend(tokens.iter().map(|token| {
                    let check = Check::Token(token);
                    (token.prefix, Action { detector, check })
                })),
                Matcher::Find(anchors, find) => {
                    let check = Check::Find(find);
                    let action = Action { detector, check };
                    for anchor in anchors {
                        match anchor {
                            Anchor::Literal(literal) => literals.push((literal, action)),
                            Anchor::Byte(trigger) => {
                                if let Some(actions) = triggers.get_mut(trigger.index()) {
                                    actions.push(action);
                                }
                            }
                            Anchor::Digits(runs) => digits.push((*runs, action)),
                        }
                    }
                }
            }
        }
        named.sort_by_key(|(name, _)| *name);
        endings.sort_by_key(|(name, _)| name.last());
        Self {
            literals: Literals::new(literals.into_iter()),
            triggers,
            digits: Table::new(&digits),
            named,
            endings,
        }
    }

    /// Returns the detectors that know members of this name, which is in normal form.
    pub(super) fn named<'n>(
        &'n self,
        name: &'n [u8],
    ) -> impl Iterator<Item = &'static Detector> + 'n {
        let first = self.named.partition_point(|(known, _)| *known < name);
        let rest = self.named.get(first..).unwrap_or_default();
        let exact = rest.iter().take_while(move |(known, _)| *known == name);
        let last = name.last();
        let first = self
            .endings
            .partition_point(|(known, _)| known.last() < last);
        let rest = self.endings.get(first..).unwrap_or_default();
        let ending = rest
            .iter()
            .take_while(move |(known, _)| known.last() == last)
            .filter(move |(known, _)| name.ends_with(known));
        let found = exact.chain(ending).map(|(_, detector)| *detector);
        found.filter(move |detector| {
            let parts = detector.named.map_or(&[][..], |named| named.except);
            !parts
                .iter()
                .any(|part| memmem::find(name, part.as_bytes()).is_some())
        })
    }

    /// Appends what the detectors find in `text` and in what it disguises, in no order.
    ///
    /// The detectors run on the text, on its folded views, and on what runs of base64 decode to;
    /// there they find a run as a whole.
    pub(super) fn scan(&self, text: &str, families: Families, hits: &mut Vec<Hit>) {
        self.scan_with(text, families, MAX_DEPTH, hits);
    }

    fn scan_with(&self, text: &str, families: Families, depth: usize, hits: &mut Vec<Hit>) {
        self.scan_plain(text, families, hits);
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        encoded::texts(text.as_bytes(), |run, decoded| {
            let mut inner = Vec::new();
            self.scan_with(decoded, families, depth, &mut inner);
            let surest = inner.into_iter().max_by_key(|hit| hit.confidence);
            hits.extend(surest.map(|hit| hit.moved(run)));
        });
        if let Some(view) = Folded::of(text) {
            let mut inner = Vec::new();
            self.scan_with(view.text(), families, depth, &mut inner);
            hits.extend(inner.into_iter().map(|hit| {
                let origin = view.origin(&(hit.start..hit.end));
                hit.moved(origin)
            }));
        }
    }

    fn scan_plain(&self, text: &str, families: Families, hits: &mut Vec<Hit>) {
        let text = text.as_bytes();
        let mut covered = 0;
        self.literals.scan(text, |action, at| {
            action.run(text, at, families, &mut covered, hits);
        });
        blocks::scan(text, |trigger, at| {
            let actions = match trigger {
                Trigger::Digits => self.digits.at(text, at),
                _ => self
                    .triggers
                    .get(trigger.index())
                    .map_or(&[][..], Vec::as_slice),
            };
            for action in actions {
                action.run(text, at, families, &mut covered, hits);
            }
        });
    }
}

impl Action {
    /// `covered` is how far the longest value reaches: a value that ends before it is hidden with
    /// that one, and its end is not looked for again.
    #[inline]
    fn run(
        &self,
        text: &[u8],
        at: usize,
        families: Families,
        covered: &mut usize,
        hits: &mut Vec<Hit>,
    ) {
        if !families.contains(self.detector.data_type.family()) {
            return;
        }
        let found = match self.check {
            Check::Token(token) => token.at(text, at),
            Check::Find(find) => find(text, at),
        };
        if let Some(mut range) = found.filter(|range| !range.is_empty()) {
            if let Some(real_end) = self.detector.real_end
                && range.end >= *covered
            {
                range.end = real_end(text, &range);
                *covered = range.end;
            }
            hits.push(Hit::new(self.detector, range));
        }
    }
}

/// Makes findings disjoint and puts them in the order of the text.
///
/// Of two overlapping secrets all is hidden, under the type of the surer one; a secret wins over
/// personal data; of personal data the surer finding stands, then the longer one. Returns what is
/// left of findings that do not stand: it may hold a value by itself.
pub(super) fn resolve(hits: &mut Vec<Hit>) -> Vec<Range<usize>> {
    let mut rests = Vec::new();
    if hits.len() < 2 {
        return rests;
    }
    hits.sort_by_key(|hit| (hit.start, hit.end));
    let mut kept = 0;
    for index in 1..hits.len() {
        let (Some(mut last), Some(next)) = (hits.get(kept).copied(), hits.get(index).copied())
        else {
            return rests;
        };
        if next.start >= last.end {
            kept += 1;
            last = next;
        } else {
            let stands = match (last.is_secret(), next.is_secret()) {
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
            let rest = [last.start..stands.start, stands.end..last.end.max(next.end)];
            rests.extend(rest.into_iter().filter(|rest| !rest.is_empty()));
            last = stands;
        }
        if let Some(slot) = hits.get_mut(kept) {
            *slot = last;
        }
    }
    hits.truncate(kept + 1);
    rests
}
