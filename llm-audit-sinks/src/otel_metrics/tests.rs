//! What a program's meter provider holds after calls, and of which words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use llm_audit_core::testing::MemorySink;
use llm_audit_core::{
    Audit, Batch, Durable, Facet, Level, Operation, Policy, Retention, Sink, SinkError, SinkExt,
    Usage, builder,
};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

use super::instruments::HISTOGRAMS;
use super::observed::INSTRUMENTS;
use super::{MetricsSink, observe};

const LONG: Duration = Duration::from_secs(30);

/// A program's provider, and what it exports.
struct Provider {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

/// A series: its attributes as text, and its value, for a histogram its sum.
type Series = BTreeMap<String, f64>;

impl Provider {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        Self { provider, exporter }
    }

    fn metrics(&self) -> BTreeMap<String, (Series, Vec<f64>)> {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let exported = self.exporter.get_finished_metrics().unwrap();
        let scopes = exported.iter().flat_map(|one| one.scope_metrics());
        let metrics = scopes.flat_map(|scope| scope.metrics());
        metrics
            .map(|metric| (metric.name().to_owned(), series(metric)))
            .collect()
    }
}

fn series(metric: &Metric) -> (Series, Vec<f64>) {
    let words = |pairs: Vec<String>| {
        let pairs: BTreeSet<_> = pairs.into_iter().collect();
        pairs.into_iter().collect::<Vec<_>>().join(" ")
    };
    macro_rules! points {
        ($data:expr, $value:ident) => {
            $data
                .data_points()
                .map(|point| {
                    let pairs = point
                        .attributes()
                        .map(|pair| format!("{}={}", pair.key, pair.value));
                    (words(pairs.collect()), point.$value())
                })
                .collect()
        };
    }
    let AggregatedMetrics::F64(data) = metric.data() else {
        panic!("{metric:?}");
    };
    match data {
        MetricData::Histogram(data) => {
            let bounds = data.data_points().next().unwrap().bounds().collect();
            (points!(data, sum), bounds)
        }
        MetricData::Sum(data) => (points!(data, value), Vec::new()),
        MetricData::Gauge(data) => (points!(data, value), Vec::new()),
        other => panic!("{other:?}"),
    }
}

fn everything() -> Policy {
    let facets = Facet::ALL.iter();
    let policy = facets.fold(Policy::builder(), |policy, facet| {
        policy.facet(*facet, Level::Full)
    });
    let policy = policy.consent_to_raw().retention(Retention::Days30);
    policy.build().unwrap()
}

fn counted(policy: Policy, record: impl FnOnce(&Audit)) -> BTreeMap<String, (Series, Vec<f64>)> {
    counted_beside(policy, MemorySink::new(), record)
}

/// Does so beside a sink that keeps the events.
fn counted_beside(
    policy: Policy,
    memory: MemorySink,
    record: impl FnOnce(&Audit),
) -> BTreeMap<String, (Series, Vec<f64>)> {
    let provider = Provider::new();
    let log = builder().policy(policy).sink(memory);
    let audit = log
        .sink(MetricsSink::new(&provider.provider))
        .spawn()
        .unwrap();
    record(&audit);
    assert!(audit.shutdown(LONG).is_complete());
    provider.metrics()
}

/// One of each kind, with everything known that people or models say.
fn calls(audit: &Audit) {
    let mut call = audit.begin(Operation::Chat);
    call.provider("openai")
        .request_model("small")
        .response_model("small-2");
    call.server_address("api.example.org").server_port(443);
    call.usage(Usage::openai(12, 3))
        .time_to_first_chunk_us(1_500_000);
    call.user_id("ada")
        .session_id("s-1")
        .prompt("secret words")
        .response("more words");
    call.metadata([("plan", "gold")]).tags(["vip"]);
    call.finish();
    let mut failed = audit.begin(Operation::Chat);
    failed.provider("openai");
    failed.error_type("rate_limit");
    failed.fail("secret words");
    let mut tool = audit.begin(Operation::ExecuteTool);
    tool.tool_name("search").tool_type("function");
    tool.tool_arguments("secret words");
    tool.finish();
    let mut agent = audit.begin(Operation::InvokeAgent);
    agent.agent_name("clerk").usage(Usage::openai(12, 3));
    agent.finish();
    let mut workflow = audit.begin(Operation::InvokeWorkflow);
    workflow.workflow_name("nightly");
    workflow.finish();
    audit
        .feedback("r-1")
        .feedback_comment("secret words")
        .record();
}

