//! From columns to the bytes of a file, one column after the other.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{FieldRef, Schema, SchemaRef};
use llm_audit_core::Event;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::TypePtr;

use super::encode::Table;
use super::properties::{ROW_GROUP_ROWS, compression, properties};
use super::schema::schema;

/// What columns take in memory before they are encoded.
const ROW_GROUP_BYTES: usize = 24 << 20;
/// Events become columns so many at a time, or so many bytes: of a few, the columns' own memory is most.
const COLUMNS_ROWS: usize = 2_048;
const COLUMNS_BYTES: usize = 4 << 20;
/// What columns become in a file is a fraction of what they take in memory, about this one.
const ENCODED: usize = 4;

/// How the columns of every file are encoded.
struct Format {
    rows: SchemaRef,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
    columns: Vec<Column>,
}

/// A column of the table, which is several of Parquet's where it is nested.
struct Column {
    field: FieldRef,
    encoders: ArrowRowGroupWriterFactory,
    /// Of a row group with no value of the column, as it has of most: pages of some bytes gain nothing by
    /// compression, and what compresses is not made.
    encoders_of_nulls: ArrowRowGroupWriterFactory,
}

impl Format {
    /// Returns the format, which is made once.
    ///
    /// # Errors
    ///
    /// When the schema cannot be written as Parquet, which only a bug can cause.
    fn get() -> Result<&'static Self, ParquetError> {
        static FORMAT: OnceLock<Format> = OnceLock::new();

        if let Some(format) = FORMAT.get() {
            return Ok(format);
        }
        let format = Self::new(schema())?;
        Ok(FORMAT.get_or_init(|| format))
    }

    fn new(rows: SchemaRef) -> Result<Self, ParquetError> {
        let properties_of_nulls = properties(&rows, Compression::UNCOMPRESSED)?;
        let properties = properties(&rows, compression()?)?;
        let columns = rows.fields().iter().map(|field| {
            Ok(Column {
                field: Arc::clone(field),
                encoders: encoders(field, &properties)?,
                encoders_of_nulls: encoders(field, &properties_of_nulls)?,
            })
        });
        let columns = columns.collect::<Result<_, ParquetError>>()?;
        let descriptor = ArrowSchemaConverter::new().convert(&rows)?;
        Ok(Self {
            rows,
            schema: descriptor.root_schema_ptr(),
            properties,
            columns,
        })
    }
}

/// Returns what makes the encoders of a file of one column.
fn encoders(
    field: &FieldRef,
    properties: &WriterPropertiesPtr,
) -> Result<ArrowRowGroupWriterFactory, ParquetError> {
    let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
    let descriptor = ArrowSchemaConverter::new().convert(&schema)?;
    // Nothing is written to it; encoders are made for a writer's schema only.
    let root = descriptor.root_schema_ptr();
    let writer = SerializedFileWriter::new(Vec::new(), root, Arc::clone(properties))?;
    Ok(ArrowRowGroupWriterFactory::new(&writer, schema))
}

