//! The body of an answer, of which the recorder sees each piece before the client does.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use llm_audit_core::protocol::{Exchange, Failure};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of an answer that is recorded as it is read. Nothing of it is held back.
    pub struct CapturedBody<B> {
        #[pin]
        inner: B,
        exchange: Option<Exchange>,
    }
}

impl<B: Body> CapturedBody<B> {
    pub(crate) fn new(inner: B, exchange: Option<Exchange>) -> Self {
        let mut exchange = exchange;
        if inner.is_end_stream()
            && let Some(exchange) = &mut exchange
        {
            exchange.end();
        }
        Self { inner, exchange }
    }
}

impl<B> Body for CapturedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: fmt::Display,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(context);
        if let Some(exchange) = this.exchange {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        exchange.chunk(data);
                    }
                    // Who knows the length does not ask for the end.
                    if this.inner.is_end_stream() {
                        exchange.end();
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    exchange.fail(Failure::Transport, error);
                }
                Poll::Ready(None) => {
                    exchange.end();
                }
                Poll::Pending => {}
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> fmt::Debug for CapturedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapturedBody").finish_non_exhaustive()
    }
}

/// Returns headers as the recorder takes them.
pub(crate) fn headers(map: &http::HeaderMap) -> Vec<(&str, &[u8])> {
    let pairs = map.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}
