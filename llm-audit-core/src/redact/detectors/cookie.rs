//! Cookies (RFC 6265): the pairs of a header, one after the other.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, Mix, assigned, distinct, in_word, is_placeholder, run};
use crate::redact::data_type::DataType;

/// From the first value that looks like that of a session to the last; what stands between them is
/// hidden too.
pub(super) const COOKIE: Detector = Detector::find(
    "cookie",
    DataType::Cookie,
    Confidence::Shape,
    &[
        Anchor::Literal("ookie"),
        Anchor::Literal("OOKIE"),
        Anchor::Literal("ookies"),
    ],
    |text, at| {
        let start = at.checked_sub(1).filter(|start| !in_word(text, *start))?;
        if !matches!(text.get(start), Some(b'c' | b'C')) {
            return None;
        }
        let name_end = run(text, at, &ByteSet::ALPHA, 6);
        let first = assigned(text, name_end)?;
        pairs(text, first)
    },
)
.up_to(real_end)
.named(&["cookie", "cookies", "setcookie"], |value| {
    let found = pairs(value, 0)?;
    Some(found.start..real_end(value, &found))
});

fn real_end(text: &[u8], range: &Range<usize>) -> usize {
    run(text, range.end, &VALUE, usize::MAX)
}

const NAME: ByteSet = ByteSet::WORD.and(b"!#$%&'*+-.^`|~");
/// Cookie octets, without what ends a header in code.
const VALUE: ByteSet = ByteSet::ALNUM.and(b"!#$%&()*+-./:<=>?@[]^_{}~|");
const MAX_PAIRS: usize = 64;
const MAX_VALUE: usize = 4096;
const MIN_VALUE: usize = 8;

/// Parameters of a cookie, which are no secrets.
const PARAMETERS: &[&str] = &[
    "domain", "expires", "max-age", "path", "priority", "samesite",
];

fn pairs(text: &[u8], at: usize) -> Option<Range<usize>> {
    let mut found: Option<Range<usize>> = None;
    let mut at = at;
    for _ in 0..MAX_PAIRS {
        let sign = run(text, at, &NAME, 128);
        if sign == at || text.get(sign) != Some(&b'=') {
            break;
        }
        let name = text.get(at..sign)?;
        let end = run(text, sign + 1, &VALUE, MAX_VALUE);
        let value = text.get(sign + 1..end)?;
        let is_parameter = PARAMETERS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        if !is_parameter && (is_session(value) || names_session(name) && is_drawn(value)) {
            found = Some(found.map_or(sign + 1, |found| found.start)..end);
        }
        let next = run(text, end, &ByteSet::of(b";"), 1);
        let next_name = run(text, next, &ByteSet::of(b" "), 2);
        if next == end {
            break;
        }
        at = next_name;
    }
    found
}

/// Returns whether a value names a session: what people choose is short or made of words.
fn is_session(value: &[u8]) -> bool {
    value.len() >= MIN_VALUE
        && !is_placeholder(value)
        && Mix::of(value).has_letters_and_digits()
        && distinct(value) >= 6
        && !super::described::is_wordy(value)
}

/// Parts of the names that cookies of sessions have.
const SESSIONS: &[&[u8]] = &[b"sid", b"sess", b"auth", b"token", b"csrf", b"xsrf"];

fn names_session(name: &[u8]) -> bool {
    SESSIONS.iter().any(|known| {
        name.windows(known.len())
            .any(|part| part.eq_ignore_ascii_case(known))
    })
}

/// Returns whether a value is long and mixed enough to be drawn, where the name says as much.
fn is_drawn(value: &[u8]) -> bool {
    value.len() >= 16
        && !is_placeholder(value)
        && Mix::of(value).has_letters_and_digits()
        && distinct(value) >= 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{HEX, check, random};

    #[test]
    fn sessions_in_headers_are_hidden() {
        let id = random(HEX, 32);
        check(
            DataType::Cookie,
            &[
                format!("Cookie: session=«{id}»; theme=dark"),
                format!("Cookie: lang=en; sid=«{id}; theme=dark; csrf={id}»"),
                format!("set-cookie: id=«{id}»; Path=/; Max-Age=3600; HttpOnly"),
                format!("-H \"Cookie: a=«{id}»\" https://example.org"),
                "Cookie: sid=«Etbm1ozukALfalLlcINqgyFfpgXRKTCTW»; theme=dark".to_owned(),
                format!("--cookie 'a=b' document.cookie = \"a=«{id}»\""),
            ],
        );
    }

    #[test]
    fn words_about_cookies_are_left() {
        check(
            DataType::Cookie,
            &[
                "a cookie: chocolate=more, Cookie: theme=dark; lang=en-GB; Path=/; consent=accepted",
                "Cookie: session=<id>; the cookie is set",
            ]
            .map(str::to_owned),
        );
    }
}
