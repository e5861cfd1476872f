//! What the machine spends while calls are made: CPU, memory, GPU.

mod process;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::catalog::Field;
use crate::clock::Clock;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::event::{Event, Value};
use crate::put::contained;
use crate::sync::Arc;

pub use process::ProcessProbe;

/// How often probes are asked at most.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// Probes that took long are left alone for so many times as long.
const REST: u32 = 10;
/// A probe that takes longer is asked no more.
const MAX_TIME: Duration = Duration::from_secs(1);

/// What a probe measured.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Resources;
///
/// let mut found = Resources::default();
/// found.gpu_utilization = Some(0.75);
/// assert_eq!(found.cpu_us, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Resources {
    /// CPU time that the process has used since its start, in microseconds.
    pub cpu_us: Option<u64>,
    /// Memory in use, in bytes.
    pub memory_bytes: Option<u64>,
    /// Utilisation of the GPU, 0 to 1.
    pub gpu_utilization: Option<f64>,
    /// Energy since some fixed moment, in joules.
    pub energy_joules: Option<f64>,
}

/// Measures what is spent: [`ProcessProbe`] the process, one of the host's own a GPU or a meter.
///
/// [`AuditBuilder::resources`](crate::AuditBuilder::resources) adds it. It is asked on the log's
/// thread and never on the caller's, while the facet `resources` is on and events are sealed, ten
/// times a second at most; events sealed meanwhile share the answer. It should be quick: what takes
/// longer is asked less often. One that panics, or takes more than a second, is asked no more. Events wait
/// for a probe: one that never returns stops the log, so give a library that can hang a thread of its
/// own, and let the probe say what that measured last.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{ProcessProbe, ResourceProbe, Resources};
///
/// struct Gpu;
///
/// impl ResourceProbe for Gpu {
///     fn sample(&mut self) -> Resources {
///         let mut found = Resources::default();
///         found.gpu_utilization = Some(0.75); // as the vendor's library says
///         found
///     }
/// }
/// # let temp = tempfile::tempdir()?;
/// let log = llm_audit_core::builder().journal(temp.path());
/// let audit = log.resources(ProcessProbe::new()).resources(Gpu).spawn()?;
/// # assert_eq!(audit.counters().admitted, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ResourceProbe: Send + 'static {
    /// Returns what is spent at this moment, as far as it knows.
    fn sample(&mut self) -> Resources;
}

/// The probes of a log, and what they said last.
pub(crate) struct Probes {
    probes: Vec<Box<dyn ResourceProbe>>,
    clock: Arc<dyn Clock>,
    diagnostics: Diagnostics,
    last: Resources,
    /// When they are asked again.
    due: Duration,
}

impl Probes {
    pub(crate) fn new(
        probes: Vec<Box<dyn ResourceProbe>>,
        clock: Arc<dyn Clock>,
        diagnostics: Diagnostics,
    ) -> Self {
        Self {
            probes,
            clock,
            diagnostics,
            last: Resources::default(),
            due: Duration::ZERO,
        }
    }

    /// Adds to the event what the host did not say itself.
    pub(crate) fn fill(&mut self, event: &mut Event) {
        self.sample();
        let int = |value: Option<u64>| value.map(Value::Int);
        let float = |value: Option<f64>| value.filter(|value| value.is_finite()).map(Value::Float);
        let found = self.last;
        for (field, value) in [
            (Field::CpuUs, int(found.cpu_us)),
            (Field::MemoryBytes, int(found.memory_bytes)),
            (Field::GpuUtilization, float(found.gpu_utilization)),
            (Field::EnergyJoules, float(found.energy_joules)),
        ] {
            if let Some(value) = value.filter(|_| event.get(field).is_none()) {
                event.set(field, value);
            }
        }
    }

    fn sample(&mut self) {
        let began = self.clock.monotonic();
        if began < self.due {
            return;
        }
        let mut found = Resources::default();
        let (diagnostics, clock) = (&self.diagnostics, &self.clock);
        self.probes.retain_mut(|probe| {
            let asked = clock.monotonic();
            let Some(one) = contained(|| probe.sample()) else {
                let message = "a resource probe panicked; it is asked no more";
                diagnostics.report(DiagnosticKind::ProbeFailing, message);
                return false;
            };
            if clock.monotonic().saturating_sub(asked) > MAX_TIME {
                let message = "a resource probe took more than a second; it is asked no more";
                diagnostics.report(DiagnosticKind::ProbeFailing, message);
                return false;
            }
            // The first that knows a value says it.
            found = Resources {
                cpu_us: found.cpu_us.or(one.cpu_us),
                memory_bytes: found.memory_bytes.or(one.memory_bytes),
                gpu_utilization: found.gpu_utilization.or(one.gpu_utilization),
                energy_joules: found.energy_joules.or(one.energy_joules),
            };
            true
        });
        self.last = found;
        let now = self.clock.monotonic();
        let rest = now.saturating_sub(began).saturating_mul(REST);
        self.due = now.saturating_add(rest.max(SAMPLE_EVERY));
    }
}
