//! The table of detectors.
//!
//! Everything else iterates [`DETECTORS`]: the scanner builds its prefilter from the anchors, the
//! JSON walk asks the names, presets and operators go by the data types. A detector is one row.

use std::ops::Range;

use super::bytes::ByteSet;
use super::data_type::DataType;
use super::runs::{Beside, Runs};

mod aws;
mod azure;
mod birth;
mod card;
mod cookie;
mod described;
mod email;
mod google;
mod header;
mod health;
mod iban;
mod ip;
mod jwt;
mod mac;
mod national_id;
mod passport;
mod pem;
mod phone;
mod place;
mod provider;
mod secret;
mod ssn;
mod token;
mod url;
mod value;
mod wallet;
mod word;

pub(super) use token::Token;

/// How sure a detector is, the least first. Where findings overlap, the surer one names the type.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::Confidence;
///
/// assert!(Confidence::Shape < Confidence::Valid);
/// assert_eq!(Confidence::Context.name(), "context");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Confidence {
    /// The value has a common shape.
    Shape,
    /// Its surroundings say what the value is.
    Context,
    /// The value begins with letters that its issuer has published.
    Prefix,
    /// A check on the whole value holds.
    Valid,
}

impl Confidence {
    /// Every degree, the least first.
    pub const ALL: &'static [Self] = &[Self::Shape, Self::Context, Self::Prefix, Self::Valid];

    /// Returns the name in policy files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Context => "context",
            Self::Prefix => "prefix",
            Self::Valid => "valid",
        }
    }
}

/// Where a detector is asked to look.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    /// At each occurrence of a literal of at least three bytes, upper and lower case apart.
    Literal(&'static str),
    /// The same, where one of these bytes stands before it and one of those behind it.
    Between(&'static (ByteSet, &'static str, ByteSet)),
    /// At each `@`.
    At,
    /// At each `~`.
    Tilde,
    /// At each `:` that has a hex digit on both sides, and at each `::` that has one on either.
    Colon,
    /// At the first digit of some runs of digits.
    Digits(&'static Runs),
    /// In runs of at least 23 characters of tokens: where a value of at least that length
    /// may begin, if it is one of these bytes.
    InLongRun(&'static [u8]),
    /// At the beginning of such runs.
    LongRun,
}

/// What the block scan looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// `@`.
    At,
    /// `~`.
    Tilde,
    /// `:`.
    Colon,
    /// The first digit of a run of so many digits; of one of 24 or more, that or more.
    Digits(usize),
    /// Some place in a long run of characters of tokens.
    LongRun,
}

/// Returns the value that an anchor at this position announces. Looks back a bounded way, and
/// ahead a bounded way or only over what the value itself covers, so that a scan stays linear.
pub(super) type Find = fn(&[u8], usize) -> Option<Range<usize>>;

/// Returns where a value that was found really ends, where what it is judged by has a limit; never
/// before the range's end. Looks only over what the value covers.
pub(super) type RealEnd = fn(&[u8], &Range<usize>) -> usize;

/// How values are found.
#[derive(Clone, Copy)]
pub(super) enum Matcher {
    /// By published prefixes.
    Tokens(&'static [Token]),
    /// By a function that is called at each anchor.
    Find(&'static [Anchor], Find),
}

/// Names of JSON members whose value, as a whole, is judged by a function.
///
/// The names are in lower case, without `-`, `_` and spaces.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) names: &'static [&'static str],
    /// Whether longer names that end so count too.
    pub(super) ending: bool,
    /// Parts of longer names that make something else of it.
    pub(super) except: &'static [&'static str],
    pub(super) judge: fn(&[u8]) -> Option<Range<usize>>,
}

/// One row of the table.
#[derive(Clone, Copy)]
pub(super) struct Detector {
    pub(super) name: &'static str,
    pub(super) data_type: DataType,
    pub(super) confidence: Confidence,
    pub(super) matcher: Matcher,
    pub(super) named: Option<Named>,
    pub(super) real_end: Option<RealEnd>,
}

