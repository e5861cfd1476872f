//! Redaction by nature of text, beside one combined regular expression of four shapes.
//!
//! The regular expression is without Unicode classes and is compiled once, the best that it can be;
//! it knows e-mail addresses, card numbers without their check digit, JWTs and AWS key ids.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use benches::{CLEAN, CODE, JSON, PROSE, repeated};
use divan::Bencher;
use divan::counter::BytesCount;
use llm_audit_core::redact::Redactor;
use regex::bytes::Regex;

const BYTES: usize = 64 << 10;

const TEXTS: [(&str, &str); 4] = [
    ("prose", PROSE),
    ("code", CODE),
    ("json", JSON),
    ("clean", CLEAN),
];

const SHAPES: &str = r"(?-u)[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\b(?:[0-9][ -]?){13,19}\b|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b";

fn main() {
    divan::main();
}

fn text(name: &str) -> String {
    let (_, text) = TEXTS.iter().find(|(known, _)| *known == name).unwrap();
    repeated(text, BYTES)
}

#[divan::bench(args = TEXTS.map(|(name, _)| name))]
fn llm_audit(bencher: Bencher<'_, '_>, name: &str) {
    let text = text(name);
    let redactor = Redactor::default();
    let bencher = bencher.counter(BytesCount::new(text.len()));
    bencher.bench_local(|| redactor.redact_str(&text).len());
}

#[divan::bench(args = TEXTS.map(|(name, _)| name))]
fn one_regex(bencher: Bencher<'_, '_>, name: &str) {
    let text = text(name);
    let shapes = Regex::new(SHAPES).unwrap();
    let bencher = bencher.counter(BytesCount::new(text.len()));
    bencher.bench_local(|| shapes.replace_all(text.as_bytes(), &b"[VALUE]"[..]).len());
}
