//! A disk that does not confirm, under nothing but operations that wait for their intents.

use super::durable::{PATIENCE, request, spawn};
use super::*;
use crate::sync::thread;
use crate::vfs::{Fault, Op};

const PAUSE: Duration = Duration::from_millis(5);

/// Calls a model, if its intent is durable; returns whether it was called.
fn call(audit: &Audit) -> bool {
    let begun = audit.begin_durable_blocking(Operation::Chat, request);
    match begun {
        Ok(call) => {
            call.finish();
            true
        }
        Err(error) => {
            assert!(error.is_not_durable(), "{error}");
            false
        }
    }
}

#[test]
fn after_one_failed_synchronisation_operations_begin_again_although_nothing_else_is_recorded() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    assert!(call(&audit));
    vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    let mut tries = 0;
    while !call(&audit) {
        thread::sleep(PAUSE);
        tries += 1;
        assert!(tries < 10_000, "it does not recover");
    }
    while audit.counters().is_degraded {
        thread::sleep(PAUSE);
    }
    assert!((0..3).all(|_| call(&audit)));
    assert!(audit.shutdown(SOON).is_complete());
}

#[test]
fn while_nothing_is_ever_confirmed_no_model_is_called_and_then_it_is_again() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    assert!(audit.flush(SOON).is_complete());
    vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    assert!((0..20).all(|_| !call(&audit)));
    vfs.heal();
    while !call(&audit) {
        thread::sleep(PAUSE);
    }
    drop(audit.shutdown(SOON));
}

#[test]
fn those_who_wait_at_the_same_time_share_a_synchronisation() {
    const WAITERS: u64 = 24;
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    assert!(audit.flush(SOON).is_complete());
    let (written, before) = (audit.counters().written, vfs.count(Op::SyncData));
    vfs.hang(Op::SyncData);
    thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                drop(
                    audit
                        .begin_durable_blocking(Operation::Chat, request)
                        .unwrap(),
                )
            });
        }
        while audit.counters().written < written + WAITERS {
            thread::sleep(PAUSE);
        }
        vfs.heal();
    });
    // One that hung, with those who came first, and one for all the others; or two more, when the
    // numbers set aside are confirmed between them.
    let calls = vfs.count(Op::SyncData) - before;
    assert!((1..=4).contains(&calls), "{calls} calls of fdatasync");
    assert!(audit.shutdown(SOON).is_complete());
}
