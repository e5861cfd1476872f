//! Bodies as receivers document them, and what their answers mean for each event.

use llm_audit_core::testing::{ManualClock, SequentialIds};
use llm_audit_core::{Batch, Durable, Operation, SinkError, Timestamp, builder};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::answers::{Row, check_manual};
use super::server::{Do, Server};
use super::{LONG, batch, config, fate, policy, write};
use crate::http::{
    Answer, BodyFormat, DatadogLogs, ElasticBulk, Endpoint, HttpConfig, HttpSink, JsonArray,
    NdJson, SplunkHec,
};

/// Sends a batch to a receiver that gives this answer.
fn answered(format: impl BodyFormat, answer: Do) -> Result<Durable, SinkError> {
    let server = Server::new([answer]);
    let config = config(Endpoint::new(server.url())).format(format);
    write(&mut HttpSink::with(config).unwrap(), &batch())
}

/// An answer of the bulk interface: the batch's first events have these statuses, the others 201.
fn bulk(statuses: &[u16]) -> Do {
    let all = statuses.iter().copied().chain(std::iter::repeat(201));
    let items: Vec<_> = all
        .take(batch().len())
        .map(|status| json!({"create": {"_index": "i", "_id": "x", "status": status}}))
        .collect();
    Do::json(
        200,
        &json!({"took": 1, "errors": !statuses.is_empty(), "items": items}).to_string(),
    )
}

fn hec(status: u16, code: u64, invalid: Option<u64>) -> Do {
    let mut said = json!({"text": "Said", "code": code});
    if let Some(invalid) = invalid {
        said["invalid-event-number"] = invalid.into();
    }
    Do::json(status, &said.to_string())
}

