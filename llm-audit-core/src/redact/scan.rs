//! The scan of one text: prefilter, matchers, and which of overlapping findings stand.

use std::ops::Range;

use memchr::memmem;

use super::blocks::{self, LONG_RUN, TOKEN};
use super::buffers;
use super::bytes::{ByteSet, before, byte, steps};
use super::data_type::{DataType, Family};
use super::detectors::{Anchor, Confidence, Detector, Find, Matcher, Named, Token, Trigger};
use super::encoded;
use super::fold::{self, Folded};
use super::literals::{Literal, Literals};
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
    /// Whether it covers more or less than what the detector found.
    pub(super) is_united: bool,
}

impl Hit {
    pub(super) const fn new(detector: &Detector, range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
            data_type: detector.data_type,
            detector: detector.name,
            confidence: detector.confidence,
            is_united: false,
        }
    }

    pub(super) const fn moved(self, range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
            ..self
        }
    }
}

/// How many disguises over one another are seen through: `%2540`, or base64 of `%40`.
pub(super) const MAX_DEPTH: usize = 2;

/// No shorter text holds a value without its name: `a@b.co` and `fe80::` are the shortest ones. Names of
/// members are often as short.
const MIN_TEXT: usize = 5;

/// How near the border of a part a value may be that goes on behind it.
const MARGIN: usize = 512;

/// A search for the anchors of some detectors, built once.
pub(super) struct Scanner {
    literals: Literals<Action>,
    at: Vec<Action>,
    tilde: Vec<Action>,
    colon: Vec<Action>,
    digits: Table<Action>,
    /// By the first byte of a place in a long run where a value may begin.
    runs: Vec<Vec<Action>>,
    whole_runs: Vec<Action>,
    named: Names,
    /// Names that longer ones may end in.
    endings: Names,
}

/// Names of members, by their first byte or their last.
struct Names(Vec<Vec<(&'static [u8], &'static Detector)>>);

impl Names {
    fn new() -> Self {
        Self(vec![Vec::new(); 256])
    }

    fn add(&mut self, key: Option<&u8>, name: &'static [u8], detector: &'static Detector) {
        if let Some(names) = key.and_then(|key| self.0.get_mut(usize::from(*key))) {
            names.push((name, detector));
        }
    }

    fn of(&self, key: Option<&u8>) -> &[(&'static [u8], &'static Detector)] {
        let names = key.and_then(|key| self.0.get(usize::from(*key)));
        names.map_or(&[], Vec::as_slice)
    }
}

/// What to run at an anchor.
#[derive(Clone, Copy)]
struct Action {
    detector: &'static Detector,
    is_secret: bool,
    check: Check,
}

#[derive(Clone, Copy)]
enum Check {
    Token(&'static Token),
    Find(Find),
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.detector, other.detector)
    }
}

impl Scanner {
    pub(super) fn new(detectors: impl Iterator<Item = &'static Detector>) -> Self {
        let mut literals: Vec<(Literal, Action)> = Vec::new();
        let mut digits: Vec<(Runs, Action)> = Vec::new();
        let mut scanner = Self {
            literals: Literals::new(std::iter::empty()),
            at: Vec::new(),
            tilde: Vec::new(),
            colon: Vec::new(),
            digits: Table::new(Vec::new()),
            runs: vec![Vec::new(); 256],
            whole_runs: Vec::new(),
            named: Names::new(),
            endings: Names::new(),
        };
        for detector in detectors {
            if let Some(Named { names, ending, .. }) = detector.named {
                for name in names.iter().map(|name| name.as_bytes()) {
                    match ending {
                        true => scanner.endings.add(name.last(), name, detector),
                        false => scanner.named.add(name.first(), name, detector),
                    }
                }
            }
            let action = |check| Action {
                detector,
                is_secret: detector.data_type.family() == Family::Secret,
                check,
            };
            match detector.matcher {
                Matcher::Tokens(tokens) => {
                    for token in tokens {
                        let action = action(Check::Token(token));
                        match token.prefix.as_bytes().first() {
                            Some(first) if token.fills_long_run() => {
                                scanner.in_runs(&[*first], action);
                            }
                            _ => literals.push((token.literal(), action)),
                        }
                    }
                }
                Matcher::Find(anchors, find) => {
                    let action = action(Check::Find(find));
                    for anchor in anchors {
                        match anchor {
                            Anchor::Literal(text) => {
                                let anywhere = (ByteSet::ANY, ByteSet::ANY);
                                literals.push((Literal::new(text, anywhere), action));
                            }
                            Anchor::Between((before, text, after)) => {
                                literals.push((Literal::new(text, (*before, *after)), action));
                            }
                            Anchor::At => scanner.at.push(action),
                            Anchor::Tilde => scanner.tilde.push(action),
                            Anchor::Colon => scanner.colon.push(action),
                            Anchor::Digits(runs) => digits.push((**runs, action)),
                            Anchor::InLongRun(first) => scanner.in_runs(first, action),
                            Anchor::LongRun => scanner.whole_runs.push(action),
                        }
                    }
                }
            }
        }
        scanner.literals = Literals::new(literals.into_iter());
        scanner.digits = Table::new(digits);
        scanner
    }

