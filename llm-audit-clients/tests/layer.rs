//! Calls through a tower service are recorded.
#![cfg(test)]
#![cfg(feature = "tower")]

mod common;

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::task::{Context, Poll};

use common::{ANSWER, CHAT, log};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use llm_audit_clients::Capture;
use llm_audit_clients::tower::{BoxError, CapturedBody};
use llm_audit_core::{EventId, Field, Kind, Status};
use tower_layer::Layer;
use tower_service::Service;

type Body = Full<bytes::Bytes>;

/// A client that is answered at once.
#[derive(Clone)]
struct Answers;

impl Service<Request<Body>> for Answers {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let response = Response::builder().header("content-type", "application/json");
        ready(Ok(response.body(ANSWER.into()).unwrap()))
    }
}

async fn call(capture: Capture) -> Result<Response<CapturedBody<Body>>, BoxError> {
    let mut service = capture.layer(Answers);
    let uri = "https://api.example.org/v1/chat/completions";
    let request = Request::post(uri).body(Body::from(CHAT)).unwrap();
    poll_fn(|context| Service::<Request<Body>>::poll_ready(&mut service, context)).await?;
    service.call(request).await
}

#[tokio::test]
async fn a_call_is_an_event_and_its_answer_the_clients() {
    let (log, probe) = log();
    let response = call(Capture::new(&log)).await.unwrap();
    assert!(response.extensions().get::<EventId>().is_some());
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        ANSWER
    );
    let check = probe.one_of(Kind::Interaction);
    check
        .status(Status::Ok)
        .prompt("Why?")
        .response("So.")
        .field(Field::ServerAddress, "api.example.org");
}

#[tokio::test]
async fn failing_closed_the_service_is_not_called() {
    // This log has no journal, so nothing in it survives a power cut.
    let (log, probe) = log();
    call(Capture::new(&log).fail_closed()).await.unwrap_err();
    probe.none();
}
