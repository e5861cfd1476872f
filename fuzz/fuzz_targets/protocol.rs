//! Whatever a provider answers, in whatever pieces: the call is recorded once and nothing panics.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use llm_audit_core::protocol::{Request, Wire};
use llm_audit_core::testing::MemorySink;
use llm_audit_core::{AuditGuard, Facet, Level, Policy, Retention};

const PATHS: [&str; 8] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1beta/models/m:streamGenerateContent",
    "/api/chat",
    "/model/m/converse-stream",
    "/v1/embeddings",
];
const MEDIA_TYPES: [&[u8]; 4] = [
    b"application/json",
    b"text/event-stream",
    b"application/x-ndjson",
    b"application/vnd.amazon.eventstream",
];

fn log() -> &'static (AuditGuard, MemorySink) {
    static LOG: OnceLock<(AuditGuard, MemorySink)> = OnceLock::new();
    LOG.get_or_init(|| {
        let sink = MemorySink::new();
        let facets = [
            Facet::Prompt,
            Facet::Response,
            Facet::ToolIo,
            Facet::Usage,
            Facet::ErrorDetail,
        ];
        let policy = facets.into_iter().fold(Policy::builder(), |policy, facet| {
            policy.facet(facet, Level::Full)
        });
        let policy = policy
            .retention(Retention::Days30)
            .build()
            .expect("a policy");
        let log = llm_audit_core::builder()
            .policy(policy)
            .sink(sink.clone())
            .spawn()
            .expect("a log");
        (log, sink)
    })
}

fuzz_target!(|input: (u8, u8, u8, &[u8], &[u8])| {
    let (path, media_type, piece, request, answer) = input;
    let (log, sink) = log();
    let path = PATHS[usize::from(path) % PATHS.len()];
    let request = Request::new("POST", path).body(request);
    // A body of another shape is no call of a model.
    let Some(mut exchange) = Wire::new().begin(log, &request).expect("room") else {
        return;
    };
    let media_type = MEDIA_TYPES[usize::from(media_type) % MEDIA_TYPES.len()];
    exchange.response(200, &[("content-type", media_type)]);
    for piece in answer.chunks(usize::from(piece) + 1) {
        exchange.chunk(piece);
    }
    assert!(exchange.end().is_some());
    assert!(exchange.end().is_none());
    sink.clear();
});
