//! The names of all files in a journal's directory: printed and parsed here, nowhere else.
//!
//! ```text
//! directory   = *( segment / lock / reservation / cursor / schema / holds / changing / retention / writers / temporary )
//!               [ "quarantine/" ] [ "dead-letters/" ]
//! segment     = date "-" writer "-" number "-" seq ".jsonl"     ; one writer's events, in seq order
//! lock        = writer ".lock"                                  ; locked while the writer lives
//! reservation = writer ".reserve"                               ; sequence numbers set aside
//! cursor      = writer "-" tag ".cursor"                        ; up to where a sink has the events
//! schema      = "schema.json"                                   ; JSON Schema of the events
//! holds       = "holds.json"                                    ; legal holds
//! changing    = "holds.lock"                                    ; locked by who changes holds, or deletes
//! retention   = "retention.lock"                                ; locked by who writes files anew
//! writers     = "writers.list"                                  ; whose events the files of sinks may hold
//! temporary   = ( segment / lock / cursor / schema "." writer / holds "." writer ) ".tmp"
//!                                                               ; never the only copy of anything
//! quarantine  = *( bad [ ".tmp" ] )
//! bad         = date "-" writer "-" number "-" offset "-" crc ".bad"   ; bytes cut out of a segment
//! dead-letters = *dead
//! dead        = date "-" writer "-" tag "-" label ".jsonl"      ; what a sink never took
//! date        = 8DIGIT            ; YYYYMMDD in UTC: when the segment was opened; of dead letters,
//!                                 ; when the events were recorded
//! writer      = UUID              ; lower case, with hyphens
//! number      = 6*20DIGIT         ; of the segment within its writer, from 1
//! seq, offset = 20DIGIT
//! crc         = 8HEXDIG           ; CRC-32C of the content, lower case
//! tag         = 16HEXDIG          ; the first of the SHA-256 of the sink's name, lower case
//! label       = *40( "a"-"z" / DIGIT / "_" )                    ; that name, for people
//! ```
//!
//! So names sort by date, and one writer's segments by number. Nothing is ever deleted unless this
//! module recognises its complete name: a name that it does not print is somebody else's file.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::encode::hex;
use crate::error::Error;
use crate::id::WriterId;
use crate::seal::sha256;
use crate::timestamp::Timestamp;

/// The subdirectory of bytes that were cut out of damaged segments.
pub(crate) const QUARANTINE: &str = "quarantine";
/// The subdirectory of events that a sink never took.
pub(crate) const DEAD_LETTERS: &str = "dead-letters";

const TEMPORARY: &str = ".tmp";
const RETENTION: &str = "retention.lock";
const HOLDS_LOCK: &str = "holds.lock";
const WRITERS: &str = "writers.list";
const MAX_LABEL: usize = 40;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A date in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(i64);

impl Day {
    pub(crate) const fn of(at: Timestamp) -> Self {
        Self(at.as_unix_micros().div_euclid(MICROS_PER_DAY))
    }

    pub(crate) const fn start(self) -> Timestamp {
        Timestamp::from_unix_micros(self.0 * MICROS_PER_DAY)
    }

    /// The first moment after this day.
    pub(crate) const fn end(self) -> Timestamp {
        Timestamp::from_unix_micros((self.0 + 1) * MICROS_PER_DAY)
    }

    pub(crate) const fn before(self) -> Self {
        Self(self.0 - 1)
    }

    pub(crate) const fn after(self) -> Self {
        Self(self.0 + 1)
    }

    pub(crate) const fn days_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.start().date().replace('-', ""))
    }
}

impl FromStr for Day {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let part = |range| text.get(range).filter(|_| text.len() == 8).unwrap_or("");
        let (year, month, day) = (part(0..4), part(4..6), part(6..8));
        format!("{year}-{month}-{day}T00:00:00Z")
            .parse()
            .map(Self::of)
    }
}

/// The name of a segment. The order is by date, writer and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentName {
    pub(crate) day: Day,
    pub(crate) writer: WriterId,
    pub(crate) number: u64,
    pub(crate) first_seq: u64,
}

impl SegmentName {
    /// Sorts segments by writer and number.
    pub(crate) fn sort(segments: &mut [Self]) {
        Self::sort_by(segments, &|one, other| one.stream().cmp(&other.stream()));
    }

    /// Sorts segments. What compares them is no type of its own, so that a program has one such sort.
    pub(crate) fn sort_by(segments: &mut [Self], compare: &dyn Fn(&Self, &Self) -> Ordering) {
        segments.sort_unstable_by(compare);
    }

