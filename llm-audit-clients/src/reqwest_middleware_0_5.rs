//! A middleware of reqwest-middleware 0.5.

use async_trait::async_trait;
use http::Extensions;
use reqwest_middleware::{Error, Middleware, Next};

use crate::{Capture, reqwest_0_13};

/// Records calls of models: `ClientBuilder::new(client).with(capture)`. Before a middleware that tries
/// again, a call is one event; behind it, each try is.
///
/// With [`fail_closed`](Capture::fail_closed) a call that cannot be recorded is an
/// [`Error::Middleware`], and nothing is sent.
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest-middleware")))]
#[async_trait]
impl Middleware for Capture {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let begun = reqwest_0_13::begin(self, &request);
        let exchange = begun.await.map_err(Error::middleware)?;
        let sent = next.run(request, extensions);
        let sent = match &exchange {
            Some(exchange) => exchange.context().scope(sent).await,
            None => sent.await,
        };
        match sent {
            Ok(response) => Ok(reqwest_0_13::respond(exchange, response)),
            Err(error) => {
                match (&error, exchange) {
                    (Error::Reqwest(error), exchange) => reqwest_0_13::fail(exchange, error),
                    // Another middleware's text may be anything; that it failed is known.
                    (Error::Middleware(_), Some(mut exchange)) => {
                        let failure = llm_audit_core::protocol::Failure::Transport;
                        exchange.fail(failure, &"a middleware failed");
                    }
                    (Error::Middleware(_), None) => {}
                }
                Err(error)
            }
        }
    }
}
