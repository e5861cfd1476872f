//! What a policy says of one facet, and of intents.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::level::Level;
use crate::policy::problem::{nearest_first, quoted};
use crate::retention::Retention;

/// What the process layer of a policy says of one facet.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{FacetRule, Level};
///
/// let rule = FacetRule::new(Level::Redacted).max_bytes(64 * 1024).sample(0.1);
/// assert_eq!(rule.max_bytes, Some(65_536));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FacetRule {
    /// How much of the facet is kept.
    pub level: Level,
    /// Bytes of text after which a field is truncated, marked with its length and digest; `None`
    /// leaves the limit to the size of the event.
    pub max_bytes: Option<usize>,
    /// The share of events that keep the facet, above 0 and below 1; `None` is every event. Only
    /// content is sampled, and errors, blocks and flagged sessions are always kept.
    pub sample: Option<f64>,
    /// How long the facet is kept; `None` is the retention of the policy.
    pub retain: Option<Retention>,
}

impl FacetRule {
    /// Returns the rule of `level` without limits.
    pub const fn new(level: Level) -> Self {
        Self {
            level,
            max_bytes: None,
            sample: None,
            retain: None,
        }
    }

    /// Truncates each field of the facet after `bytes` bytes.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Keeps the facet in this share of events.
    #[must_use]
    pub const fn sample(mut self, share: f64) -> Self {
        self.sample = Some(share);
        self
    }

    /// Keeps the facet for this long.
    #[must_use]
    pub const fn retain(mut self, retention: Retention) -> Self {
        self.retain = Some(retention);
        self
    }
}

impl From<Level> for FacetRule {
    fn from(level: Level) -> Self {
        Self::new(level)
    }
}

/// What is written before a call leaves, so that a crash during the call is seen.
/// # Examples
///
/// ```
/// use llm_audit_core::{Intent, Policy};
///
/// let policy = Policy::builder().intent(Intent::Metadata).build()?;
/// assert_eq!(policy.intent(), Intent::Metadata);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Intent {
    /// Nothing, unless the call asks for a durable intent.
    #[default]
    Off,
    /// The envelope, metadata and the digest of the prompt.
    Metadata,
    /// The prompt as well, which then stands twice in the log.
    Content,
}

impl Intent {
    /// Every choice, the least first.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Metadata, Self::Content];

    /// Returns the name in policy files and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Metadata => "metadata",
            Self::Content => "content",
        }
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Intent {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|intent| intent.name() == name)
            .ok_or_else(|| {
                Error::policy(format!(
                    "unknown intent {}; the choices are {}",
                    quoted(name),
                    nearest_first(name, Self::ALL.iter().map(|intent| intent.name()))
                ))
            })
    }
}
