//! With the server layer, the attribute, an adapter and the layer for spans all on, a call of a provider is one
//! event with its tokens.
#![cfg(test)]

mod common;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
    CreateChatCompletionResponse,
};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use common::{Answer, http, log, provider};
use http::Request;
use llm_audit_clients::Capture;
use llm_audit_clients::async_openai_0_43::openai;
use llm_audit_clients::server::ServerLayer;
use llm_audit_clients::tracing::SpanLayer;
use llm_audit_core::{Audit, Event, EventId, Fields, Kind, Operation, Status};
use llm_audit_macros::audit;
use tower_service::Service;
use tracing::{Instrument, field::Empty};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Clone)]
struct App {
    log: Audit,
    client: Client<OpenAIConfig>,
}

/// A function of the program.
#[audit(agent, crate = llm_audit_core, auditor = app.log, name = "refunds")]
async fn agent(app: &App) -> String {
    let message = ChatCompletionRequestUserMessage::from("Why?");
    let request = CreateChatCompletionRequestArgs::default()
        .model("small")
        .messages([message.into()])
        .build()
        .unwrap();
    let answer = ask(app, request).await;
    answer.choices[0].message.content.clone().unwrap()
}

/// What rig does: a span around the call, that has the tokens too.
#[audit(chat, crate = llm_audit_core, auditor = app.log, model = request.model)]
async fn ask(app: &App, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse {
    let span = tracing::info_span!(
        "chat",
        gen_ai.operation.name = "chat",
        gen_ai.request.model = "small",
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
    );
    let call = async { app.client.chat().create(request).await.unwrap() };
    let answer = call.instrument(span.clone()).await;
    span.record("gen_ai.usage.input_tokens", 5);
    span.record("gen_ai.usage.output_tokens", 2);
    answer
}

async fn handler(State(app): State<App>) -> String {
    agent(&app).await
}

#[test]
fn with_all_four_on_a_call_is_one_event_with_usage() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::whole()]);
    let http = http();
    let config = OpenAIConfig::new()
        .with_api_base(&provider.url)
        .with_api_key("sk-secret");
    let capture = Capture::new(&log);
    let client = Client::with_config(config).with_http_service(openai(&capture, http));
    let app = App {
        log: log.handle(),
        client,
    };
    let layer = ServerLayer::new().identify(|_| Fields::new().user_id("u-17"));
    let mut service = Router::new()
        .route("/chat", post(handler))
        .layer(layer)
        .with_state(app);
    let subscriber = tracing_subscriber::Registry::default().with(SpanLayer::new(&log));
    let answer = tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let request = Request::post("/chat").body(Body::empty()).unwrap();
        runtime.unwrap().block_on(service.call(request)).unwrap()
    });
    assert!(answer.status().is_success());

    let events = probe.kind(Kind::Interaction);
    let of = |operation: &Operation| -> Vec<&Event> {
        let events = events.iter();
        events
            .filter(|event| event.operation() == Some(operation.clone()))
            .collect()
    };
    assert!(events.iter().all(|event| event.user_id() == Some("u-17")));
    assert!(
        events
            .iter()
            .all(|event| event.status() == Some(Status::Ok))
    );
    let [agent] = of(&Operation::InvokeAgent)[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        answer.extensions().get::<EventId>(),
        Some(&agent.event_id())
    );
    // The function, and the call: no third one for the span.
    let chats = of(&Operation::Chat);
    assert_eq!(chats.len(), 2, "{events:?}");
    let (calls, functions): (Vec<&Event>, Vec<&Event>) = chats
        .iter()
        .partition(|event| event.total_tokens().is_some());
    assert_eq!((calls.len(), functions.len()), (1, 1));
    assert_eq!(calls[0].total_tokens(), Some(7));
    assert_eq!(calls[0].response().as_deref(), Some("So."));
    assert_eq!(calls[0].parent_event_id(), Some(functions[0].event_id()));
    assert_eq!(functions[0].parent_event_id(), Some(agent.event_id()));
}
