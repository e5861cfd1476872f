//! Printing of answers with what was said of them later.

use std::error::Error;

use llm_audit::{Event, Kind, WriterId, journal};

/// Prints the answers that `writer` recorded in the log in `dir`, each with the facts about it.
pub(crate) fn print(dir: &str, writer: WriterId) -> Result<(), Box<dyn Error>> {
    let events = journal::Reader::open(dir)?.events();
    let events = events.collect::<Result<Vec<Event>, _>>()?;
    let own = events.iter().filter(|event| event.writer_id() == writer);
    for answer in own.filter(|event| *event.kind() == Kind::Interaction) {
        let texts = (answer.prompt(), answer.response());
        println!(
            "\n{} {}",
            texts.0.unwrap_or_default(),
            texts.1.unwrap_or_default()
        );
        let id = answer.event_id().to_string();
        // Facts need not come from the same writer, nor be in the same log.
        for fact in events
            .iter()
            .filter(|fact| fact.target_event_id() == Some(&id))
        {
            println!("  {:<10} {}", fact.kind().as_str(), told(fact).join(", "));
        }
    }
    Ok(())
}

fn told(fact: &Event) -> Vec<String> {
    let mut told: Vec<String> = [
        fact.feedback_thumb(),
        fact.feedback_comment(),
        fact.correction(),
    ]
    .into_iter()
    .flatten()
    .map(str::to_owned)
    .collect();
    told.extend(
        fact.training_allowed()
            .map(|allowed| format!("training allowed: {allowed}")),
    );
    for score in fact.evaluations().unwrap_or_default() {
        let name = score.name.as_deref().unwrap_or_default();
        told.push(format!("{name} {:.2}", score.score.unwrap_or_default()));
    }
    told
}
