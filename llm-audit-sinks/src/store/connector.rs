//! Connections to stores: with the TLS, the bounds and the proxies of our other requests.

use async_trait::async_trait;
use llm_audit_core::{Clock, Error, SystemClock};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use object_store::{BackoffConfig, RetryConfig};

use super::Tries;
use super::failure::{Answer, Answers};
use crate::http::{self, Endpoint};

/// Tries of a reader beside the first.
const READER_RETRIES: usize = 5;

/// Makes one client for all that a store needs.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    client: reqwest::Client,
    answers: Answers,
}

impl Connector {
    /// # Errors
    ///
    /// When the address or a certificate cannot be used.
    pub(super) fn client(endpoint: &Endpoint) -> Result<reqwest::Client, Error> {
        http::client_of_store(endpoint)
    }

    pub(super) fn new(endpoint: &Endpoint, answers: &Answers) -> object_store::Result<Self> {
        let client = Self::client(endpoint).map_err(|error| object_store::Error::Generic {
            store: "store",
            source: Box::new(error),
        })?;
        Ok(Self {
            client,
            answers: answers.clone(),
        })
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.answers.put(Answer::default());
        let response = HttpService::call(&self.client, request).await?;
        let now = SystemClock::new().now();
        self.answers.put(Answer {
            status: Some(response.status().as_u16()),
            pause: http::pause_of(response.headers(), now),
        });
        Ok(response)
    }
}

pub(super) fn retries(tries: Tries) -> RetryConfig {
    RetryConfig {
        max_retries: match tries {
            Tries::One => 0,
            Tries::Some => READER_RETRIES,
        },
        backoff: BackoffConfig::default(),
        ..RetryConfig::default()
    }
}
