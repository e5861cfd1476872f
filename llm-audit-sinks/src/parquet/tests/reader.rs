//! What the files hold comes back, whole or filtered, and damage is told and survived.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field as ArrowField, Schema};
use llm_audit_core::schema::{Value, ValueRef};
use llm_audit_core::vfs::MemVfs;
use llm_audit_core::{Error, Event, Field, Filter, Kind, Timestamp};
use parquet::arrow::ArrowWriter;

use super::super::encode::Table;
use super::super::reader::ParquetReader;
use super::super::schema::schema;
use super::arbitrary::Arbitrary;
use super::{ROOT, encoded};

const DAY: i64 = 86_400_000_000;
const NOON: i64 = 1_795_262_400_000_000;

fn open(vfs: &MemVfs, path: &str) -> ParquetReader {
    ParquetReader::open_in(Arc::new(vfs.clone()), Path::new(path)).unwrap()
}

fn put(vfs: &MemVfs, path: &str, content: Vec<u8>) {
    let path = Path::new(ROOT).join(path);
    let mut dirs: Vec<_> = path.ancestors().skip(1).map(Path::to_owned).collect();
    dirs.reverse();
    for dir in dirs {
        drop(llm_audit_core::vfs::Vfs::create_dir(vfs, &dir));
    }
    vfs.put(&path, content);
}

/// Events of a session a minute, from noon of a day on.
fn events(day: i64, count: i64) -> Vec<Event> {
    let mut arbitrary = Arbitrary::new(7 + day.unsigned_abs());
    let event = |number: i64| {
        let full = arbitrary.full_event();
        let at = Timestamp::from_unix_micros(NOON + day * DAY + number * 60_000_000);
        let kind = if number % 5 == 0 {
            Kind::Feedback
        } else {
            Kind::Interaction
        };
        let mut event = Event::new(kind, full.event_id(), full.writer_id(), at);
        let session = Value::Text(format!("session {day} {}", number / 10));
        event.try_set(Field::SessionId, session).unwrap();
        event
            .try_set(
                Field::RequestModel,
                Value::Text(format!("model-{}", number / 40)),
            )
            .unwrap();
        event
            .try_set(Field::InputTokens, Value::Int(number.unsigned_abs()))
            .unwrap();
        event
    };
    (0..count).map(event).collect()
}

/// Three days, each in two files of one row group.
fn lake() -> (MemVfs, Vec<Event>) {
    let vfs = MemVfs::new();
    let mut all = Vec::new();
    for day in 0..3 {
        let events = events(day, 80);
        for (number, events) in events.chunks(40).enumerate() {
            let writer = "019b76da-a800-7000-8000-000000000002";
            let date = events[0].recorded_at().date();
            let name = format!("v1/date={date}/{writer}-{:020}.parquet", number * 40 + 1);
            put(&vfs, &name, encoded(events));
        }
        all.extend(events);
    }
    (vfs, all)
}

fn read(reader: ParquetReader) -> Vec<Event> {
    reader.map(Result::unwrap).collect()
}

#[test]
fn a_root_a_directory_and_a_file_are_read_in_order() {
    let (vfs, all) = lake();
    put(&vfs, "_inprogress/x.parquet", b"unfinished".to_vec());
    put(&vfs, "v1/notes.txt", b"somebody else's".to_vec());
    put(&vfs, "lost+found/x.parquet", b"somebody else's".to_vec());
    assert!(read(open(&vfs, ROOT)) == all);
    assert!(read(open(&vfs, &format!("{ROOT}/v1"))) == all);
    let day = format!("{ROOT}/v1/date={}", all[0].recorded_at().date());
    assert!(read(open(&vfs, &day)) == all[..80]);
    let file = format!(
        "{day}/019b76da-a800-7000-8000-000000000002-{:020}.parquet",
        41
    );
    assert!(read(open(&vfs, &file)) == all[40..80]);
    assert!(ParquetReader::open_in(Arc::new(vfs), Path::new("/nowhere")).is_err());
}

