//! The categories of data that a user opts in to.

use std::fmt;
use std::iter;
use std::str::FromStr;

use crate::error::Error;
use crate::level::Level;

/// Which [`Level`]s a facet accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepts {
    /// Off, Digest, Full: a value is hidden as a whole or shown as a whole.
    Identity,
    /// Off, Digest, Redacted, Full.
    Text,
    /// Off, Redacted, Full: a digest of a wire body would link nothing.
    Raw,
    /// Off, Full: numbers and names in which there is nothing to redact.
    Plain,
}

impl Accepts {
    const fn levels(self) -> &'static [Level] {
        match self {
            Self::Identity => &[Level::Off, Level::Digest, Level::Full],
            Self::Text => &[Level::Off, Level::Digest, Level::Redacted, Level::Full],
            Self::Raw => &[Level::Off, Level::Redacted, Level::Full],
            Self::Plain => &[Level::Off, Level::Full],
        }
    }
}

macro_rules! facets {
    ($($group:ident $group_name:literal { $(#[doc = $doc:literal] $facet:ident $name:literal $accepts:ident,)+ })+) => {
        /// A category of data, captured only when a policy opts in to it.
        ///
        /// Every facet is [`Level::Off`] by default. The names in files and in the log are the
        /// snake_case words that [`Facet::name`] returns.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Facet {
            $($(#[doc = $doc] $facet,)+)+
        }

        /// A group of facets; its name is shorthand for all of them in policy files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FacetGroup {
            $(#[doc = concat!("The facets of group `", $group_name, "`.")] $group,)+
        }

        impl Facet {
            /// Every facet, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$($(Self::$facet,)+)+];

            /// Returns the facet's name in files and in the log.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$facet => $name,)+)+ }
            }

            /// Returns what the facet is, in one sentence.
            pub const fn doc(self) -> &'static str {
                match self { $($(Self::$facet => $doc.trim_ascii(),)+)+ }
            }

            /// Returns the group that the facet belongs to.
            pub const fn group(self) -> FacetGroup {
                match self { $($(Self::$facet => FacetGroup::$group,)+)+ }
            }

            const fn accepts(self) -> Accepts {
                match self { $($(Self::$facet => Accepts::$accepts,)+)+ }
            }
        }

        impl FacetGroup {
            /// Every group, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$group,)+];

            /// Returns the group's name in policy files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$group => $group_name,)+ }
            }
        }
    };
}

facets! {
    Identity "identity" {
        /// Who asked: user ids and roles.
        User "user" Identity,
        /// The user's groups, tenant and team.
        Groups "groups" Identity,
        /// The project that the call belongs to, with its ancestors.
        Project "project" Identity,
        /// Owners of the code that the call is about.
        CodeOwners "code_owners" Identity,
        /// Session, conversation and turn.
        Session "session" Identity,
        /// Device, client address and user agent.
        Device "device" Identity,
    }
    Content "content" {
        /// System instructions.
        SystemPrompt "system_prompt" Text,
        /// Input messages and template variables.
        Prompt "prompt" Text,
        /// Output messages.
        Response "response" Text,
        /// Reasoning parts of messages, with their signatures.
        Reasoning "reasoning" Text,
        /// Arguments and results of tools.
        ToolIo "tool_io" Text,
        /// Retrieval queries, documents and accessed resources.
        Retrieval "retrieval" Text,
        /// Images, audio, video and files, by reference.
        Media "media" Identity,
        /// Bodies and headers as on the wire.
        Raw "raw" Raw,
    }
    Operation "operation" {
        /// Provider, model and connection.
        Model "model" Plain,
        /// Sampling parameters and other request settings.
        RequestConfig "request_config" Plain,
        /// Names and definitions of tools.
        Tools "tools" Plain,
        /// Tokens, quota and cost.
        Usage "usage" Plain,
        /// Moments and durations.
        Timing "timing" Plain,
        /// How the model was chosen, and retries.
        Routing "routing" Plain,
        /// CPU, memory, GPU and energy.
        Resources "resources" Plain,
        /// Error messages, stacks and provider error bodies; they quote content.
        ErrorDetail "error_detail" Text,
    }
    Application "application" {
        /// The service, agent, prompt template and code that made the call.
        Source "source" Text,
        /// The user's own numbers.
        Metrics "metrics" Plain,
        /// The user's own tags and free-form values; treated as sensitive.
        Metadata "metadata" Text,
    }
    Governance "governance" {
        /// Classification labels of the material.
        Classification "classification" Plain,
        /// Guardrails and their verdicts.
        Guardrails "guardrails" Text,
        /// Findings of detectors: personal data, toxicity, injection and others.
        Detections "detections" Text,
    }
    Quality "quality" {
        /// Evaluation scores.
        Evaluation "evaluation" Text,
        /// Ratings, comments, corrections and decisions of people.
        Feedback "feedback" Text,
        /// Whether and why the event may be used for training.
        Training "training" Plain,
    }
}

impl Facet {
    /// Returns the levels that the facet accepts, lowest first.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Facet, Level};
    ///
    /// assert!(!Facet::User.accepted_levels().contains(&Level::Redacted));
    /// assert!(Facet::Prompt.accepted_levels().contains(&Level::Redacted));
    /// ```
    pub const fn accepted_levels(self) -> &'static [Level] {
        self.accepts().levels()
    }

    /// Returns whether the facet belongs to group identity.
    pub const fn is_identity(self) -> bool {
        matches!(self.group(), FacetGroup::Identity)
    }

    /// Returns whether the facet belongs to group content.
    pub const fn is_content(self) -> bool {
        matches!(self.group(), FacetGroup::Content)
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl FacetGroup {
    /// Returns the facets of the group.
    pub fn facets(self) -> impl Iterator<Item = Facet> {
        Facet::ALL
            .iter()
            .copied()
            .filter(move |facet| facet.group() == self)
    }
}

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for FacetGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Facet {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|facet| facet.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|facet| facet.name()).collect();
                Error::policy(format!(
                    "unknown facet `{name}`; the facets are {}",
                    names.join(", ")
                ))
            })
    }
}

