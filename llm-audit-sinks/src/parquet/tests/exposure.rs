//! Nothing of what may be content or personal data is outside the compressed pages of its column.

use bytes::Bytes;
use llm_audit_core::schema::CATALOG;
use llm_audit_core::{Event, schema::FieldType};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::super::schema::{Exposure, UNKNOWN};
use super::arbitrary::Arbitrary;
use super::encoded;

/// Begins every text that is marked: too short to be cut off, and by chance nowhere.
const MARK: &str = "QZ7xW";

/// Events in which every text of a sensitive field begins with [`MARK`].
fn marked() -> Vec<Event> {
    let mut arbitrary = Arbitrary::new(7);
    let texts = (0..40).map(|row| {
        let sensitive = CATALOG.iter().filter(|info| info.sensitive);
        let members: Vec<_> = sensitive
            .map(|info| {
                let json = match info.field_type {
                    FieldType::Text | FieldType::Json => format!("\"{MARK}-{row}\""),
                    FieldType::Bool => "true".to_owned(),
                    FieldType::Float => format!("{row}.5"),
                    other => arbitrary.marked(other, &format!("{MARK}-{row}")),
                };
                format!("\"{}\":{json}", info.name)
            })
            .collect();
        format!(
            "{{\"schema_version\":1,\"event_id\":\"019b76da-a800-7000-8000-0000000000{row:02}\",\
             \"kind\":\"interaction\",\"writer_id\":\"019b76da-a800-7000-8000-000000000002\",\
             \"recorded_at\":\"2026-01-01T00:00:{row:02}.000000Z\",\"trace_id\":\"{row:032x}\",\
             {},\"of_2030\":\"{MARK}-{row}\"}}",
            members.join(",")
        )
    });
    texts
        .map(|json| Event::from_json(json.as_bytes()).unwrap())
        .collect()
}

#[test]
fn marks_are_in_no_footer_no_index_no_filter_and_no_page_header() {
    let events = marked();
    let text = events[0].to_json();
    assert!(text.matches(MARK).count() > 60, "{text}");
    let file = Bytes::from(encoded(&events));
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&file)
        .unwrap();

    // Everything that is not a page: before, between and behind the column chunks.
    let mut chunks: Vec<_> = metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns().iter().map(|column| column.byte_range()))
        .collect();
    chunks.sort_unstable();
    let mut outside = Vec::new();
    let mut at = 0;
    for (start, length) in chunks {
        outside.extend_from_slice(
            &file[usize::try_from(at).unwrap()..usize::try_from(start).unwrap()],
        );
        at = start + length;
    }
    outside.extend_from_slice(&file[usize::try_from(at).unwrap()..]);
    assert!(outside.len() > 10_000, "the footer is missed");
    let holds = |bytes: &[u8], mark: &str| bytes.windows(mark.len()).any(|w| w == mark.as_bytes());
    assert!(
        holds(&outside, "interaction"),
        "statistics of harmless columns are missed"
    );
    assert!(!holds(&outside, MARK));

    // Every column by its rule, in the footer, the page index and the headers of pages.
    let reader = SerializedFileReader::new(file).unwrap();
    for group in metadata.row_groups() {
        let pages = reader.get_row_group(0).unwrap();
        for (number, column) in group.columns().iter().enumerate() {
            let path = column.column_path().string();
            let name = column.column_path().parts()[0].as_str();
            let open = Exposure::of(name).statistics;
            assert_eq!(column.statistics().is_some(), open, "{path}");
            assert_eq!(column.column_index_range().is_some(), open, "{path}");
            assert!(column.offset_index_range().is_some(), "{path}");
            for page in pages.get_column_page_reader(number).unwrap() {
                assert!(page.unwrap().statistics().is_none(), "{path}");
            }
        }
    }
    assert!(!Exposure::of(UNKNOWN).statistics);
}

#[test]
fn the_footer_says_versions_policies_numbers_and_times() {
    let batches = crate::fixture::batches(&[(20_000, 3)]);
    let mut disk = super::Disk::new();
    for batch in &batches {
        disk.writer.write(batch).unwrap();
    }
    disk.writer.confirm().unwrap();
    let events = super::all(&batches);
    let (_, content) = super::final_contents(super::ROOT.as_ref(), &disk.vfs)
        .pop_first()
        .unwrap();
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&Bytes::from(content))
        .unwrap();
    let pairs = metadata.file_metadata().key_value_metadata().unwrap();
    let value = |key: &str| {
        let pair = pairs
            .iter()
            .find(|pair| pair.key == format!("llm_audit.{key}"));
        pair.unwrap_or_else(|| panic!("no {key}"))
            .value
            .clone()
            .unwrap()
    };
    assert_eq!(value("schema_version"), "1");
    assert_eq!(value("writer_version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(value("writer_id"), batches[0].writer_id().to_string());
    assert_eq!(value("first_seq"), batches[0].first_seq().to_string());
    assert_eq!(
        value("last_seq"),
        batches.last().unwrap().last_seq().to_string()
    );
    assert_eq!(value("events"), events.len().to_string());
    let times: Vec<_> = events.iter().map(Event::recorded_at).collect();
    assert_eq!(
        value("min_recorded_at"),
        times.iter().min().unwrap().to_string()
    );
    assert_eq!(
        value("max_recorded_at"),
        times.iter().max().unwrap().to_string()
    );
    let hash = events.iter().find_map(Event::policy_hash).unwrap();
    assert_eq!(value("policy_hash"), hash);
    // The types are said once.
    assert!(pairs.iter().all(|pair| pair.key != "ARROW:schema"));
    assert!(
        metadata
            .file_metadata()
            .created_by()
            .unwrap()
            .starts_with("llm-audit version ")
    );
}
