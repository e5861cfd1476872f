//! Without a network sink there is no network: neither an open socket nor a system call for one.
#![cfg(test)]
#![cfg(all(target_os = "linux", feature = "jsonl"))]

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use llm_audit::sinks::JsonlSink;
use llm_audit::{Facet, Key, Level, Operation, Policy, Preset, Retention, Usage, builder, journal};

/// A log's whole life: started, written, flushed, copied by a sink, replaced, shut down, read.
fn keep_a_log(dir: &Path, meanwhile: impl Fn()) {
    let policy = Policy::builder()
        .preset(Preset::Security)
        .retention(Retention::Days30)
        .key(Key::file(dir.join("key")).unwrap())
        .facet(Facet::ErrorDetail, Level::Redacted)
        .build()
        .unwrap();
    let audit = builder()
        .policy(policy.clone())
        .journal(dir.join("log"))
        .sink(JsonlSink::dir(dir.join("copy")).unwrap())
        .spawn()
        .unwrap();
    for _ in 0..50 {
        let mut call = audit.begin(Operation::Chat);
        call.provider("openai")
            .server_address("api.example.org")
            .user_id("u-17");
        call.prompt("Write to https://example.org/ and ada@example.org.")
            .response("Done.");
        call.usage(Usage::openai(10, 2));
        call.finish();
        meanwhile();
    }
    assert!(audit.flush(Duration::from_secs(10)).is_complete());
    audit.replace_policy(policy, "admin", "again").unwrap();
    let report = audit.shutdown(Duration::from_secs(10));
    assert!(report.is_complete(), "{report}");
    meanwhile();
    assert!(journal::Reader::open(dir.join("log")).unwrap().count() >= 50);
}

fn sockets() -> Vec<String> {
    let links = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    let targets = targets.map(|target| target.to_string_lossy().into_owned());
    targets
        .filter(|target| target.starts_with("socket:"))
        .collect()
}

#[test]
fn no_socket_is_open_at_any_time() {
    let temp = tempfile::tempdir().unwrap();
    let before = sockets();
    keep_a_log(temp.path(), || {
        assert_eq!(sockets(), before);
        thread::sleep(Duration::from_millis(1));
    });
}

#[test]
fn no_system_call_for_a_socket_is_made() {
    let temp = tempfile::tempdir().unwrap();
    let trace = temp.path().join("trace");
    // The other test, alone, in a process that is watched.
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=network,openat", "-o"])
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "no_socket_is_open_at_any_time"])
        .output();
    let traced = match traced {
        Ok(output) if output.status.success() => fs::read_to_string(&trace).unwrap(),
        // A container may forbid tracing.
        Ok(_) | Err(_) => {
            eprintln!("skipped: there is no strace that works");
            return;
        }
    };
    assert!(
        traced.contains("/log") && traced.contains("/copy"),
        "nothing was traced"
    );
    let calls = [
        "socket(",
        "socketpair(",
        "connect(",
        "bind(",
        "sendto(",
        "sendmsg(",
    ];
    let found: Vec<_> = traced
        .lines()
        .filter(|line| calls.iter().any(|call| line.contains(call)))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}
