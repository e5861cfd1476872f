//! The search finds every form of a mark, and the kit fails where a policy does not hold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::catalog::Field;
use crate::encode::hex;
use crate::facet::{Facet, FacetGroup};
use crate::key::Key;
use crate::level::Level;
use crate::policy::{Intent, Policy, PolicyBuilder};
use crate::redact::{RedactionPreset, RedactionSettings};
use crate::retention::Retention;

/// Everything at level full.
fn full() -> PolicyBuilder {
    let policy = Policy::builder()
        .retention(Retention::Days30)
        .key(Key::bytes("k1", &[7; 32]).unwrap())
        .consent_to_raw();
    let groups = FacetGroup::ALL.iter();
    groups.fold(policy, |policy, group| policy.group(*group, Level::Full))
}

fn run(policy: PolicyBuilder) -> Report {
    Kit::new().run(&policy.build().unwrap()).unwrap()
}

/// Base64 as anybody would write it.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group
            .iter()
            .fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        let character = |place| char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]);
        (0..=group.len()).map(character).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn every_form_of_a_mark_is_found_where_it_stands() {
    let marks = Marks::new();
    let text = marks.word("asked");
    let card = marks.card("paid");
    for (channel, mark) in [("asked", text.as_str()), ("paid", card.as_str())] {
        let each = |form: &dyn Fn(u8) -> String| mark.bytes().map(form).collect::<String>();
        let percent = each(&|byte| format!("%{byte:02x}"));
        let escaped = each(&|byte| format!("\\u{byte:04X}"));
        for (form, encoding) in [
            (mark.as_bytes().to_vec(), Encoding::Plain),
            (percent.clone().into_bytes(), Encoding::Percent),
            (percent.to_uppercase().into_bytes(), Encoding::Percent),
            (percent.replace('%', "%25").into_bytes(), Encoding::Percent),
            (
                percent.replace('%', "%2525").into_bytes(),
                Encoding::Percent,
            ),
            (escaped.clone().into_bytes(), Encoding::JsonEscape),
            (
                escaped.replace('\\', "\\\\\\\\").into_bytes(),
                Encoding::JsonEscape,
            ),
            (utf16(mark, u16::to_le_bytes), Encoding::Utf16),
            (hex(mark.as_bytes()).into_bytes(), Encoding::Hex),
            (
                hex(mark.as_bytes()).to_uppercase().into_bytes(),
                Encoding::Hex,
            ),
            (base64(mark.as_bytes()).into_bytes(), Encoding::Base64),
        ] {
            let bytes = [b"before \xff ".as_slice(), &form, b" behind"].concat();
            let found = marks.scan_bytes("here", &bytes);
            let [found] = found.iter().as_slice() else {
                panic!("{encoding}: {found:?}");
            };
            assert_eq!(
                (found.channel.as_str(), found.offset),
                (channel, 9),
                "{encoding}"
            );
            assert_eq!((found.place.as_str(), found.encoding), ("here", encoding));
        }
        let big_endian = [b"..".to_vec(), utf16(mark, u16::to_be_bytes)].concat();
        let found = marks.scan_bytes("here", big_endian);
        assert_eq!(found.iter().next().unwrap().offset, 3);
    }
    let upper = marks.scan_bytes("here", text.to_uppercase());
    assert_eq!(upper.iter().next().unwrap().encoding, Encoding::OtherCase);
}

#[test]
fn base64_is_found_at_any_alignment_and_within_anything() {
    let marks = Marks::new();
    marks.word("another");
    let sentence = marks.all("asked");
    for before in 0..6 {
        let text = base64(format!("{}{sentence}", "~".repeat(before)).as_bytes());
        for text in [text.clone(), text.replace('+', "-").replace('/', "_")] {
            let found = marks.scan_bytes("here", text);
            let what: Vec<_> = found
                .iter()
                .map(|found| (found.channel.as_str(), found.what))
                .collect();
            let all = [What::Word, What::Email, What::Card, What::Secret];
            assert_eq!(what, all.map(|what| ("asked", what)), "{before}");
        }
    }
}

#[test]
fn a_mark_that_was_cut_off_is_found_and_a_number_that_is_not_ours_is_not() {
    let marks = Marks::new();
    let (one, card) = (marks.word("one"), marks.card("one"));
    marks.word("two");
    let found = marks.scan_bytes("here", &one[..12]);
    assert_eq!(found.channels(), ["one or two"]);
    marks.scan_bytes("here", &card[..15]).assert_none();
    marks
        .scan_bytes("here", "4111111111111111 nothing of ours")
        .assert_none();
    Marks::new().scan_bytes("here", &one).assert_none();
}

#[test]
fn marks_are_what_they_say_to_a_redactor() {
    let redactor = crate::redact::Redactor::default();
    for _ in 0..50 {
        let marks = Marks::new();
        let sentence = marks.all("asked");
        let expected = format!(
            "Mark {}, mail [EMAIL], card [CREDIT_CARD], key [ANTHROPIC_KEY] here",
            marks.word("asked")
        );
        assert_eq!(redactor.redact_str(&sentence), expected);
        assert_eq!(marks.all("asked"), sentence);
        assert_ne!(marks.all("answered"), sentence);
        assert!(!format!("{marks:?}").contains(&marks.word("asked")));
    }
}