    pub(crate) const fn stream(&self) -> (WriterId, u64) {
        (self.writer, self.number)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            day,
            writer,
            number,
            first_seq,
        } = self;
        write!(f, "{day}-{writer}-{number:06}-{first_seq:020}.jsonl")
    }
}

/// A sink in the names of files: its own name may hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SinkTag(u64);

impl SinkTag {
    pub(crate) fn of(sink: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = sha256(sink.as_bytes());
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

impl fmt::Display for SinkTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0.to_be_bytes()))
    }
}

impl FromStr for SinkTag {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// A name in the journal's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Name {
    Segment(SegmentName),
    SegmentTemporary(SegmentName),
    Lock(WriterId),
    LockTemporary(WriterId),
    Reservation(WriterId),
    ReservationTemporary(WriterId),
    Ballast(WriterId),
    Cursor(WriterId, SinkTag),
    CursorTemporary(WriterId, SinkTag),
    Schema,
    SchemaTemporary(WriterId),
    Holds,
    HoldsTemporary(WriterId),
    /// Who holds its lock changes the holds, or takes away what they do not keep.
    HoldsLock,
    /// Who holds its lock writes closed files anew.
    Retention,
    /// The writers of the directory, also those of whom nothing else is left.
    Writers,
}

impl Name {
    /// Returns the writer whose events a segment has.
    pub(crate) const fn of_segment(self) -> Option<WriterId> {
        match self {
            Self::Segment(name) => Some(name.writer),
            _ => None,
        }
    }

    /// Returns the name, if `text` is one as a whole.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        recognised(text, Self::guess(text)?)
    }

    /// What `text` can only be; whether it is, printing tells.
    fn guess(text: &str) -> Option<Self> {
        let (stem, temporary) = split_temporary(text);
        if let Some(rest) = stem.strip_prefix("schema.json") {
            return match (rest.strip_prefix('.'), temporary) {
                (Some(writer), true) => writer.parse().ok().map(Self::SchemaTemporary),
                (None, false) => Some(Self::Schema),
                _ => None,
            };
        }
        if let Some(rest) = stem.strip_prefix("holds.json") {
            return match (rest.strip_prefix('.'), temporary) {
                (Some(writer), true) => writer.parse().ok().map(Self::HoldsTemporary),
                (None, false) => Some(Self::Holds),
                _ => None,
            };
        }
        match text {
            RETENTION => return Some(Self::Retention),
            HOLDS_LOCK => return Some(Self::HoldsLock),
            WRITERS => return Some(Self::Writers),
            _ => {}
        }
        let (stem, extension) = stem.rsplit_once('.')?;
        match (extension, temporary) {
            ("jsonl", false) => segment(stem).map(Self::Segment),
            ("jsonl", true) => segment(stem).map(Self::SegmentTemporary),
            ("lock", false) => stem.parse().ok().map(Self::Lock),
            ("lock", true) => stem.parse().ok().map(Self::LockTemporary),
            ("reserve", false) => stem.parse().ok().map(Self::Reservation),
            ("reserve", true) => stem.parse().ok().map(Self::ReservationTemporary),
            ("ballast", false) => stem.parse().ok().map(Self::Ballast),
            ("cursor", false) => cursor(stem).map(|(writer, tag)| Self::Cursor(writer, tag)),
            ("cursor", true) => {
                cursor(stem).map(|(writer, tag)| Self::CursorTemporary(writer, tag))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(name) => write!(f, "{name}"),
            Self::SegmentTemporary(name) => write!(f, "{name}{TEMPORARY}"),
            Self::Lock(writer) => write!(f, "{writer}.lock"),
            Self::LockTemporary(writer) => write!(f, "{writer}.lock{TEMPORARY}"),
            Self::Reservation(writer) => write!(f, "{writer}.reserve"),
            Self::ReservationTemporary(writer) => write!(f, "{writer}.reserve{TEMPORARY}"),
            Self::Ballast(writer) => write!(f, "{writer}.ballast"),
            Self::Cursor(writer, tag) => write!(f, "{writer}-{tag}.cursor"),
            Self::CursorTemporary(writer, tag) => write!(f, "{writer}-{tag}.cursor{TEMPORARY}"),
            Self::Schema => f.write_str("schema.json"),
            Self::SchemaTemporary(writer) => write!(f, "schema.json.{writer}{TEMPORARY}"),
            Self::Holds => f.write_str("holds.json"),
            Self::HoldsTemporary(writer) => write!(f, "holds.json.{writer}{TEMPORARY}"),
            Self::HoldsLock => f.write_str(HOLDS_LOCK),
            Self::Retention => f.write_str(RETENTION),
            Self::Writers => f.write_str(WRITERS),
        }
    }
}

