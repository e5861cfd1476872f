//! Marks: what is planted, and what is looked for.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use super::finding::{Finding, Findings};
use super::scan::{Pattern, find};
use crate::id::{Ids, RandomIds};
use crate::sync::{Arc, Mutex, lock};

/// Unique texts to plant in a program, and the search for them in whatever it wrote. Clones share
/// what was planted.
///
/// A *channel* is the name that a test gives to a way into the program. Each has a mark of its own,
/// other ones in every run; a mark is a made-up word that no detector takes for anything. For the
/// same channel there are an e-mail address, a card number and an API key that are its own too.
///
/// A search finds marks as they are, in another case, percent-encoded, escaped as in JSON, in
/// UTF-16, in hexadecimal and in base64, at any alignment. It does not look into compressed data:
/// decode that first, and hand the result to [`Marks::scan_bytes`].
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{leak::{Findings, Marks}, probe};
/// use llm_audit_core::{Facet, Level, Operation, Policy, Retention};
///
/// let policy = Policy::builder()
///     .facet(Facet::Response, Level::Redacted)
///     .retention(Retention::Days30)
///     .build()?;
/// let (audit, probe) = probe(policy)?;
/// let marks = Marks::new();
///
/// let mut call = audit.begin(Operation::Chat); // in the program that is tested
/// call.prompt(marks.all("question")).response(marks.all("answer"));
/// call.finish();
///
/// let found: Findings = marks.scan_bytes("the event", probe.one().event().to_json());
/// found.assert_only(&["answer"]); // the word alone: address, number and key were redacted
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Marks(Arc<Mutex<Planted>>);

struct Planted {
    random: RandomIds,
    /// What every mark of letters begins with.
    stem: String,
    /// What every card number begins with.
    issuer: String,
    marks: Vec<Mark>,
    by_channel: HashMap<(String, What), usize>,
}

#[derive(Clone)]
pub(super) struct Mark {
    pub(super) channel: String,
    pub(super) what: What,
    /// What is looked for.
    pub(super) text: String,
}

/// What was planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum What {
    /// A made-up word, which is neither personal nor secret.
    Word,
    /// An e-mail address.
    Email,
    /// The number of a payment card.
    Card,
    /// An API key.
    Secret,
}

const CONSONANTS: &[u8; 16] = b"bcdfghklmnprstvz";
const VOWELS: &[u8; 4] = b"aeio";
/// 36 bits: no text has them by chance.
const STEM_SYLLABLES: u32 = 6;
/// 24 bits tell the channels of one run apart; two equal ones are drawn again.
const CODE_SYLLABLES: u32 = 4;
const ISSUER_DIGITS: u32 = 7;
const NUMBER_DIGITS: u32 = 7;

impl Marks {
    /// Returns marks of which none was planted.
    pub fn new() -> Self {
        let random = RandomIds::new();
        let stem = word(&random, STEM_SYLLABLES);
        // Cards that begin with 4 have 16 digits.
        let issuer = format!("4{}", digits(&random, ISSUER_DIGITS));
        Self(Arc::new(Mutex::new(Planted {
            random,
            stem,
            issuer,
            marks: Vec::new(),
            by_channel: HashMap::new(),
        })))
    }

    /// Returns the mark of `channel`.
    pub fn word(&self, channel: &str) -> String {
        self.plant(channel, What::Word)
    }

    /// Returns the e-mail address of `channel`.
    pub fn email(&self, channel: &str) -> String {
        format!("{}@example.org", self.plant(channel, What::Email))
    }

    /// Returns the card number of `channel`, with a valid check digit.
    pub fn card(&self, channel: &str) -> String {
        self.plant(channel, What::Card)
    }

    /// Returns the API key of `channel`, in the form of a provider's.
    pub fn secret(&self, channel: &str) -> String {
        let mark = self.plant(channel, What::Secret);
        // Of mixed characters, as detectors expect of a key; they follow from the mark.
        format!("sk-ant-api03-Q7x{mark}9Zk4-W2vJ8_Xn5T3AA")
    }

    /// Returns a sentence with the mark of `channel`, its address, its card number and its key.
    pub fn all(&self, channel: &str) -> String {
        format!(
            "Mark {}, mail {}, card {}, key {} here",
            self.word(channel),
            self.email(channel),
            self.card(channel),
            self.secret(channel)
        )
    }