pub(super) fn rows() -> Vec<Row> {
    let elastic = |receiver: &str, expected, answer| {
        let result = answered(ElasticBulk::new("logs"), answer);
        Row::new(format!("Elastic: {receiver}"), expected, result)
    };
    let splunk = |receiver: &str, expected, answer| {
        let result = answered(SplunkHec::new(), answer);
        Row::new(format!("Splunk: {receiver}"), expected, result)
    };
    let datadog = |receiver: &str, expected, answer| {
        let result = answered(DatadogLogs::new(), answer);
        Row::new(format!("Datadog: {receiver}"), expected, result)
    };
    vec![
        elastic("no errors", "delivered", bulk(&[])),
        elastic(
            "no errors, and no items, as `filter_path` asked for",
            "delivered",
            Do::json(200, r#"{"errors":false}"#),
        ),
        elastic(
            "no errors, and fewer items than events",
            "paused",
            Do::json(200, r#"{"errors":false,"items":[]}"#),
        ),
        elastic("an item 409: it was there", "delivered", bulk(&[409, 201])),
        elastic("an item 400", "dead-lettered", bulk(&[201, 400])),
        elastic("an item 429", "retried", bulk(&[201, 429])),
        elastic("an item 503 and one 400", "retried", bulk(&[503, 400])),
        elastic("an item 403 or 404", "paused", bulk(&[201, 403])),
        elastic(
            "200 and something else",
            "paused",
            Do::json(200, r#"{"ok":true}"#),
        ),
        elastic(
            "fewer items than events",
            "paused",
            Do::json(200, r#"{"errors":true,"items":[]}"#),
        ),
        elastic("429", "retried", Do::status(429)),
        splunk("200, code 0", "delivered", hec(200, 0, None)),
        splunk("200 and something else", "paused", Do::json(200, "{}")),
        splunk("400, code 6, event 0", "divided", hec(400, 6, Some(0))),
        splunk(
            "400, code 6, event 1: event 0 was taken",
            "retried",
            hec(400, 6, Some(1)),
        ),
        splunk("400, code 7", "paused", hec(400, 7, None)),
        splunk("403, code 4", "paused", hec(403, 4, None)),
        splunk("503, code 9", "retried", hec(503, 9, None)),
        datadog("202", "delivered", Do::json(202, "{}")),
        datadog("403", "paused", Do::json(403, "{}")),
        datadog("413", "divided", Do::json(413, "{}")),
    ]
}

#[test]
fn of_a_bulk_request_only_the_events_to_blame_are_turned_away() {
    let batch = batch();
    let rejected = |statuses: &[u16]| {
        let result = answered(ElasticBulk::new("logs"), bulk(statuses));
        result.unwrap_err().rejected().to_vec()
    };
    assert_eq!(rejected(&[201, 400]), [batch.seqs()[1]]);
    assert_eq!(
        rejected(&[400, 409, 400]),
        [batch.seqs()[0], batch.seqs()[2]]
    );
}

#[test]
fn what_stands_before_the_first_event_that_was_not_taken_is_not_sent_again() {
    let seqs = batch().seqs().to_vec();
    for (result, from) in [
        (
            answered(ElasticBulk::new("logs"), bulk(&[201, 409, 429])),
            seqs[2],
        ),
        (
            answered(ElasticBulk::new("logs"), bulk(&[201, 400, 429])),
            seqs[1],
        ),
        (answered(SplunkHec::new(), hec(400, 6, Some(1))), seqs[1]),
    ] {
        let error = result.unwrap_err();
        assert!(error.is_retry());
        assert!(
            format!("{error:?}").contains(&format!("from: Some({from})")),
            "{error:?}"
        );
    }
}

#[test]
fn a_count_that_the_collector_makes_up_divides_the_batch() {
    let result = answered(SplunkHec::new(), hec(400, 6, Some(u64::MAX)));
    assert_eq!(fate(&result), "divided");
    let result = answered(SplunkHec::new(), Do::json(400, r#"{"code":-1}"#));
    assert_eq!(fate(&result), "divided");
}

/// Returns a batch of one event, the same in every run.
fn known() -> Batch {
    let memory = llm_audit_core::testing::MemorySink::new();
    let audit = builder()
        .policy(policy())
        .clock(ManualClock::at(Timestamp::from_unix_micros(
            1_795_320_000_000_000,
        )))
        .ids(SequentialIds::new())
        .sink(memory.clone())
        .spawn()
        .unwrap();
    assert!(audit.flush(LONG).is_complete());
    let mut call = audit.begin(Operation::Chat);
    call.provider("openai").request_model("small");
    call.finish();
    assert!(audit.shutdown(LONG).is_complete());
    let batches = memory.batches();
    let is_known = |batch: &&Batch| batch.events()[0].kind().is_capture();
    batches.iter().find(is_known).unwrap().clone()
}

/// Leaves out what says which policy it was.
fn shortened(event: &str) -> String {
    let (before, rest) = event.split_once("\"policy_id\"").unwrap();
    let (_, after) = rest.split_once("\"provider\"").unwrap();
    format!("{before}…,\"provider\"{after}")
}

#[test]
fn the_bodies_are_those_of_the_manual() {
    let batch = known();
    let formats: [(&str, Box<dyn BodyFormat>); 5] = [
        ("JSON Lines", Box::new(NdJson)),
        ("a JSON array", Box::new(JsonArray)),
        (
            "Splunk",
            Box::new(SplunkHec::new().index("llm").host("shop-1")),
        ),
        (
            "Elastic",
            Box::new(ElasticBulk::new("logs-llm_audit-default")),
        ),
        (
            "Datadog",
            Box::new(DatadogLogs::new().service("shop").tags("env:prod")),
        ),
    ];
    let mut text = String::new();
    for (name, format) in formats {
        let mut body = Vec::new();
        format.encode(&batch, &mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        // The whole event stands in the first example alone.
        let line = String::from_utf8(batch.lines().next().unwrap().to_vec()).unwrap();
        let short = match name {
            "JSON Lines" => shortened(&body),
            "Elastic" => body.replace(&line[1..], "\"schema_version\":1,…}"),
            _ => body.replace(&line, "{\"schema_version\":1,…}"),
        };
        assert!(short.len() < body.len());
        let content_type = format.content_type();
        text.push_str(&format!(
            "\n{name}, `{content_type}`:\n\n```text\n{}\n```\n",
            short.trim_end()
        ));
    }
    check_manual("http.md", "bodies", &text);
}

#[test]
fn every_body_is_json_with_the_events_as_they_are() {
    let batch = batch();
    let event = |line: &[u8]| serde_json::from_slice::<Value>(line).unwrap();
    let events: Vec<Value> = batch.lines().map(event).collect();
    let encode = |format: &dyn BodyFormat| {
        let mut body = Vec::new();
        format.encode(&batch, &mut body).unwrap();
        body
    };
    let lines = |body: &[u8]| -> Vec<Value> {
        let lines = body.split(|byte| *byte == b'\n');
        lines.filter(|line| !line.is_empty()).map(event).collect()
    };
    assert_eq!(lines(&encode(&NdJson)), events);
    assert_eq!(event(&encode(&JsonArray)), Value::from(events.clone()));
    let hec = lines(&encode(&SplunkHec::new().index("a\"b")));
    assert!(
        hec.iter()
            .all(|entry| entry["index"] == "a\"b" && entry["time"].is_f64())
    );
    let inner: Vec<_> = hec.iter().map(|entry| entry["event"].clone()).collect();
    assert_eq!(inner, events);
    let bulk = lines(&encode(&ElasticBulk::new("logs")));
    for (pair, event) in bulk.chunks(2).zip(&events) {
        assert_eq!(
            pair[0]["create"],
            json!({"_index": "logs", "_id": event["event_id"]})
        );
        let mut document = pair[1].clone();
        let time = document.as_object_mut().unwrap().remove("@timestamp");
        assert_eq!(time.as_ref(), event.get("recorded_at"));
        assert_eq!(document, *event);
    }
    assert_eq!(bulk.len(), 2 * events.len());
    let logs = event(&encode(&DatadogLogs::new()));
    let inner = logs
        .as_array()
        .unwrap()
        .iter()
        .map(|log| log["llm_audit"].clone());
    assert_eq!(inner.collect::<Vec<_>>(), events);
}

#[test]
fn what_datadog_would_cut_is_not_called_delivered() {
    let server = Server::new([]).otherwise(Do::json(202, "{}"));
    let temp = tempfile::tempdir().unwrap();
    let config = HttpConfig::new(server.url()).format(DatadogLogs::new());
    let audit = builder()
        .policy(policy())
        .journal(temp.path())
        .on_diagnostic(|_| {})
        .sink(HttpSink::with(config).unwrap())
        .spawn()
        .unwrap();
    for model in [
        "small".to_owned(),
        "x".repeat(1_100_000),
        "small".to_owned(),
    ] {
        let mut call = audit.begin(Operation::Chat);
        call.request_model(model);
        call.finish();
    }
    let report = audit.shutdown(LONG);
    let counters = report.counters.sink("http").unwrap();
    assert_eq!(
        (counters.delivered, counters.lost(), counters.dead_lettered),
        (2, 1, 1),
        "{report}"
    );
}

proptest! {
    /// Whatever a receiver says, its answer is no panic, no other event's number, no yes without a
    /// status that says so, and nothing of it is repeated.
    #[test]
    fn no_answer_is_trusted_further_than_it_goes(
        status in prop_oneof![Just(200_u16), Just(400), 100_u16..700],
        body in prop_oneof![
            "\\PC{0,60}",
            (any::<i64>(), any::<i64>()).prop_map(|(code, at)| {
                format!(r#"{{"code":{code},"invalid-event-number":{at}}}"#)
            }),
            (0_u64..20, 0_u64..9).prop_map(|(code, at)| {
                format!(r#"{{"code":{code},"invalid-event-number":{at}}}"#)
            }),
            prop::collection::vec(any::<u16>(), 0..9).prop_map(|statuses| {
                let items = statuses.iter().map(|status| json!({"create": {"status": status}}));
                json!({"errors": true, "items": items.collect::<Vec<_>>()}).to_string()
            }),
            prop::collection::vec(prop_oneof![Just(201), Just(400), Just(429), Just(403)], 60)
                .prop_map(|statuses: Vec<u16>| {
                    let items = statuses.iter().take(batch().len());
                    let items = items.map(|status| json!({"create": {"status": status}}));
                    json!({"errors": true, "items": items.collect::<Vec<_>>()}).to_string()
                }),
        ],
    ) {
        let batch = batch();
        let answer = Answer::new(status, "application/json", body.clone());
        let formats: [Box<dyn BodyFormat>; 4] = [
            Box::new(NdJson),
            Box::new(SplunkHec::new()),
            Box::new(ElasticBulk::new("logs")),
            Box::new(DatadogLogs::new()),
        ];
        for format in formats {
            let Err(error) = format.judge(&batch, &answer) else {
                prop_assert!((200..300).contains(&status) && status != 207);
                continue;
            };
            prop_assert!(error.rejected().iter().all(|seq| batch.seqs().contains(seq)));
            prop_assert!(error.rejected().is_empty() || (200..300).contains(&status));
            prop_assert!(!error.is_retry() || error.rejected().is_empty());
            prop_assert!(body.len() < 8 || !error.to_string().contains(&body));
        }
    }
}
