//! What is done with a value that was found.

use std::fmt;
use std::str::FromStr;

use super::data_type::{DataType, names};
use super::normal::normal;
use crate::encode::hex;
use crate::error::Error;
use crate::key::Key;
#[cfg(feature = "token")]
use crate::key::TokenKey;

/// What takes the place of a value.
///
/// In policy files an operator is a word with its parameters after colons, as the variants show.
/// [`Operator::Mask`] hides at least five characters and a third of the value, and
/// [`Operator::KeepLast`] half of it; a value too short for that is hidden whole.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::Operator;
///
/// let operator: Operator = "mask:6:4".parse()?;
/// assert_eq!(operator.to_string(), "mask:6:4");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// `redact`: the type in brackets, `[EMAIL]`. The default.
    #[default]
    Redact,
    /// `replace:TEXT`: a text of your own.
    Replace(String),
    /// `mask:FIRST:LAST`: every character becomes `*`, but for at most 6 first and 4 last ones.
    Mask {
        /// How many characters stay at the beginning, at most 6.
        keep_first: u8,
        /// How many characters stay at the end, at most 4.
        keep_last: u8,
    },
    /// `keep_last:N`: the type and at most 4 last characters, `[CREDIT_CARD:1111]`.
    KeepLast(u8),
    /// `numbered`: the type and a number, `[EMAIL_1]`; one value has one number inside an event.
    Numbered,
    /// `pseudonym`: the type, the id of the key and a keyed tag, `[EMAIL:k1:4f6c…]`; one value of
    /// a tenant has one tag as long as the key is the same.
    Pseudonym,
    /// `token`: the type, the id of the key and the value encrypted, `[EMAIL:t1:Zm9v…]`; whoever
    /// holds the key can read it again. It needs feature `token` and a key of its own.
    Token,
    /// `drop`: nothing. At a path in JSON the member or element is taken out.
    Drop,
    /// `keep`: the value itself, counted in the report.
    Keep,
}

const MAX_FIRST: u8 = 6;
const MAX_LAST: u8 = 4;
const MIN_MASKED: usize = 5;
const TAG_BYTES: usize = 16;

const FORMS: [&str; 9] = [
    "redact",
    "replace:TEXT",
    "mask:FIRST:LAST",
    "keep_last:N",
    "numbered",
    "pseudonym",
    "token",
    "drop",
    "keep",
];

/// What operators write with.
#[derive(Clone, Copy)]
pub(super) struct Keys<'k> {
    pub(super) tenant: &'k str,
    pub(super) key: Option<&'k Key>,
    #[cfg(feature = "token")]
    pub(super) token_key: Option<&'k TokenKey>,
}

impl Operator {
    /// Returns the operator's word without parameters; it stands in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Replace(_) => "replace",
            Self::Mask { .. } => "mask",
            Self::KeepLast(_) => "keep_last",
            Self::Numbered => "numbered",
            Self::Pseudonym => "pseudonym",
            Self::Token => "token",
            Self::Drop => "drop",
            Self::Keep => "keep",
        }
    }

    /// Returns whether part of the value can be read afterwards, be it with a key.
    pub const fn reveals(&self) -> bool {
        matches!(
            self,
            Self::Mask { .. } | Self::KeepLast(_) | Self::Token | Self::Keep
        )
    }

    /// Returns what is wrong with the parameters, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Mask {
                keep_first,
                keep_last,
            } if *keep_first > MAX_FIRST || *keep_last > MAX_LAST => {
                Some("`mask` keeps at most 6 first and 4 last characters")
            }
            Self::KeepLast(last) if !(1..=MAX_LAST).contains(last) => {
                Some("`keep_last` keeps 1 to 4 characters")
            }
            _ => None,
        }
    }

    /// Appends what stands for `value`; `number` is asked for by [`Operator::Numbered`] alone.
    ///
    /// Returns `false`, and appends nothing, where a key is needed and there is none.
    pub(super) fn write(
        &self,
        out: &mut String,
        data_type: DataType,
        value: &str,
        number: impl FnOnce(String) -> usize,
        keys: Keys<'_>,
    ) -> bool {
        let word = data_type.word();
        match self {
            Self::Redact => bracketed(out, &[word]),
            Self::Replace(text) => out.push_str(text),
            Self::Mask {
                keep_first,
                keep_last,
            } => mask(out, value, (*keep_first).into(), (*keep_last).into()),
            Self::KeepLast(last) => match ending(value, (*last).into()) {
                Some(ending) => bracketed(out, &[word, ":", ending]),
                None => bracketed(out, &[word]),
            },
            Self::Numbered => {
                let number = number(normal(data_type, value)).to_string();
                bracketed(out, &[word, "_", &number]);
            }
            Self::Pseudonym => {
                let Some(key) = keys.key else {
                    return false;
                };
                let value = normal(data_type, value);
                let mac = key.hmac(&[
                    b"pseudonym",
                    keys.tenant.as_bytes(),
                    data_type.name().as_bytes(),
                    value.as_bytes(),
                ]);
                let tag = hex(mac.get(..TAG_BYTES).unwrap_or(&mac));
                bracketed(out, &[word, ":", key.id(), ":", &tag]);
            }
            #[cfg(feature = "token")]
            Self::Token => {
                let token = keys.token_key.and_then(|key| {
                    let body = key.seal(keys.tenant, data_type.name(), value)?;
                    Some((key.id(), body))
                });
                let Some((id, body)) = token else {
                    return false;
                };
                bracketed(out, &[word, ":", id, ":", &body]);
            }
            #[cfg(not(feature = "token"))]
            Self::Token => return false,
            Self::Drop => {}
            Self::Keep => out.push_str(value),
        }
        true
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Replace(text) => write!(f, ":{text}"),
            Self::Mask {
                keep_first,
                keep_last,
            } => write!(f, ":{keep_first}:{keep_last}"),
            Self::KeepLast(last) => write!(f, ":{last}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Operator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (word, parameters) = match text.split_once(':') {
            Some((word, parameters)) => (word, Some(parameters)),
            None => (text, None),
        };
        let operator = match (word, parameters) {
            ("redact", None) => Some(Self::Redact),
            ("replace", Some(text)) => Some(Self::Replace(text.to_owned())),
            ("mask", Some(ends)) => ends.split_once(':').and_then(|(first, last)| {
                Some(Self::Mask {
                    keep_first: first.parse().ok()?,
                    keep_last: last.parse().ok()?,
                })
            }),
            ("keep_last", Some(last)) => last.parse().ok().map(Self::KeepLast),
            ("numbered", None) => Some(Self::Numbered),
            ("pseudonym", None) => Some(Self::Pseudonym),
            ("token", None) => Some(Self::Token),
            ("drop", None) => Some(Self::Drop),
            ("keep", None) => Some(Self::Keep),
            _ => None,
        };
        operator.ok_or_else(|| {
            Error::policy(format!(
                "`{text}` is not an operator; the operators are {}",
                names(FORMS.into_iter())
            ))
        })
    }
}

