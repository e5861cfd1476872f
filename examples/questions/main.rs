//! Answers the ten questions of `docs/analytics.md` with the log's own reader: as JSON, one question a line.
//!
//! `questions DIR` reads a journal, a copy in JSON lines or a Parquet root.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod coverage;
mod ends;
mod late;
mod numbers;
mod pairs;
mod sent;
mod tally;
mod tokens;
mod turn;
mod word;

use std::error::Error;

use llm_audit::{Event, EventReader, Filter};
use serde_json::json;

/// What is counted of all events, for one question or some.
trait Count {
    fn take(&mut self, event: &Event);
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).unwrap_or("audit-log".to_owned());
    let mut tokens = tokens::Tokens::default();
    let mut ends = ends::Ends::default();
    let mut coverage = coverage::Coverage::default();
    let mut late = late::Late::default();
    let mut numbers = numbers::Numbers::default();
    let mut sent = sent::Sent::default();
    let mut pairs = pairs::Pairs::default();
    for event in EventReader::open(dir, Filter::new())? {
        let event = event?;
        let words: [&mut dyn Count; 3] = [&mut late, &mut pairs, &mut sent];
        let sums: [&mut dyn Count; 4] = [&mut tokens, &mut ends, &mut coverage, &mut numbers];
        let counts = words.into_iter().chain(sums);
        counts.for_each(|count| count.take(&event));
    }
    for (question, rows) in [
        ("tokens_by_project_and_day", tokens.by_project_and_day()),
        ("p95_latency_by_model", ends.p95_latency_by_model()),
        ("top_users", tokens.top_users()),
        ("blocked_sessions", ends.blocked_sessions()),
        ("prompts_with_a_word", coverage.prompts_with_a_word()),
        ("late_facts_by_model", late.by_model()),
        ("facet_coverage_by_day", coverage.by_day()),
        ("untold_gaps", numbers.untold_gaps()),
        ("unanswered_prompts", sent.unanswered()),
        ("sft_pairs", pairs.lines(&late)),
    ] {
        println!("{}", json!({"question": question, "rows": rows}));
    }
    Ok(())
}
