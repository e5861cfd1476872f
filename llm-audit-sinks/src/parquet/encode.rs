//! From events to columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray, MapArray, RecordBatch, StructArray, new_null_array};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, SchemaRef};
use llm_audit_core::Event;
use llm_audit_core::schema::{CATALOG, Record, ValueRef};

use super::schema::{DERIVED, UTC};

/// Collects events as rows.
pub(super) struct Table {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    pub(super) fn new(schema: SchemaRef) -> Self {
        let columns = schema.fields().iter();
        Self {
            columns: columns
                .map(|field| Column::new(field.data_type()))
                .collect(),
            schema,
            rows: 0,
        }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns about how much memory the rows take.
    pub(super) fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }

    /// Adds an event as the next row.
    pub(super) fn push(&mut self, event: &Event) {
        let row = self.rows;
        self.rows += 1;
        // A field's number is its place in the catalogue, and so in the schema.
        event.visit(&mut |field, value| {
            if let Some(column) = self.columns.get_mut(field as usize) {
                column.pad_to(row);
                column.put(value);
            }
        });
        let others = self.columns.iter_mut().skip(CATALOG.len());
        let derived = DERIVED.iter().map(|column| (column.of)(event));
        let texts = derived.chain([unknown_text(event.unknown())]);
        for (column, text) in others.zip(texts) {
            if let Some(text) = text {
                column.pad_to(row);
                column.put(ValueRef::Text(&text));
            }
        }
    }

    /// Returns the rows, and begins anew.
    ///
    /// # Errors
    ///
    /// When a column is not as the schema says, which only a bug can cause.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let columns = self.columns.iter_mut().zip(self.schema.fields());
        let arrays = columns.map(|(column, field)| column.take(field.data_type(), rows));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect::<Result<_, _>>()?)
    }
}

/// Returns members that this version does not know as one JSON object, each as it stood.
fn unknown_text(members: &[(String, String)]) -> Option<String> {
    if members.is_empty() {
        return None;
    }
    let member = |(name, json): &(String, String)| {
        // A string can always be written as JSON.
        let name = serde_json::to_string(name).unwrap_or_default();
        format!("{name}:{json}")
    };
    let members: Vec<_> = members.iter().map(member).collect();
    Some(format!("{{{}}}", members.join(",")))
}

/// A column that is being filled; rows at its end that it was not given are null.
enum Column {
    Bool(BooleanBuilder),
    Float(Float64Builder),
    Int(Int64Builder),
    List(Box<List>),
    Map(Box<Map>),
    Struct(Struct),
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
}

/// Where the values of each row end, and which rows have any.
#[derive(Default)]
struct Ends {
    ends: Vec<i32>,
    valid: Option<NullBufferBuilder>,
}

struct List {
    element: FieldRef,
    ends: Ends,
    values: Column,
}

struct Map {
    entry: FieldRef,
    ends: Ends,
    keys: StringBuilder,
    values: Column,
}

/// A record; it is never null itself.
struct Struct {
    fields: Fields,
    columns: Vec<Column>,
    rows: usize,
}

macro_rules! for_builder {
    ($column:expr, $builder:ident => $then:expr, $ends:ident => $nested:expr, $record:ident => $struct:expr) => {
        match $column {
            Column::Bool($builder) => $then,
            Column::Float($builder) => $then,
            Column::Int($builder) => $then,
            Column::Text($builder) => $then,
            Column::Time($builder) => $then,
            Column::List(list) => {
                let $ends = &mut list.ends;
                $nested
            }
            Column::Map(map) => {
                let $ends = &mut map.ends;
                $nested
            }
            Column::Struct($record) => $struct,
        }
    };
}

