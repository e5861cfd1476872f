//! A receiver that goes away while a program goes on, and comes back: what is pending, what the program
//! takes in memory, and what has arrived in the end.

mod receiver;

use std::error::Error;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use llm_audit::sinks::otlp::{ContentTarget, OtlpConfig};
use llm_audit::sinks::{HttpSink, OtlpSink};
use llm_audit::{
    Audit, Facet, Level, Operation, Policy, Preset, ProcessProbe, ResourceProbe, Retention, Sink,
};

use receiver::Receiver;

const EVENTS_PER_SECOND: u32 = 200;
const PROMPT_BYTES: usize = 2_000;
/// How long the receiver is there before it goes away, and the program goes on when it is back.
const AROUND: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(60);

/// Records for as long as the receiver is away and a little around that, and prints a table.
pub(crate) fn run(dir: &Path, kind: &str, away: u64) -> Result<(), Box<dyn Error>> {
    let receiver = Receiver::start()?;
    let sink: Box<dyn Sink> = match kind {
        "http" => Box::new(HttpSink::new(receiver.url())?),
        "otlp" => {
            let config = OtlpConfig::new(receiver.url()).content(ContentTarget::Span);
            Box::new(OtlpSink::with(config)?)
        }
        _ => return Err("the sink is http or otlp".into()),
    };
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Full)
        .retention(Retention::Days30);
    let log = llm_audit::builder().policy(policy.build()?).journal(dir);
    let audit = log.on_diagnostic(|_| {}).sink(sink).spawn()?;
    println!("| seconds | receiver | admitted | delivered | pending | resident |");
    println!("|--:|---|--:|--:|--:|--:|");
    let began = Instant::now();
    let away = Duration::from_secs(away);
    record(&audit, began, AROUND);
    row(&audit, began, "there")?;
    receiver.go_away();
    for part in 1..=6 {
        record(&audit, began, AROUND + away * part / 6);
        row(&audit, began, "away")?;
    }
    receiver.come_back();
    record(&audit, began, AROUND * 2 + away);
    row(&audit, began, "back")?;
    while pending(&audit) > 0 {
        thread::sleep(Duration::from_secs(1));
        row(&audit, began, "back")?;
    }
    let report = audit.shutdown(DEADLINE);
    let counters = &report.counters;
    let found = receiver.found();
    println!("\n{report}");
    println!(
        "at the receiver: {} events, {} twice, {} out of order, {} requests unread",
        found.events, found.twice, found.disordered, found.unread
    );
    let sink = counters.sink(kind).ok_or("there is no sink")?;
    let own = counters.own_written;
    let is_whole = found.events == counters.written + own && sink.lost() == 0;
    let is_good = is_whole && found.twice == 0 && found.disordered == 0;
    is_good
        .then_some(())
        .ok_or_else(|| "not everything arrived once and in order".into())
}

/// Records calls at an even pace until so long after `began`.
fn record(audit: &Audit, began: Instant, until: Duration) {
    let prompt = "How many holidays are left? ".repeat(PROMPT_BYTES / 28);
    let pace = Duration::from_secs(1) / EVENTS_PER_SECOND;
    let mut next = began.elapsed();
    while next < until {
        thread::sleep(next.saturating_sub(began.elapsed()));
        let mut call = audit.begin(Operation::Chat);
        call.provider("openai")
            .request_model("small")
            .prompt(prompt.as_str());
        call.finish();
        next += pace;
    }
}

fn pending(audit: &Audit) -> u64 {
    let counters = audit.counters();
    counters.pending + counters.sinks.iter().map(|sink| sink.pending).sum::<u64>()
}

fn row(audit: &Audit, began: Instant, receiver: &str) -> Result<(), Box<dyn Error>> {
    let counters = audit.counters();
    let sink = counters.sinks.first().ok_or("there is no sink")?;
    let memory = ProcessProbe::new()
        .sample()
        .memory_bytes
        .unwrap_or_default();
    println!(
        "| {} | {receiver} | {} | {} | {} | {:.1} MB |",
        began.elapsed().as_secs(),
        counters.admitted,
        sink.delivered,
        sink.pending,
        memory as f64 / 1e6
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_receiver_arrives_once_and_in_order() {
        for kind in ["http", "otlp"] {
            let dir = tempfile::tempdir().unwrap();
            run(dir.path(), kind, 3).unwrap();
        }
    }
}
