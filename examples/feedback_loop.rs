//! Joins answers with what is said of them later: a thumb, a correction, a consent, a score.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::error::Error;
use std::time::Duration;

use llm_audit::{Context, EventId, Facet, Level, Policy, Preset, Retention, audit};
use support::facts;

/// What the front-end is sent: the answer, and the name by which to speak of it.
struct Reply {
    text: &'static str,
    id: Option<EventId>,
}

#[audit(model = "small", prompt = question, output = out.text)]
fn ask(question: &str) -> Reply {
    let is_known = question.contains("moons");
    Reply {
        text: if is_known { "One." } else { "I do not know." },
        id: Context::current().event_id(),
    }
}

/// An evaluator may run at once, or months later in another process.
#[audit(evaluation, target_event_id = id, evaluator = "words", annotator_kind = "code", output)]
fn brevity(id: &str, answer: &str) -> f64 {
    1.0 / answer.split(' ').count() as f64
}

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .preset(Preset::FineTuning) // conversations, feedback and training, redacted
        .facet(Facet::Evaluation, Level::Full)
        .retention(Retention::Days120);
    let log = llm_audit::builder()
        .policy(policy.build()?)
        .journal("audit-log")
        .install()?;

    let mut shown = Vec::new();
    for question in ["How many moons has Mars?", "Who wrote this?"] {
        let reply = ask(question);
        let id = reply.id.ok_or("nothing is recorded")?.to_string();
        brevity(&id, reply.text);
        shown.push(id);
    }
    // The front-end comes back with the name of the first answer.
    let id = shown.first().ok_or("there is no answer")?;
    log.feedback(id).feedback_thumb("down").record();
    log.correction(id, "Two, Phobos and Deimos.").record();
    log.consent(id, true).record();

    println!("{}", log.shutdown(Duration::from_secs(5)));
    facts::print("audit-log", log.writer_id())
}
