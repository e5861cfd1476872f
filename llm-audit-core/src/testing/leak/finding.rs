//! What a search found.

use std::collections::BTreeSet;
use std::fmt;

use super::marks::What;
use super::scan::{Encoding, Hit, Pattern};

/// A mark that was found. It tells where and how, and never shows what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The channel that the mark was planted in; several, joined by `or`, when the mark was cut off
    /// before it was told which.
    pub channel: String,
    /// What was planted.
    pub what: What,
    /// Where it stands: a file, or what the caller called the bytes.
    pub place: String,
    /// Offset of its first byte there.
    pub offset: usize,
    /// How it is written.
    pub encoding: Encoding,
    /// Every mark that it can be of.
    pub(super) of: Vec<(String, What)>,
}

impl Finding {
    pub(super) fn new(hit: &Hit, pattern: &Pattern<'_>, place: &str) -> Self {
        let marks = hit
            .marks
            .iter()
            .filter_map(|index| pattern.marks.get(*index));
        let of: Vec<_> = marks
            .map(|mark| (mark.channel.clone(), mark.what))
            .collect();
        let names: BTreeSet<&str> = of.iter().map(|(channel, _)| channel.as_str()).collect();
        let channel = match names.len() {
            0..=3 => names.into_iter().collect::<Vec<_>>().join(" or "),
            count => format!("one of {count} channels"),
        };
        Self {
            channel,
            what: of.first().map_or(What::Word, |(_, what)| *what),
            place: place.to_owned(),
            offset: hit.offset,
            encoding: hit.encoding,
            of,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Word => "mark",
            What::Email => "e-mail address",
            What::Card => "card number",
            What::Secret => "API key",
        };
        write!(
            f,
            "the {what} of `{}` stands {} at byte {} of {}",
            self.channel, self.encoding, self.offset, self.place
        )
    }
}

/// What a search found, in the order of places and offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "findings say what leaked"]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub(super) const fn new(findings: Vec<Finding>) -> Self {
        Self(findings)
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Returns whether nothing was found.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns each finding.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Returns the channels of which something was found, sorted.
    pub fn channels(&self) -> Vec<&str> {
        let channels: BTreeSet<&str> = self.iter().map(|found| found.channel.as_str()).collect();
        channels.into_iter().collect()
    }

    /// Checks that nothing was found.
    ///
    /// # Panics
    ///
    /// When something was, naming channel, place, offset and encoding.
    #[track_caller]
    pub fn assert_none(&self) {
        self.assert_only(&[]);
    }

    /// Checks that nothing was found but the marks of `channels`, and of those neither address, nor
    /// card number, nor key.
    ///
    /// # Panics
    ///
    /// When something else was, naming channel, place, offset and encoding.
    #[track_caller]
    #[expect(clippy::panic, reason = "a check that does not hold fails the test")]
    pub fn assert_only(&self, channels: &[&str]) {
        let expected = |found: &&Finding| {
            found.what == What::Word && channels.contains(&found.channel.as_str())
        };
        let list: Vec<_> = self
            .iter()
            .filter(|found| !expected(found))
            .map(Finding::to_string)
            .collect();
        if !list.is_empty() {
            panic!("{}", list.join("\n"));
        }
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
