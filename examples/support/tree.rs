//! Printing of who called whom.

use std::error::Error;

use llm_audit::{Event, EventId, WriterId, journal};

/// Prints what `writer` captured in the log in `dir`, each event below the one that it is within.
pub(crate) fn print(dir: &str, writer: WriterId) -> Result<(), Box<dyn Error>> {
    let mut events = journal::Reader::open(dir)?
        .events()
        .collect::<Result<Vec<_>, _>>()?;
    events.retain(|event| event.kind().is_capture() && event.writer_id() == writer);
    // An event is written when it ends; this is the order in which they began.
    events.sort_by_key(Event::started_at);
    print_within(&events, None, 0);
    Ok(())
}

fn print_within(events: &[Event], parent: Option<EventId>, depth: usize) {
    for event in events {
        if event.parent_event_id() != parent {
            continue;
        }
        println!("{}{}", "  ".repeat(depth), line(event).join(" "));
        print_within(events, Some(event.event_id()), depth + 1);
    }
}

/// What an event is, what it is called, what it was given, how it ended.
fn line(event: &Event) -> Vec<String> {
    let operation = event.operation().map(|operation| operation.to_string());
    let verdict = event.guardrails().and_then(|verdicts| verdicts.first());
    let texts = [
        event.agent_name(),
        event.tool_name(),
        event.tool_arguments(),
        event.request_model(),
        verdict.and_then(|verdict| verdict.name.as_deref()),
        verdict.and_then(|verdict| verdict.verdict.as_deref()),
    ];
    let mut line = vec![operation.unwrap_or_else(|| event.kind().to_string())];
    line.extend(texts.into_iter().flatten().map(str::to_owned));
    line.extend(event.status().map(|status| format!("({status})")));
    line
}
