//! Looks at each answer before it is written: no competitor is to be recommended, no price promised.
#![expect(clippy::print_stdout, reason = "the examples print")]

use std::error::Error;
use std::sync::mpsc;
use std::time::Duration;

use llm_audit::{
    Escalation, Evaluation, Event, Facet, Guardrail, Inspection, Inspector, Level, Operation,
    Policy, Retention,
};

struct House;

impl Inspector for House {
    fn name(&self) -> &str {
        "house_rules"
    }

    fn inspect(&mut self, event: &Event, found: &mut Inspection) {
        let answer = event.response().unwrap_or_default(); // as far as it is captured
        if answer.contains("Globex") {
            let verdict = Guardrail::default().categories(["competitor"]);
            found.guardrail(verdict.action("flagged")).escalate();
        }
        let score = Evaluation::default().name("price_promise");
        found.evaluation(score.passed(!answer.contains('€')));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .facet(Facet::Response, Level::Redacted)
        .facet(Facet::Guardrails, Level::Full)
        .facet(Facet::Evaluation, Level::Full)
        .retention(Retention::Days90)
        .build()?;
    let (page, paged) = mpsc::channel::<Escalation>();
    let log = llm_audit::builder()
        .policy(policy)
        .journal("audit-log")
        .inspector(House)
        .on_escalation(move |escalation| drop(page.send(escalation.clone())))
        .spawn()?;
    for answer in ["You want Globex!", "It is 3 €.", "Ask ada@example.org."] {
        let mut call = log.begin(Operation::Chat);
        call.response(answer);
        call.finish();
    }
    let report = log.shutdown(Duration::from_secs(5));
    let counters = report.counters.inspectors.first().ok_or("no inspector")?;
    assert_eq!((counters.inspected, counters.findings), (3, 4));
    let told = paged.recv()?;
    let target = told.event().target_event_id();
    println!("{} flags {target:?}; {report}", told.inspector());
    Ok(())
}
