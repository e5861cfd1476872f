//! Redaction as the policy names it.

use std::collections::BTreeMap;

use crate::error::Error;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RedactionPreset {
    #[default]
    Recommended,
}

impl RedactionPreset {
    pub(super) const ALL: &'static [Self] = &[Self::Recommended];

    pub(super) const fn name(self) -> &'static str {
        "recommended"
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct RedactionSettings {
    pub(super) preset: RedactionPreset,
    pub(super) operators: BTreeMap<String, String>,
    pub(super) allow: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Redactor {
    settings: RedactionSettings,
}

impl Redactor {
    pub(super) const ENGINE_VERSION: &'static str = "1";

    pub(super) fn from_settings(settings: &RedactionSettings) -> Result<Self, Error> {
        Ok(Self {
            settings: settings.clone(),
        })
    }

    pub(super) fn needs_key(&self) -> bool {
        self.settings.operators.values().any(|op| op == "pseudonym")
    }

    pub(super) fn settings(&self) -> RedactionSettings {
        self.settings.clone()
    }
}
