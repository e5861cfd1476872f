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

#[audit(output)]
fn an_item_that_says_nothing() -> impl Stream<Item = Token> {
    Tokens
}

#[audit(stream)]
fn a_stream_of_ones_own() -> Tokens {
    Tokens
}

#[audit(input = question)]
fn a_request_that_says_nothing(question: &Token) {}

#[audit(fail_closed)]
fn nobody_to_tell() -> impl Stream<Item = Token> {
    Tokens
}

fn main() {}
