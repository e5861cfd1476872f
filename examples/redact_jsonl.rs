//! Finds personal data and secrets in lines `{"id", "text"}` from standard input, and writes
//! `{"id", "spans": [{"start_byte", "end_byte", "type"}]}`; offsets are bytes of the UTF-8 text.
//!
//! ```sh
//! cargo run --release --example redact_jsonl < texts.jsonl > spans.jsonl
//! ```

use std::error::Error;
use std::io::{self, BufRead, BufWriter, Write};

use llm_audit_core::redact::Redactor;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let redactor = Redactor::default();
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let text = case
            .get("text")
            .and_then(Value::as_str)
            .ok_or("a line has no `text`")?;
        let spans: Vec<_> = redactor
            .find(text)
            .iter()
            .map(|span| {
                json!({
                    "start_byte": span.start,
                    "end_byte": span.end,
                    "type": span.data_type.word(),
                })
            })
            .collect();
        writeln!(out, "{}", json!({ "id": case.get("id"), "spans": spans }))?;
    }
    out.flush()?;
    Ok(())
}