/// Writes events as row groups.
///
/// Rows wait as columns until a row group is full, and then one column after the other is encoded: the library's
/// own writer keeps the encoders of all columns, of which there are hundreds, and each has two contexts of zstd.
pub(super) struct RowGroups<W: Write> {
    writer: SerializedFileWriter<W>,
    columns: &'static [Column],
    table: Table,
    waiting: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> RowGroups<W> {
    /// Begins a file in `out`.
    ///
    /// # Errors
    ///
    /// When the schema cannot be written as Parquet, which only a bug can cause, or of `out`.
    pub(super) fn new(out: W) -> Result<Self, ParquetError> {
        let format = Format::get()?;
        let schema = Arc::clone(&format.schema);
        Ok(Self {
            writer: SerializedFileWriter::new(out, schema, Arc::clone(&format.properties))?,
            columns: &format.columns,
            table: Table::new(Arc::clone(&format.rows)),
            waiting: Vec::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Takes an event.
    pub(super) fn push(&mut self, event: &Event) {
        self.table.push(event);
    }

    /// Writes a row group, if one is full; to be called between events of some MiB at most. After an error
    /// the file is of no use any more.
    pub(super) fn settle(&mut self) -> Result<(), ParquetError> {
        match self.table.rows() >= COLUMNS_ROWS || self.table.bytes() >= COLUMNS_BYTES {
            true => self.take_columns(),
            false => Ok(()),
        }
    }

    /// Returns about how large what waits will be in the file.
    pub(super) fn waiting_bytes(&self) -> usize {
        (self.bytes + self.table.bytes()) / ENCODED
    }

    /// Makes columns of the events that were taken since the last time.
    pub(super) fn take_columns(&mut self) -> Result<(), ParquetError> {
        if self.rows + self.table.rows() > ROW_GROUP_ROWS {
            self.flush()?;
        }
        let rows = self.table.take()?;
        self.rows += rows.num_rows();
        self.bytes += rows.get_array_memory_size();
        self.waiting.push(rows);
        if self.bytes >= ROW_GROUP_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the columns that wait as a row group.
    fn flush(&mut self) -> Result<(), ParquetError> {
        let waiting = std::mem::take(&mut self.waiting);
        (self.rows, self.bytes) = (0, 0);
        if waiting.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<_> = waiting
            .into_iter()
            .map(|batch| batch.into_parts().1.into_iter())
            .collect();
        let mut group = self.writer.next_row_group()?;
        for column in self.columns {
            // What is encoded is freed before the next column.
            let arrays = rows.iter_mut().filter_map(Iterator::next).collect();
            column.write(arrays, &mut group)?;
        }
        group.close()?;
        Ok(())
    }

    pub(super) fn append_key_value(&mut self, pair: KeyValue) {
        self.writer.append_key_value_metadata(pair);
    }

    /// Writes what waits, and the footer.
    pub(super) fn finish(&mut self) -> Result<(), ParquetError> {
        if self.table.rows() > 0 {
            self.take_columns()?;
        }
        self.flush()?;
        self.writer.finish()?;
        Ok(())
    }

    /// Returns what is written to, which has all bytes of the row groups that are full.
    pub(super) fn out(&mut self) -> std::io::Result<&mut W> {
        self.writer.flush()?;
        Ok(self.writer.inner_mut())
    }
}

impl Column {
    fn write<W: Write + Send>(
        &self,
        arrays: Vec<ArrayRef>,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let is_null = arrays.iter().all(|array| array.null_count() == array.len());
        let encoders = match is_null {
            true => &self.encoders_of_nulls,
            false => &self.encoders,
        };
        // Each row group is the first of a file of one column.
        let mut encoders = encoders.create_column_writers(0)?;
        for array in arrays {
            let leaves = compute_leaves(&self.field, &array)?;
            for (encoder, leaf) in encoders.iter_mut().zip(&leaves) {
                encoder.write(leaf)?;
            }
        }
        for encoder in encoders {
            encoder.close()?.append_to_row_group(group)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::file::metadata::RowGroupMetaData;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    const LINE: &[u8] = br#"{"schema_version":1,"event_id":"019b76da-a800-7000-8000-000000000001","kind":"interaction","writer_id":"019b76da-a800-7000-8000-000000000002","recorded_at":"2026-01-01T00:00:00.000000Z"}"#;

    /// Returns the row groups of a file of so many events with a text of so many bytes, which come one by
    /// one, and the most that waited.
    fn groups(events: usize, bytes: usize) -> (Vec<RowGroupMetaData>, usize) {
        let mut event = Event::from_json(LINE).unwrap();
        if bytes > 0 {
            event = event_with(&"x".repeat(bytes));
        }
        let mut groups = RowGroups::new(Vec::new()).unwrap();
        let mut most = 0;
        for _ in 0..events {
            groups.push(&event);
            groups.settle().unwrap();
            most = most.max(groups.waiting_bytes());
        }
        groups.finish().unwrap();
        let file = Bytes::from(std::mem::take(groups.out().unwrap()));
        let file = SerializedFileReader::new(file).unwrap();
        (file.metadata().row_groups().to_vec(), most)
    }

    fn event_with(text: &str) -> Event {
        let line = String::from_utf8(LINE.to_vec()).unwrap();
        let line = line.replace('}', &format!(r#","error_message":"{text}"}}"#));
        Event::from_json(line.as_bytes()).unwrap()
    }

    fn rows(groups: &[RowGroupMetaData]) -> Vec<i64> {
        groups.iter().map(RowGroupMetaData::num_rows).collect()
    }

    #[test]
    fn a_row_group_has_so_many_events_or_bytes_at_most() {
        assert_eq!(rows(&groups(20_000, 0).0), [16_384, 3_616]);
        let (large, most) = groups(48, 1 << 20);
        assert!(large.len() > 1 && large.len() <= 3, "{:?}", rows(&large));
        assert!(
            most * ENCODED >= 20 << 20 && most * ENCODED < 34 << 20,
            "{most}"
        );
        assert_eq!(rows(&groups(0, 0).0), [] as [i64; 0]);
    }

    #[test]
    fn columns_without_a_value_are_not_compressed_and_the_others_are() {
        for column in groups(10, 0).0.remove(0).columns() {
            let name = column.column_path().string();
            let has_values = Event::from_json(LINE).unwrap().to_json().contains(&name);
            let is_compressed = column.compression() != Compression::UNCOMPRESSED;
            assert_eq!(is_compressed, has_values, "{name}");
        }
    }
}
