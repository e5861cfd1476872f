//! Private keys in PEM (RFC 7468, OpenSSH, PGP), with real line ends or escaped ones.
//!
//! The body is hidden; the lines around it stay, as they say what was there.

use std::ops::Range;

use memchr::memmem;

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, byte, has, run, steps};
use crate::redact::data_type::DataType;

pub(super) const PRIVATE_KEY: Detector = Detector::find(
    "private_key",
    DataType::PrivateKey,
    Confidence::Valid,
    &[Anchor::Literal("-----BEGIN")],
    find,
);

const MAX_LABEL: usize = 48;
const DASHES: &[u8] = b"-----";
/// A line of a key has 64 or 70 characters; the last one may be cut.
const MIN_LINE: usize = 16;

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    let label = at + "-----BEGIN".len();
    let label_end = run(text, label, &ByteSet::UPPER.and(b"0123456789 "), MAX_LABEL);
    let is_key = memmem::find(text.get(label..label_end)?, b"PRIVATE KEY").is_some();
    if !is_key || !has(text, label_end, DASHES) {
        return None;
    }
    let start = skip_space(text, label_end + DASHES.len());
    let rest = text.get(start..)?;
    // Bodies have no five dashes, so that the search ends at the next key at the latest.
    let next = start + memmem::find(rest, DASHES).unwrap_or(rest.len());
    steps::add(next - start);
    let end = if has(text, next, b"-----END") {
        trim_space(text, start, next)
    } else {
        // The key was cut: as far as lines are those of a key.
        lines(text, start, next)
    };
    let body = text.get(start..end)?;
    let first = run(body, 0, &ByteSet::BASE64, MIN_LINE);
    (first == MIN_LINE
        || has(body, 0, b"Proc-Type")
        || has(body, 0, b"Version")
        || has(body, 0, b"Comment"))
    .then_some(start..end)
}

/// Returns where the line end at `at` ends: white space, and `\n` or `\r` behind any number of
/// backslashes.
fn skip_space(text: &[u8], at: usize) -> usize {
    let mut at = at;
    loop {
        let next = run(text, at, &ByteSet::of(b" \t\r\n"), usize::MAX);
        let escape = run(text, next, &ByteSet::of(b"\\"), 8);
        if escape > next && matches!(byte(text, escape), Some(b'n' | b'r' | b't')) {
            at = escape + 1;
        } else {
            return next;
        }
    }
}

/// Returns where the text ends that a line end before `end` follows.
fn trim_space(text: &[u8], start: usize, end: usize) -> usize {
    let mut end = end;
    loop {
        let Some(body) = text.get(start..end) else {
            return start;
        };
        let mut trimmed = body.trim_ascii_end();
        if let [head @ .., b'\\', b'n' | b'r'] = trimmed {
            trimmed = head;
            while let [head @ .., b'\\'] = trimmed {
                trimmed = head;
            }
        }
        if trimmed.len() == body.len() {
            return end;
        }
        end = start + trimmed.len();
    }
}

fn lines(text: &[u8], start: usize, limit: usize) -> usize {
    let mut at = start;
    let mut end = start;
    while at < limit {
        let line = run(text, at, &ByteSet::BASE64.and(b"="), limit - at);
        let next = skip_space(text, line);
        // A short line is the last one of the text or of the key.
        if line == at || (line - at < MIN_LINE && next < limit && next > line) {
            break;
        }
        end = line;
        if next == line {
            break;
        }
        at = next;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{ALNUM, check, random};

    fn begin(label: &str) -> String {
        format!("-----{} {label}-----", "BEGIN")
    }

    #[test]
    fn whole_bodies_are_found_with_real_and_escaped_line_ends() {
        let line = random(ALNUM, 64);
        for newline in ["\n", "\r\n", "\\n", "\\\\n", "\\r\\n", " "] {
            for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"] {
                let begin = begin(label);
                check(
                    DataType::PrivateKey,
                    &[format!(
                        "key: {begin}{newline}«{line}{newline}{line}{newline}{}==»{newline}-----END {label}-----{newline}Thanks",
                        &line[..20]
                    )],
                );
            }
        }
    }

    #[test]
    fn cut_keys_are_found_to_where_they_were_cut() {
        let line = random(ALNUM, 64);
        let begin = begin("EC PRIVATE KEY");
        check(
            DataType::PrivateKey,
            &[
                format!("{begin}\n«{line}\n{line}\n{}»", &line[..9]),
                format!("{begin}\n«{line}\n{line}»\nWhat is wrong with it?"),
                format!("{begin}\\n«{line}\\n{line}»\"}}"),
                format!("{begin}\n«{line}»\n{begin}\n«{line}»"),
            ],
        );
    }

    #[test]
    fn certificates_and_code_about_keys_are_left() {
        let line = random(ALNUM, 64);
        check(
            DataType::PrivateKey,
            &[
                format!(
                    "{}\n{line}\n-----END CERTIFICATE-----",
                    begin("CERTIFICATE")
                ),
                format!(
                    "if line.startswith('{}'): return load(line)",
                    begin("PRIVATE KEY")
                ),
                format!(
                    "{}\n[PRIVATE_KEY]\n-----END PRIVATE KEY-----",
                    begin("PRIVATE KEY")
                ),
                format!("{}\n...\n-----END PRIVATE KEY-----", begin("PRIVATE KEY")),
            ],
        );
    }
}
