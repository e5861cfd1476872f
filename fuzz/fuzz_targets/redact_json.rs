//! What a log keeps of JSON is JSON, and what is no JSON becomes some only where a value was
//! replaced that held what broke it.

#![no_main]

use std::sync::{Mutex, OnceLock, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use llm_audit_core::redact::Redactor;
use llm_audit_core::{
    AuditGuard, Batch, Durable, Facet, Kind, Level, Message, Operation, Part, Policy, Retention,
    Sink, SinkError,
};
use serde::de::IgnoredAny;

/// A log, and what comes out of it.
struct Log {
    audit: AuditGuard,
    out: mpsc::Receiver<Option<String>>,
}

/// Sends the response of the tool in each event.
struct Responses(mpsc::Sender<Option<String>>);

#[async_trait]
impl Sink for Responses {
    fn name(&self) -> &str {
        "responses"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        for event in batch
            .events()
            .iter()
            .filter(|event| *event.kind() == Kind::Interaction)
        {
            let messages = event.input_messages().unwrap_or_default();
            let parts = messages.first().and_then(|message| message.parts.as_ref());
            let part = parts.and_then(|parts| parts.first());
            drop(self.0.send(part.and_then(|part| part.response.clone())));
        }
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}

fn log() -> Mutex<Log> {
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::ToolIo, Level::Redacted)
        .retention(Retention::Days90)
        .build()
        .expect("a policy");
    let (tell, out) = mpsc::channel();
    let audit = llm_audit_core::builder()
        .policy(policy)
        .sink(Responses(tell))
        .spawn()
        .expect("a log");
    Mutex::new(Log { audit, out })
}

fuzz_target!(|text: &str| {
    static LOG: OnceLock<Mutex<Log>> = OnceLock::new();
    let log = LOG
        .get_or_init(log)
        .lock()
        .expect("a target that panics ends");
    let mut part = Part::default().r#type("tool_call_response").id("1");
    part.response = Some(text.to_owned());
    let mut call = log.audit.begin(Operation::Chat);
    call.message(Message::default().role("tool").parts([part]));
    call.finish();
    let redacted = log
        .out
        .recv_timeout(Duration::from_secs(20))
        .expect("an event");
    let redacted = redacted.expect("the response is kept");
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => assert!(is_json(&redacted), "{redacted}"),
        Err(_) if is_json(&redacted) => assert!(is_broken_in_a_value(text), "{redacted}"),
        Err(_) => {}
    }
});

/// Returns whether a text is JSON once each value in it is one letter.
fn is_broken_in_a_value(text: &str) -> bool {
    let mut whole = String::new();
    let mut end = 0;
    for span in Redactor::default().find(text) {
        whole.push_str(&text[end..span.start]);
        whole.push('x');
        end = span.end;
    }
    whole.push_str(&text[end..]);
    end > 0 && is_json(&whole)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}