#[test]
fn calls_are_counted_in_the_conventions_histograms() {
    let memory = MemorySink::new();
    let metrics = counted_beside(everything(), memory.clone(), calls);
    let lasted = |operation: &Operation, failed: bool| {
        let events = memory.events().into_iter();
        let mut events = events.filter(|event| event.operation().as_ref() == Some(operation));
        let event = events
            .find(|event| event.error_type().is_some() == failed)
            .unwrap();
        event.latency_us().unwrap() as f64 / 1e6
    };
    let call = "gen_ai.operation.name=chat gen_ai.provider.name=openai gen_ai.request.model=small \
        gen_ai.response.model=small-2";
    let server = "server.address=api.example.org server.port=443";
    let duration = "gen_ai.client.operation.duration";
    let tokens = "gen_ai.client.token.usage";
    let first = "gen_ai.client.operation.time_to_first_chunk";
    let failed = "error.type=rate_limit gen_ai.operation.name=chat gen_ai.provider.name=openai";
    let tool =
        "gen_ai.operation.name=execute_tool gen_ai.tool.name=search gen_ai.tool.type=function";
    let agent = "gen_ai.agent.name=clerk gen_ai.operation.name=invoke_agent";
    let workflow = "gen_ai.operation.name=invoke_workflow gen_ai.workflow.name=nightly";
    #[rustfmt::skip]
    let expected = [
        (tokens, format!("{call} gen_ai.token.type=input {server}"), 12.),
        (tokens, format!("{call} gen_ai.token.type=output {server}"), 3.),
        (duration, format!("{call} {server}"), lasted(&Operation::Chat, false)),
        (duration, failed.into(), lasted(&Operation::Chat, true)),
        (first, format!("{call} {server}"), 1.5),
        ("gen_ai.execute_tool.duration", tool.into(), lasted(&Operation::ExecuteTool, false)),
        ("gen_ai.invoke_agent.duration", agent.into(), lasted(&Operation::InvokeAgent, false)),
        ("gen_ai.workflow.duration", workflow.into(), lasted(&Operation::InvokeWorkflow, false)),
    ];
    let mut found = 0;
    for (name, attributes, value) in &expected {
        assert_eq!(
            metrics[*name].0.get(attributes),
            Some(value),
            "{name}: {metrics:?}"
        );
        found += 1;
    }
    // An agent's tokens are those of its calls, which are counted already.
    assert_eq!(
        metrics
            .values()
            .map(|(series, _)| series.len())
            .sum::<usize>(),
        found
    );
    for row in HISTOGRAMS {
        assert_eq!(metrics[row.name].1, row.boundaries, "{}", row.name);
    }
}

#[test]
fn a_metric_has_no_word_of_people_or_content_and_none_that_the_policy_withholds() {
    let mut allowed: BTreeSet<_> = HISTOGRAMS
        .iter()
        .flat_map(|row| row.attributes)
        .map(|field| field.info().otel_name)
        .collect();
    allowed.extend(["error.type", "gen_ai.token.type"]);
    let text = format!("{:?}", counted(everything(), calls));
    for word in ["ada", "s-1", "secret", "words", "gold", "vip"] {
        assert!(!text.contains(word), "{word}");
    }
    let policy = Policy::builder()
        .facet(Facet::Usage, Level::Full)
        .retention(Retention::Days30);
    let metrics = counted(policy.build().unwrap(), calls);
    let tokens = &metrics["gen_ai.client.token.usage"].0;
    let expected = "gen_ai.operation.name=chat gen_ai.token.type=input";
    assert_eq!(tokens.get(expected), Some(&12.), "{metrics:?}");
    for (series, _) in metrics.values() {
        for pair in series.keys().flat_map(|attributes| attributes.split(' ')) {
            let name = pair.split('=').next().unwrap();
            assert!(allowed.contains(name), "{name}");
            assert!(!["gen_ai.request.model", "gen_ai.provider.name"].contains(&name));
        }
    }
}

#[test]
fn what_a_rule_of_the_sink_withholds_is_in_no_metric() {
    let provider = Provider::new();
    let sink = MetricsSink::new(&provider.provider).without([Facet::Model, Facet::Usage]);
    let audit = builder().policy(everything()).sink(sink).spawn().unwrap();
    calls(&audit);
    assert!(audit.shutdown(LONG).is_complete());
    let metrics = provider.metrics();
    assert!(!metrics.contains_key("gen_ai.client.token.usage"));
    assert!(!format!("{metrics:?}").contains("small"));
}

