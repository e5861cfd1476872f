//! Records from several threads, and prints `ack WRITER SEQ` when an event survives a power cut.
//!
//! ```sh
//! cargo run --release --example durable_writer -- --dir D --events N --producers P --bytes B [--linger-ms M]
//! ```
//!
//! Kill it at any moment, or pull the plug: each event that a line names is in the journal, and each
//! other number below the highest is an event or in exactly one `loss`.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use llm_audit::journal::JournalConfig;
use llm_audit::{Ack, Audit, Facet, Level, Operation, Policy, Retention};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    let given = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1);
    let number = |name, default| given(name).map_or(Ok(default), |text| text.parse::<usize>());
    let (events, producers) = (number("--events", 100)?, number("--producers", 4)?);
    let text = "x".repeat(number("--bytes", 200)?);
    let linger = Duration::from_millis(number("--linger-ms", 2)?.try_into()?);
    let mut temporary = None;
    let dir = match given("--dir") {
        Some(dir) => PathBuf::from(dir),
        None => temporary.insert(tempfile::tempdir()?).path().into(),
    };

    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .retention(Retention::Days30);
    let journal = JournalConfig::keep(dir, Retention::Days30).sync_linger(linger);
    let builder = llm_audit::builder().journal_with(journal);
    let audit = builder.policy(policy.build()?).spawn()?;
    thread::scope(|scope| {
        let produce = |first| produce(&audit, &text, (first..events).step_by(producers).len());
        let threads = (0..producers).map(|first| scope.spawn(move || produce(first)));
        let threads: Vec<_> = threads.collect();
        let mut ends = threads.into_iter().map(|thread| thread.join());
        ends.try_for_each(|end| end.unwrap_or_else(|_| Err("a producer panicked".into())))
    })
}

fn produce(audit: &Audit, text: &str, events: usize) -> Result<(), Failure> {
    for _ in 0..events {
        let mut call = audit.begin(Operation::Chat);
        call.prompt(text);
        let receipt = call.commit_blocking(Ack::Synced)?;
        writeln!(io::stdout(), "ack {} {}", receipt.writer_id, receipt.seq)?;
    }
    Ok(())
}
