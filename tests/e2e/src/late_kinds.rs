//! A log in which tool calls, a correction and another type of metadata come late.
//!
//! Readers that guess types from the first lines of a file (DuckDB looks at 20,480) fail on such a
//! log or drop what is late, unless they are told the types.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use llm_audit::{
    Audit, Event, EventId, Facet, Kind, Level, Operation, Overflow, Policy, Retention, Usage,
};
use serde_json::json;

/// How many plain interactions come before anything else.
const PLAIN: u64 = 30_000;

/// Long enough for any machine: nothing may be refused here.
const PATIENCE: Duration = Duration::from_secs(50);

/// Writes the log to the new directory `dir`.
pub(crate) fn write(dir: &Path) -> Result<(), Box<dyn Error>> {
    let full = [
        Facet::Project,
        Facet::Model,
        Facet::Usage,
        Facet::Tools,
        Facet::Metadata,
    ];
    let redacted = [
        Facet::Prompt,
        Facet::Response,
        Facet::ToolIo,
        Facet::Feedback,
    ];
    let mut policy = Policy::builder().retention(Retention::Days90);
    for facet in full {
        policy = policy.facet(facet, Level::Full);
    }
    for facet in redacted {
        policy = policy.facet(facet, Level::Redacted);
    }
    let audit = llm_audit::builder()
        .policy(policy.build()?)
        .overflow(Overflow::block(PATIENCE))
        .journal(dir)
        .spawn()?;
    let first = plain(&audit, 0).ok_or("nothing is recorded")?;
    for number in 1..PLAIN {
        plain(&audit, number);
    }
    late(&audit, first);
    let report = audit.shutdown(PATIENCE);
    if !report.is_complete() {
        return Err(report.to_string().into());
    }
    Ok(fs::write(dir.join("of-2030.jsonl"), of_2030()?)?)
}

fn plain(audit: &Audit, number: u64) -> Option<EventId> {
    let mut call = audit.begin(Operation::Chat);
    call.project_id(format!("project-{}", number % 3))
        .request_model(format!("model-{}", number % 2))
        .prompt(format!("question {number}"))
        .response(format!("answer {number}"))
        .usage(Usage::openai(number % 100, number % 7))
        .metadata([("score", number % 10)]);
    call.finish()
}

/// A tool call with its arguments, metadata that was a number and is a text and then an object, a
/// correction, and a kind that the catalogue does not know.
fn late(audit: &Audit, first: EventId) {
    let arguments = json!({ "city": "Łódź" });
    let mut call = audit.begin(Operation::Chat);
    call.project_id("project-0")
        .request_model("model-0")
        .tool_call("call-1", "weather", &arguments)
        .finish_reasons(["tool_calls"])
        .usage(Usage::openai(11, 5));
    call.finish();

    let mut tool = audit.begin(Operation::ExecuteTool);
    tool.project_id("project-0")
        .tool_name("weather")
        .tool_call_id("call-1")
        .tool_arguments(&arguments)
        .tool_result(&json!([21.5, null]));
    tool.finish();

    let mut call = audit.begin(Operation::Chat);
    call.project_id("project-1")
        .request_model("model-1")
        .usage(Usage::openai(3, 1))
        .metadata([("score", json!("high")), ("run", json!({ "id": 7 }))]);
    call.finish();

    audit.correction(first, "answer \"nought\"").record();
    let kind = Kind::Other("kind_of_2030".to_owned());
    audit.event(kind).project_id("project-2").record();
}

/// A line of a later version, which has a field that the catalogue does not know.
fn of_2030() -> Result<String, Box<dyn Error>> {
    let json = r#"{"schema_version":1,"event_id":"019b76da-a800-7000-8000-000000000001","kind":"kind_of_2030",
        "writer_id":"019b76da-a800-7000-8000-0000000000ff","recorded_at":"2030-01-01T00:00:00.000000Z",
        "field_of_2030":{"a":[1,2]}}"#;
    Ok(Event::from_json(json.as_bytes())?.to_json() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_kinds_come_after_the_lines_that_readers_sample() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        let names = fs::read_dir(dir.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().path());
        let segment = names
            .into_iter()
            .find(|path| {
                path.to_string_lossy()
                    .ends_with("00000000000000000001.jsonl")
            })
            .unwrap();
        let text = fs::read_to_string(segment).unwrap();
        for late in ["tool_call", r#""correction""#, r#""\"high\"""#, "of_2030"] {
            let before = text.lines().take_while(|line| !line.contains(late));
            assert!(
                (25_000..PLAIN as usize + 10).contains(&before.count()),
                "{late}"
            );
        }
    }
}