/// A name in the quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BadName {
    pub(crate) day: Day,
    pub(crate) writer: WriterId,
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) crc: u32,
    pub(crate) temporary: bool,
}

impl BadName {
    /// Returns the name, if `text` is one as a whole.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (stem, temporary) = split_temporary(text);
        let stem = stem.strip_suffix(".bad")?;
        let (stem, crc) = stem.rsplit_once('-')?;
        let SegmentName {
            day,
            writer,
            number,
            first_seq: offset,
        } = segment(stem)?;
        let crc = u32::from_str_radix(crc, 16).ok()?;
        recognised(
            text,
            Self {
                day,
                writer,
                number,
                offset,
                crc,
                temporary,
            },
        )
    }
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            day,
            writer,
            number,
            offset,
            crc,
            temporary,
        } = self;
        let end = if *temporary { TEMPORARY } else { "" };
        write!(
            f,
            "{day}-{writer}-{number:06}-{offset:020}-{crc:08x}.bad{end}"
        )
    }
}

/// A name among the dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadName {
    pub(crate) day: Day,
    /// The writer of the process that gave the events up.
    pub(crate) writer: WriterId,
    tag: SinkTag,
    label: String,
}

impl DeadName {
    pub(crate) fn new(day: Day, writer: WriterId, sink: &str) -> Self {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let label = sink.chars().take(MAX_LABEL).map(|c| c.to_ascii_lowercase());
        Self {
            day,
            writer,
            tag: SinkTag::of(sink),
            label: label.map(|c| if known(c) { c } else { '_' }).collect(),
        }
    }

    /// Returns the name, if `text` is one as a whole.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (day, rest) = text.strip_suffix(".jsonl")?.split_at_checked(8)?;
        let (writer, rest) = rest.strip_prefix('-')?.split_at_checked(36)?;
        let (tag, label) = rest.strip_prefix('-')?.split_once('-')?;
        let name = Self {
            day: day.parse().ok()?,
            writer: writer.parse().ok()?,
            tag: tag.parse().ok()?,
            label: label.to_owned(),
        };
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_label = label.len() <= MAX_LABEL && label.chars().all(known);
        recognised(text, name).filter(|_| is_label)
    }
}

impl fmt::Display for DeadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            day,
            writer,
            tag,
            label,
        } = self;
        write!(f, "{day}-{writer}-{tag}-{label}.jsonl")
    }
}

fn split_temporary(text: &str) -> (&str, bool) {
    match text.strip_suffix(TEMPORARY) {
        Some(stem) => (stem, true),
        None => (text, false),
    }
}

fn segment(stem: &str) -> Option<SegmentName> {
    let (day, rest) = stem.split_at_checked(8)?;
    let (writer, rest) = rest.strip_prefix('-')?.split_at_checked(36)?;
    let (number, first_seq) = rest.strip_prefix('-')?.split_once('-')?;
    Some(SegmentName {
        day: day.parse().ok()?,
        writer: writer.parse().ok()?,
        number: number.parse().ok()?,
        first_seq: first_seq.parse().ok()?,
    })
}

fn cursor(stem: &str) -> Option<(WriterId, SinkTag)> {
    let (writer, tag) = stem.rsplit_once('-')?;
    Some((writer.parse().ok()?, tag.parse().ok()?))
}

