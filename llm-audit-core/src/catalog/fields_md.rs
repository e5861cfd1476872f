//! The reference of fields, as a page of Markdown.

use std::fmt::{self, Write as _};

use super::field_type::{RecordInfo, Scalar, Shape, all_records};
use super::{CATALOG, FieldInfo, FieldType};
use crate::event::{Absence, Kind, Operation, SCHEMA_VERSION, Status};
use crate::facet::{Facet, FacetGroup};

/// Returns the reference of kinds, words, facets, fields and records, as Markdown.
///
/// It is `docs/fields.md`.
pub fn fields_markdown() -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    write(&mut page).unwrap_or_default();
    page
}

fn write(page: &mut String) -> fmt::Result {
    writeln!(
        page,
        "{}",
        INTRODUCTION.replace("{version}", &SCHEMA_VERSION.to_string())
    )?;
    writeln!(page, "## Kinds of event\n")?;
    words(page, "kind", Kind::WORDS)?;
    writeln!(page, "## Operations\n")?;
    words(page, "operation", Operation::WORDS)?;
    writeln!(page, "## Statuses\n")?;
    words(page, "status", Status::WORDS)?;
    writeln!(page, "## Reasons for absence\n")?;
    words(page, "reason", Absence::WORDS)?;
    facets(page)?;
    writeln!(page, "## Fields\n\n### Envelope, set by the log\n")?;
    fields(page, |info| info.facet.is_none() && !info.host)?;
    writeln!(page, "### Envelope, set by the host\n")?;
    fields(page, |info| info.facet.is_none() && info.host)?;
    for facet in Facet::ALL {
        let levels: Vec<_> = facet
            .accepted_levels()
            .iter()
            .map(|level| level.name())
            .collect();
        writeln!(page, "### Facet `{facet}`\n")?;
        writeln!(page, "{} Levels: {}.\n", facet.doc(), levels.join(", "))?;
        fields(page, |info| info.facet == Some(*facet))?;
    }
    writeln!(page, "## Records\n")?;
    for record in all_records() {
        columns(page, &record)?;
    }
    // The last section ends the file with one newline.
    page.truncate(page.trim_end().len());
    writeln!(page)
}

const INTRODUCTION: &str = "\
<!-- Generated from the catalogue of fields. Do not edit; renew it with
     LLM_AUDIT_BLESS=1 cargo test -p llm-audit-core --test generated_docs -->

# Fields

Events of schema version {version}, as they stand in JSONL, in Parquet and in queries. Absent fields are
omitted. Times are RFC 3339 in UTC with six digits of fraction, durations are whole microseconds,
money is a decimal in text, and open values are compact JSON in text. *Sensitive* fields may hold
content or personal data. Readers keep what they do not know: kinds, fields, columns and words of newer
versions.
";

fn words(page: &mut String, title: &str, words: &[(&str, &str)]) -> fmt::Result {
    writeln!(page, "| {title} | meaning |\n|---|---|")?;
    for (word, doc) in words {
        writeln!(page, "| `{word}` | {doc} |")?;
    }
    writeln!(page)
}

fn facets(page: &mut String) -> fmt::Result {
    writeln!(page, "## Facets\n")?;
    writeln!(page, "Every facet is off until a policy opts in to it.\n")?;
    writeln!(
        page,
        "| group | facet | accepted levels | what |\n|---|---|---|---|"
    )?;
    for group in FacetGroup::ALL {
        for facet in Facet::ALL.iter().filter(|facet| facet.group() == *group) {
            let levels: Vec<_> = facet
                .accepted_levels()
                .iter()
                .map(|level| level.name())
                .collect();
            let (group, levels, doc) = (group.name(), levels.join(", "), facet.doc());
            writeln!(page, "| {group} | `{facet}` | {levels} | {doc} |")?;
        }
    }
    writeln!(page)
}

fn fields(page: &mut String, accept: impl Fn(&FieldInfo) -> bool) -> fmt::Result {
    let mut fields = CATALOG.iter().filter(|info| accept(info)).peekable();
    if fields.peek().is_none() {
        return writeln!(
            page,
            "It has no fields of its own: its data stands in parts of messages.\n"
        );
    }
    writeln!(
        page,
        "| field | type | sensitive | OpenTelemetry | meaning |\n|---|---|---|---|---|"
    )?;
    for info in fields {
        let FieldInfo {
            name,
            otel_name,
            doc,
            ..
        } = info;
        let field_type = type_name(info.field_type);
        let sensitive = if info.sensitive { "yes" } else { "no" };
        writeln!(
            page,
            "| `{name}` | {field_type} | {sensitive} | `{otel_name}` | {doc} |"
        )?;
    }
    writeln!(page)
}

fn columns(page: &mut String, record: &RecordInfo) -> fmt::Result {
    writeln!(page, "### {}\n\n{}\n", record.name, record.doc)?;
    writeln!(page, "| column | type | meaning |\n|---|---|---|")?;
    for column in record.columns {
        let column_type = type_name(column.column_type);
        writeln!(
            page,
            "| `{}` | {column_type} | {} |",
            column.name, column.doc
        )?;
    }
    writeln!(page)
}

fn type_name(field_type: FieldType) -> String {
    match field_type.shape() {
        Shape::One(scalar) => scalar_name(scalar).to_owned(),
        Shape::List(scalar) => format!("list of {}", scalar_name(scalar)),
        Shape::Map(scalar) => format!("map to {}", scalar_name(scalar)),
        Shape::MapOfLists(scalar) => format!("map to list of {}", scalar_name(scalar)),
        Shape::Records(RecordInfo { name, .. }) => {
            format!("list of [{name}](#{})", name.to_ascii_lowercase())
        }
    }
}

const fn scalar_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "bool",
        Scalar::Float => "float",
        Scalar::Id => "UUID",
        Scalar::Int => "integer",
        Scalar::Json => "JSON text",
        Scalar::Text => "text",
        Scalar::Time => "time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_row() {
        let page = fields_markdown();
        for info in CATALOG {
            let row = format!("| `{}` | {} | ", info.name, type_name(info.field_type));
            let rows = page.lines().filter(|line| line.starts_with(&row));
            let rows = rows.filter(|line| line.contains(info.otel_name));
            assert_eq!(rows.count(), 1, "{row}");
        }
    }

    #[test]
    fn no_text_breaks_a_table() {
        let texts = CATALOG.iter().flat_map(|info| [info.doc, info.otel_name]);
        for text in texts.chain(Facet::ALL.iter().map(|facet| facet.doc())) {
            assert!(!text.contains(['|', '\n']), "{text}");
        }
    }
}