    /// Looks for everything planted so far in `bytes`, which findings call `place`.
    pub fn scan_bytes(&self, place: &str, bytes: impl AsRef<[u8]>) -> Findings {
        let planted = lock(&self.0);
        let bytes = bytes.as_ref();
        let mut findings = Vec::new();
        for pattern in planted.patterns() {
            for hit in find(&pattern, bytes) {
                findings.push(Finding::new(&hit, &pattern, place));
            }
        }
        findings.sort_by_key(|finding| finding.offset);
        Findings::new(findings)
    }

    /// Looks for everything planted so far in every file below the directory `dir` and in their
    /// names. Each file is read into memory as a whole; links are not followed.
    ///
    /// # Errors
    ///
    /// When something cannot be read.
    pub fn scan_dir(&self, dir: impl AsRef<Path>) -> io::Result<Findings> {
        let mut findings = Findings::default();
        each_file(dir.as_ref(), &mut |path, content| {
            let place = path.display().to_string();
            findings.append(self.scan_bytes("the name of a file", &place));
            findings.append(self.scan_bytes(&place, content));
        })?;
        Ok(findings)
    }

    fn plant(&self, channel: &str, what: What) -> String {
        let mut planted = lock(&self.0);
        let key = (channel.to_owned(), what);
        let known = planted.by_channel.get(&key).copied();
        if let Some(mark) = known.and_then(|index| planted.marks.get(index)) {
            return mark.text.clone();
        }
        let text = planted.unused(what);
        let index = planted.marks.len();
        planted.marks.push(Mark {
            channel: channel.to_owned(),
            what,
            text: text.clone(),
        });
        planted.by_channel.insert(key, index);
        text
    }
}

impl Planted {
    fn unused(&self, what: What) -> String {
        loop {
            let text = match what {
                What::Card => {
                    let number = digits(&self.random, NUMBER_DIGITS);
                    checked(&format!("{}{number}", self.issuer))
                }
                _ => format!("{}{}", self.stem, word(&self.random, CODE_SYLLABLES)),
            };
            if !self.marks.iter().any(|mark| mark.text == text) {
                return text;
            }
        }
    }

    fn patterns(&self) -> [Pattern<'_>; 2] {
        let (cards, letters) = self
            .marks
            .iter()
            .partition::<Vec<_>, _>(|mark| mark.what == What::Card);
        [
            Pattern::new(&self.stem, letters, true),
            // Digits can be any number's: only a whole card is one of ours.
            Pattern::new(&self.issuer, cards, false),
        ]
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows how many marks were planted, and none of them.
impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marks")
            .field("planted", &lock(&self.0).marks.len())
            .finish_non_exhaustive()
    }
}

/// Calls `visit` with every regular file below `dir`.
pub(super) fn each_file(dir: &Path, visit: &mut dyn FnMut(&Path, Vec<u8>)) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            each_file(&path, visit)?;
        } else if kind.is_file() {
            visit(&path, fs::read(&path)?);
        }
    }
    Ok(())
}

/// A word of so many syllables, six bits each: it reads like a name, so no detector of random
/// strings takes it for a key.
fn word(random: &RandomIds, syllables: u32) -> String {
    let bits = random.unique();
    let letter = |letters: &[u8], index: u128| {
        let index = usize::try_from(index).unwrap_or(0) % letters.len();
        letters.get(index).map_or('x', |letter| char::from(*letter))
    };
    let syllable = |number: u32| {
        let bits = bits >> (6 * number);
        [letter(CONSONANTS, bits & 15), letter(VOWELS, bits >> 4 & 3)]
    };
    (0..syllables).flat_map(syllable).collect()
}

fn digits(random: &RandomIds, count: u32) -> String {
    let number = random.unique() % 10_u128.pow(count);
    format!("{number:0width$}", width = count as usize)
}

/// Appends the check digit of Luhn (ISO/IEC 7812-1).
fn checked(number: &str) -> String {
    let digits = number.bytes().rev().map(|digit| u32::from(digit - b'0'));
    let doubled = digits.enumerate().map(|(place, digit)| match place % 2 {
        0 if digit > 4 => 2 * digit - 9,
        0 => 2 * digit,
        _ => digit,
    });
    let sum: u32 = doubled.sum();
    format!("{number}{}", (10 - sum % 10) % 10)
}