    fn in_runs(&mut self, first: &[u8], action: Action) {
        for byte in first {
            if let Some(actions) = self.runs.get_mut(usize::from(*byte)) {
                actions.push(action);
            }
        }
    }

    /// Returns the detectors that know members of this name, which is in normal form.
    pub(super) fn named<'n>(
        &'n self,
        name: &'n [u8],
    ) -> impl Iterator<Item = &'static Detector> + 'n {
        let with_first = self.named.of(name.first());
        let exact = with_first.iter().filter(move |(known, _)| *known == name);
        let with_last = self.endings.of(name.last());
        let ending = with_last
            .iter()
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
        if text.len() >= MIN_TEXT {
            self.scan_with(text, families, MAX_DEPTH, hits);
        }
    }

    fn scan_with(&self, text: &str, families: Families, depth: usize, hits: &mut Vec<Hit>) {
        let mut scan = Scan {
            scanner: self,
            text: text.as_bytes(),
            families,
            depth: depth.checked_sub(1),
            covered: 0,
            run_end: 0,
            decoded_to: 0,
            hits,
        };
        let is_marked = scan.plain();
        if let Some(depth) = scan.depth
            && is_marked
        {
            let mut done = 0;
            fold::parts(text, |part| {
                let rest = part.start.max(done)..text.len();
                if part.end > done && self.scan_folded(text, part, families, depth, hits) {
                    done = text.len();
                    self.scan_folded(text, rest, families, depth, hits);
                }
            });
        }
    }

    /// Runs the detectors on the folded view of a part. Returns whether a value in disguise seems
    /// to go on behind the part.
    fn scan_folded(
        &self,
        text: &str,
        part: Range<usize>,
        families: Families,
        depth: usize,
        hits: &mut Vec<Hit>,
    ) -> bool {
        let own = text.get(part.clone()).unwrap_or_default();
        // What a part cuts is whole in the text.
        let from = if part.start == 0 { 0 } else { MARGIN };
        let is_last = part.end == text.len();
        let to = if is_last {
            own.len()
        } else {
            own.len().saturating_sub(MARGIN)
        };
        buffers::with(|buffers| {
            let Some(view) = Folded::of(own, buffers) else {
                return false;
            };
            self.scan_with(view.text(), families, depth, &mut buffers.hits);
            let mut goes_on = false;
            for hit in buffers.hits.drain(..) {
                let range = hit.start..hit.end;
                let Range { start, end } = view.origin(&range);
                let disguised = view.is_disguised(&range);
                goes_on |= disguised && end > to;
                if disguised || start >= from && end <= to {
                    hits.push(hit.moved(part.start + start..part.start + end));
                }
            }
            view.end(buffers);
            goes_on
        })
    }
}

/// The scan of one text or view.
struct Scan<'s, 't> {
    scanner: &'s Scanner,
    text: &'t [u8],
    families: Families,
    /// How many disguises are still seen through below this text.
    depth: Option<usize>,
    /// How far the longest value reaches: a value that ends before it is hidden with that one, and
    /// its end is not looked for again.
    covered: usize,
    /// Where the last long run ends.
    run_end: usize,
    /// How far base64 was decoded.
    decoded_to: usize,
    hits: &'s mut Vec<Hit>,
}

impl Scan<'_, '_> {
    /// Runs the detectors on the text as it stands, and on what is encoded in it. Returns whether
    /// it has bytes that disguise others.
    fn plain(&mut self) -> bool {
        let scanner = self.scanner;
        let text = self.text;
        scanner
            .literals
            .scan(text, |action, at| self.run(action, at));
        blocks::scan(text, |trigger, at| match trigger {
            Trigger::Digits(length) => {
                for action in scanner.digits.at(text, at, length) {
                    self.run(action, at);
                }
            }
            Trigger::At => self.run_all(&scanner.at, at),
            Trigger::Tilde => self.run_all(&scanner.tilde, at),
            Trigger::Colon => {
                if parts_hex(text, at) {
                    self.run_all(&scanner.colon, at);
                }
            }
            Trigger::LongRun => self.long_run(at),
        })
    }

    #[inline]
    fn run_all(&mut self, actions: &[Action], at: usize) {
        for action in actions {
            self.run(action, at);
        }
    }