#[test]
fn a_filter_gives_what_reading_everything_gives_and_passes_over_the_rest() {
    let (vfs, all) = lake();
    let at =
        |day: i64, minute: i64| Timestamp::from_unix_micros(NOON + day * DAY + minute * 60_000_000);
    let text = |text: &str| Value::Text(text.to_owned());
    // The filter, and how many of the six row groups it may read at most.
    let filters = [
        (Filter::new(), 6),
        (Filter::new().since(at(1, 0)).before(at(2, 0)), 2),
        (Filter::new().since(at(1, 60)).before(at(1, 61)), 1),
        (Filter::new().since(at(5, 0)), 0),
        (Filter::new().kind(Kind::Feedback), 6),
        (Filter::new().kind(Kind::Loss), 0),
        (Filter::new().field(Field::RequestModel, text("model-1")), 3),
        (Filter::new().field(Field::InputTokens, Value::Int(55)), 3),
        (
            Filter::new().field(Field::SessionId, text("session 2 7")),
            1,
        ),
        (
            Filter::new().field(Field::SessionId, text("session 9 9")),
            0,
        ),
        (
            Filter::new().field(Field::EventId, Value::Id(all[100].event_id())),
            6,
        ),
        (
            Filter::new()
                .kind(Kind::Feedback)
                .field(Field::SessionId, text("session 0 0"))
                .before(at(0, 3)),
            1,
        ),
    ];
    for (filter, most) in filters {
        let expected: Vec<_> = all
            .iter()
            .filter(|event| filter.matches(event))
            .cloned()
            .collect();
        let mut reader = open(&vfs, ROOT).filter_by(filter.clone());
        let found: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        assert!(found == expected, "{filter:?}");
        assert!(
            reader.row_groups <= most,
            "{filter:?}: {}",
            reader.row_groups
        );
    }
}

#[test]
fn every_event_is_found_by_each_of_its_plain_fields() {
    let mut arbitrary = Arbitrary::new(4);
    let events: Vec<_> = (0..12).map(|_| arbitrary.full_event()).collect();
    let vfs = MemVfs::new();
    put(&vfs, "a.parquet", encoded(&events));
    let mut filters = Vec::new();
    let mut number = 0;
    for event in &events {
        event.visit(&mut |field, value| {
            let value = match value {
                ValueRef::Bool(value) => Value::Bool(value),
                ValueRef::Float(value) => Value::Float(value),
                ValueRef::Id(value) => Value::Id(value),
                ValueRef::Int(value) => Value::Int(value),
                ValueRef::Text(value) => Value::Text(value.to_owned()),
                ValueRef::Time(value) => Value::Time(value),
                _ => return,
            };
            // To read takes long enough: one in a hundred, so that each event has some.
            number += 1;
            if number % 101 == 0 {
                filters.push((Filter::new().field(field, value), event.clone()));
            }
        });
    }
    assert!(filters.len() > 8, "{}", filters.len());
    for (filter, event) in filters {
        let found = read(open(&vfs, ROOT).filter_by(filter.clone()));
        assert!(found.contains(&event), "{filter:?}");
    }
}

/// Returns what reading the file gives: events, and errors as text.
fn outcome(content: Vec<u8>) -> (Vec<Event>, Vec<Error>) {
    let vfs = MemVfs::new();
    put(&vfs, "a.parquet", content);
    put(&vfs, "b.parquet", encoded(&events(0, 1)));
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for event in open(&vfs, ROOT) {
        match event {
            Ok(event) => good.push(event),
            Err(error) => bad.push(error),
        }
    }
    // What is wrong with one file costs no other.
    assert_eq!(good.pop().unwrap().input_tokens(), Some(0));
    (good, bad)
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_names_it() {
    let content = encoded(&events(0, 3));
    for end in (0..content.len()).step_by(content.len() / 12) {
        let (good, bad) = outcome(content[..end].to_vec());
        assert!(good.is_empty() && bad.len() == 1, "{end}");
        assert!(bad[0].is_damaged(), "{end}: {}", bad[0]);
        assert!(bad[0].to_string().contains("a.parquet"), "{}", bad[0]);
    }
}

#[test]
fn changed_bytes_neither_break_the_reader_nor_show_in_its_errors() {
    let mut event = events(0, 1).remove(0);
    let secret = "the secret words";
    event
        .try_set(Field::Environment, Value::Text(secret.to_owned()))
        .unwrap();
    let content = encoded(&[event]);
    let vfs = MemVfs::new();
    for (number, at) in (0..content.len()).step_by(content.len() / 60).enumerate() {
        let mut content = content.clone();
        content[at] ^= [0x01, 0x80, 0xff][number % 3];
        put(&vfs, "a.parquet", content);
        for error in open(&vfs, ROOT).filter_map(Result::err) {
            assert!(!error.to_string().contains(secret), "{at}: {error}");
        }
    }
}

#[test]
fn a_file_of_something_else_says_what_is_missing() {
    let schema = Arc::new(Schema::new(vec![ArrowField::new(
        "name",
        DataType::Utf8,
        true,
    )]));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["ada"]));
    let rows = RecordBatch::try_new(Arc::clone(&schema), vec![names]).unwrap();
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut content, schema, None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let (good, bad) = outcome(content);
    assert!(good.is_empty());
    let said = bad[0].to_string();
    assert!(
        said.contains("a.parquet") && said.contains("these are not events"),
        "{said}"
    );
}

