//! Finds all events of one person in a log that holds no names, only keyed digests.
#![expect(clippy::print_stdout, reason = "the examples print")]

use std::error::Error;
use std::time::Duration;

use llm_audit::{Facet, Field, Key, KeyRing, Level, Operation, Policy, Retention, journal};

fn main() -> Result<(), Box<dyn Error>> {
    // A program keeps its key outside the log: `Key::file("/etc/app/audit.key")?`.
    let keys = KeyRing::new(Key::bytes("k1", b"32 random bytes in a real program")?);
    let policy = Policy::builder()
        .facet(Facet::User, Level::Digest)
        .facet(Facet::Groups, Level::Full)
        .facet(Facet::Prompt, Level::Redacted)
        .retention(Retention::Days90)
        .keys(keys.clone())
        .build()?;
    let audit = llm_audit::builder()
        .policy(policy)
        .journal("audit-log")
        .spawn()?;
    for (user, question) in [
        ("ada@example.org", "Is my order on its way?"),
        ("grace@example.org", "Where is the invoice?"),
        ("ada@example.org", "And when will it be here?"),
    ] {
        let mut call = audit.begin(Operation::Chat);
        call.tenant_id("acme").user_id(user).prompt(question);
        call.finish();
    }
    println!("{}", audit.shutdown(Duration::from_secs(5)));

    // One pseudonym for each key that was ever in use.
    let names = keys.pseudonyms(Field::UserId, Some("acme"), "ada@example.org");
    println!("ada@example.org stands in the log as {}", names.join(", "));
    for event in journal::Reader::open("audit-log")?.events() {
        let event = event?;
        if event
            .user_id()
            .is_some_and(|user| names.iter().any(|name| name == user))
        {
            println!(
                "{}  {}",
                event.recorded_at(),
                event.prompt().unwrap_or_default()
            );
        }
    }
    Ok(())
}
