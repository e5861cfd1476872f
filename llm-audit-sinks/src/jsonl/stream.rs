//! Standard output, and any other stream of bytes.

use std::fmt;
use std::io::{self, Write};

use llm_audit_core::{Batch, Durable, SinkError, WriterId};

/// Writes batches to a stream, which cannot be cut back after a failure.
pub(super) struct StreamWriter {
    out: Box<dyn Write + Send>,
    /// The line that a failure left unfinished.
    cut: Option<Cut>,
    taken: Durable,
}

#[derive(Clone, Copy)]
struct Cut {
    writer_id: WriterId,
    seq: u64,
    /// Bytes of the line that are out.
    bytes: usize,
}

impl StreamWriter {
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Box::new(out),
            cut: None,
            taken: Durable::UNCHANGED,
        }
    }

    /// Takes a batch; after a failure the error says from which event on it is to come again.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let out_before = match self.cut.take() {
            // An event that comes again is the same bytes, so its line goes on where it ended.
            Some(cut) if cut.is_start_of(batch) => cut.bytes,
            Some(cut) => {
                if let (_, Err(error)) = self.put(b"\n") {
                    self.cut = Some(cut);
                    return Err(refused(&error));
                }
                0
            }
            None => 0,
        };
        let rest = batch.json_lines().get(out_before..).unwrap_or_default();
        if let (out, Err(error)) = self.put(rest) {
            return Err(self.interrupted(batch, out_before + out, &error));
        }
        self.taken = Durable::up_to(batch.last_seq()).of(batch.writer_id());
        let next = batch.last_seq().saturating_add(1);
        self.confirm().map_err(|error| error.from_seq(next))
    }

    /// Flushes the stream, and returns what it has taken.
    pub(super) fn confirm(&mut self) -> Result<Durable, SinkError> {
        self.out.flush().map_err(|error| refused(&error))?;
        Ok(self.taken)
    }

    /// Returns how many bytes were written, and why not all.
    fn put(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut out = 0;
        while let Some(rest) = bytes.get(out..).filter(|rest| !rest.is_empty()) {
            match self.out.write(rest) {
                Ok(0) => return (out, Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => out += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (out, Err(error)),
            }
        }
        (out, Ok(()))
    }

    fn interrupted(&mut self, batch: &Batch, out: usize, error: &io::Error) -> SinkError {
        let out = batch.json_lines().get(..out).unwrap_or_default();
        let (mut whole, mut bytes) = (0, 0);
        for line in out.split_inclusive(|byte| *byte == b'\n') {
            match line.last() {
                Some(b'\n') => whole += 1,
                _ => bytes = line.len(),
            }
        }
        let seq = batch
            .seqs()
            .get(whole)
            .copied()
            .unwrap_or_else(|| batch.first_seq());
        self.cut = (bytes > 0).then(|| Cut {
            writer_id: batch.writer_id(),
            seq,
            bytes,
        });
        refused(error).from_seq(seq)
    }
}

impl Cut {
    fn is_start_of(self, batch: &Batch) -> bool {
        (self.writer_id, self.seq) == (batch.writer_id(), batch.first_seq())
    }
}

/// A pipe without a reader gets none any more, so somebody has to see to it; anything else may pass.
fn refused(error: &io::Error) -> SinkError {
    let message = format!("the stream does not take events: {error}");
    if error.kind() == io::ErrorKind::BrokenPipe {
        SinkError::misconfigured(message)
    } else {
        SinkError::retry(message)
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").finish_non_exhaustive()
    }
}
