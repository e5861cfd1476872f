//! The chunks of a streamed answer (server-sent events).

use std::error::Error;

use reqwest::Response;

use super::endpoint::Endpoint;
use super::reply::Chunk;

/// Reads one chunk after the other.
pub(crate) struct Chunks {
    response: Response,
    bytes: Vec<u8>,
}

impl Chunks {
    /// Asks `question` and returns the answer, of which no chunk is read yet.
    pub(crate) async fn ask(endpoint: &Endpoint, question: &str) -> reqwest::Result<Self> {
        Ok(Self {
            response: endpoint.post(question, true).await?,
            bytes: Vec::new(),
        })
    }

    /// Returns the next chunk, or `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Chunk>, Box<dyn Error>> {
        loop {
            while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                match line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) {
                    Some(b"[DONE]") => return Ok(None),
                    Some(data) => return Ok(Some(Chunk::new(&serde_json::from_slice(data)?))),
                    None => {}
                }
            }
            match self.response.chunk().await? {
                Some(bytes) => self.bytes.extend_from_slice(&bytes),
                None => return Err("the stream ended before its last chunk".into()),
            }
        }
    }
}
