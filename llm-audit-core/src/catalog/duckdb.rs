//! A DuckDB script that reads logs with the catalogue's types.

use super::field_type::{Scalar, Shape};
use super::{CATALOG, FieldType};

/// Returns a script for DuckDB that defines the table macros `events(files)` and
/// `unreadable_lines(files)`.
///
/// The columns have the types of the catalogue, never guessed ones: a bare `read_json` looks at the
/// first lines only and fails at the first tool call that comes late. The script is
/// `docs/events.duckdb.sql`.
pub fn duckdb_sql() -> String {
    let columns: Vec<_> = CATALOG
        .iter()
        .map(|info| format!("    '{}': '{}'", info.name, column_type(info.field_type)))
        .collect();
    SCRIPT
        .replace("{columns}", &columns.join(",\n"))
        .replace("{maximum_object_size}", &MAX_LINE_BYTES.to_string())
}

/// The journal's limit for an event is 16 MiB at most; its line is longer by the checksum.
const MAX_LINE_BYTES: u64 = 17 << 20;

const SCRIPT: &str = "\
-- Generated from the catalogue of fields. Do not edit; renew it with
--   LLM_AUDIT_BLESS=1 cargo test -p llm-audit-core --test generated_docs
--
-- Reads the JSONL files of llm-audit with DuckDB 1.3 or later, for instance
--   duckdb -c \".read events.duckdb.sql\" -c \"SELECT kind, count(*) FROM events('audit/*.jsonl') GROUP BY ALL\"
-- or once for a database or a connection
--   CREATE OR REPLACE VIEW audit AS SELECT * FROM events('audit/*.jsonl');
-- or from Python
--   connection.execute(open('events.duckdb.sql').read())
--   connection.sql(\"SELECT model, sum(total_tokens) FROM events('audit/*.jsonl') GROUP BY model\")
--
-- Times are in UTC. Members that this version does not know are ignored, and a value that is not of
-- its column's type is NULL. A line that is not an event, such as one that a crash cut short, is
-- left out; unreadable_lines('audit/*.jsonl') counts those lines. Checksums are not verified.

CREATE OR REPLACE MACRO llm_audit_lines(files) AS TABLE
FROM read_json(
  files,
  format = 'newline_delimited',
  columns = {
{columns}
  },
  maximum_object_size = {maximum_object_size},
  ignore_errors = true,
  hive_partitioning = false,
  filename = 'file'
);

-- The text parts of a message, joined by newlines; NULL when it has none.
CREATE OR REPLACE MACRO llm_audit_text(parts) AS
  CASE WHEN len([part.content FOR part IN parts IF part.type = 'text' AND part.content IS NOT NULL]) > 0
    THEN array_to_string([part.content FOR part IN parts IF part.type = 'text' AND part.content IS NOT NULL], chr(10))
  END;

-- Every event of the files, with three derived columns: the model that answered or else was asked
-- for, the last text of the user, and the text of the first choice.
CREATE OR REPLACE MACRO events(files) AS TABLE
SELECT
  *,
  coalesce(response_model, request_model) AS model,
  [llm_audit_text(message.parts) FOR message IN input_messages
    IF message.role = 'user' AND llm_audit_text(message.parts) IS NOT NULL][-1] AS prompt,
  llm_audit_text(output_messages[1].parts) AS response
FROM llm_audit_lines(files)
WHERE event_id IS NOT NULL AND kind IS NOT NULL;

-- How many lines of each file are not events.
CREATE OR REPLACE MACRO unreadable_lines(files) AS TABLE
SELECT file, count(*) AS lines
FROM llm_audit_lines(files)
WHERE event_id IS NULL OR kind IS NULL
GROUP BY file
ORDER BY file;
";

fn column_type(field_type: FieldType) -> String {
    match field_type.shape() {
        Shape::One(scalar) => scalar_type(scalar).to_owned(),
        Shape::List(scalar) => format!("{}[]", scalar_type(scalar)),
        Shape::Map(scalar) => format!("MAP(VARCHAR, {})", scalar_type(scalar)),
        Shape::MapOfLists(scalar) => format!("MAP(VARCHAR, {}[])", scalar_type(scalar)),
        Shape::Records(record) => {
            let columns: Vec<_> = record
                .columns
                .iter()
                .map(|column| format!("\"{}\" {}", column.name, column_type(column.column_type)))
                .collect();
            format!("STRUCT({})[]", columns.join(", "))
        }
    }
}

const fn scalar_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "BOOLEAN",
        Scalar::Float => "DOUBLE",
        Scalar::Int => "BIGINT",
        // The members are JSON strings that hold JSON: as type JSON they would stay quoted.
        Scalar::Id | Scalar::Json | Scalar::Text => "VARCHAR",
        Scalar::Time => "TIMESTAMP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Field;

    #[test]
    fn derived_columns_hide_no_field() {
        for name in ["file", "model", "prompt", "response"] {
            assert_eq!(Field::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn every_field_has_a_column_that_needs_no_quotes() {
        let script = duckdb_sql();
        for info in CATALOG {
            let column = format!("'{}': '{}'", info.name, column_type(info.field_type));
            assert!(script.contains(&column), "{column}");
            assert!(!column_type(info.field_type).contains('\''), "{column}");
        }
    }
}
