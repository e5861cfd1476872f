//! Redaction beside other redactors: the same texts, one core, the same run.
//!
//! Each text is redacted as a whole. Ours runs with every detector on, `redact-core` with what its
//! default engine has, the scanner of Datadog with 23 rules and one regular expression with the same
//! 23 shapes. Turns are taken text by text, and the fastest of some counts.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml [FILE of lines {"text"}]
//! ```

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use dd_sds::{MatchAction, RegexRuleConfig, RootRuleConfig, Scanner};
use llm_audit_core::redact::Redactor;
use redact_core::AnalyzerEngine;
use redact_core::anonymizers::AnonymizerConfig;
use regex::bytes::Regex;
use serde_json::Value;
use text::{CLEAN, CODE, JSON, PROSE, repeated};

#[path = "../../../llm-audit-core/tests/shapes/mod.rs"]
mod shapes;
#[path = "../../src/text.rs"]
mod text;

const BYTES: usize = 64 << 10;
const LARGE: usize = 8 << 20;
const SHORT: usize = 150;
/// A redactor that takes longer than this for a text has one turn.
const PATIENCE: Duration = Duration::from_millis(300);
const TURNS: usize = 15;

/// Redacts a text and returns how long it is then.
type Redact<'r> = (&'static str, Box<dyn Fn(&str) -> usize + 'r>);

fn main() -> Result<(), Box<dyn Error>> {
    let redactor = Redactor::default();
    let expression = Regex::new(&shapes::pattern())?;
    let engine = AnalyzerEngine::new();
    let config = AnonymizerConfig::default();
    let rules: Vec<_> = shapes::SHAPES.iter().map(|shape| rule(shape)).collect();
    let scanner = Scanner::builder(&rules)
        .build()
        .map_err(|error| format!("{error:?}"))?;
    let redactors: [Redact<'_>; 4] = [
        (
            "llm-audit",
            Box::new(|text| redactor.redact_str(text).len()),
        ),
        (
            "one regex",
            Box::new(|text| {
                expression
                    .replace_all(text.as_bytes(), &b"[VALUE]"[..])
                    .len()
            }),
        ),
        (
            "dd-sds",
            Box::new(|text| {
                let mut text = text.to_owned();
                let found = scanner.scan(&mut text).map_or(0, |found| found.len());
                text.len() + found
            }),
        ),
        (
            "redact-core",
            Box::new(|text| {
                let redacted = engine.anonymize(text, None, &config);
                redacted.map_or(0, |redacted| redacted.text.len())
            }),
        ),
    ];
    let names = redactors.iter().map(|(name, _)| format!("{name:>12}"));
    println!("{:22}{}  MB/s", "", names.collect::<String>());
    for (name, texts) in inputs()? {
        let bytes: usize = texts.iter().map(String::len).sum();
        let mut line = format!("{name:22}");
        for (_, redact) in &redactors {
            let rate = bytes as f64 / fastest(&texts, redact).as_secs_f64() / 1e6;
            line += &format!("{rate:12.1}");
        }
        println!("{line}");
    }
    Ok(())
}

fn rule(shape: &str) -> RootRuleConfig<std::sync::Arc<dyn dd_sds::RuleConfig>> {
    let replacement = "[VALUE]".to_owned();
    RootRuleConfig::new(RegexRuleConfig::new(shape).build())
        .match_action(MatchAction::Redact { replacement })
}

fn fastest(texts: &[String], redact: &dyn Fn(&str) -> usize) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..TURNS {
        let start = Instant::now();
        black_box(texts.iter().map(|text| redact(text)).sum::<usize>());
        fastest = fastest.min(start.elapsed());
        if fastest > PATIENCE {
            break;
        }
    }
    fastest
}

fn inputs() -> Result<Vec<(&'static str, Vec<String>)>, Box<dyn Error>> {
    let mut random = shapes::Random(11);
    let mut inputs = vec![
        ("mix", (0..400).map(|_| random.text(1, 100)).collect()),
        ("prose", vec![repeated(PROSE, BYTES)]),
        ("clean", vec![repeated(CLEAN, BYTES)]),
        ("code", vec![repeated(CODE, BYTES)]),
        ("json", vec![repeated(JSON, BYTES)]),
        ("clean of 8 MiB", vec![repeated(CLEAN, LARGE)]),
        ("clean in 150 bytes", short(CLEAN)),
        ("prose in 150 bytes", short(PROSE)),
        ("digits", vec!["7".repeat(BYTES)]),
        ("@", vec!["@".repeat(BYTES)]),
        ("-----BEGIN", vec![repeated("-----BEGIN", BYTES)]),
        ("password=\"", vec![repeated("password=\"", BYTES)]),
    ];
    if let Some(path) = std::env::args().nth(1) {
        let lines = std::fs::read_to_string(path)?;
        let mut texts = Vec::new();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line)?;
            texts.extend(line.get("text").and_then(Value::as_str).map(str::to_owned));
        }
        inputs.insert(0, ("the file", texts));
    }
    Ok(inputs)
}

fn short(text: &str) -> Vec<String> {
    let text: Vec<char> = repeated(text, BYTES).chars().collect();
    text.chunks(SHORT)
        .map(|part| part.iter().collect())
        .collect()
}
