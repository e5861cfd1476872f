//! Tests of policies as a whole; errors of files are in `tests/policy.rs` of the crate.

mod builder;
mod forms;
mod layers;
mod presets;
mod properties;
#[cfg(all(feature = "toml", feature = "regex"))]
mod redaction;

use super::*;
use crate::key::Key;
use crate::redact::RedactionSettings;

fn key() -> Key {
    Key::bytes("k1", &[7; 32]).unwrap()
}

/// A builder that lacks neither key nor retention.
fn complete() -> PolicyBuilder {
    Policy::builder().key(key()).retention(Retention::Days120)
}

fn error(builder: PolicyBuilder) -> String {
    let error = builder.build().unwrap_err();
    assert!(error.is_policy(), "{error}");
    error.to_string()
}

fn warnings(policy: &Policy) -> Vec<String> {
    policy.warnings().iter().map(ToString::to_string).collect()
}
