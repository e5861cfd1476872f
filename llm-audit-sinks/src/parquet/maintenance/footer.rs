//! What a final file says of itself to whoever writes it anew.

use std::collections::BTreeSet;
use std::io;

use llm_audit_core::{Facet, FacetSet, contained};
use parquet::arrow::ArrowSchemaConverter;
use parquet::file::metadata::ParquetMetaDataReader;

use super::super::schema::schema;
use super::super::summary::{Chunks, EXPIRED, FIRST_SEQ, LAST_SEQ};

/// What stands in the footer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footer {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) events: u64,
    /// Facets that are in none of the events any more.
    pub(super) gone: FacetSet,
}

/// The columns of this version's files.
#[derive(Debug)]
pub(super) struct Columns(BTreeSet<String>);

impl Columns {
    /// # Errors
    ///
    /// When the schema cannot be written as Parquet, which only a bug can cause.
    pub(super) fn of_this_version() -> io::Result<Self> {
        let schema = ArrowSchemaConverter::new().convert(&schema());
        let schema = schema.map_err(io::Error::other)?;
        let paths = schema.columns().iter().map(|leaf| leaf.path().string());
        Ok(Self(paths.collect()))
    }

    /// Returns what a file says of itself.
    ///
    /// # Errors
    ///
    /// `InvalidData` when it is no file of ours, `Unsupported` when it has columns that would be lost
    /// if this version wrote it anew.
    pub(super) fn footer(&self, chunks: &Chunks) -> io::Result<Footer> {
        let read = || ParquetMetaDataReader::new().parse_and_finish(chunks);
        let metadata = contained(read).and_then(Result::ok);
        // What the library says can hold bytes of the file.
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it cannot be read as Parquet");
        let metadata = metadata.ok_or_else(damaged)?;
        let file = metadata.file_metadata();
        let mut columns = file.schema_descr().columns().iter();
        if !columns.all(|leaf| self.0.contains(&leaf.path().string())) {
            let message = "it has columns that this version does not know, and would lose";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let pairs = file.key_value_metadata();
        let value = |key: &str| {
            let pair = pairs.into_iter().flatten().find(|pair| pair.key == key);
            pair.and_then(|pair| pair.value.as_deref())
        };
        let number = |key: &str| value(key)?.parse().ok();
        let (first_seq, last_seq) = number(FIRST_SEQ)
            .zip(number(LAST_SEQ))
            .ok_or_else(damaged)?;
        let gone = value(EXPIRED).unwrap_or_default().split(',');
        Ok(Footer {
            first_seq,
            last_seq,
            events: u64::try_from(file.num_rows()).map_err(|_| damaged())?,
            gone: gone.filter_map(|name| name.parse::<Facet>().ok()).collect(),
        })
    }
}
