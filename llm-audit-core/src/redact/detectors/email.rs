//! E-mail addresses: what RFC 5322 calls a dot-atom, at a host with a top-level domain.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, after_escape, before, byte, has, run, run_back};
use crate::redact::data_type::DataType;

pub(super) const EMAIL: Detector = Detector::find(
    "email",
    DataType::Email,
    Confidence::Shape,
    &[Anchor::At],
    find,
);

/// RFC 5321 allows 64 bytes; a longer one is hidden as well.
const MAX_LOCAL: usize = 128;
/// The longest host name (RFC 1035).
const MAX_HOST: usize = 253;
const MAX_TLD: usize = 24;

/// Lead and continuation bytes of Latin letters with marks (RFC 6531), U+00C0 to U+024F; letters
/// of other scripts end an address, as text of those scripts has no spaces around it.
const LATIN: [u8; 71] = latin();
const LOCAL: ByteSet = ByteSet::ALNUM.and(b"._%+-~").and(&LATIN);
const HOST: ByteSet = ByteSet::ALNUM.and(b".-").and(&LATIN);

#[expect(clippy::indexing_slicing, reason = "7 and 64 positions of 71")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "both counters stay below 64"
)]
const fn latin() -> [u8; 71] {
    let mut bytes = [0; 71];
    let mut lead = 0;
    while lead < 7 {
        bytes[lead] = 0xc3 + lead as u8;
        lead += 1;
    }
    let mut tail = 0;
    while tail < 64 {
        bytes[7 + tail] = 0x80 + tail as u8;
        tail += 1;
    }
    bytes
}

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    if !HOST.contains(byte(text, at + 1)?) {
        return None;
    }
    let start = local(text, at)?;
    let end = host(text, at + 1)?;
    let name = text.get(start..at)?;
    // `git@host:path` names a machine; a call behind the address makes it an expression.
    if name == b"git" || byte(text, end) == Some(b'(') || in_user_info(text, start) {
        return None;
    }
    Some(start..end)
}

/// Returns where the local part that ends at `at` begins.
fn local(text: &[u8], at: usize) -> Option<usize> {
    let run = run_back(text, at, &LOCAL, MAX_LOCAL);
    let mut start = after_escape(text, run);
    // A run cut by its limit or by a character of another script may begin inside a character,
    // and an address begins with a letter or a digit.
    while byte(text, start).is_some_and(|b| matches!(b, b'.' | b'-' | b'%' | b'~' | 0x80..=0xbf)) {
        start += 1;
    }
    (start < at && before(text, at) != Some(b'.')).then_some(start)
}

/// Returns where the host that begins at `at` ends: behind the last label that can be a top-level
/// domain, as what follows may be a clause of the text, or go on in another script.
fn host(text: &[u8], at: usize) -> Option<usize> {
    let host = text.get(at..run(text, at, &HOST, MAX_HOST))?;
    let (mut before, mut start, mut best) = (Labels::default(), 0, None);
    for label in host.split(|byte| *byte == b'.') {
        let letters = label.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let length = if label.starts_with(b"xn--") {
            label.len()
        } else {
            letters
        };
        let ends = label.get(length).is_none_or(|b| matches!(b, b'-' | 0x80..));
        if before.count > 0 && ends && (2..=MAX_TLD).contains(&length) {
            best = before.are_of_a_host().then_some(at + start + length);
        }
        if label.is_empty() {
            break;
        }
        before.add(label);
        start += label.len() + 1;
    }
    best
}

/// The labels of a name, up to one of them.
#[derive(Default)]
struct Labels {
    count: usize,
    /// The first is `2x` and the like.
    is_dense: bool,
    /// One of the first two is no number.
    has_word: bool,
    /// One begins with a hyphen.
    is_broken: bool,
}

impl Labels {
    /// Adds one that is not empty.
    fn add(&mut self, label: &[u8]) {
        if self.count < 2 {
            self.has_word |= !is_number(label);
        }
        self.is_dense |= self.count == 0 && matches!(label, [b'1'..=b'9', b'x']);
        self.is_broken |= label.first() == Some(&b'-');
        self.count += 1;
    }

    /// Returns whether they are those of a host, not of a version (`pkg@1.2.3-rc`) or of an image
    /// for dense screens (`icon@2x.png`).
    const fn are_of_a_host(&self) -> bool {
        self.has_word && !self.is_dense && !self.is_broken
    }
}

fn is_number(label: &[u8]) -> bool {
    label.first().is_some_and(u8::is_ascii_digit)
        && !label
            .iter()
            .take_while(|b| **b != b'-')
            .any(u8::is_ascii_alphabetic)
}

/// Returns whether what begins at `start` is the user or password of a URL: the host behind `@`
/// is then the URL's.
fn in_user_info(text: &[u8], start: usize) -> bool {
    const USER: ByteSet = ByteSet::ALNUM.and(b"._%+-~!$&*");
    let end = match before(text, start) {
        Some(b'/') => start,
        Some(b':') => run_back(text, start - 1, &USER, 64),
        _ => return false,
    };
    end.checked_sub(3)
        .is_some_and(|scheme| has(text, scheme, b"://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn addresses_are_found_whatever_stands_around_them() {
        check(
            DataType::Email,
            &[
                "reach me at «ada.lovelace+log@mail.example.org», please",
                "«ada@example.org»",
                "mailto:«ada@example.org»?subject=x",
                "contact=«a-b_c@example.co.uk»&plan=pro",
                "{\\\"to\\\":\\\"«ada@example.org»\\\"}",
                "first line\\n«ada@example.org»\\u0022",
                "請求書は«ada@example.org»に送って",
                "<«ada@example.org»> («bob@example.org»). «c1@example.org».",
                "an «jürgen@müller-söhne.de» schreiben",
                "«ada@xn--mller-kva.de»",
                "--«ada@example.org»--",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn what_only_looks_like_an_address_is_left() {
        check(
            DataType::Email,
            &[
                "git clone git@github.com:acme/app.git",
                "npm i react@18.2.0 @types/node@20.1.3 left-pad@1.0.0-rc.next",
                "@app.route('/x')",
                "user@host",
                "ubuntu@192.0.2.7",
                "icon@2x.png",
                "a = b@c.T; d@e.transpose()",
                "docker pull a/b@sha256:00ff",
                "@@@@",
                "a@.com",
                "a@b..com",
                "a.@b.com",
                "https://ada@example.org/x",
                "postgres://app:${PASSWORD}@db.example.org/x",
            ]
            .map(str::to_owned),
        );
    }
}
