//! Prompts stay 30 days and everything else for ever: a log that is 31 days old loses the prompts.
//!
//! ```sh
//! cargo run --example retention
//! ```

use std::error::Error;
use std::time::Duration;

use llm_audit::testing::ManualClock;
use llm_audit::{
    AuditGuard, EventReader, Facet, Filter, Hold, Kind, Level, Operation, Policy, Retention,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let clock = ManualClock::at("2026-01-01T12:00:00Z".parse()?);
    let start = || -> Result<AuditGuard, llm_audit::Error> {
        let policy = Policy::builder()
            .facet(Facet::Prompt, Level::Full)
            .facet(Facet::Session, Level::Full)
            .facet(Facet::Model, Level::Full)
            .retention(Retention::Forever)
            .retain(Facet::Prompt, Retention::Days30);
        let log = llm_audit::builder().policy(policy.build()?);
        log.journal(dir.path()).clock(clock.clone()).spawn()
    };
    let audit = start()?;
    for session in ["s-1", "s-2"] {
        let mut call = audit.begin(Operation::Chat);
        call.session_id(session).request_model("small");
        call.prompt("where is my parcel?");
        call.finish();
    }
    assert!(audit.shutdown(PATIENCE).is_complete());

    clock.advance(Duration::from_secs(31 * 86_400));
    let audit = start()?;
    audit.hold(Hold::session("matter 7", "s-2"), "legal", "a complaint")?;
    // The log was away for a month, so it takes nothing away before somebody looked at the clock.
    audit.confirm_clock();
    let plan = audit.plan_retention(PATIENCE)?;
    assert_eq!(
        (plan.rewritten.len(), plan.events, plan.held_events),
        (1, 1, 1)
    );
    assert!(audit.run_retention(PATIENCE).is_complete());

    let calls = Filter::new().kind(Kind::Interaction);
    for call in EventReader::open(dir.path(), calls)? {
        let call = call?;
        assert_eq!(call.request_model(), Some("small"));
        let is_held = call.session_id() == Some("s-2");
        assert_eq!(call.input_messages().is_some(), is_held);
        assert_eq!(call.absence(Facet::Prompt).is_some(), !is_held);
    }
    Ok(())
}
