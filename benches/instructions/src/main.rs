//! Work whose instructions are counted: `.ci/instructions.py` runs this under callgrind.
//!
//! `instructions CASE N` does the case N times, after so many times that buffers are warm.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot go on fails"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use benches::{Call, policy, record, record_owned, verbatim};
use llm_audit::{Audit, AuditGuard, Operation, Policy, audit};

const WARM: usize = 128;
/// Calls between two flushes: what they need is in the pool again after each.
const AT_A_TIME: usize = 32;
const BUFFER: usize = 256 << 10;
const LONG: Duration = Duration::from_secs(600);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let case = arguments.next().unwrap();
    let times = arguments.next().unwrap().parse().unwrap();
    match case.as_str() {
        "borrowed" => recorded(times, policy().unwrap(), record),
        "owned" => recorded(times, policy().unwrap(), |audit, call| {
            record_owned(audit, call.clone());
        }),
        "verbatim" => recorded(times, verbatim().unwrap(), record),
        "no_policy" => recorded(times, Policy::none(), record),
        "chunk" => chunks(times),
        "macro" => {
            let (audit, _dir) = log(policy().unwrap(), true);
            for number in 1..=WARM + times {
                ask(black_box("Why is the sky blue?"));
                if number % AT_A_TIME == 0 {
                    assert!(audit.flush(LONG).is_complete());
                }
            }
        }
        "macro_no_log" => (0..times).for_each(|_| {
            ask(black_box("Why is the sky blue?"));
        }),
        "no_log" => (0..times).for_each(|_| {
            llm_audit::begin(Operation::Chat).finish();
        }),
        "load_and_branch" => (0..times).for_each(|_| floor_off(black_box("text"))),
        "serde_json" => serde_json_to_bufwriter(times),
        case => panic!("no case `{case}`"),
    }
}

fn log(policy: Policy, install: bool) -> (AuditGuard, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let builder = llm_audit::builder().policy(policy).on_diagnostic(|_| {});
    let builder = builder.journal(dir.path());
    let audit = if install {
        builder.install()
    } else {
        builder.spawn()
    };
    (audit.unwrap(), dir)
}

fn recorded(times: usize, policy: Policy, record: fn(&Audit, &Call)) {
    let (audit, _dir) = log(policy, false);
    let call = Call::default();
    for number in 1..=WARM + times {
        record(&audit, black_box(&call));
        if number % AT_A_TIME == 0 {
            assert!(audit.flush(LONG).is_complete());
        }
    }
    assert_eq!(audit.shutdown(LONG).counters.lost(), 0);
}

/// All chunks are of one answer, which is as long as a long answer is.
fn chunks(times: usize) {
    let (audit, _dir) = log(policy().unwrap(), false);
    let mut interaction = audit.begin(Operation::Chat);
    for _ in 0..WARM + times {
        interaction.chunk(black_box("token "));
    }
    interaction.finish();
    assert_eq!(audit.shutdown(LONG).counters.lost(), 0);
}

#[audit(chat, provider = "openai", model = "small", prompt = question, output)]
#[inline(never)]
fn ask(question: &str) -> usize {
    question.len()
}

/// What any switch costs that is looked at on each call.
#[inline(never)]
fn floor_off(text: &str) {
    static ON: AtomicBool = AtomicBool::new(false);
    if ON.load(Ordering::Relaxed) {
        black_box(text);
    }
}

fn serde_json_to_bufwriter(times: usize) {
    let file: File = tempfile::tempfile().unwrap();
    let mut writer = BufWriter::with_capacity(BUFFER, file);
    let call = Call::default();
    for _ in 0..WARM + times {
        serde_json::to_writer(&mut writer, black_box(&call)).unwrap();
        writer.write_all(b"\n").unwrap();
    }
}
