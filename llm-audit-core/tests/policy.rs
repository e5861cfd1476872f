//! Policy files that are wrong, each beside the error that it gives, word for word.
//!
//! `LLM_AUDIT_BLESS=1` writes the errors anew; read the difference before it is committed.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::fs;
use std::path::{Path, PathBuf};

use llm_audit_core::{Facet, Level, Policy, Preset};

/// Cargo runs tests in the directory of the package, so errors name files by short paths.
const BAD: &str = "tests/policy/bad";

fn files(extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(BAD)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    assert!(files.len() >= 4, "only {} {extension} files", files.len());
    files
}

fn check(path: &Path) {
    let error = Policy::from_file(path).expect_err(&path.display().to_string());
    assert!(error.is_policy(), "{}: {error}", path.display());
    let mut golden = path.as_os_str().to_owned();
    golden.push(".error");
    let found = format!("{error}\n");
    if bless() {
        fs::write(&golden, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(found, expected, "{}", path.display());
}

#[test]
fn every_bad_json_file_gives_its_error() {
    for path in files("json") {
        check(&path);
    }
}

#[cfg(feature = "toml")]
#[test]
fn every_bad_toml_file_gives_its_error() {
    for path in files("toml") {
        check(&path);
    }
}

#[cfg(not(feature = "toml"))]
#[test]
fn a_toml_file_names_the_feature_that_it_needs() {
    let path = files("toml").remove(0);
    let error = Policy::from_file(&path).unwrap_err().to_string();
    assert!(
        error.contains("needs feature `toml`") && error.contains("JSON"),
        "{error}"
    );
}

#[test]
fn a_file_of_another_kind_is_refused_by_its_name() {
    let error = Policy::from_file("policy.yaml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "policy file `policy.yaml` ends neither in `.toml` nor in `.json`"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Policy::from_file("no-such-policy.json").unwrap_err();
    assert!(error.is_io(), "{error}");
    assert_eq!(
        error.to_string(),
        "failed to read policy file `no-such-policy.json`"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the variable changes documents, never what is captured"
)]
fn bless() -> bool {
    std::env::var_os("LLM_AUDIT_BLESS").is_some()
}

fn manual() -> String {
    fs::read_to_string("../docs/policy.md").unwrap()
}

#[test]
fn the_table_of_presets_in_the_manual_is_that_of_the_code() {
    let rows: String = Facet::ALL
        .iter()
        .map(|facet| {
            let levels: Vec<_> = Preset::ALL
                .iter()
                .skip(1)
                .map(|preset| level(*preset, *facet))
                .collect();
            format!("| `{facet}` | {} |\n", levels.join(" | "))
        })
        .collect();
    assert!(
        manual().contains(&rows),
        "docs/policy.md must contain\n{rows}"
    );
}

fn level(preset: Preset, facet: Facet) -> &'static str {
    match preset.levels().get(facet) {
        Level::Off => "",
        level => level.name(),
    }
}

#[cfg(feature = "toml")]
#[test]
fn the_example_in_the_manual_is_a_policy_without_warnings() {
    let manual = manual();
    let (_, rest) = manual.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.toml");
    fs::write(&path, example).unwrap();
    let policy = Policy::from_file(&path).unwrap();
    assert_eq!(policy.warnings(), []);
    assert!(directory.path().join("audit.key").exists());
    let scope = llm_audit_core::Scope::new()
        .tenant("acme")
        .classification(&["internal"]);
    let levels = policy.effective(&scope);
    assert_eq!(levels.get(Facet::User), Level::Off);
    assert_eq!(levels.get(Facet::Prompt), Level::Digest);
}
