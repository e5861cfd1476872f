//! Sets every field that a program can set, under a policy that keeps them all, and prints the
//! event. In a program of your own, set what you know and let the policy decide.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod fields;

use std::error::Error;
use std::time::Duration;

use llm_audit::schema::CATALOG;
use llm_audit::{Kind, Operation, journal};

fn main() -> Result<(), Box<dyn Error>> {
    let audit = llm_audit::builder()
        .policy(fields::policy()?)
        .journal("audit-log")
        .spawn()?;
    let mut call = audit.begin(Operation::Chat);
    fields::set(&mut call);
    call.finish();
    println!("{}", audit.shutdown(Duration::from_secs(5)));

    for event in journal::Reader::open("audit-log")?.events() {
        let event = event?;
        if *event.kind() == Kind::Interaction && event.writer_id() == audit.writer_id() {
            let all = CATALOG.iter().filter(|info| info.host).count();
            let set = CATALOG
                .iter()
                .filter(|info| info.host && event.get(info.field).is_some());
            println!("{} of {all} fields\n{}", set.count(), event.to_json());
        }
    }
    Ok(())
}
