//! The names of the files: printed and parsed here, nowhere else.

use std::fmt;
use std::str::FromStr;

use llm_audit_core::{Error, Timestamp, WriterId};

/// The name of a file that a [`JsonlSink`](super::JsonlSink) wrote.
///
/// ```text
/// file   = date "-" writer "-" seq [ "_" copy ] ".jsonl"
/// date   = 8DIGIT     ; YYYYMMDD in UTC: when the file's first event was recorded
/// writer = UUID       ; lower case, with hyphens: the writer of the file's events
/// seq    = 20DIGIT    ; number of the file's first event
/// copy   = 1*DIGIT    ; from 2, when the name without it was taken
/// ```
///
/// Names sort by date, and those of one writer by number. Only what this type prints parses, so
/// whoever deletes old files by it never deletes somebody else's.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::jsonl::JsonlFileName;
///
/// let text = "20261121-019b76da-a800-7000-8000-000000000002-00000000000000000017.jsonl";
/// let name: JsonlFileName = text.parse()?;
/// assert_eq!(name.first_seq(), 17);
/// assert!(name.date() < "20261201");
/// assert!("20261121-notes.jsonl".parse::<JsonlFileName>().is_err());
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonlFileName {
    date: String,
    writer_id: WriterId,
    first_seq: u64,
    copy: u32,
}

impl JsonlFileName {
    /// Returns the first name for a file that begins with number `first_seq` of `writer_id`,
    /// recorded at `at`.
    pub(super) fn new(at: Timestamp, writer_id: WriterId, first_seq: u64) -> Self {
        Self {
            date: compact_date(at),
            writer_id,
            first_seq,
            copy: 1,
        }
    }

    /// Returns the date of the file's first event in UTC, as `YYYYMMDD`.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Returns the writer of the file's events.
    pub const fn writer_id(&self) -> WriterId {
        self.writer_id
    }

    /// Returns the number of the file's first event.
    pub const fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// Returns the beginning of the date.
    pub(super) fn day_start(&self) -> Option<Timestamp> {
        let (year, rest) = self.date.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        format!("{year}-{month}-{day}T00:00:00Z").parse().ok()
    }

    /// Returns the next name to try when this one is taken.
    pub(super) fn next_copy(self) -> Self {
        Self {
            copy: self.copy.saturating_add(1),
            ..self
        }
    }

    /// What `text` can only be; whether it is, printing tells.
    fn guess(text: &str) -> Option<Self> {
        let stem = text.strip_suffix(".jsonl")?;
        let (date, rest) = stem.split_at_checked(8)?;
        let (writer_id, rest) = rest.strip_prefix('-')?.split_at_checked(36)?;
        let rest = rest.strip_prefix('-')?;
        let (first_seq, copy) = match rest.split_once('_') {
            Some((first_seq, copy)) => (first_seq, copy.parse().ok().filter(|copy| *copy > 1)?),
            None => (rest, 1),
        };
        Some(Self {
            date: checked_date(date)?,
            writer_id: writer_id.parse().ok()?,
            first_seq: first_seq.parse().ok()?,
            copy,
        })
    }
}

/// Returns the date of `at` in UTC, as `YYYYMMDD`.
pub(super) fn compact_date(at: Timestamp) -> String {
    at.date().replace('-', "")
}

/// Returns `text` if it is a day that there is.
fn checked_date(text: &str) -> Option<String> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let at: Timestamp = format!("{year}-{month}-{day}T00:00:00Z").parse().ok()?;
    Some(compact_date(at))
}

impl fmt::Display for JsonlFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:020}", self.date, self.writer_id, self.first_seq)?;
        if self.copy > 1 {
            write!(f, "_{}", self.copy)?;
        }
        f.write_str(".jsonl")
    }
}

impl FromStr for JsonlFileName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // The parsers of numbers accept more forms than are printed, as a sign or missing zeros.
        Self::guess(text)
            .filter(|name| name.to_string() == text)
            .ok_or_else(|| {
                Error::configuration("the name is not one that a JSON Lines sink gives its files")
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "20261121-019b76da-a800-7000-8000-000000000002-00000000000000000017.jsonl";

    #[test]
    fn a_name_that_is_only_nearly_one_is_nobodys() {
        assert!(GOOD.parse::<JsonlFileName>().is_ok());
        for bad in [
            GOOD.to_uppercase(),
            format!("{GOOD}.gz"),
            format!(" {GOOD}"),
            GOOD.replace("20261121", "20261321"),
            GOOD.replace("-00000000000000000017", "-17"),
            GOOD.replace("-00000000000000000017", "-+0000000000000000017"),
            GOOD.replace(".jsonl", "_1.jsonl"),
            GOOD.replace(".jsonl", "_02.jsonl"),
            // A segment of a journal.
            GOOD.replace("-0000000000", "-000001-0000000000"),
            String::new(),
        ] {
            assert!(bad.parse::<JsonlFileName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_second_copy_sorts_behind_the_first() {
        let first: JsonlFileName = GOOD.parse().unwrap();
        let second = first.clone().next_copy();
        assert!(second.to_string().ends_with("017_2.jsonl"));
        assert!(first.to_string() < second.to_string());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_parsed(
            micros in -62_167_219_200_000_000_i64..253_402_300_799_999_999,
            writer: [u8; 16],
            first_seq: u64,
            copy in 1_u32..,
        ) {
            let at = Timestamp::from_unix_micros(micros);
            let mut name = JsonlFileName::new(at, WriterId::from_bytes(writer), first_seq);
            name.copy = copy;
            prop_assert_eq!(name.to_string().parse::<JsonlFileName>().unwrap(), name);
        }

        #[test]
        fn what_is_parsed_is_what_is_printed(
            at in any::<prop::sample::Index>(), character: char, garbage in "\\PC*",
        ) {
            let mut text: Vec<char> = GOOD.chars().collect();
            let at = at.index(text.len());
            text[at] = character;
            for text in [text.into_iter().collect::<String>(), garbage] {
                if let Ok(name) = text.parse::<JsonlFileName>() {
                    prop_assert_eq!(name.to_string(), text);
                }
            }
        }
    }
}
