//! Addresses of networks: IPv4 in dotted decimal, and IPv6 (RFC 4291) of the ranges that are in use.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::{Anchor, Beside, Confidence, Detector, Runs};
use crate::redact::bytes::{ByteSet, before, byte, has, in_word, run, run_back};
use crate::redact::context::Context;
use crate::redact::data_type::DataType;

pub(super) const IPV4: Detector = Detector::find(
    "ipv4",
    DataType::IpAddress,
    Confidence::Shape,
    &[Anchor::Digits(
        &Runs::of(&[1, 2, 3])
            .beside(Beside::Other, Beside::OneOf(b"."))
            .then(&[1, 2, 3]),
    )],
    v4,
);

pub(super) const IPV6: Detector = Detector::find(
    "ipv6",
    DataType::IpAddress,
    Confidence::Prefix,
    &[Anchor::Colon],
    v6,
);

/// Four numbers may also be a version, or a place in a document.
const VERSION: Context = Context::of(&[
    "abschnitt",
    "article",
    "build",
    "chapter",
    "clause",
    "downgraded from",
    "downgraded to",
    "firmware",
    "kapitel",
    "paragraph",
    "release",
    "rev",
    "revision",
    "rfc",
    "sec",
    "section",
    "step",
    "upgraded from",
    "upgraded to",
    "v",
    "ver",
    "version",
    "versione",
    "versions",
    "versao",
    "versie",
    "バージョン",
    "版本",
])
.reach(2);

/// How far back a line is looked for.
const MAX_LINE: usize = 96;
const MAX_V6: usize = 45;
const V6: ByteSet = ByteSet::HEX.and(b":");

fn v4(text: &[u8], at: usize) -> Option<Range<usize>> {
    const DOTTED: ByteSet = ByteSet::DIGIT.and(b".");
    // The first number speaks for the whole address, and what begins with a dot is no address.
    if before(text, at) == Some(b'.') {
        return None;
    }
    // Three dots within 12 bytes are rare; the first is looked at before all else.
    let first = run(text, at, &ByteSet::DIGIT, 3);
    if byte(text, first) != Some(b'.') || !byte(text, first + 1)?.is_ascii_digit() {
        return None;
    }
    let mut end = run(text, at, &DOTTED, 16);
    if before(text, end) == Some(b'.') {
        end -= 1;
    }
    let written = text.get(at..end)?;
    if written.iter().filter(|b| **b == b'.').count() != 3 {
        return None;
    }
    let address: Ipv4Addr = std::str::from_utf8(written).ok()?.parse().ok()?;
    let [network, ..] = address.octets();
    // What begins with 255 is a mask.
    if matches!(network, 0 | 255) || address.is_loopback() {
        return None;
    }
    let joined = match before(text, at) {
        Some(b'_' | b'#') => true,
        // `name-1.2.3.4` and `Name/1.2.3.4` are versions.
        Some(b'-' | b'/' | b'+') => {
            before(text, at - 1).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'-')
        }
        _ => false,
    };
    let goes_on = match byte(text, end) {
        Some(b'-' | b'+') => byte(text, end + 1).is_some_and(|b| b.is_ascii_alphabetic()),
        Some(b'.') => byte(text, end + 1).is_some_and(|b| b.is_ascii_alphanumeric()),
        Some(b) => b.is_ascii_alphanumeric() || b == b'_',
        None => false,
    };
    (!joined && !goes_on && !is_version(text, at..end)).then_some(at..end)
}

/// Returns whether words say that the numbers are a version or a place. Where a word stands before
/// them in their own line, those of the line before speak of something else.
fn is_version(text: &[u8], range: Range<usize>) -> bool {
    let from = range.start.saturating_sub(MAX_LINE);
    let before = text.get(from..range.start).unwrap_or_default();
    let line = before.iter().rposition(|b| *b == b'\n');
    let own = line.and_then(|line| before.get(line..)).unwrap_or_default();
    let start = match own.iter().any(u8::is_ascii_alphabetic) {
        true => range.start - own.len(),
        false => 0,
    };
    let text = text.get(start..).unwrap_or_default();
    VERSION.announces(text, range.start - start) || is_build(text, range.end - start)
}

