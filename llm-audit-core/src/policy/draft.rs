//! A policy as it was written down: what the builder and the file reader fill alike.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::error::Error;
use crate::facet::{Facet, FacetGroup, FacetSet};
use crate::hold::Hold;
#[cfg(feature = "token")]
use crate::key::TokenKey;
use crate::key::{Key, KeyRing};
use crate::level::Level;
use crate::policy::preset::Preset;
use crate::policy::problem::Place;
use crate::policy::rule::{FacetRule, Intent};
use crate::redact::{Detector, RedactionSettings, Redactor};
use crate::retention::Retention;
use crate::sorted::SortedMap;
use crate::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) preset: Option<(Preset, Place)>,
    pub(super) settings: Settings,
    pub(super) retention: Option<(Retention, Place)>,
    pub(super) intent: Intent,
    pub(super) keys: Keys,
    pub(super) tenants: Vec<(String, Settings)>,
    pub(super) tenants_default: Option<Settings>,
    pub(super) order: Option<(Vec<String>, Place)>,
    pub(super) rules: Vec<(String, Settings)>,
    pub(super) unclassified: Option<Settings>,
    pub(super) redaction: Redaction,
    pub(super) verbatim: SortedMap<Facet, Place>,
    pub(super) consent_to_raw: bool,
    pub(super) approved_by: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) sinks: BTreeMap<String, FacetSet>,
    pub(super) holds: Vec<(Hold, Place)>,
}

/// What a layer sets; a facet's own setting stands over that of its group.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) place: Place,
    pub(super) groups: SortedMap<FacetGroup, Setting>,
    pub(super) facets: SortedMap<Facet, Setting>,
}

/// What is set for a facet or a group; what is `None` comes from the group or the preset.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Setting {
    pub(super) place: Place,
    pub(super) level: Option<Level>,
    pub(super) max_bytes: Option<usize>,
    pub(super) sample: Option<f64>,
    pub(super) retain: Option<Retention>,
}

/// How redaction is set; a redactor made in code stands over settings.
#[derive(Clone, Default)]
pub(super) struct Redaction {
    pub(super) place: Place,
    pub(super) settings: RedactionSettings,
    /// By the names of entries, such as `redaction.operators.email`.
    pub(super) places: SortedMap<String, Place>,
    /// Detectors that code adds to the settings.
    pub(super) detectors: Vec<Arc<dyn Detector>>,
    pub(super) token_key: TokenKeyName,
    pub(super) redactor: Option<Redactor>,
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("settings", &self.settings)
            .field("detectors", &self.detectors.len())
            .field("redactor", &self.redactor)
            .finish_non_exhaustive()
    }
}

/// Where the key of tokens comes from.
#[derive(Clone, Debug, Default)]
pub(super) enum TokenKeyName {
    #[default]
    None,
    #[cfg(feature = "token")]
    Key(TokenKey),
    #[cfg_attr(
        not(feature = "token"),
        expect(dead_code, reason = "without the feature only the place is told")
    )]
    Named(KeyName, Place),
}

impl Redaction {
    /// Returns the first place at which a pseudonym is asked for.
    pub(super) fn pseudonym_place(&self) -> Place {
        let operators = self.settings.operators.iter();
        operators
            .filter(|(_, operator)| *operator == "pseudonym")
            .filter_map(|(name, _)| self.places.get(&format!("redaction.operators.{name}")))
            .min()
            .copied()
            .unwrap_or(self.place)
    }
}

/// Where the keys of a policy come from; a named one is opened when all else is well.
#[derive(Clone, Debug, Default)]
pub(super) enum Keys {
    #[default]
    None,
    Ring(KeyRing),
    Named {
        current: Option<(KeyName, Place)>,
        old: Vec<(KeyName, Place)>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum KeyName {
    File(PathBuf),
    Env(String),
}

impl KeyName {
    #[cfg(feature = "token")]
    pub(super) fn open_token_key(&self) -> Result<TokenKey, Error> {
        match self {
            Self::File(path) => TokenKey::file(path),
            Self::Env(name) => TokenKey::env(name),
        }
    }

    pub(super) fn open(&self) -> Result<Key, Error> {
        match self {
            Self::File(path) => Key::file(path),
            Self::Env(name) => Key::env(name),
        }
    }
}

impl From<FacetRule> for Setting {
    fn from(rule: FacetRule) -> Self {
        Self {
            place: Place::Code,
            level: Some(rule.level),
            max_bytes: rule.max_bytes,
            sample: rule.sample,
            retain: rule.retain,
        }
    }
}
