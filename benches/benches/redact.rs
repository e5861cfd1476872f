//! Redaction by nature of text, beside one combined regular expression of the same shapes.
//!
//! The expression is without Unicode classes and is compiled once, the best that it can be; it
//! knows no check digits, no words around values and no disguises. That both find the same values
//! in the mix is a test: `llm-audit-core/tests/differential.rs`.
//!
//! With `LLM_AUDIT_TEXTS` the lines `{"text"}` of that file are measured too.

#![expect(
    clippy::disallowed_methods,
    reason = "a file of texts is named by the environment"
)]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::time::Duration;

use benches::{CLEAN, CODE, JSON, PROSE, repeated};
use divan::Bencher;
use divan::counter::BytesCount;
use llm_audit_core::redact::Redactor;
use llm_audit_core::{Facet, Level, Operation, Policy, Retention};
use regex::bytes::Regex;
use serde_json::Value;

#[path = "../../llm-audit-core/tests/shapes/mod.rs"]
mod shapes;

const BYTES: usize = 64 << 10;
const LARGE: usize = 8 << 20;
const PROMPT: usize = 32 << 20;
const SHORT: usize = 150;
const FILE: &str = "LLM_AUDIT_TEXTS";

/// A name, and the texts that it stands for.
type Input = (&'static str, fn() -> Vec<String>);

const INPUTS: [Input; 16] = [
    ("mix", || {
        let mut random = shapes::Random(11);
        (0..400).map(|_| random.text(1, 100)).collect()
    }),
    ("prose", || vec![repeated(PROSE, BYTES)]),
    ("clean", || vec![repeated(CLEAN, BYTES)]),
    ("code", || vec![repeated(CODE, BYTES)]),
    ("json", || vec![repeated(JSON, BYTES)]),
    ("prose of 8 MiB", || vec![repeated(PROSE, LARGE)]),
    ("clean of 8 MiB", || vec![repeated(CLEAN, LARGE)]),
    ("prose in 150 bytes", || short(PROSE)),
    ("clean in 150 bytes", || short(CLEAN)),
    ("digits", || vec!["7".repeat(BYTES)]),
    ("@", || vec!["@".repeat(BYTES)]),
    ("-----BEGIN", || vec![repeated("-----BEGIN", BYTES)]),
    ("base64", || {
        vec![repeated("iVBORw0KGgoAAAANSUhEUgAAAAUAAAAF", BYTES)]
    }),
    ("\"", || vec!["\"".repeat(BYTES)]),
    ("password=\"", || vec![repeated("password=\"", BYTES)]),
    (FILE, of_file),
];

fn main() {
    if std::env::var_os(FILE).is_none() {
        println!("skipped: {FILE} names no file of texts");
    }
    divan::main();
}

fn short(text: &str) -> Vec<String> {
    let text: Vec<char> = repeated(text, BYTES).chars().collect();
    text.chunks(SHORT)
        .map(|part| part.iter().collect())
        .collect()
}

fn of_file() -> Vec<String> {
    let Some(path) = std::env::var_os(FILE) else {
        return Vec::new();
    };
    let lines = std::fs::read_to_string(path).unwrap();
    let text = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = line.get("text").and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    lines.lines().map(text).collect()
}

fn measure(bencher: Bencher<'_, '_>, name: &str, look: impl Fn(&str) -> usize + Sync) {
    let (_, texts) = INPUTS.iter().find(|(known, _)| *known == name).unwrap();
    let texts = texts();
    let bytes: usize = texts.iter().map(String::len).sum();
    let bencher = bencher.counter(BytesCount::new(bytes));
    bencher.bench_local(|| texts.iter().map(|text| look(text)).sum::<usize>());
}

#[divan::bench(args = INPUTS.map(|(name, _)| name))]
fn llm_audit(bencher: Bencher<'_, '_>, name: &str) {
    let redactor = Redactor::default();
    measure(bencher, name, |text| redactor.redact_str(text).len());
}

#[divan::bench(args = INPUTS.map(|(name, _)| name))]
fn one_regex(bencher: Bencher<'_, '_>, name: &str) {
    let shapes = Regex::new(&shapes::pattern()).unwrap();
    measure(bencher, name, |text| {
        shapes.replace_all(text.as_bytes(), &b"[VALUE]"[..]).len()
    });
}

/// What a prompt of 32 MiB that is given away costs the thread that records it; redaction is not its
/// work.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn caller_of_32_mib(bencher: Bencher<'_, '_>) {
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Redacted)
        .retention(Retention::Days90)
        .build()
        .unwrap();
    let audit = llm_audit_core::builder()
        .policy(policy)
        .journal(directory.path())
        .max_bytes(1 << 30)
        .spawn()
        .unwrap();
    let prompt = repeated(CLEAN, PROMPT);
    let given = bencher.with_inputs(|| prompt.clone());
    given.bench_local_values(|prompt| {
        let mut interaction = audit.begin(Operation::Chat);
        interaction.prompt(prompt);
        interaction.finish();
    });
    drop(audit.shutdown(Duration::from_secs(60)));
}

/// What copying that prompt costs, which is what a borrowed one costs on top.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn copy_of_32_mib(bencher: Bencher<'_, '_>) {
    let prompt = repeated(CLEAN, PROMPT);
    bencher.bench_local(|| prompt.clone());
}
