//! The histograms of the GenAI conventions, and what of an event goes into them.

use llm_audit_core::schema::ValueRef;
use llm_audit_core::{Event, Field, Kind};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};

use crate::error_type::error_type;

/// Tokens: powers of four.
const TOKENS: &[f64] = &[
    1., 4., 16., 64., 256., 1024., 4096., 16384., 65536., 262144., 1048576., 4194304., 16777216.,
    67108864.,
];
/// Seconds of a call or of a tool, doubling.
const SECONDS: &[f64] = &[
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Seconds of an agent, doubling.
const AGENT_SECONDS: &[f64] = &[
    0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6,
];
const WORKFLOW_SECONDS: &[f64] = &[1., 5., 10., 30., 60., 120., 300., 600., 1800., 3600., 7200.];

/// Takes a value, with an attribute of its own.
type Take<'a> = dyn FnMut(f64, Option<KeyValue>) + 'a;

/// A histogram of the conventions: of which operations, and by which attributes.
pub(super) struct Row {
    pub(super) name: &'static str,
    unit: &'static str,
    pub(super) about: &'static str,
    pub(super) boundaries: &'static [f64],
    pub(super) operations: &'static [&'static str],
    pub(super) attributes: &'static [Field],
    /// Whether the class of error is an attribute too.
    pub(super) has_error: bool,
    measure: fn(&Event, &mut Take<'_>),
}

/// What is asked of a model over a network. A tool, an agent and a workflow have names of their own.
const ASKED: &[&str] = &[
    "chat",
    "text_completion",
    "generate_content",
    "embeddings",
    "rerank",
];
const CALLS: &[&str] = &[
    "chat",
    "text_completion",
    "generate_content",
    "embeddings",
    "rerank",
    "retrieval",
];
const OF_CALL: &[Field] = &[
    Field::Operation,
    Field::Provider,
    Field::RequestModel,
    Field::ResponseModel,
    Field::ServerAddress,
    Field::ServerPort,
];

/// The conventions' table, as far as an event says what it takes.
pub(super) const HISTOGRAMS: &[Row] = &[
    Row {
        name: "gen_ai.client.token.usage",
        unit: "{token}",
        about: "input and output tokens; `gen_ai.token.type` says which",
        boundaries: TOKENS,
        operations: ASKED,
        attributes: OF_CALL,
        has_error: false,
        measure: tokens,
    },
    Row {
        name: "gen_ai.client.operation.duration",
        about: "time of a call",
        operations: CALLS,
        ..seconds(SECONDS)
    },
    Row {
        name: "gen_ai.client.operation.time_to_first_chunk",
        about: "time to the first chunk of a stream",
        operations: ASKED,
        has_error: false,
        measure: first_chunk,
        ..seconds(SECONDS)
    },
    Row {
        name: "gen_ai.execute_tool.duration",
        about: "time of a tool",
        operations: &["execute_tool"],
        attributes: &[Field::Operation, Field::ToolName, Field::ToolType],
        ..seconds(SECONDS)
    },
    Row {
        name: "gen_ai.invoke_agent.duration",
        about: "time of an agent",
        operations: &["invoke_agent"],
        attributes: &[Field::Operation, Field::Provider, Field::AgentName],
        ..seconds(AGENT_SECONDS)
    },
    Row {
        name: "gen_ai.workflow.duration",
        about: "time of a workflow",
        operations: &["invoke_workflow"],
        attributes: &[Field::Operation, Field::WorkflowName],
        ..seconds(WORKFLOW_SECONDS)
    },
];

const fn seconds(boundaries: &'static [f64]) -> Row {
    Row {
        name: "",
        unit: "s",
        about: "",
        boundaries,
        operations: &[],
        attributes: OF_CALL,
        has_error: true,
        measure: duration,
    }
}

/// The histograms of a meter.
pub(super) struct Instruments(Vec<(&'static Row, Histogram<f64>)>);

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let make = |row: &'static Row| {
            let histogram = meter.f64_histogram(row.name).with_unit(row.unit);
            let histogram = histogram.with_description(row.about);
            (
                row,
                histogram.with_boundaries(row.boundaries.to_vec()).build(),
            )
        };
        Self(HISTOGRAMS.iter().map(make).collect())
    }

    /// Counts an event in.
    pub(super) fn record(&self, event: &Event) {
        let operation = event.operation();
        let Some(operation) = operation.filter(|_| *event.kind() == Kind::Interaction) else {
            return;
        };
        let is_of = |row: &Row| row.operations.contains(&operation.as_str());
        for (row, histogram) in self.0.iter().filter(|(row, _)| is_of(row)) {
            let attributes = attributes(event, row);
            (row.measure)(event, &mut |value, own| {
                let own: Vec<_> = own.into_iter().chain(attributes.iter().cloned()).collect();
                histogram.record(value, &own);
            });
        }
    }
}

fn attributes(event: &Event, row: &Row) -> Vec<KeyValue> {
    let fields = row.attributes.iter().filter_map(|field| {
        let name = field.info().otel_name;
        match event.get(*field)? {
            ValueRef::Text(text) => Some(KeyValue::new(name, text.to_owned())),
            ValueRef::Int(number) => Some(KeyValue::new(name, i64::try_from(number).ok()?)),
            _ => None,
        }
    });
    let error = error_type(event).filter(|_| row.has_error);
    let error = error.map(|error| {
        let name = Field::ErrorType.info().otel_name;
        KeyValue::new(name, error.to_owned())
    });
    fields.chain(error).collect()
}

fn tokens(event: &Event, take: &mut Take<'_>) {
    let counts = [
        ("input", event.input_tokens()),
        ("output", event.output_tokens()),
    ];
    for (kind, count) in counts {
        if let Some(count) = count {
            take(count as f64, Some(KeyValue::new("gen_ai.token.type", kind)));
        }
    }
}

fn duration(event: &Event, take: &mut Take<'_>) {
    let micros = |at: llm_audit_core::Timestamp| at.as_unix_micros();
    let by_clock = event.ended_at().zip(event.started_at());
    let by_clock = by_clock.map(|(end, start)| micros(end).saturating_sub(micros(start)).max(0));
    // Measured by a clock that nobody sets, if it is known.
    let measured = event.latency_us().map(|latency| latency as f64);
    if let Some(micros) = measured.or(by_clock.map(|micros| micros as f64)) {
        take(micros / 1e6, None);
    }
}

fn first_chunk(event: &Event, take: &mut Take<'_>) {
    if let Some(micros) = event.time_to_first_chunk_us() {
        take(micros as f64 / 1e6, None);
    }
}
