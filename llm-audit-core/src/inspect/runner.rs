//! Running inspectors within their budgets.

use std::time::Duration;

use super::{Finding, Inspection, Inspector};
use crate::clock::Clock;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::event::Event;
use crate::foreign::contained;
use crate::sync::{Arc, Mutex, lock};

/// An inspector that took too long is left alone for so many times as long.
const REST: u32 = 10;

/// What became of one inspector's looks.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Event, Inspection, Inspector};
///
/// struct Idle;
///
/// impl Inspector for Idle {
///     fn name(&self) -> &str {
///         "idle"
///     }
///
///     fn inspect(&mut self, _: &Event, _: &mut Inspection) {}
/// }
/// # let directory = tempfile::tempdir()?;
/// let audit = llm_audit_core::builder().journal(directory.path()).inspector(Idle).spawn()?;
/// assert_eq!(audit.counters().inspectors[0].name, "idle");
/// assert_eq!(audit.counters().inspectors[0].inspected, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectorCounters {
    /// Name of the inspector.
    pub name: String,
    /// Events that it looked at.
    pub inspected: u64,
    /// Findings that it made.
    pub findings: u64,
    /// Findings that were left out, as one look had more than sixteen.
    pub left_out: u64,
    /// Looks that panicked; their findings are gone.
    pub panics: u64,
    /// Looks that took longer than the budget.
    pub over_budget: u64,
    /// Events that it did not look at, as it had taken too long before.
    pub passed_over: u64,
    /// Findings that the escalation hook was not told of, as it had not taken in those before.
    pub escalations_lost: u64,
}

/// The counters of all inspectors of a log. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Vec<InspectorCounters>>>);

impl Tally {
    pub(crate) fn counters(&self) -> Vec<InspectorCounters> {
        lock(&self.0).clone()
    }

    fn add(&self, inspector: usize, count: impl FnOnce(&mut InspectorCounters)) {
        if let Some(counters) = lock(&self.0).get_mut(inspector) {
            count(counters);
        }
    }
}

/// The inspectors of a log, on its thread.
pub(crate) struct Inspectors {
    running: Vec<Running>,
    tally: Tally,
    diagnostics: Diagnostics,
    clock: Arc<dyn Clock>,
}

struct Running {
    inspector: Box<dyn Inspector>,
    name: String,
    rests_until: Duration,
}

impl Inspectors {
    pub(crate) fn new(
        inspectors: Vec<Box<dyn Inspector>>,
        clock: Arc<dyn Clock>,
        diagnostics: Diagnostics,
    ) -> Self {
        let running: Vec<_> = inspectors
            .into_iter()
            .map(|inspector| Running {
                name: inspector.name().to_owned(),
                inspector,
                rests_until: Duration::ZERO,
            })
            .collect();
        let counters = running.iter().map(|running| InspectorCounters {
            name: running.name.clone(),
            ..InspectorCounters::default()
        });
        Self {
            tally: Tally(Arc::new(Mutex::new(counters.collect()))),
            running,
            diagnostics,
            clock,
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Shows `event` to every inspector that does not rest, and returns what they found, each with
    /// the number of its inspector.
    pub(crate) fn inspect(&mut self, event: &Event) -> Vec<(usize, Finding)> {
        let mut found = Vec::new();
        for (number, running) in self.running.iter_mut().enumerate() {
            let start = self.clock.monotonic();
            if start < running.rests_until {
                self.tally.add(number, |counters| counters.passed_over += 1);
                continue;
            }
            let mut inspection = Inspection::default();
            let mut budget = Duration::ZERO;
            let looked = contained(|| {
                budget = running.inspector.budget();
                running.inspector.inspect(event, &mut inspection);
            });
            let took = self.clock.monotonic().saturating_sub(start);
            let over = took > budget;
            if over {
                running.rests_until = (start + took).saturating_add(took.saturating_mul(REST));
            }
            if looked.is_none() {
                inspection = Inspection::default();
            }
            self.tally.add(number, |counters| {
                counters.inspected += 1;
                counters.findings += inspection.findings.len() as u64;
                counters.left_out += inspection.left_out;
                counters.over_budget += u64::from(over);
                counters.panics += u64::from(looked.is_none());
            });
            let problem = match (&looked, over) {
                (None, _) => Some("panicked; what it found in the event is gone"),
                (_, true) => Some("took longer than its budget and is left alone for a while"),
                _ => None,
            };
            if let Some(problem) = problem {
                let message = format!("inspector `{}` {problem}", running.name);
                self.diagnostics
                    .report(DiagnosticKind::InspectorFailing, message);
            }
            found.extend(inspection.findings.into_iter().map(|mut finding| {
                finding.said.by(&running.name);
                (number, finding)
            }));
        }
        found
    }

    /// Returns the name of an inspector.
    pub(crate) fn name(&self, inspector: usize) -> &str {
        let running = self.running.get(inspector);
        running.map_or("", |running| &running.name)
    }

    /// Counts a finding that the hook was not told of, and tells of it.
    pub(crate) fn lose_escalation(&self, inspector: usize) {
        self.tally
            .add(inspector, |counters| counters.escalations_lost += 1);
        self.diagnostics.report(
            DiagnosticKind::InspectorFailing,
            format!(
                "the escalation hook is behind and was not told of a finding of `{}`; the log has it",
                self.name(inspector)
            ),
        );
    }
}
