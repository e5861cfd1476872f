//! While no log captures anything, nobody is asked who a request is from.
#![cfg(test)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use llm_audit_clients::server::ServerLayer;
use tower_layer::Layer;
use tower_service::Service;

struct Echo;

impl Service<Request<u8>> for Echo {
    type Response = Response<u8>;
    type Error = Infallible;
    type Future = Ready<Result<Response<u8>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<u8>) -> Self::Future {
        ready(Ok(Response::new(request.into_body())))
    }
}

#[test]
fn a_request_is_passed_on_as_it_is() {
    let layer = ServerLayer::new()
        .identify(|_| unreachable!("there is no log"))
        .within(|_, _| unreachable!("there is no log"));
    let answer = layer.layer(Echo).call(Request::new(3));
    let mut task = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(answer)) = pin!(answer).poll(&mut task) else {
        panic!("the service answers at once")
    };
    assert!(answer.extensions().is_empty());
}

#[test]
fn failing_closed_a_request_is_not_answered_without_a_log() {
    let layer = ServerLayer::new().fail_closed();
    let answer = layer.layer(Echo).call(Request::new(3));
    let mut task = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(answer)) = pin!(answer).poll(&mut task) else {
        panic!("the layer answers at once")
    };
    assert_eq!(answer.status(), 503);
}
