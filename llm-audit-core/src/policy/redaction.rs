//! Redaction as the policy names it.

use std::collections::BTreeMap;

use crate::error::Error;

#[derive(Clone, Debug, Default)]
pub(super) struct RedactionSettings {
    pub(super) preset: String,
    pub(super) operators: BTreeMap<String, String>,
    pub(super) allow: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Redactor {
    settings: RedactionSettings,
}

impl Redactor {
    pub(super) const ENGINE_VERSION: &'static str = "0";

    pub(super) fn from_settings(settings: &RedactionSettings) -> Result<Self, Error> {
        Ok(Self {
            settings: settings.clone(),
        })
    }

    pub(super) fn needs_key(&self) -> bool {
        self.settings.operators.values().any(|op| op == "pseudonym")
    }

    pub(super) fn settings(&self) -> &RedactionSettings {
        &self.settings
    }
}