/// Takes nothing for good.
struct Refuses;

#[async_trait::async_trait]
impl Sink for Refuses {
    fn name(&self) -> &str {
        "refuses"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        Err(SinkError::reject(batch.seqs().to_vec(), "too strange"))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}

#[test]
fn the_counters_of_a_log_are_shown_and_add_up() {
    let provider = Provider::new();
    let log = builder().policy(everything());
    let audit = log.sink(MemorySink::new()).sink(Refuses).spawn().unwrap();
    observe(&provider.provider, &audit);
    for _ in 0..20 {
        audit.begin(Operation::Chat).finish();
    }
    drop(audit.flush(LONG));
    let counters = audit.counters();
    let metrics = provider.metrics();
    let sum = |name: &str, of: &str| -> f64 {
        let series = metrics.get(name).map(|(series, _)| series.iter());
        let series = series.into_iter().flatten();
        series
            .filter(|(words, _)| words.contains(of))
            .map(|(_, value)| value)
            .sum()
    };
    assert_eq!(sum("llm_audit.log.admitted", ""), 20.);
    let parts =
        ["written", "lost", "pending"].map(|part| sum(&format!("llm_audit.log.{part}"), ""));
    assert_eq!(parts.iter().sum::<f64>(), 20.);
    for sink in &counters.sinks {
        let part = |part: &str| sum(&format!("llm_audit.sink.{part}"), &sink.name);
        let sides = (
            part("delivered") + part("lost") + part("pending"),
            part("inherited"),
        );
        assert_eq!(sides, (20., 0.), "{}: {metrics:?}", sink.name);
    }
    assert_eq!(sum("llm_audit.sink.lost", "sink_rejected"), 20.);
    for row in INSTRUMENTS
        .iter()
        .filter(|row| !row.name.ends_with(".lost"))
    {
        assert!(metrics.contains_key(row.name), "{}", row.name);
    }
    // The provider is no reason for a log to live on.
    drop(audit);
    assert!(
        provider
            .metrics()
            .values()
            .all(|(series, _)| series.is_empty())
    );
}

#[test]
fn a_start_after_an_orderly_end_counts_only_what_is_new() {
    let temp = tempfile::tempdir().unwrap();
    let mut tokens = Vec::new();
    for number in [3, 1, 0] {
        let provider = Provider::new();
        let log = builder().policy(everything()).journal(temp.path());
        let sink = MetricsSink::new(&provider.provider);
        let audit = log.sink(sink).spawn().unwrap();
        for _ in 0..number {
            let mut call = audit.begin(Operation::Chat);
            call.usage(Usage::openai(7, 0));
            call.finish();
        }
        assert!(audit.shutdown(LONG).is_complete());
        let metrics = provider.metrics();
        let usage = metrics.get("gen_ai.client.token.usage");
        tokens.push(usage.map_or(0., |(series, _)| series.values().sum::<f64>()));
    }
    assert_eq!(tokens, [21., 7., 0.]);
}

#[cfg(feature = "http")]
#[test]
fn the_manual_lists_every_instrument() {
    use crate::http::tests::answers::check_manual;

    let mut text = String::from("\n| histogram | of | attributes | buckets |\n|---|---|---|---|\n");
    let ticked = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        words.join(", ")
    };
    for row in HISTOGRAMS {
        let mut names: Vec<_> = row.attributes.iter().map(|f| f.info().otel_name).collect();
        names.extend(row.has_error.then_some("error.type"));
        let (first, last) = (row.boundaries[0], row.boundaries[row.boundaries.len() - 1]);
        text.push_str(&format!(
            "| `{}`: {} | {} | {} | {}, {first} to {last} |\n",
            row.name,
            row.about,
            ticked(row.operations),
            ticked(&names),
            row.boundaries.len()
        ));
    }
    check_manual("otel.md", "histograms", &text);
    let mut text = String::from("\n| instrument | kind | unit | shows |\n|---|---|---|---|\n");
    for row in INSTRUMENTS {
        let kind = format!("{:?}", row.kind)
            .to_lowercase()
            .replace("updown", "up-down ");
        text.push_str(&format!(
            "| `{}` | {kind} | `{}` | {} |\n",
            row.name, row.unit, row.about
        ));
    }
    check_manual("otel.md", "counters", &text);
}