#[test]
fn columns_that_are_missing_or_unknown_cost_no_event() {
    let all = events(0, 5);
    let rows = {
        let mut table = Table::new(schema());
        all.iter().for_each(|event| table.push(event));
        table.take().unwrap()
    };
    // As an older version, without a field, and a newer one, with one more, would write.
    let kept: Vec<_> = (0..rows.num_columns())
        .filter(|number| rows.schema().field(*number).name() != "request_model")
        .collect();
    let fewer = rows.project(&kept).unwrap();
    let mut fields = fewer.schema().fields().to_vec();
    fields.push(Arc::new(ArrowField::new("of_2030", DataType::Utf8, true)));
    let mut columns = fewer.columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec!["x"; 5])));
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut content, schema, None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let (good, bad) = outcome(content);
    assert!(bad.is_empty(), "{}", bad[0]);
    assert_eq!(good.len(), 5);
    for (event, back) in all.iter().zip(good) {
        assert_eq!(back.event_id(), event.event_id());
        assert_eq!(back.session_id(), event.session_id());
        assert_eq!(back.request_model(), None);
    }
}

#[test]
fn a_page_that_would_take_too_much_memory_is_not_decompressed() {
    let mut event = events(0, 1).remove(0);
    let long = Value::Text("a".repeat(8 << 20));
    event.try_set(Field::ErrorMessage, long).unwrap();
    let content = encoded(&[event.clone()]);
    assert!(content.len() < 1 << 20, "a bomb is small");
    let vfs = MemVfs::new();
    put(&vfs, "a.parquet", content);
    let error = open(&vfs, ROOT)
        .max_page(4 << 20)
        .next()
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("would take 8388"), "{error}");
    assert!(read(open(&vfs, ROOT)) == [event]);
}

#[test]
fn a_large_row_is_read_alone() {
    let mut all = events(0, 20);
    for event in &mut all {
        let long = Value::Text("a".repeat(1 << 20));
        event.try_set(Field::ErrorMessage, long).unwrap();
    }
    let vfs = MemVfs::new();
    put(&vfs, "a.parquet", encoded(&all));
    assert!(read(open(&vfs, ROOT)) == all);
}

#[test]
fn times_of_another_unit_are_not_compared_and_the_file_is_an_error() {
    use arrow_array::TimestampMillisecondArray;
    use arrow_schema::TimeUnit;

    let all = events(0, 3);
    let rows = {
        let mut table = Table::new(schema());
        all.iter().for_each(|event| table.push(event));
        table.take().unwrap()
    };
    let at = rows.schema().index_of("recorded_at").unwrap();
    let mut fields = rows.schema().fields().to_vec();
    let unit = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    fields[at] = Arc::new(ArrowField::new("recorded_at", unit, false));
    let mut columns = rows.columns().to_vec();
    let times = all
        .iter()
        .map(|event| event.recorded_at().as_unix_micros() / 1_000);
    columns[at] = Arc::new(TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC"));
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut content, schema, None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let vfs = MemVfs::new();
    put(&vfs, "a.parquet", content);
    let filter = Filter::new().since(all[0].recorded_at());
    let error = open(&vfs, ROOT)
        .filter_by(filter)
        .next()
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("recorded_at"), "{error}");
}
