//! A sink that sends what was not sent before.

use llm_audit::{Batch, Durable, Ids, RandomIds, Sink, SinkError, SinkLimits};

use super::state::State;

/// A sink that is new to the journal in each run, so that it is brought everything, and passes on
/// what the receiver does not have. The same journal comes in the same batches each time.
pub(crate) struct Resume<S> {
    name: String,
    inner: S,
    state: State,
}

impl<S: Sink> Resume<S> {
    pub(crate) fn new(inner: S, state: State) -> Self {
        let name = format!("export-{:032x}", RandomIds::new().unique());
        Self { name, inner, state }
    }
}

#[async_trait::async_trait]
impl<S: Sink> Sink for Resume<S> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        match self.state.known(batch) {
            None => {}
            Some(number) if number < batch.last_seq() => {
                let rest = SinkError::retry("the receiver has the first of these");
                return Err(rest.from_seq(number + 1));
            }
            Some(_) => return Ok(Durable::up_to(batch.last_seq())),
        }
        let sent = self.inner.write(batch).await;
        let rejected = match &sent {
            Ok(_) => 0,
            Err(error) if !error.rejected().is_empty() => error.rejected().len(),
            // Alone, and refused for good.
            Err(error) if batch.len() == 1 && !error.is_retry() => 1,
            Err(_) => return sent,
        };
        let unstored = |error| SinkError::retry(format!("the state is not stored: {error}"));
        self.state.add(batch, rejected).map_err(unstored)?;
        sent
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        self.inner.flush().await
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        self.inner.shutdown().await
    }
    fn limits(&self) -> SinkLimits {
        self.inner.limits()
    }
}
