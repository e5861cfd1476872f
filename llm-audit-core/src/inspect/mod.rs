//! Looking at events as they are written: rules of a business, toxicity, injection, distress.

mod escalation;
mod runner;

use std::fmt;
use std::time::Duration;

use crate::event::{Evaluation, Event, Guardrail, Kind};
use crate::facet::Facet;

pub use escalation::Escalation;
pub(crate) use escalation::{Escalations, Hook};
pub use runner::InspectorCounters;
pub(crate) use runner::{Inspectors, Tally};

/// How long one look may take, unless the inspector says otherwise.
const BUDGET: Duration = Duration::from_millis(5);
/// Findings of one look; more are counted and left out.
const MAX_FINDINGS: usize = 16;

/// Looks at each event of the host once it is sealed, and says what it finds.
///
/// A finding becomes an event of its own, of kind `guardrail` or `evaluation`, whose target is the
/// event that was looked at; it is sealed under that event's policy and layers. An inspector sees
/// what the log keeps and nothing else: of a facet that is off, nothing. It is not shown its own
/// findings, nor any other event of the log itself, and what it records through the log is not
/// written.
///
/// It runs on the log's thread, between sealing and writing, so it should be quick: a rule, a list
/// of words, a small model. One that takes longer than its budget is left alone for ten times as
/// long as it took, so that the log is not held up by more than a tenth. A panic costs that look
/// alone. Both are counted in [`InspectorCounters`] and told to the diagnostics hook.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Event, Guardrail, Inspection, Inspector};
///
/// /// No price is to be promised.
/// struct NoPrices;
///
/// impl Inspector for NoPrices {
///     fn name(&self) -> &str {
///         "no_prices"
///     }
///
///     fn inspect(&mut self, event: &Event, inspection: &mut Inspection) {
///         if event.response().is_some_and(|answer| answer.contains('€')) {
///             inspection.guardrail(Guardrail::default().action("flagged")).escalate();
///         }
///     }
/// }
/// # let directory = tempfile::tempdir()?;
/// let builder = llm_audit_core::builder().journal(directory.path()).inspector(NoPrices);
/// # drop(builder.spawn()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Inspector: Send + 'static {
    /// Returns the name: in findings that name nobody else, in counters and diagnostics.
    fn name(&self) -> &str;

    /// Looks at an event, and puts what it finds in `inspection`.
    fn inspect(&mut self, event: &Event, inspection: &mut Inspection);

    /// Returns how long one look may take; 5 ms unless overridden.
    fn budget(&self) -> Duration {
        BUDGET
    }
}

/// What an [`Inspector`] finds in one event.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Evaluation, Event, Inspection};
///
/// fn score(event: &Event, inspection: &mut Inspection) {
///     let shouts = event.prompt().is_some_and(|prompt| prompt.ends_with("!!!"));
///     inspection.evaluation(Evaluation::default().name("distress").score(f64::from(shouts)));
/// }
/// # let _: fn(&Event, &mut Inspection) = score;
/// ```
#[derive(Default)]
pub struct Inspection {
    findings: Vec<Finding>,
    left_out: u64,
}

/// One finding.
pub(crate) struct Finding {
    pub(crate) said: Said,
    pub(crate) escalates: bool,
}

/// What was found.
pub(crate) enum Said {
    Guardrail(Guardrail),
    Evaluation(Evaluation),
}

impl Inspection {
    /// Adds a verdict about the event. Its name is the inspector's unless it has one.
    pub fn guardrail(&mut self, verdict: Guardrail) -> &mut Self {
        self.add(Said::Guardrail(verdict))
    }

    /// Adds a score of the event. Its evaluator is the inspector, and its annotator kind `code`,
    /// unless they are set.
    pub fn evaluation(&mut self, evaluation: Evaluation) -> &mut Self {
        self.add(Said::Evaluation(evaluation))
    }

    /// Has what was added last told to the hook of
    /// [`on_escalation`](crate::AuditBuilder::on_escalation) too. Before anything was added it does
    /// nothing.
    pub fn escalate(&mut self) -> &mut Self {
        if let Some(finding) = self.findings.last_mut() {
            finding.escalates = true;
        }
        self
    }

    fn add(&mut self, said: Said) -> &mut Self {
        if self.findings.len() < MAX_FINDINGS {
            let escalates = false;
            self.findings.push(Finding { said, escalates });
        } else {
            self.left_out += 1;
        }
        self
    }
}

/// Shows how much was found, never what.
impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection")
            .field("findings", &self.findings.len())
            .field("left_out", &self.left_out)
            .finish()
    }
}

impl Said {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Guardrail(_) => Kind::Guardrail,
            Self::Evaluation(_) => Kind::Evaluation,
        }
    }

    pub(crate) const fn facet(&self) -> Facet {
        match self {
            Self::Guardrail(_) => Facet::Guardrails,
            Self::Evaluation(_) => Facet::Evaluation,
        }
    }

    fn by(&mut self, inspector: &str) {
        let or_inspector = |name: &mut Option<String>| {
            name.get_or_insert_with(|| inspector.to_owned());
        };
        match self {
            Self::Guardrail(verdict) => or_inspector(&mut verdict.name),
            Self::Evaluation(evaluation) => {
                or_inspector(&mut evaluation.evaluator);
                evaluation
                    .annotator_kind
                    .get_or_insert_with(|| "code".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests;
