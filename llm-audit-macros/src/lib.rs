//! The `#[audit]` attribute.
