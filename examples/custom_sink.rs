//! Sends events to a sink of one's own: it alerts when a call fails, and sees no content.
#![expect(clippy::print_stdout, reason = "the examples print")]

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use llm_audit::{
    Batch, Durable, Facet, Operation, Policy, Preset, Sink, SinkError, SinkExt, Status,
};

/// It has a thread of its own, so it may take its time; what it gets has been redacted already.
#[derive(Debug)]
struct Pager;

#[async_trait]
impl Sink for Pager {
    fn name(&self) -> &str {
        "pager"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        for event in batch.events() {
            if event.status() == Some(Status::Error) {
                println!("page: {:?} of {:?}", event.error_type(), event.model());
            }
        }
        Ok(Durable::up_to(batch.last_seq())) // these events need not come again
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED) // nothing was held back
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let log = llm_audit::builder()
        .policy(Policy::preset(Preset::Operations)?)
        .journal("audit-log")
        .sink(Pager.only([Facet::Model]))
        .spawn()?;
    for answer in ["42", "forty-two"] {
        let mut call = log.begin(Operation::Chat);
        call.request_model("small");
        drop(call.finish_with(answer.parse::<u8>()));
    }
    println!("{}", log.shutdown(Duration::from_secs(5)));
    Ok(())
}
