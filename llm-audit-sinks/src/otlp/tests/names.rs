//! The manual's tables of names are what the code has.

use llm_audit_core::schema::CATALOG;

use crate::http::tests::answers::check_manual;
use crate::otlp::Profile;
use crate::otlp::profile::{Alias, Form, Place, Row, row};

#[test]
fn the_manual_has_every_name_that_is_not_the_catalogues_alone() {
    let mut text = String::from(
        "\n| field | attribute | form or place | also | with `openinference` |\n|---|---|---|---|---|\n",
    );
    for info in CATALOG {
        let row = row(info.field);
        let names = |profile: Option<Profile>| {
            let aliases = row.aliases.iter().filter(|alias| alias.profile == profile);
            let names: Vec<_> = aliases.map(said).collect();
            names.join(", ")
        };
        let (also, open) = (names(None), names(Some(Profile::OpenInference)));
        let place = place(&row);
        if !place.is_empty() || !also.is_empty() || !open.is_empty() {
            let name = info.otel_name;
            text.push_str(&format!(
                "| `{}` | `{name}` | {place} | {also} | {open} |\n",
                info.name
            ));
        }
    }
    check_manual("otel.md", "names", &text);
}

#[test]
fn the_manual_names_all_content() {
    let content = CATALOG.iter().filter(|info| row(info.field).is_content);
    let names: Vec<_> = content.map(|info| format!("`{}`", info.name)).collect();
    let lines: Vec<_> = names.chunks(7).map(|names| names.join(", ")).collect();
    check_manual("otel.md", "content", &format!("\n{}.\n", lines.join(",\n")));
}

fn said(alias: &Alias) -> String {
    match alias.form {
        Form::Plain => format!("`{}`", alias.name),
        form => format!("`{}` ({})", alias.name, words(form)),
    }
}

fn place(row: &Row) -> &'static str {
    match row.place {
        Place::Attribute => words(row.form),
        Place::Id => "the span's own id",
        Place::Resource => "of the resource",
    }
}

const fn words(form: Form) -> &'static str {
    match form {
        Form::Plain => "",
        Form::Seconds => "seconds",
        Form::Int => "an integer, if it is one",
        Form::Decimal => "a number",
        Form::Members => "one for each member: `….key`",
        Form::Object => "JSON text",
    }
}
