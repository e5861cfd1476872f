//! What instrumented code costs where nothing is captured.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::time::Duration;

use benches::{Call, record};
use divan::{Bencher, black_box};
use llm_audit_core::{AuditGuard, Facet, Level, Operation, Policy, Retention};

fn main() {
    divan::main();
}

fn log(policy: Policy) -> (AuditGuard, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let builder = llm_audit_core::builder()
        .policy(policy)
        .on_diagnostic(|_| {});
    (builder.journal(dir.path()).spawn().unwrap(), dir)
}

/// Begin, 38 fields and finish under the policy that captures nothing.
#[divan::bench(threads = [1, 4], sample_size = 1024)]
fn whole_call_under_no_policy(bencher: Bencher<'_, '_>) {
    let (audit, _dir) = log(Policy::none());
    let call = Call::default();
    bencher.bench(|| record(&audit, black_box(&call)));
}

/// Begin and finish without a log.
#[divan::bench(sample_size = 1024)]
fn begin_without_a_log(bencher: Bencher<'_, '_>) {
    bencher.bench(|| llm_audit_core::begin(Operation::Chat).finish());
}

/// One question about a facet that is off, on a call that is recorded.
#[divan::bench(sample_size = 1024)]
fn allows_a_facet_that_is_off(bencher: Bencher<'_, '_>) {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days90);
    let (audit, _dir) = log(policy.build().unwrap());
    let mut interaction = audit.begin(Operation::Chat);
    bencher.bench_local(|| interaction.allows(black_box(Facet::Prompt)));
    interaction.finish();
    assert_eq!(audit.shutdown(Duration::from_secs(10)).counters.lost(), 0);
}

/// A prompt of 2 KB for a facet that is off, on a call that is recorded.
#[divan::bench(sample_size = 1024)]
fn prompt_of_a_facet_that_is_off(bencher: Bencher<'_, '_>) {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days90);
    let (audit, _dir) = log(policy.build().unwrap());
    let call = Call::default();
    let mut interaction = audit.begin(Operation::Chat);
    bencher.bench_local(|| {
        interaction.prompt(black_box(call.prompt.as_str()));
    });
    interaction.finish();
}