#[test]
fn a_directory_is_searched_with_its_names() {
    let temp = tempfile::tempdir().unwrap();
    let marks = Marks::new();
    let (inside, name) = (marks.word("inside"), marks.word("name"));
    std::fs::create_dir_all(temp.path().join("deep/er")).unwrap();
    std::fs::write(temp.path().join("deep/er/file"), format!("x{inside}")).unwrap();
    std::fs::write(temp.path().join(name), "").unwrap();
    let found = marks.scan_dir(temp.path()).unwrap();
    found.assert_only(&["inside", "name"]);
    let at = found
        .iter()
        .find(|found| found.channel == "inside")
        .unwrap();
    assert_eq!((at.place.ends_with("deep/er/file"), at.offset), (true, 1));
    assert_eq!(found.channels(), ["inside", "name"]);
}

#[test]
fn under_a_policy_that_keeps_all_every_channel_arrives_and_no_secret() {
    let report = run(full().intent(Intent::Content));
    report.assert_clean();
    // Else the trials of other policies would hold of marks that never arrive. A mark is no id.
    let ids = [Field::ParentSpanId, Field::SpanId, Field::TraceId];
    let texts = crate::schema::CATALOG
        .iter()
        .filter(|info| info.host && takes_text(info.field_type) && !ids.contains(&info.field));
    let arrived = |name: &str| {
        report
            .arrived
            .iter()
            .any(|channel| channel.starts_with(name))
    };
    let missing: Vec<_> = texts
        .map(|info| info.name)
        .filter(|name| !arrived(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for channel in [
        "chunk",
        "error of fail",
        "input_messages of role tool, part tool_call",
        "input_messages of role user, part uri",
        "reasoning_chunk",
        "system",
        "target of a late fact",
        "verdict of block",
    ] {
        assert!(
            report.arrived.contains(channel),
            "{channel} in {:?}",
            report.arrived
        );
    }
    assert!(
        report
            .places
            .iter()
            .any(|place| place.contains("quarantine")),
        "{:?}",
        report.places
    );
}

fn takes_text(field_type: crate::schema::FieldType) -> bool {
    use crate::schema::FieldType::{Bool, Float, Id, Int, Time};

    !matches!(field_type, Bool | Float | Id | Int | Time)
}

#[test]
fn a_claim_that_the_policy_does_not_keep_fails_and_shows_no_mark() {
    let kit = Kit::new().claim(Facet::Prompt, Level::Off);
    let report = kit.run(&full().build().unwrap()).unwrap();
    let channels: std::collections::BTreeSet<_> = report
        .leaks
        .iter()
        .map(|leak| leak.finding.channel.as_str())
        .collect();
    for channel in [
        "prompt",
        "prompt_template_variables",
        "skill_input",
        "tool_response",
    ] {
        assert!(channels.contains(channel), "{channels:?}");
    }
    assert!(!channels.contains("response") && report.arrived.contains("response"));

    let panic = catch_unwind(AssertUnwindSafe(|| report.assert_clean())).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    let mark = &report.leaks[0].finding;
    let line = format!(
        "the mark of `{}` stands plain at byte {} of {}, and facet `prompt` is at `off`",
        mark.channel, mark.offset, mark.place
    );
    assert!(said.contains(&line), "{said}");
    assert!(
        mark.place.contains("audit-log/") && mark.place.contains(".jsonl"),
        "{}",
        mark.place
    );
    assert!(
        said.contains(" leaks; ") && said.ends_with(" more"),
        "{said}"
    );
    assert!(
        !said.contains("@example.org") && !said.contains("sk-ant"),
        "{said}"
    );
}

#[test]
fn personal_data_and_secrets_are_found_where_a_policy_lets_them_through() {
    let settings = RedactionSettings {
        preset: RedactionPreset::Secrets,
        ..RedactionSettings::default()
    };
    // By its own word this policy hides no personal data.
    let policy = full()
        .group(FacetGroup::Content, Level::Redacted)
        .redaction(settings);
    run(policy).assert_clean();

    let policy = full().danger_verbatim(Facet::Prompt).build().unwrap();
    Kit::new().run(&policy).unwrap().assert_clean();
    let report = Kit::new()
        .claim(Facet::Prompt, Level::Redacted)
        .run(&policy)
        .unwrap();
    let of_prompt = report
        .leaks
        .iter()
        .filter(|leak| leak.finding.channel == "prompt");
    let found: std::collections::BTreeSet<_> = of_prompt.map(|leak| leak.finding.what).collect();
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [What::Email, What::Card, What::Secret]
    );
    assert!(
        report
            .leaks
            .iter()
            .all(|leak| leak.because == "facet `prompt` is at `redacted`")
    );
}

#[test]
fn layers_of_tenants_labels_and_sinks_are_tried_too() {
    let policy = full()
        .tenant("acme", |tenant| {
            tenant.facet(Facet::Prompt, Level::Redacted)
        })
        .tenants_default(|tenant| tenant.group(FacetGroup::Content, Level::Off))
        .classification_order(["public", "internal"])
        .rule("internal", |rule| {
            rule.facet(Facet::ErrorDetail, Level::Off)
        })
        .unclassified(|rule| rule)
        .sink_without("archive", [Facet::User, Facet::Response])
        .build()
        .unwrap();
    let listed = Kit::new()
        .tenant("acme")
        .classification("public")
        .run(&policy)
        .unwrap();
    listed.assert_clean();
    assert!(listed.arrived.contains("prompt") && listed.arrived.contains("error_body"));
    assert!(listed.places.contains("a batch of the sink `archive`"));
    let unlisted = Kit::new().run(&policy).unwrap();
    unlisted.assert_clean();
    assert!(!unlisted.arrived.contains("prompt") && !unlisted.arrived.contains("error_body"));
}
