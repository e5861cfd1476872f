//! What is recorded while a service answers a request has who asked, and the answer names the event.
#![cfg(test)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::routing::post;
use futures_core::Stream;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body as _;
use llm_audit_clients::server::ServerLayer;
use llm_audit_core::testing::MemorySink;
use llm_audit_core::{
    Audit, AuditGuard, Context, Event, EventId, Facet, Fields, Kind, Level, Operation, Policy,
    PolicyBuilder, Retention, builder,
};
use tower_service::Service;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn log(policy: Policy) -> (AuditGuard, MemorySink) {
    let memory = MemorySink::new();
    let log = builder().policy(policy).sink(memory.clone());
    (log.spawn().unwrap(), memory)
}

fn policy() -> Policy {
    policy_with(|policy| policy)
}

fn policy_with(change: fn(PolicyBuilder) -> PolicyBuilder) -> Policy {
    let facets = [
        Facet::Classification,
        Facet::Device,
        Facet::Groups,
        Facet::Prompt,
        Facet::Source,
        Facet::Training,
        Facet::User,
    ];
    let policy = facets.into_iter().fold(Policy::builder(), |policy, facet| {
        policy.facet(facet, Level::Full)
    });
    change(policy.retention(Retention::Days30)).build().unwrap()
}

fn interactions(log: &AuditGuard, memory: &MemorySink) -> Vec<Event> {
    assert!(log.shutdown(Duration::from_secs(30)).is_complete());
    let events = memory.events().into_iter();
    events
        .filter(|event| *event.kind() == Kind::Interaction)
        .collect()
}

fn who(parts: &Parts) -> Fields {
    let user = parts.headers["x-user"].to_str().unwrap();
    let fields = Fields::new().user_id(user).tenant_id("t-1");
    fields.source("support chat").training_allowed(false)
}

/// A body that calls a model for each of its pieces.
struct Pieces(Audit, u8);

impl Stream for Pieces {
    type Item = Result<String, Infallible>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<String, Infallible>>> {
        self.0.begin(Operation::Chat).finish();
        self.1 += 1;
        Poll::Ready((self.1 < 3).then(|| Ok(self.1.to_string())))
    }
}

async fn chat(State(log): State<Audit>) -> String {
    let agent = log.begin(Operation::InvokeAgent);
    let inner = async {
        let mut call = log.begin(Operation::Chat);
        call.prompt("Why?");
        call.finish()
    };
    agent.scope(inner).await;
    agent.finish();
    "Because.".to_owned()
}

async fn stream(State(log): State<Audit>) -> Body {
    Body::from_stream(Pieces(log, 0))
}

async fn nothing() {}

fn app(log: &AuditGuard, layer: ServerLayer) -> Router {
    Router::new()
        .route("/users/{id}/chat", post(chat))
        .route("/stream", post(stream))
        .route("/nothing", post(nothing))
        .layer(layer)
        .with_state(log.handle())
}

fn request(path: &str) -> Request<Body> {
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    Request::post(path)
        .header("x-user", "u-17")
        .header("user-agent", "a-browser")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .extension(ConnectInfo(peer))
        .body(Body::empty())
        .unwrap()
}

/// Returns the answer and the pieces of its body.
fn ask(app: &mut Router, request: Request<Body>) -> (Response<()>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let response = runtime.block_on(app.call(request)).unwrap();
    let (parts, mut body) = response.into_parts();
    let mut task = TaskContext::from_waker(Waker::noop());
    let mut pieces = Vec::new();
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut task) {
        let data = frame.unwrap().into_data().unwrap();
        pieces.push(String::from_utf8(data.to_vec()).unwrap());
    }
    (Response::from_parts(parts, ()), pieces)
}

#[test]
fn a_layer_around_another_names_the_same_event() {
    let (log, _memory) = log(policy());
    let layer = ServerLayer::new().identify(who);
    let layer = layer.event_id_header("x-audit-event-id".parse().unwrap());
    let mut app = app(&log, layer.clone()).layer(layer);
    let (answer, _) = ask(&mut app, request("/users/4711/chat"));
    let id = answer.extensions().get::<EventId>().unwrap().to_string();
    assert_eq!(answer.headers()["x-audit-event-id"], id.as_str());
}

#[test]
fn events_have_who_asked_and_the_answer_names_the_first() {
    let (log, memory) = log(policy());
    let layer = ServerLayer::new().identify(who);
    let layer = layer.event_id_header("x-audit-event-id".parse().unwrap());
    let mut app = app(&log, layer);
    let (answer, pieces) = ask(&mut app, request("/users/4711/chat"));
    assert_eq!(pieces, ["Because."]);
    let events = interactions(&log, &memory);
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!(event.user_id(), Some("u-17"));
        assert_eq!(event.tenant_id(), Some("t-1"));
        assert_eq!(event.source(), Some("support chat"));
        assert_eq!(event.endpoint(), Some("POST /users/{id}/chat"));
        assert_eq!(event.user_agent(), Some("a-browser"));
        assert_eq!(event.client_address(), Some("192.0.2.7"));
        assert_eq!(event.training_allowed(), Some(false));
        assert_eq!(event.trace_id(), Some(TRACE));
        assert!(!event.to_json().contains("4711"), "a path is no route");
    }
    let agent = events
        .iter()
        .find(|event| event.operation() == Some(Operation::InvokeAgent));
    let id = agent.unwrap().event_id();
    assert_eq!(answer.extensions().get::<EventId>(), Some(&id));
    assert_eq!(answer.headers()["x-audit-event-id"], id.to_string());
}

