//! A log that begins while a request is answered knows neither who asked nor which levels hold for him.
#![cfg(test)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use llm_audit_clients::server::ServerLayer;
use llm_audit_core::testing::MemorySink;
use llm_audit_core::{Context, Facet, Fields, Kind, Level, Operation, Policy, Retention, builder};
use tower_layer::Layer;
use tower_service::Service;

struct Chat(MemorySink);

impl Service<Request<()>> for Chat {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(request.extensions().get::<Context>().is_some());
        let policy = Policy::builder()
            .facet(Facet::Prompt, Level::Full)
            .facet(Facet::User, Level::Full)
            .facet(Facet::Model, Level::Full)
            .retention(Retention::Days30);
        let log = builder().policy(policy.build().unwrap());
        let log = log.sink(self.0.clone()).spawn().unwrap();
        let mut call = log.begin(Operation::Chat);
        call.prompt("Why?").user_id("u-17").request_model("small");
        call.finish();
        assert!(log.shutdown(Duration::from_secs(30)).is_complete());
        ready(Ok(Response::new(())))
    }
}

#[test]
fn what_begins_to_be_captured_while_a_request_is_answered_has_nobody() {
    let memory = MemorySink::new();
    let layer = ServerLayer::new().identify(|_| Fields::new().user_id("u-17"));
    let answer = layer.layer(Chat(memory.clone())).call(Request::new(()));
    let mut task = TaskContext::from_waker(Waker::noop());
    assert!(pin!(answer).poll(&mut task).is_ready());
    let events = memory.events().into_iter();
    let mut events = events.filter(|event| *event.kind() == Kind::Interaction);
    let event = events.next().unwrap();
    assert_eq!((event.prompt(), event.user_id()), (None, None));
    assert_eq!(event.request_model(), Some("small"));
}