impl Detector {
    const fn find(
        name: &'static str,
        data_type: DataType,
        confidence: Confidence,
        anchors: &'static [Anchor],
        find: Find,
    ) -> Self {
        Self {
            name,
            data_type,
            confidence,
            matcher: Matcher::Find(anchors, find),
            named: None,
            real_end: None,
        }
    }

    const fn tokens(name: &'static str, data_type: DataType, tokens: &'static [Token]) -> Self {
        Self {
            name,
            data_type,
            confidence: Confidence::Prefix,
            matcher: Matcher::Tokens(tokens),
            named: None,
            real_end: None,
        }
    }

    const fn up_to(mut self, real_end: RealEnd) -> Self {
        self.real_end = Some(real_end);
        self
    }

    const fn named(
        mut self,
        names: &'static [&'static str],
        judge: fn(&[u8]) -> Option<Range<usize>>,
    ) -> Self {
        self.named = Some(Named {
            names,
            ending: false,
            except: &[],
            judge,
        });
        self
    }

    const fn named_ending(
        self,
        names: &'static [&'static str],
        judge: fn(&[u8]) -> Option<Range<usize>>,
    ) -> Self {
        let mut detector = self.named(names, judge);
        if let Some(named) = &mut detector.named {
            named.ending = true;
        }
        detector
    }

    const fn except(mut self, parts: &'static [&'static str]) -> Self {
        if let Some(named) = &mut self.named {
            named.except = parts;
        }
        self
    }
}

#[cfg(any(test, feature = "testing"))]
impl Detector {
    /// Returns what a text has where the detector is asked, and the names of members that it knows.
    pub(super) fn announcements(&self) -> Vec<&'static str> {
        let names = self.named.map_or(&[][..], |named| named.names);
        let anchors: Vec<_> = match self.matcher {
            Matcher::Tokens(tokens) => tokens.iter().map(|token| token.prefix).collect(),
            Matcher::Find(anchors, _) => anchors.iter().filter_map(Anchor::text).collect(),
        };
        anchors.into_iter().chain(names.iter().copied()).collect()
    }
}

#[cfg(any(test, feature = "testing"))]
impl Anchor {
    /// Returns the text that the anchor stands for; none for what has many.
    const fn text(&self) -> Option<&'static str> {
        match self {
            Self::Literal(text) | Self::Between((_, text, _)) => Some(text),
            Self::At => Some("@"),
            Self::Tilde => Some("~"),
            Self::Colon => Some(":"),
            Self::Digits(_) | Self::InLongRun(_) | Self::LongRun => None,
        }
    }
}