/// A set of facets.
/// # Examples
///
/// ```
/// use llm_audit_core::{Facet, FacetGroup, FacetSet};
///
/// let identity: FacetSet = FacetGroup::Identity.facets().collect();
/// assert!(identity.contains(Facet::User) && !identity.contains(Facet::Prompt));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FacetSet(u32);

impl FacetSet {
    /// The set without a facet.
    pub const EMPTY: Self = Self(0);

    /// Adds `facet` and returns whether it was absent.
    pub const fn insert(&mut self, facet: Facet) -> bool {
        let before = self.0;
        self.0 |= 1 << facet.index();
        before != self.0
    }

    /// Returns whether `facet` is in the set.
    pub const fn contains(self, facet: Facet) -> bool {
        self.0 & (1 << facet.index()) != 0
    }

    /// Returns whether no facet is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the facets of the set, in the order of the catalogue.
    pub fn iter(self) -> impl Iterator<Item = Facet> {
        let mut left = self.0;
        iter::from_fn(move || {
            // Of an empty set this is past the last facet.
            let facet = Facet::ALL.get(left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(*facet)
        })
    }
}

impl fmt::Debug for FacetSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Extend<Facet> for FacetSet {
    fn extend<I: IntoIterator<Item = Facet>>(&mut self, facets: I) {
        for facet in facets {
            self.insert(facet);
        }
    }
}

impl FromIterator<Facet> for FacetSet {
    fn from_iter<I: IntoIterator<Item = Facet>>(facets: I) -> Self {
        let mut set = Self::EMPTY;
        set.extend(facets);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_31_facets_in_six_groups() {
        assert_eq!(Facet::ALL.len(), 31);
        assert_eq!(FacetGroup::ALL.len(), 6);
    }

    #[test]
    fn a_set_gives_its_facets_in_the_order_of_the_catalogue() {
        let all: FacetSet = Facet::ALL.iter().rev().copied().collect();
        assert!(all.iter().eq(Facet::ALL.iter().copied()));
        assert_eq!(FacetSet::EMPTY.iter().next(), None);
        for facet in Facet::ALL {
            let mut one = FacetSet::EMPTY;
            one.insert(*facet);
            assert!(one.iter().eq([*facet]));
        }
    }

    #[test]
    fn every_name_parses_to_its_facet() {
        for facet in Facet::ALL {
            assert_eq!(facet.name().parse::<Facet>().unwrap(), *facet);
        }
    }

    #[test]
    fn an_unknown_facet_lists_the_known_ones() {
        let error = "prompts".parse::<Facet>().unwrap_err().to_string();
        assert!(
            error.contains("`prompts`") && error.contains("system_prompt"),
            "{error}"
        );
    }
}
