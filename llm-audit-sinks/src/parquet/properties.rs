//! How the columns are encoded, and what the files say of them outside their pages.

use std::sync::Arc;

use arrow_schema::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{
    BloomFilterPosition, EnabledStatistics, WriterProperties, WriterPropertiesPtr,
};

use super::schema::Exposure;

/// At level 6 files are 1 % smaller and writing takes twice as long.
const ZSTD_LEVEL: i32 = 3;
/// The most events of a row group; sizes hardly change with it, and memory does.
pub(super) const ROW_GROUP_ROWS: usize = 16_384;
const BLOOM_FPP: f64 = 0.01;
/// Enough for the words that come in messages, such as roles; what is longer gets no dictionary.
const CONTENT_DICTIONARY_BYTES: usize = 64 << 10;

/// Columns that people look one value up in and that have no order to prune by.
const BLOOM: &[&str] = &["user_id", "session_id", "trace_id"];

/// Who wrote the file, in the form that readers of the format parse.
pub(super) const CREATED_BY: &str = concat!("llm-audit version ", env!("CARGO_PKG_VERSION"));

/// Returns how pages are compressed.
pub(super) fn compression() -> Result<Compression, ParquetError> {
    Ok(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
}

/// Returns the properties of every file with `schema`.
///
/// # Errors
///
/// When the schema cannot be written as Parquet, which only a bug can cause.
pub(super) fn properties(
    schema: &Schema,
    compression: Compression,
) -> Result<WriterPropertiesPtr, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_compression(compression)
        // Bloom filters take memory for so many values.
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(CREATED_BY.to_owned())
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_statistics_enabled(EnabledStatistics::None);
    for leaf in ArrowSchemaConverter::new().convert(schema)?.columns() {
        let path = leaf.path().clone();
        let name = path.parts().first().map_or("", String::as_str);
        let nested = path.parts().len() > 1;
        let exposure = Exposure::of(name);
        if exposure.statistics {
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::Page);
        }
        if exposure.long && nested {
            builder = builder
                .set_column_dictionary_page_size_limit(path.clone(), CONTENT_DICTIONARY_BYTES);
        } else if exposure.long {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
        }
        if BLOOM.contains(&name) {
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path, BLOOM_FPP);
        }
    }
    Ok(Arc::new(builder.build()))
}

#[cfg(test)]
mod tests {
    use parquet::schema::types::ColumnPath;

    use super::super::schema::schema;
    use super::*;

    #[test]
    fn columns_that_are_looked_up_have_a_bloom_filter_and_the_others_none() {
        let schema = schema();
        let properties = properties(&schema, compression().unwrap()).unwrap();
        let filtered = schema.fields().iter().map(|field| field.name().as_str());
        let filtered = filtered.filter(|name| {
            let path = ColumnPath::from(*name);
            properties.bloom_filter_properties(&path).is_some()
        });
        let mut filtered: Vec<_> = filtered.collect();
        filtered.sort_unstable();
        assert_eq!(filtered, ["session_id", "trace_id", "user_id"]);
    }
}
