//! What a file says of itself, in the key-value metadata of its footer.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use llm_audit_core::vfs::VfsFile;
use llm_audit_core::{Event, Timestamp, WriterId, schema};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

pub(super) const FIRST_SEQ: &str = "llm_audit.first_seq";
pub(super) const LAST_SEQ: &str = "llm_audit.last_seq";
/// Facets that are in none of the file's events any more.
pub(super) const EXPIRED: &str = "llm_audit.expired";
/// Hashes that stand in the footer; a file with more names the first of them.
const MAX_HASHES: usize = 64;

/// The numbers, times and policies of a file's events.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) writer_id: WriterId,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    events: u64,
    min: Timestamp,
    max: Timestamp,
    policy_hashes: BTreeSet<String>,
}

impl Summary {
    /// Returns the summary of a file whose first event is to be `event`, numbered `seq`.
    pub(super) const fn new(writer_id: WriterId, seq: u64, event: &Event) -> Self {
        Self {
            writer_id,
            first_seq: seq,
            last_seq: seq,
            events: 0,
            min: event.recorded_at(),
            max: event.recorded_at(),
            policy_hashes: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, seq: u64, event: &Event) {
        self.last_seq = seq;
        self.events += 1;
        self.min = self.min.min(event.recorded_at());
        self.max = self.max.max(event.recorded_at());
        if let Some(hash) = event.policy_hash()
            && self.policy_hashes.len() < MAX_HASHES
            && !self.policy_hashes.contains(hash)
        {
            self.policy_hashes.insert(hash.to_owned());
        }
    }

    pub(super) fn key_values(&self) -> Vec<KeyValue> {
        let hashes: Vec<_> = self.policy_hashes.iter().map(String::as_str).collect();
        let pairs = [
            ("llm_audit.schema_version", schema::VERSION.to_string()),
            (
                "llm_audit.writer_version",
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
            ("llm_audit.writer_id", self.writer_id.to_string()),
            (FIRST_SEQ, self.first_seq.to_string()),
            (LAST_SEQ, self.last_seq.to_string()),
            ("llm_audit.events", self.events.to_string()),
            ("llm_audit.min_recorded_at", self.min.to_string()),
            ("llm_audit.max_recorded_at", self.max.to_string()),
            ("llm_audit.policy_hash", hashes.join(",")),
        ];
        let pairs = pairs.into_iter();
        pairs
            .map(|(key, value)| KeyValue::new(key.to_owned(), value))
            .collect()
    }
}

/// Returns the first and the last number of the events in a final file.
pub(super) fn seqs_of(file: Arc<dyn VfsFile>) -> io::Result<(u64, u64)> {
    let chunks = Chunks::of(file)?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&chunks);
    let metadata = metadata.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    seqs_of_footer(&metadata)
}

/// Returns the same from the bytes of a footer's metadata.
#[cfg(feature = "store")]
pub(super) fn seqs_in(footer: &[u8]) -> io::Result<(u64, u64)> {
    let metadata = ParquetMetaDataReader::decode_metadata(footer);
    let metadata = metadata.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    seqs_of_footer(&metadata)
}

/// Returns the same of a footer that is read already.
pub(super) fn seqs_of_footer(metadata: &ParquetMetaData) -> io::Result<(u64, u64)> {
    let pairs = metadata.file_metadata().key_value_metadata();
    let number = |key: &str| {
        let pair = pairs.into_iter().flatten().find(|pair| pair.key == key);
        pair.and_then(|pair| pair.value.as_deref())?.parse().ok()
    };
    number(FIRST_SEQ)
        .zip(number(LAST_SEQ))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it has no range of numbers"))
}

/// A file as a reader of the format takes it.
pub(super) struct Chunks {
    file: Arc<dyn VfsFile>,
    size: u64,
}

impl Chunks {
    pub(super) fn of(file: Arc<dyn VfsFile>) -> io::Result<Self> {
        let size = file.size()?;
        Ok(Self { file, size })
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Chunks {
    type T = From;

    fn get_read(&self, start: u64) -> parquet::errors::Result<From> {
        Ok(From {
            file: Arc::clone(&self.file),
            at: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // What a damaged file says of itself must not cost memory.
        let end = start
            .checked_add(length as u64)
            .filter(|end| *end <= self.size);
        if end.is_none() {
            let message = format!("{length} bytes at {start} of a file of {}", self.size);
            return Err(ParquetError::EOF(message));
        }
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads a file from a place on.
pub(super) struct From {
    file: Arc<dyn VfsFile>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}
