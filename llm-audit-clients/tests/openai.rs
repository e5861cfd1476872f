//! Calls through async-openai are recorded once each, however often they are tried.
#![cfg(test)]
#![cfg(feature = "async-openai")]

mod common;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
};
use common::{Answer, Provider, http, log, provider};
use llm_audit_clients::Capture;
use llm_audit_clients::async_openai_0_43::openai;
use llm_audit_core::{AuditGuard, Field, Kind, Status};

fn client(log: &AuditGuard, provider: &Provider) -> Client<OpenAIConfig> {
    // First: it settles which TLS there is, and the client makes one of its own.
    let http = http();
    let config = OpenAIConfig::new()
        .with_api_base(&provider.url)
        .with_api_key("sk-secret");
    Client::with_config(config).with_http_service(openai(&Capture::new(log), http))
}

fn request() -> CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessage::from("Why?");
    CreateChatCompletionRequestArgs::default()
        .model("small")
        .messages([message.into()])
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_call_is_one_event() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::whole()]);
    let answer = client(&log, &provider)
        .chat()
        .create(request())
        .await
        .unwrap();
    assert_eq!(answer.choices[0].message.content.as_deref(), Some("So."));
    let check = probe.one_of(Kind::Interaction);
    check
        .status(Status::Ok)
        .model("small-1")
        .prompt("Why?")
        .response("So.")
        .lacks(Field::Retries);
}

#[tokio::test]
async fn a_call_that_is_tried_again_is_one_event_that_says_so() {
    let (log, probe) = log();
    let busy = || {
        Answer(
            503,
            "application/json",
            vec![r#"{"error":{"message":"busy"}}"#.to_owned()],
        )
    };
    let provider = provider(vec![busy(), Answer::whole()]);
    client(&log, &provider)
        .chat()
        .create(request())
        .await
        .unwrap();
    assert_eq!(provider.asked.try_iter().count(), 2);
    let check = probe.one_of(Kind::Interaction);
    check
        .status(Status::Ok)
        .response("So.")
        .field(Field::Attempt, 2)
        .field(Field::Retries, 1);
}

#[tokio::test]
async fn a_stream_is_complete_at_its_terminator_where_the_client_stops_reading() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::stream()]);
    provider.next.send(()).unwrap();
    provider.next.send(()).unwrap();
    let mut stream = client(&log, &provider)
        .chat()
        .create_stream(request())
        .await
        .unwrap();
    let mut text = String::new();
    while let Some(chunk) = std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await
    {
        text += chunk.unwrap().choices[0]
            .delta
            .content
            .as_deref()
            .unwrap_or_default();
    }
    drop(stream);
    assert_eq!(text, "So.");
    probe
        .one_of(Kind::Interaction)
        .status(Status::Ok)
        .response("So.");
}