/// Every built-in detector.
pub(super) static DETECTORS: &[Detector] = &[
    email::EMAIL,
    phone::PHONE,
    card::CARD,
    iban::IBAN,
    ip::IPV4,
    ip::IPV6,
    mac::MAC,
    ssn::SSN,
    national_id::NATIONAL_ID,
    national_id::NATIONAL_ID_WITH_LETTERS,
    passport::PASSPORT,
    birth::BIRTH,
    health::MEDICARE,
    health::PROVIDER,
    health::PRESCRIBER,
    health::RECORD,
    wallet::BASE58,
    wallet::BECH32,
    wallet::ETHEREUM,
    jwt::JWT,
    jwt::WRAPPED_JWT,
    pem::PRIVATE_KEY,
    header::BEARER,
    header::BASIC,
    header::AUTH,
    header::USER_OPTION,
    header::AUTHORIZATION,
    header::API_KEY,
    provider::OPENAI,
    provider::ANTHROPIC,
    aws::ACCESS_KEY,
    aws::SECRET_KEY,
    aws::SECRET_KEY_BESIDE_ID,
    google::KEY,
    google::REFRESH_TOKEN,
    azure::CONNECTION_KEY,
    azure::SIGNATURE,
    azure::CLIENT_SECRET,
    azure::MARKED_KEY,
    provider::GITHUB,
    provider::GITLAB,
    provider::SLACK,
    provider::SLACK_HOOK,
    provider::STRIPE,
    provider::TWILIO,
    provider::SENDGRID,
    provider::HUGGINGFACE,
    provider::NPM,
    provider::PYPI,
    provider::VENDOR,
    provider::TELEGRAM,
    url::URL,
    url::CONNECTION_STRING,
    url::ORACLE,
    cookie::COOKIE,
    place::OPTION,
    place::PAIR,
    place::SOURCE,
    place::LINE_OF_FILE,
    secret::PASSWORD,
    secret::KEY,
    secret::TOKEN,
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::redact::Redactor;

    /// Asserts what the detectors of one type find in each text: `«` and `»` stand around it.
    pub(crate) fn check(data_type: DataType, marked: &[String]) {
        let redactor = Redactor::default();
        for marked in marked {
            let text = marked.replace(['«', '»'], "");
            let mut found = String::new();
            let mut end = 0;
            for span in redactor.find(&text) {
                if span.data_type == data_type {
                    found += &text[end..span.start];
                    found = found + "«" + &text[span.start..span.end] + "»";
                    end = span.end;
                }
            }
            found += &text[end..];
            assert_eq!(&found, marked, "{data_type}");
        }
    }

    /// Returns `count` characters that look random, the same ones each time.
    pub(crate) fn random(alphabet: &str, count: usize) -> String {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let alphabet = alphabet.as_bytes();
        (0..count)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                char::from(alphabet[(state >> 33) as usize % alphabet.len()])
            })
            .collect()
    }

    pub(crate) const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    pub(crate) const HEX: &str = "0123456789abcdef";

    #[test]
    fn names_are_unique_and_every_type_has_a_detector() {
        for (position, detector) in DETECTORS.iter().enumerate() {
            assert!(
                DETECTORS[..position]
                    .iter()
                    .all(|other| other.name != detector.name)
            );
        }
        for data_type in DataType::ALL {
            assert!(
                DataType::WITHOUT_DETECTOR.contains(data_type)
                    || DETECTORS
                        .iter()
                        .any(|detector| detector.data_type == *data_type),
                "{data_type}"
            );
        }
    }

    #[test]
    fn fuzzing_reaches_every_detector_by_itself() {
        // The target chooses by one byte.
        assert!(DETECTORS.len() <= 256);
        for (number, detector) in DETECTORS.iter().enumerate() {
            let (redactor, announcements) = Redactor::alone(number).unwrap();
            let is_lone = |anchor: &Anchor| {
                matches!(
                    anchor,
                    Anchor::Digits(_) | Anchor::InLongRun(_) | Anchor::LongRun
                )
            };
            let needs_none = matches!(detector.matcher, Matcher::Find(anchors, _) if anchors.iter().all(is_lone));
            assert!(needs_none || !announcements.is_empty(), "{}", detector.name);
            let all =
                "ada@example.org 4111111111111111 DE89370400440532013000 AKIAIOSFODNN7EXAMPLE";
            let found = redactor.find(all);
            assert!(found.iter().all(|span| span.detector == detector.name));
        }
        assert!(Redactor::alone(DETECTORS.len()).is_none());
    }

    #[test]
    fn literals_have_the_three_bytes_that_the_search_goes_by() {
        for detector in DETECTORS {
            match detector.matcher {
                Matcher::Tokens(tokens) => {
                    assert!(tokens.iter().all(|token| token.prefix.len() >= 3))
                }
                Matcher::Find(anchors, _) => {
                    for anchor in anchors {
                        if let Anchor::Literal(text) | Anchor::Between((_, text, _)) = anchor {
                            assert!(text.len() >= 3, "{text}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn names_of_members_are_in_normal_form() {
        for named in DETECTORS.iter().filter_map(|detector| detector.named) {
            for name in named.names {
                assert!(
                    name.bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || !b.is_ascii()),
                    "{name}"
                );
            }
        }
    }
}
