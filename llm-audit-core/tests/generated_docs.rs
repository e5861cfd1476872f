//! The pages in `docs/` that are generated from the catalogue say what the code says.

use std::fs;
use std::path::Path;

use llm_audit_core::schema;

#[test]
fn generated_pages_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for (name, text) in [
        ("event.schema.json", schema::json_schema()),
        ("events.duckdb.sql", schema::duckdb_sql()),
        ("fields.md", schema::fields_markdown()),
    ] {
        let file = docs.join(name);
        if bless() {
            fs::create_dir_all(&docs).unwrap();
            fs::write(&file, &text).unwrap();
        }
        assert!(
            fs::read_to_string(&file).is_ok_and(|written| written == text),
            "docs/{name} is stale; renew it with \
             `LLM_AUDIT_BLESS=1 cargo test -p llm-audit-core --test generated_docs`"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the variable changes documents, never what is captured"
)]
fn bless() -> bool {
    std::env::var_os("LLM_AUDIT_BLESS").is_some()
}
