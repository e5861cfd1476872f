//! What a run of the kit found.

use std::collections::BTreeSet;
use std::fmt;

use super::claim::Claims;
use super::finding::{Finding, Findings};
use super::plant::Planter;

/// What a run of a [`Kit`](super::Kit) found.
#[derive(Clone, Debug, Default)]
#[must_use = "a report says what leaked"]
#[non_exhaustive]
pub struct Report {
    /// What stands where it may not.
    pub leaks: Vec<Leak>,
    /// Channels whose marks stand where they may: proof that the search sees them.
    pub arrived: BTreeSet<String>,
    /// Everything that was searched.
    pub places: BTreeSet<String>,
    /// How many events the log wrote, its own included.
    pub events: usize,
}

/// Something that stands where it may not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leak {
    /// What was found, and where.
    pub finding: Finding,
    /// Why it may not stand there.
    pub because: String,
}

/// A message lists so many channels; a person reads a page.
const MOST_LISTED: usize = 20;

impl Report {
    /// Judges what was found where `claims` hold.
    pub(super) fn judge(&mut self, findings: Findings, claims: &Claims, planter: &Planter) {
        for finding in findings {
            // A mark that was cut off may be of any of these; it is a leak when none may stand.
            let objections = finding
                .of
                .iter()
                .map(|(channel, what)| claims.objection(*what, &planter.guard(channel)));
            match objections.collect::<Option<Vec<_>>>() {
                Some(because) => self.leaks.push(Leak {
                    because: because.into_iter().next().unwrap_or_default(),
                    finding,
                }),
                None => drop(self.arrived.insert(finding.channel)),
            }
        }
    }

    /// Checks that nothing leaked.
    ///
    /// # Panics
    ///
    /// When something did. The message names channel, place, offset and encoding of each leak, and
    /// why it is one; it shows no mark.
    #[track_caller]
    #[expect(clippy::panic, reason = "a check that does not hold fails the test")]
    pub fn assert_clean(&self) {
        if !self.leaks.is_empty() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} leaks; {} channels arrived in {} events, {} places were searched",
            self.leaks.len(),
            self.arrived.len(),
            self.events,
            self.places.len()
        )?;
        // The first of each channel: one that stands in many places does not hide the others.
        let mut told = BTreeSet::new();
        let mut listed = Vec::new();
        for leak in &self.leaks {
            let of = (&leak.finding.channel, leak.finding.what);
            if listed.len() < MOST_LISTED && told.insert(of) {
                listed.push(leak);
            }
        }
        for leak in &listed {
            write!(f, "\n{leak}")?;
        }
        match self.leaks.len() - listed.len() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, and {}", self.finding, self.because)
    }
}
