//! Loads a policy from a file, explains it, and records one event in each of two scopes.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::error::Error;
use std::time::Duration;

use llm_audit::{Level, Operation, Policy, Scope};
use support::print;

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::from_file("examples/policy.toml")?;
    let audit = llm_audit::builder()
        .policy(policy.clone())
        .journal("audit-log")
        .spawn()?;
    for (tenant, label) in [("acme", "public"), ("acme", "confidential")] {
        println!("tenant {tenant}, {label}: what is kept of a call");
        let labels = [label];
        let explanation = policy.explain(&Scope::new().tenant(tenant).classification(&labels));
        for line in explanation
            .iter()
            .filter(|line| policy.levels().get(line.facet) > Level::Off)
        {
            println!(
                "  {:<15} {:<9} {}",
                line.facet.name(),
                line.level.name(),
                line.layer
            );
        }
        let mut call = audit.begin(Operation::Chat);
        call.tenant_id(tenant).classification_file(label);
        call.prompt("Write to ada@example.org.").response("Done.");
        call.finish();
    }
    println!("{}", audit.shutdown(Duration::from_secs(5)));

    for event in print::interactions("audit-log", audit.writer_id())? {
        println!("\n{} file", event.classification_file().unwrap_or_default());
        print::facets(&event);
    }

    let malformed = "[facets]\nprompts = \"redacted\"\nuser = \"redacted\"\n";
    if let Err(error) = Policy::from_toml(malformed) {
        println!("\nA policy file with two mistakes:\n{error}");
    }
    Ok(())
}
