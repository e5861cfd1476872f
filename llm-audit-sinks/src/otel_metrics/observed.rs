//! The counters of a log as instruments that are read when somebody collects.

use std::sync::Arc;

use llm_audit_core::{Audit, Breaker, Counters, LossCounts, SinkCounters, Watch};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider};

use super::SCOPE;

const SINK: &str = "llm_audit.sink.name";
const REASON: &str = "llm_audit.loss.reason";

/// Shows the counters of `audit` through `provider`: what was admitted, written, lost and why, what
/// is pending at each sink, how large the queue is, how long redaction took. They are read when the
/// provider collects, and once the log is gone nothing is shown.
///
/// Logs that share a provider overwrite each other's numbers: give each a provider, or show one.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::MemorySink;
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
///
/// let provider = SdkMeterProvider::builder().build();
/// let audit = llm_audit_core::builder().sink(MemorySink::new()).spawn()?;
/// llm_audit_sinks::otel_metrics::observe(&provider, &audit);
/// assert_eq!(audit.counters().admitted, 0);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub fn observe(provider: &dyn MeterProvider, audit: &Audit) {
    let meter = provider.meter(SCOPE);
    let watch = Arc::new(audit.watch());
    for row in INSTRUMENTS {
        row.build(&meter, Arc::clone(&watch));
    }
}

/// What is shown under a name.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) kind: Shown,
    pub(super) unit: &'static str,
    pub(super) about: &'static str,
    read: fn(&Counters) -> Vec<Reading>,
}

/// How a number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It only rises.
    Counter,
    /// It rises and falls, and sums over processes mean something.
    UpDownCounter,
    /// It rises and falls.
    Gauge,
}

struct Reading {
    value: f64,
    attributes: Vec<KeyValue>,
}

const fn row(
    name: &'static str,
    kind: Shown,
    unit: &'static str,
    about: &'static str,
    read: fn(&Counters) -> Vec<Reading>,
) -> Row {
    Row {
        name,
        kind,
        unit,
        about,
        read,
    }
}

use Shown::{Counter, Gauge, UpDownCounter};

#[rustfmt::skip]
pub(super) const INSTRUMENTS: &[Row] = &[
    row("llm_audit.log.admitted", Counter, "{event}", "events that the program handed in", |c| one(c.admitted)),
    row("llm_audit.log.written", Counter, "{event}", "events that were written", |c| one(c.written)),
    row("llm_audit.log.lost", Counter, "{event}", "events that are missing, by reason", |c| by_reason(&c.lost_by_reason, &[])),
    row("llm_audit.log.pending", UpDownCounter, "{event}", "events on their way", |c| one(c.pending)),
    row("llm_audit.log.withheld", Counter, "{value}", "values that could not be redacted, and are left out", |c| one(c.withheld)),
    row("llm_audit.log.queue", UpDownCounter, "By", "memory of events on their way to the journal", |c| one(c.queue_bytes)),
    row("llm_audit.log.memory", UpDownCounter, "By", "memory of them and of open interactions", |c| one(c.memory_bytes)),
    row("llm_audit.log.redaction", Counter, "s", "time that policy, redaction and inspectors took", |c| seconds(c.redaction.as_secs_f64(), Vec::new())),
    row("llm_audit.log.degraded", Gauge, "1", "1 while the journal cannot be written, else 0", |c| one(u64::from(c.is_degraded))),
    row("llm_audit.sink.inherited", Counter, "{event}", "events that earlier starts left for the sink", |c| each(c, |sink| sink.inherited)),
    row("llm_audit.sink.delivered", Counter, "{event}", "events that are durable at the sink", |c| each(c, |sink| sink.delivered)),
    row("llm_audit.sink.lost", Counter, "{event}", "events that are missing at the sink, by reason", |c| c.sinks.iter().flat_map(|sink| by_reason(&sink.lost_by_reason, &[named(sink)])).collect()),
    row("llm_audit.sink.pending", UpDownCounter, "{event}", "events on their way to the sink", |c| each(c, |sink| sink.pending)),
    row("llm_audit.sink.failures", Counter, "{try}", "tries that failed, also those made good later", |c| each(c, |sink| sink.failures)),
    row("llm_audit.sink.lag", Gauge, "s", "age of the oldest event that is pending", |c| c.sinks.iter().flat_map(|sink| seconds(sink.lag.as_secs_f64(), vec![named(sink)])).collect()),
    row("llm_audit.sink.resting", Gauge, "1", "1 while a sink that keeps failing is left alone, else 0", |c| each(c, |sink| u64::from(sink.breaker != Breaker::Closed))),
];

impl Row {
    fn build(&'static self, meter: &Meter, watch: Arc<Watch>) {
        let show = move |observer: &dyn AsyncInstrument<f64>| {
            let counters = watch.counters();
            for reading in counters.iter().flat_map(self.read) {
                observer.observe(reading.value, &reading.attributes);
            }
        };
        match self.kind {
            Counter => drop(
                meter
                    .f64_observable_counter(self.name)
                    .with_unit(self.unit)
                    .with_description(self.about)
                    .with_callback(show)
                    .build(),
            ),
            UpDownCounter => drop(
                meter
                    .f64_observable_up_down_counter(self.name)
                    .with_unit(self.unit)
                    .with_description(self.about)
                    .with_callback(show)
                    .build(),
            ),
            Gauge => drop(
                meter
                    .f64_observable_gauge(self.name)
                    .with_unit(self.unit)
                    .with_description(self.about)
                    .with_callback(show)
                    .build(),
            ),
        }
    }
}

fn one(value: u64) -> Vec<Reading> {
    seconds(value as f64, Vec::new())
}

fn seconds(value: f64, attributes: Vec<KeyValue>) -> Vec<Reading> {
    vec![Reading { value, attributes }]
}

fn each(counters: &Counters, read: fn(&SinkCounters) -> u64) -> Vec<Reading> {
    let sinks = counters.sinks.iter().map(|sink| Reading {
        value: read(sink) as f64,
        attributes: vec![named(sink)],
    });
    sinks.collect()
}

fn by_reason(lost: &LossCounts, of: &[KeyValue]) -> Vec<Reading> {
    let reasons = lost.iter().map(|(reason, count)| Reading {
        value: count as f64,
        attributes: [of, &[KeyValue::new(REASON, reason.name())]].concat(),
    });
    reasons.collect()
}

fn named(sink: &SinkCounters) -> KeyValue {
    KeyValue::new(SINK, sink.name.clone())
}
