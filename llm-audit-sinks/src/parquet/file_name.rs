//! The names of the files: printed and parsed here, nowhere else.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use llm_audit_core::{Error, Timestamp, WriterId};

/// The folder of this layout within a root.
pub(super) const LAYOUT: &str = "v1";

/// The place of a file that a [`ParquetSink`](super::ParquetSink) wrote, below its root.
///
/// ```text
/// file   = "v1/date=" date "/" writer "-" seq ".parquet"
/// date   = 4DIGIT "-" 2DIGIT "-" 2DIGIT   ; UTC: when the file's events were recorded
/// writer = UUID                           ; lower case, with hyphens: the writer of the events
/// seq    = 20DIGIT                        ; number of the file's first event
/// ```
///
/// Engines take `date` for a column. Only what this type prints parses, so whoever deletes old files
/// by it never deletes somebody else's.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::parquet::ParquetFileName;
///
/// let text = "v1/date=2026-11-21/019b76da-a800-7000-8000-000000000002-00000000000000000017.parquet";
/// let name: ParquetFileName = text.parse()?;
/// assert_eq!((name.date(), name.first_seq()), ("2026-11-21", 17));
/// assert!("v1/date=2026-11-21/notes.parquet".parse::<ParquetFileName>().is_err());
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParquetFileName {
    date: String,
    writer_id: WriterId,
    first_seq: u64,
}

impl ParquetFileName {
    /// What the name of a partition begins with.
    pub(super) const DATE: &str = "date=";

    /// Returns the name of a file that begins with number `first_seq` of `writer_id`, recorded on
    /// `date`.
    pub(super) const fn new(date: String, writer_id: WriterId, first_seq: u64) -> Self {
        Self {
            date,
            writer_id,
            first_seq,
        }
    }

    /// Returns the date on which the file's events were recorded, in UTC, as `YYYY-MM-DD`.
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

    /// Returns the folder of all partitions of `root`.
    pub(super) fn layout(root: &Path) -> PathBuf {
        root.join(LAYOUT)
    }

    /// Returns the folder of the file.
    pub(super) fn partition(&self, root: &Path) -> PathBuf {
        Self::layout(root).join(format!("date={}", self.date))
    }

    /// Returns the path of the file.
    pub(super) fn path(&self, root: &Path) -> PathBuf {
        self.partition(root).join(self.last())
    }

    /// Returns the last component.
    pub(super) fn last(&self) -> String {
        format!("{}-{:020}.parquet", self.writer_id, self.first_seq)
    }

    /// Returns the name of the file `last` in the folder `partition`.
    pub(super) fn within(partition: &str, last: &str) -> Option<Self> {
        format!("{LAYOUT}/{partition}/{last}").parse().ok()
    }

    /// What `text` can only be; whether it is, printing tells.
    fn guess(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(LAYOUT)?.strip_prefix("/date=")?;
        let (date, last) = rest.split_once('/')?;
        let (writer_id, seq) = last.strip_suffix(".parquet")?.split_at_checked(36)?;
        let at: Timestamp = format!("{date}T00:00:00Z").parse().ok()?;
        Some(Self {
            date: at.date(),
            writer_id: writer_id.parse().ok()?,
            first_seq: seq.strip_prefix('-')?.parse().ok()?,
        })
    }
}

impl fmt::Display for ParquetFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LAYOUT}/date={}/{}", self.date, self.last())
    }
}

impl FromStr for ParquetFileName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // The parsers of numbers accept more forms than are printed, as a sign or missing zeros.
        Self::guess(text)
            .filter(|name| name.to_string() == text)
            .ok_or_else(|| {
                Error::configuration("the name is not one that a Parquet sink gives its files")
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str =
        "v1/date=2026-11-21/019b76da-a800-7000-8000-000000000002-00000000000000000017.parquet";

    #[test]
    fn a_name_that_is_only_nearly_one_is_nobodys() {
        assert!(GOOD.parse::<ParquetFileName>().is_ok());
        for bad in [
            GOOD.to_uppercase(),
            format!("{GOOD}.tmp"),
            format!("/{GOOD}"),
            GOOD.replace("v1", "v2"),
            GOOD.replace("2026-11-21", "2026-13-21"),
            GOOD.replace("2026-11-21", "2026-11-21T"),
            GOOD.replace("-00000000000000000017", "-17"),
            GOOD.replace("-00000000000000000017", "-+0000000000000000017"),
            GOOD.replace("/019b", "/x/019b"),
            String::new(),
        ] {
            assert!(bad.parse::<ParquetFileName>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_parsed(
            micros in -62_167_219_200_000_000_i64..253_402_300_799_999_999,
            writer: [u8; 16],
            first_seq: u64,
        ) {
            let date = Timestamp::from_unix_micros(micros).date();
            let name = ParquetFileName::new(date, WriterId::from_bytes(writer), first_seq);
            prop_assert_eq!(name.to_string().parse::<ParquetFileName>().unwrap(), name);
        }

        #[test]
        fn what_is_parsed_is_what_is_printed(
            at in any::<prop::sample::Index>(), character: char, garbage in "\\PC*",
        ) {
            let mut text: Vec<char> = GOOD.chars().collect();
            let at = at.index(text.len());
            text[at] = character;
            for text in [text.into_iter().collect::<String>(), garbage] {
                if let Ok(name) = text.parse::<ParquetFileName>() {
                    prop_assert_eq!(name.to_string(), text);
                }
            }
        }
    }
}
