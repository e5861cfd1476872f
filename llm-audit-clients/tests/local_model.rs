//! Calls of a real model, through each adapter of a client, on each of its protocols, streamed or not: one event each, with the text and
//! the tokens that the client got. `LLM_BASE_URL=http://127.0.0.1:18089/v1 LLM_MODEL=… cargo test -p llm-audit-clients
//! --all-features --test local_model -- --nocapture` prints the events; a server of llama.cpp has all three protocols.
#![cfg(test)]

mod common;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs,
};
use async_openai::types::responses::{CreateResponse, CreateResponseArgs, ResponseStreamEvent};
use common::{http, log};
use futures_util::StreamExt;
use llm_audit_clients::Capture;
use llm_audit_clients::async_openai_0_43::openai;
use llm_audit_core::testing::Probe;
use llm_audit_core::{AuditGuard, Event, Kind, Status};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::{Value, json};

const QUESTION: &str = "Name three colours of the sky.";
const MAX_TOKENS: u64 = 24;

struct Model {
    url: String,
    name: String,
}

/// The server that the environment names.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's server, not a switch of the log"
)]
fn model() -> Option<Model> {
    let word = |name| std::env::var(name).ok().filter(|word| !word.is_empty());
    Some(Model {
        url: word("LLM_BASE_URL")?,
        name: word("LLM_MODEL")?,
    })
}

/// Prints the event of the call that has ended, and checks it against what the client got.
fn check(probe: &Probe, seen: &mut usize, name: &str, text: &str) {
    let events = probe.kind(Kind::Interaction);
    *seen += 1;
    assert_eq!(events.len(), *seen, "{name}: one event for a call");
    let event: &Event = events.last().unwrap();
    println!("{name}\n{}\n", event.to_json());
    assert_eq!(event.status(), Some(Status::Ok), "{name}");
    assert_eq!(event.prompt().as_deref(), Some(QUESTION), "{name}");
    assert_eq!(event.response().as_deref(), Some(text), "{name}");
    assert!(!text.is_empty(), "{name}");
    assert!(
        event.input_tokens() > Some(0) && event.output_tokens() > Some(0),
        "{name}"
    );
    assert_eq!(event.usage_source(), Some("provider"), "{name}");
}

fn chat(model: &Model) -> CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessage::from(QUESTION);
    let mut request = CreateChatCompletionRequestArgs::default();
    let request = request.model(&model.name).messages([message.into()]);
    request
        .max_completion_tokens(24_u32)
        .temperature(0.0)
        .build()
        .unwrap()
}

fn responses(model: &Model) -> CreateResponse {
    let mut request = CreateResponseArgs::default();
    let request = request.model(&model.name).input(QUESTION);
    request.max_output_tokens(24_u32).build().unwrap()
}

async fn through_async_openai(model: &Model, log: &AuditGuard, probe: &Probe, seen: &mut usize) {
    let http = http();
    let config = OpenAIConfig::new()
        .with_api_base(&model.url)
        .with_api_key("none");
    let client = Client::with_config(config).with_http_service(openai(&Capture::new(log), http));

    let answer = client.chat().create(chat(model)).await.unwrap();
    let text = answer.choices[0].message.content.clone().unwrap();
    check(probe, seen, "async-openai, chat", &text);

    let mut request = chat(model);
    request.stream_options = Some(ChatCompletionStreamOptions {
        include_usage: Some(true),
        include_obfuscation: None,
    });
    let mut stream = client.chat().create_stream(request).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        let choice = chunk.unwrap().choices.into_iter().next();
        text += choice
            .and_then(|choice| choice.delta.content)
            .as_deref()
            .unwrap_or_default();
    }
    drop(stream);
    check(probe, seen, "async-openai, chat, streamed", &text);

    // llama.cpp leaves out counts that the client's types ask for, so the client may not read what came.
    let text = match client.responses().create(responses(model)).await {
        Ok(answer) => answer.output_text().unwrap(),
        Err(OpenAIError::JSONDeserialize(_, body)) => {
            let answer: Value = serde_json::from_str(&body).unwrap();
            let text = answer.pointer("/output/0/content/0/text");
            text.and_then(Value::as_str).unwrap().to_owned()
        }
        Err(error) => panic!("{error}"),
    };
    check(probe, seen, "async-openai, responses", &text);

    let stream = client.responses().create_stream(responses(model)).await;
    let mut stream = stream.unwrap();
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(ResponseStreamEvent::ResponseOutputTextDelta(delta)) => text += &delta.delta,
            Ok(_) => {}
            Err(OpenAIError::JSONDeserialize(_, data)) => {
                let event: Value = serde_json::from_str(&data).unwrap();
                text += delta_of(&event).and_then(Value::as_str).unwrap_or_default();
            }
            Err(error) => panic!("{error}"),
        }
    }
    drop(stream);
    check(probe, seen, "async-openai, responses, streamed", &text);
}

