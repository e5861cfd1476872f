//! Which row groups of a file can hold an event that a filter lets pass.

use llm_audit_core::schema::ValueRef;
use llm_audit_core::{Field, Filter, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{LogicalType, TimeUnit};
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::summary::Chunks;

type File = ParquetRecordBatchReaderBuilder<Chunks>;

/// Returns the numbers of the row groups that can hold such an event, by their statistics and their
/// bloom filters.
pub(super) fn row_groups(file: &File, filter: &Filter) -> Result<Vec<usize>> {
    let groups = file.metadata().row_groups().iter().enumerate();
    let mut kept = Vec::new();
    for (number, group) in groups {
        if may_hold(group, filter) && !is_ruled_out(file, number, filter)? {
            kept.push(number);
        }
    }
    Ok(kept)
}

fn may_hold(group: &RowGroupMetaData, filter: &Filter) -> bool {
    let times = statistics(group, Field::RecordedAt);
    let times = times
        .filter(|_| is_micros(group, Field::RecordedAt))
        .and_then(int_bounds);
    let at = Timestamp::from_unix_micros;
    let kinds = statistics(group, Field::Kind);
    times.is_none_or(|(first, last)| filter.may_hold(at(first), at(last)))
        && kinds.is_none_or(|kinds| {
            let mut wanted = filter.kinds().iter();
            filter.kinds().is_empty() || wanted.any(|kind| may_be_text(kinds, kind.as_str()))
        })
        && filter.fields().all(|(field, value)| {
            let is_time = matches!(value, ValueRef::Time(_));
            let of = statistics(group, field);
            let of = of.filter(|_| !is_time || is_micros(group, field));
            of.is_none_or(|of| may_be(of, value))
        })
}

/// Whether times are in our unit; in a file that another program wrote, they need not be.
fn is_micros(group: &RowGroupMetaData, field: Field) -> bool {
    let column = column(group, field).and_then(|column| group.columns().get(column));
    let logical = column.and_then(|column| column.column_descr().logical_type_ref());
    matches!(logical, Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::MICROS)
}

fn may_be(statistics: &Statistics, value: ValueRef<'_>) -> bool {
    let int = match value {
        ValueRef::Text(text) => return may_be_text(statistics, text),
        ValueRef::Id(id) => return may_be_text(statistics, &id.to_string()),
        ValueRef::Int(value) => i64::try_from(value).ok(),
        ValueRef::Time(at) => Some(at.as_unix_micros()),
        _ => None,
    };
    int.zip(int_bounds(statistics))
        .is_none_or(|(value, (min, max))| (min..=max).contains(&value))
}

/// Text is compared by bytes; bounds that were cut stay bounds.
fn may_be_text(statistics: &Statistics, text: &str) -> bool {
    let bounds = statistics
        .min_bytes_opt()
        .zip(statistics.max_bytes_opt())
        .filter(|_| matches!(statistics, Statistics::ByteArray(_)))
        // Old writers compared signed bytes.
        .filter(|_| !statistics.is_min_max_deprecated());
    bounds.is_none_or(|(min, max)| min <= text.as_bytes() && text.as_bytes() <= max)
}

fn int_bounds(statistics: &Statistics) -> Option<(i64, i64)> {
    match statistics {
        Statistics::Int64(bounds) => bounds.min_opt().copied().zip(bounds.max_opt().copied()),
        _ => None,
    }
}

fn statistics(group: &RowGroupMetaData, field: Field) -> Option<&Statistics> {
    let column = column(group, field)?;
    group.columns().get(column)?.statistics()
}

/// Returns the position of a field that is one leaf.
fn column(group: &RowGroupMetaData, field: Field) -> Option<usize> {
    let mut columns = group.columns().iter();
    columns.position(|column| column.column_path().parts() == [field.name()])
}

fn is_ruled_out(file: &File, number: usize, filter: &Filter) -> Result<bool> {
    let group = file.metadata().row_group(number);
    for (field, value) in filter.fields() {
        let (ValueRef::Text(text), Some(column)) = (value, column(group, field)) else {
            continue;
        };
        // A filter without a block would rule out everything, and its reader would break.
        let is_filter = |length: i32| length > 0;
        let chunk = group.column(column);
        if !chunk.bloom_filter_length().is_none_or(is_filter) {
            continue;
        }
        let bloom = file.get_row_group_column_bloom_filter(number, column)?;
        if bloom.is_some_and(|bloom| !bloom.check(&ByteArray::from(text))) {
            return Ok(true);
        }
    }
    Ok(false)
}
