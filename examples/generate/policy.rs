//! What the log may keep: everything, with texts redacted. The second start keeps less of some, so
//! that digests, cuts and samples are in the data too.

use llm_audit::redact::RedactionSettings;
use llm_audit::{Error, Facet, FacetGroup, FacetRule, Key, Level, Policy, Retention};

/// Content that is kept without personal data.
const REDACTED: &[Facet] = &[
    Facet::SystemPrompt,
    Facet::Prompt,
    Facet::Response,
    Facet::Reasoning,
    Facet::ToolIo,
    Facet::Retrieval,
    Facet::Raw,
    Facet::Feedback,
];

pub(crate) fn policy(less: bool) -> Result<Policy, Error> {
    // Time passes here as the generator says, and is no reason to keep less.
    let mut redaction = RedactionSettings::default();
    redaction.max_time_ms = Some(3_600_000);
    let builder = Policy::builder()
        .redaction(redaction)
        .retention(Retention::Forever)
        .key(Key::bytes("k1", &[7; 32])?)
        .consent_to_raw()
        .classification_order(["public", "internal", "confidential"])
        .approved_by("privacy board")
        .reason("demonstration");
    let groups = FacetGroup::ALL.iter();
    let builder = groups.fold(builder, |policy, group| policy.group(*group, Level::Full));
    let redacted = REDACTED.iter();
    let builder = redacted.fold(builder, |policy, facet| {
        policy.facet(*facet, Level::Redacted)
    });
    if !less {
        return builder.build();
    }
    builder
        .facet(Facet::User, Level::Digest)
        .facet(Facet::ToolIo, Level::Digest)
        .facet(
            Facet::Response,
            FacetRule::new(Level::Redacted).max_bytes(2_048),
        )
        .facet(
            Facet::Retrieval,
            FacetRule::new(Level::Redacted).sample(0.5),
        )
        .build()
}