    #[inline]
    fn run(&mut self, action: &Action, at: usize) {
        if !action.is_secret && self.families == Families::SecretsOnly {
            return;
        }
        let found = match action.check {
            Check::Token(token) => token.at(self.text, at),
            Check::Find(find) => find(self.text, at),
        };
        if let Some(range) = found.filter(|range| !range.is_empty()) {
            self.hit(action.detector, range);
        }
    }

    #[inline(never)]
    fn hit(&mut self, detector: &'static Detector, mut range: Range<usize>) {
        if let Some(real_end) = detector.real_end
            && range.end >= self.covered
        {
            range.end = real_end(self.text, &range);
            self.covered = range.end;
        }
        self.hits.push(Hit::new(detector, range));
    }

    /// Looks at the run of characters of tokens around `at`, once.
    #[inline(never)]
    fn long_run(&mut self, at: usize) {
        if at < self.run_end {
            return;
        }
        let (scanner, text) = (self.scanner, self.text);
        let mut kinds = OTHER;
        let mut is_part = |b: &&u8| {
            let kind = kind(**b);
            kinds |= kind;
            kind != OTHER
        };
        let head = text.get(self.run_end..at).unwrap_or_default();
        let start = at - head.iter().rev().take_while(&mut is_part).count();
        let rest = text.get(at..).unwrap_or_default();
        let end = at + rest.iter().take_while(&mut is_part).count();
        let has_signs = kinds & SIGN != 0;
        steps::add(end - start);
        self.run_end = end;
        if end - start < LONG_RUN {
            return;
        }
        self.run_all(&scanner.whole_runs, start);
        let last = end - LONG_RUN;
        // A value begins where a word does; the letters of an escape may stand before it.
        for at in start..=last.min(start + MAX_ESCAPE) {
            self.begin_in_run(at);
        }
        let rest = text.get(start + MAX_ESCAPE..last).filter(|_| has_signs);
        let rest = rest.unwrap_or_default();
        for (offset, byte) in rest.iter().enumerate() {
            if kind(*byte) == SIGN {
                self.begin_in_run(start + MAX_ESCAPE + offset + 1);
            }
        }
        if let Some(depth) = self.depth
            && start >= self.decoded_to
        {
            let decoded_to = buffers::with(|buffers| {
                encoded::text(
                    text,
                    start..end,
                    has_signs,
                    &mut buffers.bytes,
                    |run, decoded| {
                        let inner = &mut buffers.hits;
                        scanner.scan_with(decoded, self.families, depth, inner);
                        let surest = inner.iter().max_by_key(|hit| hit.confidence);
                        self.hits.extend(surest.map(|hit| hit.moved(run)));
                    },
                )
            });
            self.decoded_to = decoded_to;
        }
    }
}

impl Scan<'_, '_> {
    fn begin_in_run(&mut self, at: usize) {
        let scanner = self.scanner;
        let first = byte(self.text, at).map(usize::from);
        if let Some(actions) = first.and_then(|first| scanner.runs.get(first)) {
            self.run_all(actions, at);
        }
    }
}

/// What a byte is in a long run, by a look at a table.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
fn kind(byte: u8) -> u8 {
    static KINDS: [u8; 256] = {
        let mut kinds = [OTHER; 256];
        let mut byte = 0;
        while byte < 256 {
            if TOKEN.contains(byte as u8) {
                let is_sign = !ByteSet::ALNUM.contains(byte as u8);
                kinds[byte] = if is_sign { SIGN } else { LETTER };
            }
            byte += 1;
        }
        kinds
    };
    KINDS[usize::from(byte)]
}

/// Ends a run; the others are a bit each.
const OTHER: u8 = 0;
const LETTER: u8 = 1;
/// Behind one of these a value may begin.
const SIGN: u8 = 2;

/// Returns whether the colon at `at` may part groups of hex digits. Of most paths of code no letter
/// beside the colons is one.
#[inline]
fn parts_hex(text: &[u8], at: usize) -> bool {
    let is_hex = |b: Option<u8>| b.is_some_and(|b| ByteSet::HEX.contains(b));
    match byte(text, at + 1) {
        Some(b':') => is_hex(before(text, at)) || is_hex(byte(text, at + 2)),
        next => is_hex(next) && is_hex(before(text, at)),
    }
}

/// The letters of `\u0022`, which read as a part of the run behind them.
const MAX_ESCAPE: usize = 5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::detectors::DETECTORS;

    proptest! {
        #[test]
        fn texts_that_are_not_scanned_hold_no_value(text in "[a-f0-9:@.~/=%]{0,4}|[ -~]{0,4}|.") {
            static SCANNER: std::sync::LazyLock<Scanner> =
                std::sync::LazyLock::new(|| Scanner::new(DETECTORS.iter()));
            let mut hits = Vec::new();
            SCANNER.scan_with(&text, Families::All, MAX_DEPTH, &mut hits);
            prop_assert!(text.len() >= MIN_TEXT || hits.is_empty());
        }
    }
}