/// The parsers of numbers accept more forms than are printed, as a sign or missing zeros.
fn recognised<T: fmt::Display>(text: &str, name: T) -> Option<T> {
    (name.to_string() == text).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment_name() -> impl Strategy<Value = SegmentName> {
        // The years 1 to 9999.
        let days = -719_162_i64..=2_932_896;
        (days, any::<[u8; 16]>(), any::<u64>(), any::<u64>()).prop_map(
            |(day, writer, number, first_seq)| SegmentName {
                day: Day(day),
                writer: WriterId::from_bytes(writer),
                number,
                first_seq,
            },
        )
    }

    fn name() -> impl Strategy<Value = Name> {
        let names = (segment_name(), any::<u64>().prop_map(SinkTag), 0..16);
        names.prop_map(|(segment, tag, kind)| match kind {
            0 => Name::Segment(segment),
            1 => Name::SegmentTemporary(segment),
            2 => Name::Lock(segment.writer),
            3 => Name::LockTemporary(segment.writer),
            4 => Name::Reservation(segment.writer),
            5 => Name::Schema,
            6 => Name::Cursor(segment.writer, tag),
            7 => Name::CursorTemporary(segment.writer, tag),
            8 => Name::Ballast(segment.writer),
            9 => Name::ReservationTemporary(segment.writer),
            11 => Name::Holds,
            12 => Name::HoldsTemporary(segment.writer),
            13 => Name::Retention,
            14 => Name::HoldsLock,
            15 => Name::Writers,
            _ => Name::SchemaTemporary(segment.writer),
        })
    }

    #[test]
    fn a_segment_is_named_by_date_writer_number_and_first_seq() {
        let name = SegmentName {
            day: "20261121".parse().unwrap(),
            writer: "019b76da-a800-7000-8000-000000000002".parse().unwrap(),
            number: 1,
            first_seq: 17,
        };
        let text =
            "20261121-019b76da-a800-7000-8000-000000000002-000001-00000000000000000017.jsonl";
        assert_eq!(name.to_string(), text);
        assert_eq!(Name::parse(text), Some(Name::Segment(name)));
    }

    #[test]
    fn a_name_that_is_only_nearly_one_is_nobodys() {
        let good =
            "20261121-019b76da-a800-7000-8000-000000000002-000001-00000000000000000017.jsonl";
        for bad in [
            good.to_uppercase(),
            format!(" {good}"),
            format!("{good}.tmp.tmp"),
            format!("{good}.bak"),
            good.replace("20261121", "20261321"),
            good.replace("-000001-", "-1-"),
            good.replace("-000001-", "-+00001-"),
            good.replace("-00000000000000000017", "-17"),
            "019b76da-a800-7000-8000-000000000002.ballast.tmp".to_owned(),
            "019b76da-a800-7000-8000-000000000002-archive.cursor".to_owned(),
            "019b76da-a800-7000-8000-000000000002-0ABCDEF012345678.cursor".to_owned(),
            ".lock".to_owned(),
            "../schema.json".to_owned(),
            String::new(),
        ] {
            assert_eq!(Name::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn names_sort_by_date_then_writer_then_number() {
        let name = |day: &str, number| SegmentName {
            day: day.parse().unwrap(),
            writer: WriterId::from_bytes([7; 16]),
            number,
            first_seq: 1,
        };
        let names = [
            name("20261121", 2),
            name("20261121", 999_999),
            name("20261122", 3),
        ];
        assert!(names.is_sorted());
        assert!(names.map(|name| name.to_string()).is_sorted());
    }

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let day: Day = "20240229".parse().unwrap();
        assert_eq!(day.end().to_string(), "2024-03-01T00:00:00.000000Z");
        assert_eq!(Day::of(day.end()).days_since(day), 1);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_parsed(name in name()) {
            prop_assert_eq!(Name::parse(&name.to_string()), Some(name));
        }

        #[test]
        fn what_is_printed_for_the_quarantine_is_parsed(
            name in segment_name(), crc in any::<u32>(), temporary in any::<bool>(),
        ) {
            let SegmentName { day, writer, number, first_seq: offset } = name;
            let bad = BadName { day, writer, number, offset, crc, temporary };
            prop_assert_eq!(BadName::parse(&bad.to_string()), Some(bad));
            prop_assert_eq!(Name::parse(&bad.to_string()), None);
        }

        #[test]
        fn what_is_printed_for_dead_letters_is_parsed(name in segment_name(), sink in ".*") {
            let dead = DeadName::new(name.day, name.writer, &sink);
            let text = dead.to_string();
            prop_assert_eq!(DeadName::parse(&text), Some(dead));
            prop_assert!(text.len() < 255 && text.is_ascii() && !text.contains('/'));
            prop_assert_eq!((Name::parse(&text), BadName::parse(&text)), (None, None));
        }

        #[test]
        fn garbage_never_panics(text in "\\PC*") {
            drop((Name::parse(&text), BadName::parse(&text), DeadName::parse(&text)));
        }

        #[test]
        fn what_is_parsed_is_what_is_printed(name in name(), at in any::<prop::sample::Index>(), c in any::<char>()) {
            let mut text: Vec<char> = name.to_string().chars().collect();
            let at = at.index(text.len());
            text[at] = c;
            let text: String = text.into_iter().collect();
            if let Some(parsed) = Name::parse(&text) {
                prop_assert_eq!(parsed.to_string(), text);
            }
        }
    }
}
