//! Policies for common purposes.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::error::Error;
use crate::facet::Facet::{
    Classification, CodeOwners, Detections, Device, Feedback, Groups, Guardrails, Metrics, Model,
    Project, Prompt, RequestConfig, Response, Session, Source, SystemPrompt, Timing, ToolIo, Tools,
    Training, Usage, User,
};
use crate::facet::{Facet, FacetGroup};
use crate::level::Level::{self, Digest, Full, Redacted};
use crate::level::Levels;
use crate::policy::layers::accepted_at_most;
use crate::policy::problem::{nearest_first, quoted};
use crate::retention::Retention;

/// A policy for a common purpose, to start from.
///
/// [`Preset::to_toml`] prints what each sets. The levels of a preset never change within a major
/// version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// Nothing is captured.
    #[default]
    None,
    /// What runs, how fast and at what cost; no content and no person.
    Operations,
    /// Operations, and who did what under which rule: people and texts by digest.
    Compliance,
    /// Compliance, and redacted texts and devices, to investigate an incident.
    Security,
    /// Nearly everything, texts redacted and people by digest, for 30 days.
    Debug,
    /// Redacted conversations with numbered placeholders, as training data, for 120 days.
    FineTuning,
}

const OPERATIONS: &[(Facet, Level)] = &[
    (Model, Full),
    (RequestConfig, Full),
    (Usage, Full),
    (Timing, Full),
    (Facet::Routing, Full),
    (Source, Full),
    (Tools, Full),
    (Metrics, Full),
];

const COMPLIANCE: &[(Facet, Level)] = &[
    (User, Digest),
    (CodeOwners, Digest),
    (Groups, Full),
    (Project, Full),
    (Session, Full),
    (Classification, Full),
    (Detections, Full),
    (Guardrails, Full),
    (Prompt, Digest),
    (Response, Digest),
];

const SECURITY: &[(Facet, Level)] = &[
    (Prompt, Redacted),
    (Response, Redacted),
    (ToolIo, Redacted),
    (Device, Full),
];

const FINE_TUNING: &[(Facet, Level)] = &[
    (SystemPrompt, Redacted),
    (Prompt, Redacted),
    (Response, Redacted),
    (ToolIo, Redacted),
    (Feedback, Redacted),
    (Training, Full),
    (Session, Full),
];

impl Preset {
    /// Every preset, the least first.
    pub const ALL: &'static [Self] = &[
        Self::None,
        Self::Operations,
        Self::Compliance,
        Self::Security,
        Self::Debug,
        Self::FineTuning,
    ];

    /// The families of data whose placeholders [`Preset::FineTuning`] numbers: a model learns more
    /// from `[EMAIL_1]` wrote to `[EMAIL_2]` than from two that look alike.
    pub(super) const NUMBERED: &'static [&'static str] = &["pii", "secret"];

    /// Returns the preset's name in policy files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Operations => "operations",
            Self::Compliance => "compliance",
            Self::Security => "security",
            Self::Debug => "debug",
            Self::FineTuning => "fine_tuning",
        }
    }

    /// Returns the level of every facet.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Facet, Level, Preset};
    ///
    /// assert_eq!(Preset::Compliance.levels().get(Facet::Prompt), Level::Digest);
    /// assert_eq!(Preset::Security.levels().get(Facet::Prompt), Level::Redacted);
    /// ```
    pub fn levels(self) -> Levels {
        let tables: &[&[(Facet, Level)]] = match self {
            Self::None => &[],
            Self::Operations => &[OPERATIONS],
            Self::Compliance => &[OPERATIONS, COMPLIANCE],
            Self::Security => &[OPERATIONS, COMPLIANCE, SECURITY],
            Self::Debug => return debug(),
            Self::FineTuning => &[FINE_TUNING],
        };
        tables
            .iter()
            .copied()
            .flatten()
            .fold(Levels::OFF, |levels, (facet, level)| {
                levels.with(*facet, *level)
            })
    }

    /// Returns the retention that the preset sets, if any.
    pub const fn retention(self) -> Option<Retention> {
        match self {
            Self::Debug => Some(Retention::Days30),
            Self::FineTuning => Some(Retention::Days120),
            _ => None,
        }
    }

    /// Returns what the preset sets, as the text of a policy file.
    pub fn to_toml(self) -> String {
        let mut text = String::from("version = 1\n");
        if let Some(retention) = self.retention() {
            push(
                &mut text,
                format_args!("retention.default = \"{retention}\""),
            );
        }
        if self == Self::FineTuning {
            for family in Self::NUMBERED {
                push(
                    &mut text,
                    format_args!("redaction.operators.{family} = \"numbered\""),
                );
            }
        }
        for (facet, level) in self
            .levels()
            .iter()
            .filter(|(_, level)| *level > Level::Off)
        {
            push(&mut text, format_args!("facets.{facet} = \"{level}\""));
        }
        text
    }
}

/// Text redacted, identity by digest, the rest in full.
fn debug() -> Levels {
    Facet::ALL.iter().fold(Levels::OFF, |levels, facet| {
        let level = match facet.group() {
            FacetGroup::Identity => Digest,
            _ if facet.accepted_levels().contains(&Redacted) => Redacted,
            _ => Full,
        };
        levels.with(*facet, accepted_at_most(*facet, level))
    })
}

fn push(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    writeln!(text, "{line}").unwrap_or_default();
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|preset| preset.name() == name)
            .ok_or_else(|| {
                Error::policy(format!(
                    "unknown preset {}; the presets are {}",
                    quoted(name),
                    nearest_first(name, Self::ALL.iter().map(|preset| preset.name()))
                ))
            })
    }
}
