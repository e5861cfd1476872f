use super::*;
use crate::facet::Facet::*;
use crate::level::Level::{self, Digest, Full, Redacted};

/// Asserts that these levels are those of the preset, and every other facet is off.
fn assert_is(preset: Preset, expected: &[(Level, &[Facet])]) {
    for facet in Facet::ALL {
        let level = expected
            .iter()
            .find(|(_, facets)| facets.contains(facet))
            .map_or(Level::Off, |(level, _)| *level);
        assert_eq!(preset.levels().get(*facet), level, "{preset} {facet}");
    }
}

const OPERATIONS: [Facet; 8] = [
    Model,
    RequestConfig,
    Usage,
    Timing,
    Routing,
    Source,
    Tools,
    Metrics,
];

#[test]
fn none_is_off() {
    assert_is(Preset::None, &[]);
    assert!(Policy::none().is_none());
    assert_eq!(
        Policy::preset(Preset::None).unwrap().hash(),
        Policy::none().hash()
    );
    assert_eq!(Policy::default().hash(), Policy::none().hash());
}

#[test]
fn operations_has_neither_content_nor_people() {
    assert_is(Preset::Operations, &[(Full, &OPERATIONS)]);
    let policy = Policy::preset(Preset::Operations).unwrap();
    assert_eq!(policy.levels(), Preset::Operations.levels());
    assert_eq!(policy.retention(), None);
}

#[test]
fn compliance_is_operations_with_people_and_texts_by_digest() {
    let full = [
        Groups,
        Project,
        Session,
        Classification,
        Detections,
        Guardrails,
    ];
    assert_is(
        Preset::Compliance,
        &[
            (Full, &OPERATIONS),
            (Full, &full),
            (Digest, &[User, CodeOwners, Prompt, Response]),
        ],
    );
}

#[test]
fn security_is_compliance_with_redacted_texts_and_devices() {
    let full = [
        Groups,
        Project,
        Session,
        Classification,
        Detections,
        Guardrails,
        Device,
    ];
    assert_is(
        Preset::Security,
        &[
            (Full, &OPERATIONS),
            (Full, &full),
            (Digest, &[User, CodeOwners]),
            (Redacted, &[Prompt, Response, ToolIo]),
        ],
    );
}

#[test]
fn debug_redacts_text_and_digests_identity_for_30_days() {
    let redacted = [
        SystemPrompt,
        Prompt,
        Response,
        Reasoning,
        ToolIo,
        Retrieval,
        Raw,
        ErrorDetail,
        Source,
        Metadata,
        Guardrails,
        Detections,
        Evaluation,
        Feedback,
    ];
    let full = [
        Media,
        Model,
        RequestConfig,
        Tools,
        Usage,
        Timing,
        Routing,
        Resources,
        Metrics,
        Classification,
        Training,
    ];
    let digest = [User, Groups, Project, CodeOwners, Session, Device];
    assert_eq!(redacted.len() + full.len() + digest.len(), Facet::ALL.len());
    assert_is(
        Preset::Debug,
        &[(Redacted, &redacted), (Full, &full), (Digest, &digest)],
    );
    let policy = Policy::builder()
        .preset(Preset::Debug)
        .key(key())
        .build()
        .unwrap();
    assert_eq!(policy.retention(), Some(Retention::Days30));
}

#[test]
fn fine_tuning_is_redacted_with_numbers_for_120_days() {
    assert_is(
        Preset::FineTuning,
        &[
            (
                Redacted,
                &[SystemPrompt, Prompt, Response, ToolIo, Feedback],
            ),
            (Full, &[Training, Session]),
        ],
    );
    let policy = Policy::preset(Preset::FineTuning).unwrap();
    assert_eq!(policy.retention(), Some(Retention::Days120));
    assert!(
        policy
            .canonical_text()
            .contains(r#""operators":{"pii":"numbered","secret":"numbered"}"#),
        "{}",
        policy.canonical_text()
    );
    assert!(policy.warnings().is_empty());
}

#[test]
fn fine_tuning_warns_of_short_retention_and_of_full_text() {
    let policy = Policy::builder()
        .preset(Preset::FineTuning)
        .retention(Retention::Days90)
        .facet(Prompt, Full)
        .build()
        .unwrap();
    assert_eq!(
        warnings(&policy),
        [
            "preset `fine_tuning` gathers examples for 120 days, and the retention is 90 days",
            "preset `fine_tuning` redacts `prompt`, and full puts personal data into training data",
        ]
    );
    let longer = Policy::builder()
        .preset(Preset::FineTuning)
        .retention(Retention::Forever);
    assert!(longer.build().unwrap().warnings().is_empty());
}

#[test]
fn every_preset_builds_with_key_and_retention() {
    for preset in Preset::ALL {
        let policy = complete().preset(*preset).build().unwrap();
        assert_eq!(policy.levels(), preset.levels(), "{preset}");
        assert!(policy.warnings().is_empty());
    }
}

#[test]
fn every_preset_is_found_by_its_name() {
    for preset in Preset::ALL {
        assert_eq!(preset.to_string().parse::<Preset>().unwrap(), *preset);
    }
    let error = "complience".parse::<Preset>().unwrap_err().to_string();
    assert!(
        error.contains("`complience`; the presets are compliance, "),
        "{error}"
    );
}

#[cfg(feature = "toml")]
#[test]
fn a_printed_preset_is_the_preset() {
    for preset in Preset::ALL {
        let mut text = preset.to_toml();
        if preset.retention().is_none() {
            text.push_str("retention.default = \"120 days\"\n");
        }
        let printed = PolicyLoader::toml(&text).key(key()).load().unwrap();
        let mut built = Policy::builder().key(key()).preset(*preset);
        if preset.retention().is_none() {
            built = built.retention(Retention::Days120);
        }
        assert_eq!(printed.diff(&built.build().unwrap()), [""; 0], "{text}");
    }
}
