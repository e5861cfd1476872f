#![allow(unused)]

use std::pin::Pin;

use futures_core::Stream;
use llm_audit::audit;

struct Token(u8);

struct Tokens;

impl Stream for Tokens {
    type Item = Token;

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Token>> {
        std::task::Poll::Ready(None)
    }
}

#[audit(stream)]
fn nothing() {}

#[audit(stream, stream)]
fn twice() -> Pin<Box<dyn Stream<Item = u8>>> {
    unreachable!()
}

#[audit(tool, output)]
fn a_tool() -> impl Stream<Item = Token> {
    Tokens
}

#[audit(guardrail, output = "pass")]
fn a_guardrail() -> impl Stream<Item = Token> {
    Tokens
}

#[audit(reasoning = "so", stream)]
fn reasoning_before() -> impl Stream<Item = Token> {
    Tokens
}

#[audit(out(input = out.0, assistant = "no"))]
fn input_after() -> impl Stream<Item = Token> {
    Tokens
}

fn main() {}