/// The text in an event of a stream of responses.
fn delta_of(event: &Value) -> Option<&Value> {
    let delta = event.get("delta")?;
    (event["type"] == "response.output_text.delta").then_some(delta)
}

/// A protocol as a client without types speaks it: its path, its request, and where the text is in an answer and in an event of a
/// stream.
type Plain = (
    &'static str,
    Value,
    fn(&Value) -> Option<&Value>,
    fn(&Value) -> Option<&Value>,
);

fn plain(model: &Model) -> [Plain; 3] {
    let messages = json!([{"role": "user", "content": QUESTION}]);
    [
        (
            "/chat/completions",
            json!({"model": model.name, "max_tokens": MAX_TOKENS, "messages": messages,
                "stream_options": {"include_usage": true}}),
            |answer| answer.pointer("/choices/0/message/content"),
            |event| event.pointer("/choices/0/delta/content"),
        ),
        (
            "/responses",
            json!({"model": model.name, "max_output_tokens": MAX_TOKENS, "input": QUESTION}),
            |answer| answer.pointer("/output/0/content/0/text"),
            delta_of,
        ),
        (
            "/messages",
            json!({"model": model.name, "max_tokens": MAX_TOKENS, "messages": messages}),
            |answer| answer.pointer("/content/0/text"),
            |event| event.pointer("/delta/text"),
        ),
    ]
}

async fn ask(client: &ClientWithMiddleware, url: String, request: &Value) -> String {
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .body(request.to_string());
    let answer = request.send().await.unwrap();
    answer.text().await.unwrap()
}

async fn through_reqwest(model: &Model, log: &AuditGuard, probe: &Probe, seen: &mut usize) {
    drop(http()); // it settles which TLS there is
    // The server closes connections when it likes.
    let http = reqwest::Client::builder().pool_max_idle_per_host(0);
    let http = http.no_proxy().build().unwrap();
    let client = ClientBuilder::new(http).with(Capture::new(log)).build();
    for (path, mut request, whole, delta) in plain(model) {
        let url = format!("{}{path}", model.url);
        if path == "/chat/completions" {
            request["stream"] = json!(false);
        }
        let answer: Value =
            serde_json::from_str(&ask(&client, url.clone(), &request).await).unwrap();
        let text = whole(&answer).and_then(Value::as_str).unwrap();
        check(probe, seen, &format!("reqwest-middleware, {path}"), text);

        request["stream"] = json!(true);
        let answer = ask(&client, url, &request).await;
        let events = answer
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let events: Vec<Value> = events
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect();
        let text: String = events
            .iter()
            .filter_map(delta)
            .filter_map(Value::as_str)
            .collect();
        check(
            probe,
            seen,
            &format!("reqwest-middleware, {path}, streamed"),
            &text,
        );
    }
}

#[tokio::test]
async fn a_real_models_calls_are_one_event_each_with_what_the_client_got() {
    let Some(model) = model() else {
        println!("skipped: LLM_BASE_URL and LLM_MODEL name no server");
        return;
    };
    let (log, probe) = log();
    let mut seen = 0;
    through_async_openai(&model, &log, &probe, &mut seen).await;
    through_reqwest(&model, &log, &probe, &mut seen).await;
    println!("{seen} calls, {seen} events");
}