/// Returns whether a version ends at `at`, and the number of its build follows.
fn is_build(text: &[u8], at: usize) -> bool {
    const BUILD: &[u8] = b" build ";
    has(text, at, BUILD) && byte(text, at + BUILD.len()).is_some_and(|b| b.is_ascii_digit())
}

fn v6(text: &[u8], colon: usize) -> Option<Range<usize>> {
    // The first colon speaks for the whole address.
    if before(text, colon) == Some(b':') {
        return None;
    }
    // Of most paths of code no letter beside the colons is a hex digit.
    let beside = byte(
        text,
        colon + 1 + usize::from(byte(text, colon + 1) == Some(b':')),
    );
    let is_hex = |b: Option<u8>| b.is_some_and(|b| ByteSet::HEX.contains(b));
    if !is_hex(before(text, colon)) && !is_hex(beside) {
        return None;
    }
    let start = run_back(text, colon, &V6, MAX_V6);
    let mut end = run(text, colon, &V6, MAX_V6);
    let is_first = !text.get(start..colon)?.contains(&b':');
    if !is_first || !text.get(start..end)?.iter().any(u8::is_ascii_digit) {
        return None;
    }
    if before(text, end) == Some(b':') && before(text, end - 1) != Some(b':') {
        end -= 1;
    }
    let word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if in_word(text, start) || before(text, start) == Some(b'_') || word(byte(text, end)) {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(text.get(start..end)?)
        .ok()?
        .parse()
        .ok()?;
    is_in_use(address).then_some(start..end)
}

/// Returns whether the address is global, local to a site or link, or a multicast. That leaves out
/// paths of code such as `add::f32`.
const fn is_in_use(address: Ipv6Addr) -> bool {
    matches!(address.segments()[0], 0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf | 0xff01..=0xff1f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn addresses_are_found_whatever_stands_around_them() {
        check(
            DataType::IpAddress,
            &[
                "Login from «192.0.2.17» was blocked, «10.1.2.3».",
                "client_ip=«203.0.113.9» status=403",
                "ssh ubuntu@«198.51.100.4»",
                "http://«192.0.2.1»:8080/x «10.0.0.0»/8 /«10.0.0.5»:55321",
                "\\n«192.0.2.1»\\n",
                "から«192.0.2.1»です",
                "«2001:db8:85a3:8d3:1319:8a2e:370:7348»",
                "[«2001:db8::ab12:3f»]:443 «fe80::1ff:fe23:4567:890a»%eth0",
                "host=«fd00::1», «2001:db8::1».",
                "from «2001:db8::1»: refused",
                "::ffff:«192.0.2.5»",
                "session updated ip=«81.2.69.142», last updated by «81.2.69.142»",
                "Updated host «81.2.69.142»",
                "Upgraded host «10.2.3.4»",
                "client «81.2.69.142» build agent disconnected",
                "step\nvalue «81.0.0.1», Version:\n  host «81.0.0.1»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn versions_times_paths_and_local_addresses_are_left() {
        check(
            DataType::IpAddress,
            &[
                "127.0.0.1 0.0.0.0:8080 255.255.255.255 ::1 ::",
                "v1.2.3.4 version 1.2.3.4 version: \"10.2.3.4\" section 3.4.1.4 バージョン1.2.3.4",
                "OID 1.3.6.1.4.1.311 1.2.3.4.5 256.1.1.1 1.2.3 1.2.3.",
                "Chrome/1.2.3.4 pkg-1.2.3.4.tar.gz 1.2.3.4-rc1 1.2.3.4b",
                "01.02.03.04 255.255.255.0",
                "version\n 1.2.3.4, Upgraded from 1.24.0.1 to v1.2, 1.24.0.1 build 20348",
                "12:34:56 2026-05-20T08:00:00Z 1:2:3:4:5:6:7:8",
                "u8::from add::f32 std::f64::consts a1::b2 ab:cd:ef:01:23:45",
                "sha256:2001:db8::1x 2001 fade::1",
                "12001:db8::1 x2001:db8::1",
            ]
            .map(str::to_owned),
        );
    }
}