fn bracketed(out: &mut String, parts: &[&str]) {
    out.push('[');
    out.extend(parts.iter().copied());
    out.push(']');
}

fn mask(out: &mut String, value: &str, first: usize, last: usize) {
    let count = value.chars().count();
    let kept = first + last;
    let (first, last) = if kept + MIN_MASKED <= count && kept * 3 <= count * 2 {
        (first, last)
    } else {
        (0, 0)
    };
    for (position, character) in value.chars().enumerate() {
        let kept = position < first || position >= count - last;
        out.push(if kept { character } else { '*' });
    }
}

/// Returns the last `count` characters, unless they are more than half of the value.
fn ending(value: &str, count: usize) -> Option<&str> {
    if value.chars().count() < 2 * count {
        return None;
    }
    let (start, _) = value.char_indices().rev().nth(count.checked_sub(1)?)?;
    value.get(start..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<'k>(tenant: &'k str, key: &'k Key) -> Keys<'k> {
        Keys {
            tenant,
            key: Some(key),
            #[cfg(feature = "token")]
            token_key: None,
        }
    }

    fn written(operator: &Operator, data_type: DataType, value: &str) -> String {
        let key = Key::bytes("k1", &[7; 32]).unwrap();
        let mut out = String::new();
        let keys = keys("acme", &key);
        assert!(operator.write(&mut out, data_type, value, |_| 3, keys));
        out
    }

    #[test]
    fn every_operator_writes_its_form() {
        let card = "4111 1111 1111 1234";
        for (operator, expected) in [
            ("redact", "[CREDIT_CARD]"),
            ("replace:", ""),
            ("replace:a:b", "a:b"),
            ("mask:6:4", "4111 1*********1234"),
            ("mask:0:0", "*******************"),
            ("keep_last:4", "[CREDIT_CARD:1234]"),
            ("numbered", "[CREDIT_CARD_3]"),
            ("drop", ""),
            ("keep", card),
        ] {
            let operator: Operator = operator.parse().unwrap();
            assert_eq!(written(&operator, DataType::CreditCard, card), expected);
        }
    }

    #[test]
    fn an_operator_parses_from_what_it_prints() {
        for text in ["redact", "replace:x:y", "mask:1:2", "keep_last:4", "keep"] {
            let operator: Operator = text.parse().unwrap();
            assert_eq!(operator.to_string(), text);
        }
    }

    #[test]
    fn an_unknown_operator_lists_the_known_ones() {
        for text in ["hash", "mask:4", "keep_last:x", "redact:1"] {
            let error = text.parse::<Operator>().unwrap_err().to_string();
            assert!(
                error.contains(text) && error.contains("keep_last:N"),
                "{error}"
            );
        }
    }

    #[test]
    fn short_values_show_no_ends() {
        let keep = Operator::KeepLast(4);
        assert_eq!(written(&keep, DataType::Email, "a@b.io"), "[EMAIL]");
        let mask = Operator::Mask {
            keep_first: 2,
            keep_last: 2,
        };
        assert_eq!(written(&mask, DataType::Email, "a@b.io"), "******");
    }

    #[test]
    fn equal_values_have_equal_pseudonyms_and_other_tenants_others() {
        let key = Key::bytes("k1", &[7; 32]).unwrap();
        let tag = |tenant: &str, data_type, value: &str| {
            let mut out = String::new();
            let keys = keys(tenant, &key);
            Operator::Pseudonym.write(&mut out, data_type, value, |_| 0, keys);
            out
        };
        let ada = tag("a", DataType::Email, "Ada@example.org");
        assert_eq!(ada, tag("a", DataType::Email, "ada@example.org"));
        assert_ne!(ada, tag("b", DataType::Email, "ada@example.org"));
        assert_ne!(ada, tag("a", DataType::Email, "bob@example.org"));
        assert!(ada.starts_with("[EMAIL:k1:") && ada.len() == "[EMAIL:k1:]".len() + 32);
        assert_eq!(
            tag("a", DataType::CreditCard, "4111 1111 1111 1111"),
            tag("a", DataType::CreditCard, "4111111111111111")
        );
    }
}
