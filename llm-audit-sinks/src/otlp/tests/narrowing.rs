//! The whole text in the local journal, and over OTLP what was asked for and no more.

use llm_audit_core::{
    Event, Facet, Interaction, Kind, Message, Narrowed, Operation, SinkExt, Usage, builder, journal,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

use super::{config, everything, read};
use crate::http::tests::LONG;
use crate::http::tests::server::Server;
use crate::otlp::{ContentTarget, OtlpSink};

const SAID: &str = "kolibradu-content";

fn call(call: &mut Interaction) {
    call.request_model("small").usage(Usage::openai(12, 3));
    call.user_id("kolibradu-user").prompt(SAID).response(SAID);
    call.message(Message::text("user", SAID)).tool_result(SAID);
}

/// Returns the call as the journal has it, and its span.
fn kept_and_sent(sink: impl FnOnce(&Server) -> Narrowed) -> (Event, Span, Vec<u8>) {
    let server = Server::new([]);
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(everything())
        .journal(temp.path())
        .sink(sink(&server))
        .spawn()
        .unwrap();
    let mut chat = audit.begin(Operation::Chat);
    call(&mut chat);
    chat.finish();
    assert!(audit.shutdown(LONG).is_complete());
    let events = journal::Reader::open(temp.path()).unwrap().events();
    let is_call = |event: &Event| *event.kind() == Kind::Interaction;
    let kept = events.map(Result::unwrap).find(is_call).unwrap();
    let mut spans = read::spans(&server).into_iter().map(|(_, span)| span);
    let sent = spans.find(|span| span.name.starts_with("chat"));
    let bytes = server
        .requests()
        .into_iter()
        .flat_map(|request| request.body);
    (kept, sent.unwrap(), bytes.collect())
}

fn attribute(span: &Span, name: &str) -> Option<Value> {
    read::find(span.attributes.iter(), name)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn the_journal_keeps_the_text_and_a_receiver_gets_metadata() {
    let (kept, sent, bytes) =
        kept_and_sent(|server| OtlpSink::with(config(server.url())).unwrap().into());
    assert_eq!(kept.response().as_deref(), Some(SAID));
    assert!(!holds(&bytes, SAID));
    assert_eq!(sent.name, "chat small");
    assert_eq!(
        attribute(&sent, "gen_ai.usage.input_tokens"),
        Some(12.into())
    );
    assert_eq!(attribute(&sent, "user.id"), Some("kolibradu-user".into()));
}

#[test]
fn a_receiver_of_content_gets_the_facets_that_its_line_leaves_it() {
    let (kept, sent, bytes) = kept_and_sent(|server| {
        let config = config(server.url()).content(ContentTarget::Span);
        let sink = OtlpSink::with(config).unwrap();
        sink.without([Facet::Prompt, Facet::ToolIo, Facet::User])
    });
    assert_eq!(kept.user_id(), Some("kolibradu-user"));
    assert!(kept.prompt().is_some_and(|prompt| prompt.contains(SAID)));
    for name in [
        "gen_ai.input.messages",
        "gen_ai.tool.call.result",
        "user.id",
    ] {
        assert_eq!(attribute(&sent, name), None, "{name}");
    }
    let answers = attribute(&sent, "gen_ai.output.messages").unwrap();
    assert!(answers.as_str().unwrap().contains(SAID));
    assert!(!holds(&bytes, "kolibradu-user"));
    assert_eq!(
        attribute(&sent, "gen_ai.usage.output_tokens"),
        Some(3.into())
    );
}
