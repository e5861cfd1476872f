//! Nothing gets out that a policy keeps in: the leak kit, run on ourselves.
#![cfg(test)]
#![cfg(all(feature = "testing", feature = "jsonl", feature = "macros"))]

use std::time::Duration;

use llm_audit::schema::{CATALOG, FieldType};
use llm_audit::sinks::JsonlSink;
use llm_audit::testing::leak::{Encoding, Kit, Marks, Report};
use llm_audit::{
    Audit, Facet, Intent, Key, Level, Policy, PolicyBuilder, Preset, Retention, builder,
};

fn policy() -> PolicyBuilder {
    Policy::builder()
        .retention(Retention::Days30)
        .key(Key::bytes("k1", &[7; 32]).unwrap())
        .consent_to_raw()
}

/// Runs the kit with everything that writes: a journal, a copy in files, and what the kit has.
fn run(policy: &Policy) -> Report {
    let temp = tempfile::tempdir().unwrap();
    let kit = Kit::new()
        .journal(temp.path().join("journal"))
        .sink(JsonlSink::dir(temp.path().join("copy")).unwrap());
    let report = kit.run(policy).unwrap();
    let searched = |part: &str| report.places.iter().any(|place| place.contains(part));
    assert!(
        policy.is_none() || (searched("/journal/") && searched("/copy/")),
        "{report}"
    );
    report
}

#[test]
fn no_preset_leaks() {
    for preset in Preset::ALL {
        for intent in [Intent::Off, Intent::Content] {
            let policy = policy().preset(*preset).intent(intent).build().unwrap();
            let report = run(&policy);
            report.assert_clean();
            assert_eq!(
                report.arrived.is_empty(),
                policy.is_none(),
                "{preset}: {report}"
            );
        }
    }
}

#[test]
fn no_facet_leaks_at_any_level_that_it_accepts() {
    for facet in Facet::ALL {
        for level in facet
            .accepted_levels()
            .iter()
            .filter(|level| **level > Level::Off)
        {
            let policy = policy().facet(*facet, *level).build().unwrap();
            let report = Kit::new().run(&policy).unwrap();
            report.assert_clean();
            let arrived = report.arrived.iter();
            let of_facet = arrived.filter(|channel| !ENVELOPE.contains(&channel.as_str()));
            let arrives = *level >= Level::Redacted && holds_text(*facet);
            assert_eq!(
                of_facet.count() > 0,
                arrives,
                "{facet} at {level}: {report}"
            );
        }
    }
}

fn holds_text(facet: Facet) -> bool {
    use FieldType::{Bool, Float, Id, Int, Time};

    let mut fields = CATALOG
        .iter()
        .filter(|info| info.host && info.facet == Some(facet));
    fields.any(|info| !matches!(info.field_type, Bool | Float | Id | Int | Time))
}

/// Channels that are there whatever is on.
const ENVELOPE: &[&str] = &[
    "error_code",
    "error_type",
    "links",
    "target of a late fact",
    "target_event_id",
    "target_response_id",
];

#[test]
fn a_facet_that_is_off_among_all_others_leaks_nowhere() {
    let groups = llm_audit::FacetGroup::ALL;
    let all = || {
        groups
            .iter()
            .fold(policy(), |policy, group| policy.group(*group, Level::Full))
    };
    for facet in [
        Facet::Prompt,
        Facet::Response,
        Facet::ToolIo,
        Facet::ErrorDetail,
        Facet::User,
    ] {
        let policy = all().facet(facet, Level::Off).build().unwrap();
        Kit::new().run(&policy).unwrap().assert_clean();
    }
}

#[test]
fn the_kit_fails_when_a_policy_keeps_more_than_was_claimed() {
    let temp = tempfile::tempdir().unwrap();
    let kit = Kit::new()
        .journal(temp.path().join("journal"))
        .sink(JsonlSink::dir(temp.path().join("copy")).unwrap())
        .claim(Facet::Prompt, Level::Off);
    let policy = policy().facet(Facet::Prompt, Level::Full).build().unwrap();
    let report = kit.run(&policy).unwrap();
    let in_copy = report
        .leaks
        .iter()
        .find(|leak| leak.finding.channel == "prompt" && leak.finding.place.contains("/copy/"));
    let leak = in_copy.expect("the copy holds the prompt");
    assert_eq!(leak.finding.encoding, Encoding::Plain);
    let said = leak.to_string();
    let expected = format!(
        "the mark of `prompt` stands plain at byte {} of {}, and facet `prompt` is at `off`",
        leak.finding.offset, leak.finding.place
    );
    assert_eq!(said, expected);
    let content = std::fs::read(&leak.finding.place).unwrap();
    let marked = &content[leak.finding.offset..][..12];
    assert!(
        marked.iter().all(u8::is_ascii_lowercase),
        "the offset is that of the mark"
    );
}

/// A program of somebody's own, with a log in `dir`.
fn app(dir: &std::path::Path, policy: Policy, marks: &Marks) {
    #[llm_audit::audit(
        chat,
        auditor = audit,
        provider = "openai",
        model = "small",
        prompt = question,
        output
    )]
    async fn ask(audit: &Audit, question: &str, token: &str) -> Result<String, String> {
        if token.is_empty() {
            return Err(format!("no token for {question}"));
        }
        Ok(format!("you asked {question}"))
    }

    let audit = builder().policy(policy).journal(dir).spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        drop(ask(&audit, &marks.all("question"), &marks.all("token")).await);
        drop(ask(&audit, &marks.all("question of a failure"), "").await);
    });
    assert!(audit.shutdown(Duration::from_secs(10)).is_complete());
}

#[test]
fn marks_find_out_what_a_program_writes() {
    let marks = Marks::new();
    let temp = tempfile::tempdir().unwrap();
    let (silent, open) = (temp.path().join("silent"), temp.path().join("open"));
    app(
        &silent,
        policy().preset(Preset::Compliance).build().unwrap(),
        &marks,
    );
    marks.scan_dir(&silent).unwrap().assert_none();

    let redacted = policy()
        .facet(Facet::Prompt, Level::Redacted)
        .build()
        .unwrap();
    app(&open, redacted, &marks);
    let found = marks.scan_dir(&open).unwrap();
    found.assert_only(&["question", "question of a failure"]);
    assert_eq!(found.channels(), ["question", "question of a failure"]);
}