#[test]
fn what_happens_while_a_body_is_read_is_within_its_request() {
    let (log, memory) = log(policy());
    let mut app = app(&log, ServerLayer::new().identify(who));
    let (answer, pieces) = ask(&mut app, request("/stream"));
    assert_eq!(pieces, ["1", "2"]);
    assert_eq!(answer.extensions().get::<EventId>(), None);
    let events = interactions(&log, &memory);
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.user_id() == Some("u-17")));
}

#[test]
fn a_request_that_leads_to_no_event_names_none() {
    let (log, memory) = log(policy());
    let layer = ServerLayer::new().event_id_header("x-audit-event-id".parse().unwrap());
    let (answer, _) = ask(&mut app(&log, layer), request("/nothing"));
    assert!(answer.headers().get("x-audit-event-id").is_none());
    assert!(interactions(&log, &memory).is_empty());
}

#[test]
fn a_function_can_narrow_a_facet() {
    let (log, memory) = log(policy());
    let layer = ServerLayer::new().identify(who);
    let layer = layer.within(|_, context: Context| context.narrow(Facet::Device, Level::Off));
    let (answer, _) = ask(&mut app(&log, layer), request("/users/1/chat"));
    assert!(answer.status().is_success());
    for event in interactions(&log, &memory) {
        assert_eq!(event.user_id(), Some("u-17"));
        assert_eq!(event.client_address(), None);
        assert_eq!(event.endpoint(), Some("POST /users/{id}/chat"));
    }
}

#[test]
fn when_it_cannot_be_said_who_asks_neither_content_nor_identity_is_recorded() {
    let (log, memory) = log(policy());
    let layers = [
        ServerLayer::new().identify(|_| panic!("on purpose")),
        ServerLayer::new()
            .identify(who)
            .within(|_, _| panic!("on purpose")),
    ];
    for layer in layers {
        let (answer, _) = ask(&mut app(&log, layer), request("/users/1/chat"));
        assert!(answer.status().is_success());
    }
    let events = interactions(&log, &memory);
    assert_eq!(events.len(), 4);
    for event in events {
        assert_eq!(event.user_id(), None);
        assert_eq!(event.client_address(), None);
        assert_eq!(event.prompt(), None);
        assert_eq!((event.tenant_id(), event.endpoint()), (None, None));
    }
}

#[test]
fn a_request_is_in_a_trace_of_its_own_where_the_layer_says_so() {
    let (log, memory) = log(policy());
    let layer = ServerLayer::new().identify(who).own_traces();
    ask(&mut app(&log, layer), request("/users/1/chat"));
    for event in interactions(&log, &memory) {
        assert!(event.trace_id().is_some_and(|trace| trace != TRACE));
    }
}

#[test]
fn an_identifier_that_the_service_passes_on_is_not_taken_for_ours() {
    let (log, _memory) = log(policy());
    let layer = ServerLayer::new().event_id_header("x-audit-event-id".parse().unwrap());
    let relay = || async { ([("x-audit-event-id", "somebody's")], "Because.") };
    let mut app = Router::new().route("/relay", post(relay)).layer(layer);
    let (answer, _) = ask(&mut app, request("/relay"));
    assert!(answer.headers().get("x-audit-event-id").is_none());
    drop(log);
}

#[test]
fn failing_closed_the_service_sees_no_request_of_which_it_cannot_be_said_who_asks() {
    let (log, memory) = log(policy());
    let layer = ServerLayer::new()
        .identify(|_| panic!("on purpose"))
        .fail_closed();
    let (answer, pieces) = ask(&mut app(&log, layer), request("/users/1/chat"));
    assert_eq!((answer.status().as_u16(), pieces.len()), (500, 0));
    assert!(interactions(&log, &memory).is_empty());
}

#[test]
fn the_levels_are_those_of_the_tenant_and_of_the_classification_that_a_request_has() {
    let policy = || {
        policy_with(|policy| {
            policy
                .tenant("t-1", |tenant| tenant.facet(Facet::Prompt, Level::Off))
                .classification_order(["public", "secret"])
                .rule("secret", |label| label.facet(Facet::User, Level::Off))
                .tenants_default(|tenant| tenant)
                .unclassified(|label| label)
        })
    };
    let of = |tenant: &'static str, label: &'static str| {
        let (log, memory) = log(policy());
        let layer = ServerLayer::new().identify(move |_| {
            let fields = Fields::new().user_id("u-17").tenant_id(tenant);
            fields.classification_group(label)
        });
        ask(&mut app(&log, layer), request("/users/1/chat"));
        let events = interactions(&log, &memory);
        let chat = events
            .iter()
            .find(|e| e.operation() == Some(Operation::Chat))
            .unwrap();
        (chat.prompt().is_some(), chat.user_id().is_some())
    };
    assert_eq!(of("t-1", "public"), (false, true));
    assert_eq!(of("t-2", "secret"), (true, false));
}
