//! A log in which tool calls, a correction and another type of metadata come late.
//!
//! Readers that guess types from the first lines of a file (DuckDB looks at 20,480) fail on such a
//! log or drop what is late, unless they are told the types.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use llm_audit_core::Event;

/// How many plain interactions come before anything else.
const PLAIN: u64 = 25_100;
const WRITER: &str = "019b76da-a800-7000-8000-0000000000ff";

/// Writes the log to the new directory `dir`.
pub(crate) fn write(dir: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    let mut file = BufWriter::new(File::create_new(dir.join("late-kinds.jsonl"))?);
    for number in 0..PLAIN {
        line(&mut file, number, &plain(number))?;
    }
    for (number, members) in (PLAIN..).zip(LATE) {
        line(&mut file, number, members)?;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

fn plain(number: u64) -> String {
    format!(
        r#""kind":"interaction","operation":"chat","status":"ok","project_id":"project-{}",
        "input_messages":[{{"role":"user","parts":[{{"type":"text","content":"question {number}"}}]}}],
        "output_messages":[{{"role":"assistant","parts":[{{"type":"text","content":"answer {number}"}}]}}],
        "request_model":"model-{}","input_tokens":{},"output_tokens":{},"total_tokens":{},
        "metadata":{{"score":"{}"}}"#,
        number % 3,
        number % 2,
        number % 100,
        number % 7,
        number % 100 + number % 7,
        number % 10,
    )
}

/// A tool call with its arguments, metadata that was a number and is a text and then an object, a
/// correction, and a kind and a field of a later version.
const LATE: &[&str] = &[
    r#""kind":"interaction","operation":"chat","status":"ok","project_id":"project-0",
    "output_messages":[{"role":"assistant","parts":[{"type":"tool_call","id":"call-1","name":"weather",
    "arguments":"{\"city\":\"Łódź\"}"}],"finish_reason":"tool_calls"}],
    "request_model":"model-0","input_tokens":11,"output_tokens":5,"total_tokens":16"#,
    r#""kind":"interaction","operation":"execute_tool","status":"ok","project_id":"project-0",
    "tool_name":"weather","tool_call_id":"call-1","tool_arguments":"{\"city\":\"Łódź\"}","tool_result":"[21.5,null]""#,
    r#""kind":"interaction","operation":"chat","status":"ok","project_id":"project-1","request_model":"model-1",
    "input_tokens":3,"output_tokens":1,"total_tokens":4,"metadata":{"score":"\"high\"","run":"{\"id\":7}"}"#,
    r#""kind":"correction","target_event_id":"019b76da-a800-7000-8000-000000000001","correction":"answer \"one\"""#,
    r#""kind":"kind_of_2030","field_of_2030":{"a":[1,2]}"#,
];

/// Writes one event, given as JSON members, through the codec that the journal uses.
fn line(file: &mut impl Write, number: u64, members: &str) -> Result<(), Box<dyn Error>> {
    let micros = number % 1_000_000;
    let json = format!(
        r#"{{"schema_version":1,"event_id":"019b76da-a800-7000-8000-{number:012x}","writer_id":"{WRITER}",
        "recorded_at":"2026-01-01T00:00:00.{micros:06}Z","seq":{},{members}}}"#,
        number + 1,
    );
    let mut bytes = Vec::new();
    Event::from_json(json.as_bytes())?.encode(&mut bytes);
    bytes.push(b'\n');
    file.write_all(&bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_kinds_come_after_the_lines_that_readers_sample() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        let text = fs::read_to_string(dir.path().join("late-kinds.jsonl")).unwrap();
        for late in ["tool_call", r#""correction""#, r#""\"high\"""#, "of_2030"] {
            let before = text.lines().take_while(|line| !line.contains(late));
            assert!(before.count() > 25_000, "{late}");
        }
    }
}