impl Column {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::List(element) => Self::List(Box::new(List {
                element: Arc::clone(element),
                ends: Ends::default(),
                values: Self::new(element.data_type()),
            })),
            DataType::Map(entry, _) => Self::Map(Box::new(Map {
                entry: Arc::clone(entry),
                ends: Ends::default(),
                keys: StringBuilder::new(),
                values: Self::new(value_type(entry)),
            })),
            DataType::Struct(fields) => Self::Struct(Struct {
                fields: fields.clone(),
                columns: fields.iter().map(|f| Self::new(f.data_type())).collect(),
                rows: 0,
            }),
            DataType::Timestamp(..) => {
                Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC))
            }
            _ => Self::Text(StringBuilder::new()),
        }
    }

    fn bytes(&self) -> usize {
        use arrow_array::builder::ArrayBuilder;

        match self {
            Self::Bool(column) => column.len(),
            Self::Float(column) => column.len() * size_of::<f64>(),
            Self::Int(column) => column.len() * size_of::<i64>(),
            Self::Time(column) => column.len() * size_of::<i64>(),
            Self::Text(column) => bytes_of(column),
            Self::List(list) => list.ends.bytes() + list.values.bytes(),
            Self::Map(map) => map.ends.bytes() + bytes_of(&map.keys) + map.values.bytes(),
            Self::Struct(record) => record.columns.iter().map(Self::bytes).sum(),
        }
    }

    /// Makes the rows null that were left out before row number `rows`.
    fn pad_to(&mut self, rows: usize) {
        use arrow_array::builder::ArrayBuilder;

        for_builder!(
            self,
            builder => builder.append_nulls(rows.saturating_sub(builder.len())),
            ends => ends.pad_to(rows),
            record => record.rows = record.rows.max(rows)
        );
    }

    /// Adds a value as the next row.
    fn put(&mut self, value: ValueRef<'_>) {
        match (self, value) {
            (Self::Bool(column), ValueRef::Bool(value)) => column.append_value(value),
            (Self::Float(column), ValueRef::Float(value)) => column.append_value(value),
            (Self::Int(column), ValueRef::Int(value)) => column.append_value(signed(value)),
            (Self::Text(column), ValueRef::Text(text) | ValueRef::Json(text)) => {
                column.append_value(text);
            }
            (Self::Text(column), ValueRef::Id(id)) => column.append_value(id.to_string()),
            (Self::Time(column), ValueRef::Time(at)) => column.append_value(at.as_unix_micros()),
            (Self::List(list), ValueRef::Documents(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Evaluations(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Guardrails(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Links(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Media(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Messages(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Parts(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Redactions(records)) => list.put_records(records),
            (Self::List(list), ValueRef::ToolDefinitions(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Truncations(records)) => list.put_records(records),
            (Self::List(list), ValueRef::Texts(texts)) => list.put_texts(texts),
            (Self::Map(map), ValueRef::Counts(values)) => {
                map.put(values, |value| ValueRef::Int(*value));
            }
            (Self::Map(map), ValueRef::JsonMap(values) | ValueRef::TextMap(values)) => {
                map.put(values, |value| ValueRef::Text(value));
            }
            (Self::Map(map), ValueRef::Numbers(values)) => {
                map.put(values, |value| ValueRef::Float(*value));
            }
            (Self::Map(map), ValueRef::TextsMap(values)) => {
                map.put(values, |value| ValueRef::Texts(value));
            }
            (_, value) => debug_assert!(false, "{value:?} in a column of another type"),
        }
    }

    /// Returns the first `rows` rows, which are all, and empties the column.
    fn take(&mut self, data_type: &DataType, rows: usize) -> Result<ArrayRef, ArrowError> {
        if self.is_untouched() {
            return Ok(new_null_array(data_type, rows));
        }
        self.pad_to(rows);
        Ok(match self {
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()),
            Self::Time(column) => Arc::new(column.finish()),
            Self::List(list) => {
                let (offsets, nulls, values) = list.ends.take();
                let values = list.values.take(list.element.data_type(), values)?;
                let element = Arc::clone(&list.element);
                Arc::new(ListArray::try_new(element, offsets, values, nulls)?)
            }
            Self::Map(map) => {
                let (offsets, nulls, values) = map.ends.take();
                let DataType::Struct(fields) = map.entry.data_type() else {
                    return Err(ArrowError::SchemaError("a map without entries".to_owned()));
                };
                let keys: ArrayRef = Arc::new(map.keys.finish());
                let values = map.values.take(value_type(&map.entry), values)?;
                let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
                let entry = Arc::clone(&map.entry);
                Arc::new(MapArray::try_new(entry, offsets, entries, nulls, false)?)
            }
            Self::Struct(record) => {
                record.rows = 0;
                let columns = record.columns.iter_mut().zip(&record.fields);
                let arrays = columns.map(|(column, field)| column.take(field.data_type(), rows));
                let arrays = arrays.collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new_with_length(
                    record.fields.clone(),
                    arrays,
                    None,
                    rows,
                )?)
            }
        })
    }

    fn is_untouched(&mut self) -> bool {
        use arrow_array::builder::ArrayBuilder;

        for_builder!(
            self,
            builder => builder.is_empty(),
            ends => ends.ends.is_empty(),
            record => record.rows == 0
        )
    }
}

impl List {
    fn put_texts(&mut self, texts: &[String]) {
        for text in texts {
            self.values.put(ValueRef::Text(text));
        }
        self.ends.put(texts.len());
    }

    fn put_records<R: Record>(&mut self, records: &[R]) {
        if let Column::Struct(column) = &mut self.values {
            records.iter().for_each(|record| column.put(record));
        }
        self.ends.put(records.len());
    }
}

impl Map {
    fn put<'a, V>(
        &mut self,
        values: &'a BTreeMap<String, V>,
        value: impl Fn(&'a V) -> ValueRef<'a>,
    ) {
        for (key, entry) in values {
            self.keys.append_value(key);
            self.values.put(value(entry));
        }
        self.ends.put(values.len());
    }
}

impl Struct {
    fn put<R: Record>(&mut self, record: &R) {
        let row = self.rows;
        self.rows += 1;
        for (number, column) in self.columns.iter_mut().enumerate() {
            if let Some(value) = record.get(number) {
                column.pad_to(row);
                column.put(value);
            }
        }
        if let Some(text) = unknown_text(record.unknown())
            && let Some(column) = self.columns.last_mut()
        {
            column.pad_to(row);
            column.put(ValueRef::Text(&text));
        }
    }
}

impl Ends {
    const fn bytes(&self) -> usize {
        self.ends.len() * size_of::<i32>()
    }

    fn last(&self) -> i32 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Adds a row with so many values.
    fn put(&mut self, values: usize) {
        // A batch has a few MiB of text at most, so it never has 2^31 values.
        let values = i32::try_from(values).unwrap_or(i32::MAX);
        self.ends.push(self.last().saturating_add(values));
        self.valid
            .get_or_insert_with(|| NullBufferBuilder::new(0))
            .append_non_null();
    }

    fn pad_to(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.ends.len());
        if missing > 0 {
            let last = self.last();
            self.ends.resize(rows, last);
            self.valid
                .get_or_insert_with(|| NullBufferBuilder::new(0))
                .append_n_nulls(missing);
        }
    }

    /// Returns where the rows begin and end, which are null, and how many values there are.
    fn take(&mut self) -> (OffsetBuffer<i32>, Option<arrow_buffer::NullBuffer>, usize) {
        let last = self.last();
        let ends = std::mem::take(&mut self.ends);
        let offsets: ScalarBuffer<i32> = std::iter::once(0).chain(ends).collect();
        let nulls = self.valid.take().and_then(|mut valid| valid.finish());
        let values = usize::try_from(last).unwrap_or(0);
        (OffsetBuffer::new(offsets), nulls, values)
    }
}

fn bytes_of(texts: &StringBuilder) -> usize {
    texts.values_slice().len() + size_of_val(texts.offsets_slice())
}

fn value_type(entry: &FieldRef) -> &DataType {
    match entry.data_type() {
        DataType::Struct(fields) => fields.last().map_or(&DataType::Null, |f| f.data_type()),
        _ => &DataType::Null,
    }
}

/// The log keeps no integer that is too large for a signed one.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
