//! A destination that turns one event away, so that a `loss` is in the data.

use llm_audit::{Batch, Durable, Sink, SinkError};

#[derive(Debug, Default)]
pub(crate) struct Picky {
    has_refused: bool,
}

#[async_trait::async_trait]
impl Sink for Picky {
    fn name(&self) -> &str {
        "picky"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        if self.has_refused {
            return Ok(Durable::up_to(batch.last_seq()));
        }
        self.has_refused = true;
        Err(SinkError::reject(
            [batch.first_seq()],
            "this one is refused",
        ))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}
